"""``/healthz``, ``/readyz`` and ``/metrics`` of a process that serves nobody else: a worker, a learner."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector as Source

from micromoments.server.metrics import CONTENT_TYPE, families

STANDS_STILL = 120.0
"""Seconds without a turn of its loop after which a process is of no use: longer than any store is waited for."""


class Probes(Source):
    """What probes and a scraper are answered, from a thread of its own.

    Args:
        stats: counters and gauges by name. beat: when the process last turned its loop (``time.monotonic``).
    """

    def __init__(self, stats: Callable[[], Mapping[str, float]], beat: Callable[[], float]) -> None:
        self._stats, self._beat = stats, beat
        self.ready = False
        self.port = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What it counts, and whether it is ready."""
        yield from families({**self._stats(), "ready": float(self.ready)})

    def answer(self, path: str) -> tuple[str, str, bytes]:
        """The status, content type and body of a path."""
        if path == "/metrics":
            return "200 OK", CONTENT_TYPE.decode(), generate_latest(self._registry)
        if path == "/healthz":
            still = time.monotonic() - self._beat()
            return _said(still < STANDS_STILL, "ok", f"stands still for {still:.0f} seconds; start it anew")
        if path == "/readyz":
            return _said(self.ready, "ready", "starting")
        return "404 Not Found", "text/plain; charset=utf-8", b"wanted /healthz, /readyz or /metrics\n"

    def listen(self, host: str, port: int) -> Callable[[], None]:
        """Answer at an address until the function that this gives is called.

        Raises:
            OSError: the address is taken, or isn't this machine's.
        """
        try:
            server = make_server(host, port, self._wsgi, _Server, _Quiet)
        except OSError:
            raise OSError(f"can't answer probes at {host} port {port}; is another process there?") from None
        self.port = server.server_port
        Thread(target=server.serve_forever, name="micromoments-probes", daemon=True).start()

        def close() -> None:
            server.shutdown()
            server.server_close()

        return close

    def _wsgi(self, environ: Mapping[str, Any], start: Any) -> list[bytes]:
        status, kind, body = self.answer(environ["PATH_INFO"])
        start(status, [("content-type", kind), ("content-length", str(len(body))), ("cache-control", "no-store")])
        return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, *_args: object) -> None:
        """Probes are no news."""


def _said(good: bool, yes: str, no: str) -> tuple[str, str, bytes]:
    status = "200 OK" if good else "503 Service Unavailable"
    return status, "application/json", json.dumps({"status": yes if good else no}).encode()
