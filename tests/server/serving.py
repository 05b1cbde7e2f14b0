"""A real server in a thread, and bytes sent to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from micromoments.server.app import App
from micromoments.server.run import Server, bound, make


@contextmanager
def running(app: App, fronts: int = 0) -> Iterator[tuple[int, Server]]:
    """The app served on a free port, behind so many fronts; drained and stopped at the end."""
    addresses: list[str] = []
    with bound("127.0.0.1", 0) as listeners:
        server = make(app, listeners, addresses.append, fronts)
        thread = Thread(target=server.run, args=([] if fronts else listeners,), daemon=True)
        thread.start()
        while not addresses:
            assert thread.is_alive(), app.failure
            thread.join(0.01)
        try:
            yield int(addresses[0].rpartition(":")[2]), server
        finally:
            server.should_exit = True
            thread.join(200)
        assert not thread.is_alive()


async def talk(port: int, wire: bytes, *, patience: float = 5.0, pieces: int = 1, answers: int = 1) -> bytes:
    """Send bytes, in so many pieces, and read until so many answers are whole, the server closes, or is silent for
    ``patience`` seconds.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    size = max(1, -(-len(wire) // pieces))
    try:
        for start in range(0, len(wire), size):
            writer.write(wire[start : start + size])
            await writer.drain()
            if pieces > 1:
                await asyncio.sleep(0.01)
        while whole(got) < answers and (piece := await asyncio.wait_for(reader.read(65536), patience)):
            got += piece
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return got


def whole(got: bytes) -> int:
    """How many answers with a known length are there whole."""
    found = 0
    while True:
        head, ended, rest = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not ended or length is None or len(rest) < int(length[1]):
            return found
        found, got = found + 1, rest[int(length[1]) :]
