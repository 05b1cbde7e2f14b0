"""Serving: uvicorn with our limits, a message when it is ready, and a SIGTERM that finishes what was begun."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from micromoments.engine.tuning import tune_process
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.lane import LaneProtocol
from micromoments.server.protocol import reap

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than the common proxies keep theirs."""
MAX_CONNECTIONS = 10_000
DRAIN = 20
"""Seconds that requests under way may take after SIGTERM."""


class Server(uvicorn.Server):
    """uvicorn's server, which drains our app before it waits for connections, and reaps stalled ones.

    Args:
        config: uvicorn's.
        app: ours.
        on_ready: called with the address once requests are taken.
    """

    def __init__(self, config: uvicorn.Config, app: App, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the engine, then the port."""
        await super().startup(sockets)
        if self.started:
            tune_process()
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._on_ready(f"http://{shown}:{port}")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: once a second look for stalled connections."""
        if counter % 10 == 0:
            reap(self.server_state, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain: not ready, streams end, requests under way finish, the engine commits."""
        self._app.drain()
        await super().shutdown(sockets)

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """A second signal doesn't wait; neither is raised again afterwards, so that a drained server exits with 0."""
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_reach(host: str, keys: Keys) -> None:
    """Refuse to let others in where nothing tells them apart.

    Raises:
        ValueError: an address that others reach, and no keys.
    """
    if keys.open and not is_loopback(host):
        raise ValueError(
            f"got host {host} and no keys; wanted keys before anyone but this machine is let in: "
            "set MICROMOMENTS_WRITE_KEY and MICROMOMENTS_SECRET_KEY, name them in micromoments.toml, "
            "or leave --host at 127.0.0.1"
        )


def make(app: App, host: str, port: int, on_ready: Callable[[str], None]) -> Server:
    """The server, not yet running; setting its ``should_exit`` drains and stops it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=LaneProtocol,
        ws="none",
        lifespan="on",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=DRAIN,
    )
    # What strangers send is no news: their malformed requests would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").disabled = True
    return Server(config, app, on_ready)


def run(app: App, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; returns when all that was accepted is kept.

    Args:
        app: the doors.
        host: the address to bind.
        port: its port; 0 takes a free one.
        on_ready: called with the address once requests are taken.

    Raises:
        ValueError: an address that others reach, and no keys.
        Exception: what kept the engine from starting.
    """
    check_reach(host, app.keys)
    try:
        make(app, host, port, on_ready).run()
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise OSError(f"can't serve at {host} port {port}; is another server there? choose another --port") from None
