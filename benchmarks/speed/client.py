"""A small HTTP/1.1 load client on asyncio: keep-alive connections, one request in flight on each, latencies by the
clock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import cast


class Connection(asyncio.Protocol):
    """One keep-alive connection; ``send`` gives (status, body) when the reply is whole. Replies carry a content
    length.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Gather until head and body are whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiting is None:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        waiting, self._waiting = self._waiting, None
        if not waiting.done():
            waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(str(exc)))

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Write one whole request."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a server on loopback."""
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)]


def request(method: str, path: str, body: bytes = b"", headers: str = "") -> bytes:
    """One request as bytes."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class OpenLoop:
    """Sends at a fixed rate whatever the answers do; a latency counts from when the request was due (no omission)."""

    def __init__(self, connections: list[Connection]) -> None:
        self._free = deque(connections)
        self._queue: deque[tuple[float, bytes]] = deque()
        self.latencies: list[float] = []
        self.errors = 0
        self._running: set[asyncio.Task[None]] = set()

    def submit(self, due: float, what: bytes) -> None:
        """Send now if a connection is free, else as soon as one is; the clock runs from ``due``."""
        self._queue.append((due, what))
        self._pump()

    def _pump(self) -> None:
        while self._queue and self._free:
            due, what = self._queue.popleft()
            connection = self._free.popleft()
            task = asyncio.get_running_loop().create_task(self._one(connection, due, what))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _one(self, connection: Connection, due: float, what: bytes) -> None:
        try:
            status, _ = await connection.send(what)
        except ConnectionError:
            self.errors += 1  # the connection is gone, and not free again
            return
        self.latencies.append(perf_counter() - due)
        self.errors += status >= 300
        self._free.append(connection)
        self._pump()

    async def drain(self) -> None:
        """Wait for every answer; what no connection is left for is an error too."""
        while self._running:
            await asyncio.wait(set(self._running))
        self.errors += len(self._queue)
        self._queue.clear()


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
