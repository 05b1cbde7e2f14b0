"""Frames between a front and the engine: whole, in order, and as few pieces as turns of the loop."""

from __future__ import annotations

import asyncio

from micromoments.server.frames import Line, Taken, decode_answer


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a piece."""
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close it."""
        self.closed = True


def line(wire: Wire, frames: list[bytes] | None = None) -> Line:
    """An end over a transport, whose frames go to a list."""
    one = Line((frames if frames is not None else []).append, lambda: None)
    one.connection_made(wire)
    return one


async def test_a_turns_frames_are_one_piece() -> None:
    """What is sent in one turn of the loop goes out together, in order; what comes later in another piece."""
    wire, frames = Wire(), list[bytes]()
    end, other = line(wire), line(Wire(), frames)
    end.send(Taken(1, []))
    end.send(Taken(2, [7]))
    assert not wire.pieces
    await asyncio.sleep(0)
    end.send(Taken(3, []))
    await asyncio.sleep(0)
    assert len(wire.pieces) == 2
    for n in range(0, len(b"".join(wire.pieces)), 3):  # however the bytes arrive
        other.data_received(b"".join(wire.pieces)[n : n + 3])
    assert [decode_answer(frame) for frame in frames] == [Taken(1, []), Taken(2, [7]), Taken(3, [])]


async def test_what_was_sent_goes_out_before_the_end() -> None:
    """Closing writes what was sent in this turn; nothing is written afterwards."""
    wire = Wire()
    end = line(wire)
    end.send(Taken(1, []))
    end.close()
    assert len(wire.pieces) == 1
    assert wire.closed
    end.send(Taken(2, []))
    await asyncio.sleep(0)
    assert len(wire.pieces) == 1
