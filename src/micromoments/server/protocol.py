"""The HTTP/1.1 protocol of uvicorn, with limits: no endless headers, no connection that sends a byte now and then.

uvicorn bounds neither the size of a request's head nor how slowly it comes. Bodies are bounded where they are read
(``http.read_body``). The reaper looks once a second, so that a limit costs a request nothing but two additions.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from uvicorn._types import ASGI3Application

MAX_HEAD = 32 * 1024
"""Bytes of a request's line and headers."""
MAX_HEADERS = 100
MAX_CHUNK = 256 * 1024
"""Bytes that the loop hands over at one time: so much of earlier requests may stand before a head."""
GRACE = 15.0
"""Seconds in which a request may come as slowly as it likes."""
MIN_RATE = 4096
"""Bytes a second that an unfinished request must bring on average after the grace."""
LOOKS = 1.0
"""Seconds between two looks of the reaper."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
    b"content-length: 22\r\nconnection: close\r\n\r\nrequest head too large"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. ``since`` is when its unfinished request began, ``idle`` when the fast lane last answered it;
    both by the loop's clock, and 0 while there is nothing of the kind.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.since = 0.0
        self.idle = 0.0
        self.got = 0
        self._in_head = True
        self._head = 0
        self._chunk = 0
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's
        """A client came; it has the grace to say something."""
        super().connection_made(transport)
        self.since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: nothing more is written, also not of requests that it sent before its last one, of
        which uvicorn tells the last one alone.
        """
        super().connection_lost(exc)
        for cycle in (self._answering, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Bytes came: count them, and refuse a head that doesn't end."""
        self._chunk = len(data)
        self.got += self._chunk
        self._head += self._chunk
        super().data_received(data)
        if not self._in_head:
            self._head = 0
        elif self._head > MAX_HEAD + MAX_CHUNK:
            self._refuse_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.begin()

    def begin(self) -> None:
        """Watch a request from here on."""
        self.since = self.loop.time()
        self.idle = 0.0
        self._in_head = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.check_head()
        super().on_headers_complete()

    def check_head(self) -> None:
        """Refuse a head that is too large though it came at once.

        Raises:
            ValueError: it is; uvicorn answers it as a request that can't be read.
        """
        if len(self.headers) > MAX_HEADERS or (
            (self._chunk > MAX_HEAD or self._head > MAX_HEAD)
            and sum(len(n) + len(v) for n, v in self.headers) + len(self.url) > MAX_HEAD
        ):
            raise ValueError("request head too large")
        self._in_head = False

    def on_message_complete(self) -> None:
        """The request is whole; from here on uvicorn's keep-alive timer watches."""
        self.end()
        super().on_message_complete()

    def end(self) -> None:
        """The request came whole: it is no longer watched."""
        self.since = 0.0
        self.got = 0

    def is_stalled(self, now: float) -> bool:
        """Whether an unfinished request comes too slowly to be meant, or the fast lane's connection idles too long."""
        if self.idle and now - self.idle > self.timeout_keep_alive:
            return True
        took = now - self.since
        return bool(self.since) and took > GRACE and self.got < took * MIN_RATE

    def forgive(self, seconds: float, now: float) -> None:
        """Don't count so many seconds, up to now, against the client."""
        self.since = self.since and min(now, self.since + seconds)
        self.idle = self.idle and min(now, self.idle + seconds)

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()


class Reaper:
    """Ends stalled connections, looking about once a second. Where it looks much later, this process stood still itself
    (it was stopped, or its machine was): what its clients sent meanwhile waits to be read, so nobody stalled.

    ``state`` is uvicorn's, which has the connections.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._looked = inf

    def look(self, now: float) -> int:
        """End the stalled connections, by the loop's clock; give how many."""
        late, self._looked = now - self._looked - LOOKS, now
        connections = [c for c in self._state.connections if isinstance(c, BoundedProtocol)]
        if late > LOOKS:
            for connection in connections:
                connection.forgive(late, now)
        stalled = [c for c in connections if c.is_stalled(now)]
        for connection in stalled:
            connection.transport.close()
        return len(stalled)
