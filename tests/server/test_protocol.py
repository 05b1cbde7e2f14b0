"""A connection whose client goes while several of its requests wait."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from micromoments.server.protocol import GRACE, LOOKS, BoundedProtocol, Reaper


class Wire(asyncio.Transport):
    """A transport that remembers what was written, and what was written when the client had gone."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.gone = False
        self.written: list[bytes] = []
        self.late: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Remember."""
        (self.late if self.gone else self.written).append(bytes(data))

    def is_closing(self) -> bool:
        """Whether the client has gone."""
        return self.gone

    def close(self) -> None:
        """It is closed."""
        self.gone = True

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


async def test_nothing_is_written_to_a_client_that_has_gone() -> None:
    """Of three requests sent at once the first is under way when the client goes: none of them is answered then."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        """Answers when it may."""
        begun.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = Config(app, http=BoundedProtocol, lifespan="off", log_config=None)
    config.load()
    state, wire = ServerState(), Wire()
    protocol = BoundedProtocol(config, state, {})
    protocol.connection_made(wire)
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    await begun.wait()
    wire.gone = True
    protocol.connection_lost(None)
    go_on.set()
    while state.tasks:
        await asyncio.gather(*state.tasks)
    assert (wire.written, wire.late) == ([], [])


async def test_a_server_that_stood_still_takes_nobody_for_stalled() -> None:
    """After a minute in which the process was stopped, an unfinished request still has its grace; then it is ended."""
    config = Config(lambda *_: None, http=BoundedProtocol, lifespan="off", log_config=None)
    config.load()
    state, wire = ServerState(), Wire()
    protocol = BoundedProtocol(config, state, {})
    protocol.connection_made(wire)
    protocol.data_received(b"POST / HTTP/1.1\r\nHost: x\r\n")
    reaper, now = Reaper(state), protocol.since
    assert reaper.look(now) == 0
    now += 60
    assert reaper.look(now) == 0
    ended = 0
    for _ in range(int(GRACE / LOOKS) + 2):
        now += LOOKS
        ended += reaper.look(now)
    assert ended >= 1
    assert wire.gone
