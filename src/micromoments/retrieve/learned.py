"""What the catalogue learns from events, as bytes: popularity, items met together, items bought together.

Bytes are the same for the same calls. Format: a 4-byte mark, a version byte, a CRC-32 of the rest, then MessagePack.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from micromoments.core.event import Millis
from micromoments.retrieve.habits import Kept

if TYPE_CHECKING:
    from micromoments.retrieve.habits import Habits
    from micromoments.retrieve.local import Local
    from micromoments.retrieve.popular import Popular
    from micromoments.retrieve.repeats import Repeats
    from micromoments.retrieve.similar import Ties

MARK = b"mmrt"
VERSION = 1
_HEAD = struct.Struct(">4sBI")


class Learned(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The learned part: decayed counts by item and ties between items, each with the landmark of its decay.

    ``repeats`` are the fingerprints of who met what lately, as ``Repeats`` keeps them; ``local`` the counts by cell;
    ``habits`` how often things are bought again.
    """

    counted_from: Millis | None
    counts: dict[str, float]
    met_from: Millis | None
    met: dict[str, dict[str, float]]
    bought_from: Millis | None
    bought: dict[str, dict[str, float]]
    repeats: bytes
    local_from: Millis | None = None
    local: dict[str, dict[str, float]] = {}
    habits: Kept = msgspec.field(default_factory=Kept)


def of(popular: Popular, met: Ties, bought: Ties, repeats: Repeats, local: Local, habits: Habits) -> Learned:
    """What these learned."""
    return Learned(
        counted_from=popular.clock.landmark,
        counts=popular.weights,
        met_from=met.clock.landmark,
        met=met.rows,
        bought_from=bought.clock.landmark,
        bought=bought.rows,
        repeats=repeats.encode(),
        local_from=local.clock.landmark,
        local=local.cells,
        habits=habits.kept,
    )


_DECODER = msgspec.msgpack.Decoder(Learned)


def encode(learned: Learned) -> bytes:
    """The learned part as bytes."""
    body = msgspec.msgpack.encode(learned)
    return _HEAD.pack(MARK, VERSION, crc32(body)) + body


def decode(body: bytes) -> Learned:
    """The learned part from its bytes.

    Raises:
        ValueError: not such bytes, or damaged, or of a version that this release doesn't read.
    """
    if len(body) < _HEAD.size or body[:4] != MARK:
        raise ValueError("got bytes that are no learned part of a catalogue; wanted those that encode() gave")
    _, version, checksum = _HEAD.unpack_from(body)
    if version != VERSION:
        raise ValueError(f"got version {version} of the catalogue's learned part; wanted {VERSION}; update the package")
    rest = body[_HEAD.size :]
    if crc32(rest) != checksum:
        raise ValueError("got a damaged learned part of a catalogue; wanted intact bytes; go back to an older snapshot")
    try:
        return _DECODER.decode(rest)
    except msgspec.MsgspecError as error:
        raise ValueError(f"got a learned part of a catalogue that doesn't read: {error}") from error
