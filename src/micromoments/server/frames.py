"""What a front and the engine's process say to each other: MessagePack frames with their length before them.

Both ends are of one release, on one machine, over a socket that nobody else can reach, so a frame has no version.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from micromoments.core.event import Arrival, Event, Millis
from micromoments.server.keys import Access

HEAD = 4
"""Bytes of a frame's length, big-endian."""


class Setup(msgspec.Struct, array_like=True):
    """What a front is told at its start, on its standard input: the parent's pid, its own inherited sockets, the
    settings as JSON, and the keys (digests of those that are only compared).
    """

    parent: int
    line: int
    doorway: int
    listeners: list[int]
    settings: bytes
    write: list[bytes]
    secret: list[bytes]
    token: list[str]


class Sent(msgspec.Struct, array_like=True, gc=False):
    """An arrival on its way to the engine; the event is in its body."""

    body: bytes
    message_id: str
    occurred: Millis
    marks: int
    confirmed: bool


class Collect(msgspec.Struct, array_like=True, tag=0, gc=False):
    """A front asks that these become durable; the answer carries the same number."""

    number: int
    arrivals: list[Sent]


class Ask(msgspec.Struct, array_like=True, tag=5, gc=False):
    """A front asks for a decision: the request's body, who asks, their agent and address."""

    number: int
    body: bytes
    access: Access
    agent: str
    ip: str


class Counted(msgspec.Struct, array_like=True, tag=1, gc=False):
    """What a front has counted since its start. The first says that it takes traffic."""

    requests: int
    rejected: int
    refused: dict[str, int]


class Taken(msgspec.Struct, array_like=True, tag=2, gc=False):
    """They are durable; the indexes of the duplicates among them."""

    number: int
    duplicates: list[int]


class Failed(msgspec.Struct, array_like=True, tag=3, gc=False):
    """They were not taken: ``overloaded``, ``log_down`` or ``error``, and why."""

    number: int
    code: str
    message: str


class Decided(msgspec.Struct, array_like=True, tag=4, gc=False):
    """A decision's answer, or what was wrong with the request."""

    number: int
    status: int
    body: bytes
    kind: bytes
    headers: list[tuple[bytes, bytes]]


encode = msgspec.msgpack.Encoder().encode
decode_asked = msgspec.msgpack.Decoder(Collect | Ask | Counted).decode
decode_answer = msgspec.msgpack.Decoder(Taken | Failed | Decided).decode
_event = msgspec.json.Decoder(Event).decode


def sent(arrivals: Sequence[Arrival]) -> list[Sent]:
    """Arrivals as they travel."""
    return [Sent(a.body, a.message_id, a.occurred, a.marks, a.confirmed) for a in arrivals]


def arrived(travelled: Sequence[Sent]) -> list[Arrival]:
    """The arrivals again; the event is read from the body, as whoever reads the log does."""
    return [
        Arrival(
            event=_event(s.body),
            body=s.body,
            message_id=s.message_id,
            occurred=s.occurred,
            marks=s.marks,
            confirmed=s.confirmed,
        )
        for s in travelled
    ]


class Line(asyncio.Protocol):
    """One end of the connection between a front and the engine.

    Args:
        took: called with each frame.
        lost: called when the other end is gone.
    """

    def __init__(self, took: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._took = took
        self._lost = lost
        self._rest = bytearray()
        self._turn = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # it is a stream's
        """The other end is there."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came: take the frames that are whole."""
        rest = self._rest
        rest += data
        start = 0
        while len(rest) - start >= HEAD:
            end = start + HEAD + int.from_bytes(rest[start : start + HEAD], "big")
            if len(rest) < end:
                break
            self._took(bytes(rest[start + HEAD : end]))
            start = end
        del rest[:start]

    def send(self, value: msgspec.Struct) -> None:
        """Send a frame, in one piece with the others of this turn of the loop: each piece wakes the other end. Harmless
        when that is gone.
        """
        if self._transport is not None:
            if not self._turn:
                asyncio.get_running_loop().call_soon(self._flush)
            body = encode(value)
            self._turn += len(body).to_bytes(HEAD, "big")
            self._turn += body

    def _flush(self) -> None:
        turn, self._turn = self._turn, bytearray()
        if turn and self._transport is not None and not self._transport.is_closing():
            self._transport.write(turn)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The other end is gone."""
        self._lost()

    def close(self) -> None:
        """End the connection; what was sent goes out."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
