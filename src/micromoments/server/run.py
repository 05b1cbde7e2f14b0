"""Serving: uvicorn with our limits, a message when it is ready, and a SIGTERM that finishes what was begun."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, Literal

import uvicorn

from micromoments.engine.tuning import tune_process
from micromoments.server.app import App
from micromoments.server.fronts import Fronts
from micromoments.server.keys import Keys
from micromoments.server.lane import LaneProtocol
from micromoments.server.protocol import Reaper

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than the common proxies keep theirs."""
MAX_CONNECTIONS = 10_000
DRAIN = 20
"""Seconds that requests under way may take after SIGTERM."""


class Adopted(LaneProtocol):
    """A connection that a front handed over, with the bytes that it had read."""

    def __init__(self, first: bytes, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._first = first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """It goes on where the front left it."""
        super().connection_made(transport)
        self.data_received(self._first)
        self._first = b""


class Server(uvicorn.Server):
    """uvicorn's server, which drains our app before it waits for connections, and reaps stalled ones.

    Args:
        config: uvicorn's.
        app: ours.
        on_ready: called with the address once requests are taken.
        listeners: the sockets to listen at, bound.
        fronts: processes that take the connections; none: this one does.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: App,
        on_ready: Callable[[str], None],
        listeners: Sequence[socket.socket],
        fronts: int = 0,
    ) -> None:
        super().__init__(config)
        self._reaper = Reaper(self.server_state)
        self._app = app
        self._on_ready = on_ready
        self._listeners = listeners
        self._fronts = (
            Fronts(app.service, app.keys, fronts, listeners, self._adopt, app.decider.reply) if fronts else None
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the engine, then the port."""
        await super().startup(sockets)
        if self.started:
            tune_process()
            if self._fronts is not None:
                self._app.metrics.fronts = self._fronts.counted
                await self._fronts.start()
            host, port = self._listeners[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._on_ready(f"http://{shown}:{port}")

    def _adopt(self, connection: socket.socket, first: bytes) -> None:
        """Serve a connection that a front handed over."""
        loop = asyncio.get_running_loop()

        def protocol() -> Adopted:
            return Adopted(first, self.config, self.server_state, self.lifespan.state, loop)

        task = loop.create_task(_connect(loop, protocol, connection))
        self.server_state.tasks.add(task)
        task.add_done_callback(self.server_state.tasks.discard)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: once a second look for stalled connections."""
        if counter % 10 == 0:
            self._reaper.look(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain: not ready, streams end, requests under way finish, the engine commits."""
        self._app.drain()
        if self._fronts is not None:
            await self._fronts.stop()
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


def configure(app: object, protocol: type[LaneProtocol], *, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    """Uvicorn's configuration, the same for the engine's process and its fronts."""
    # What strangers send is no news: their malformed requests would fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # an ASGI callable with a lane
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan=lifespan,
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


def make(app: App, listeners: Sequence[socket.socket], on_ready: Callable[[str], None], fronts: int = 0) -> Server:
    """The server, not yet running; setting its ``should_exit`` drains and stops it."""
    return Server(configure(app, LaneProtocol, lifespan="on"), app, on_ready, listeners, fronts)


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """A socket for each address of a host, bound and not yet listening; closed at the end. Port 0 takes a free one.

    Raises:
        OSError: an address is taken, or isn't this machine's.
    """
    with ExitStack() as opened:
        sockets = []
        try:
            for family, kind, proto, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            ):
                one = opened.enter_context(socket.socket(family, kind, proto))
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                one.bind(address)
                sockets.append(one)
        except OSError:
            taken = f"can't serve at {host} port {port}; is another server there? choose another --port"
            raise OSError(taken) from None
        yield sockets


def run(app: App, listeners: Sequence[socket.socket], on_ready: Callable[[str], None], fronts: int = 0) -> None:
    """Serve until SIGTERM or SIGINT; returns when all that was accepted is kept.

    Args:
        app: the doors.
        listeners: the sockets to listen at, bound.
        on_ready: called with the address once requests are taken.
        fronts: processes that take the connections and read the events; none: this one does all.

    Raises:
        OSError: somebody else listens at the address since it was bound.
        Exception: what kept the engine from starting.
    """
    try:
        make(app, listeners, on_ready, fronts).run([] if fronts else [*listeners])
    except SystemExit:
        if app.failure is not None:
            raise app.failure from None
        raise


async def _connect(loop: asyncio.AbstractEventLoop, protocol: Callable[[], Adopted], connection: socket.socket) -> None:
    try:
        await loop.connect_accepted_socket(protocol, connection)
    except OSError:  # its client left on the way
        connection.close()
