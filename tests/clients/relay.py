"""Stands between a client and a server, and keeps what the client sent."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Sent:
    """One request of a client, and the status that it was answered with."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def json(self) -> Any:
        """The body decoded, from gzip where it is."""
        return json.loads(gzip.decompress(self.body) if self.body[:2] == b"\x1f\x8b" else self.body)


@dataclass
class Relay:
    """Where a client is pointed at, and what came."""

    url: str
    sent: list[Sent] = field(default_factory=list)


@contextmanager
def relay(port: int) -> Iterator[Relay]:
    """A relay before the server at a port of this machine."""
    kept: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            onward = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            onward.request(self.command, self.path, body, {**headers, "host": self.headers["host"]})
            answer = onward.getresponse()
            told = answer.read()
            onward.close()
            kept.append(Sent(self.command, self.path, dict(self.headers.items()), body, answer.status))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told)

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        do_GET = do_PUT = do_OPTIONS = do_HEAD = do_POST  # noqa: N815 as http.server names them

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Relay(f"http://127.0.0.1:{server.server_address[1]}", kept)
        finally:
            server.shutdown()
