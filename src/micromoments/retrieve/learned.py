"""What the catalogue learns from events, as bytes: popularity, items met together, items bought together.

Bytes are the same for the same calls. Format: a 4-byte mark, a version byte, a CRC-32 of the rest, then MessagePack.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

from micromoments.core.event import Millis
from micromoments.retrieve.habits import Kept

if TYPE_CHECKING:
    from collections.abc import Generator

    from micromoments.retrieve.habits import Habits
    from micromoments.retrieve.local import Local
    from micromoments.retrieve.popular import Popular
    from micromoments.retrieve.repeats import Repeats
    from micromoments.retrieve.similar import Ties

MARK = b"mmrt"
VERSION = 1
_HEAD = struct.Struct(">4sBI")
ROWS, PAIRS = 16, 500
"""Rows of ties or counts, and single numbers, that are encoded in one step: some 30 us."""


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
    """What these learned up to now, in tables of its own; the rows of ties and cells are theirs."""
    kept = habits.kept
    return Learned(
        counted_from=popular.clock.landmark,
        counts=dict(popular.weights),
        met_from=met.clock.landmark,
        met=dict(met.rows),
        bought_from=bought.clock.landmark,
        bought=dict(bought.rows),
        repeats=repeats.encode(),
        local_from=local.clock.landmark,
        local=dict(local.cells),
        habits=Kept(dict(kept.last), dict(kept.known), kept.shift),
    )


_DECODER = msgspec.msgpack.Decoder(Learned)
_encode = msgspec.msgpack.Encoder().encode


def encoding(learned: Learned) -> Generator[None, None, list[bytes]]:
    """The learned part as pieces of its bytes, in steps; its tables are empty afterwards."""
    pieces = [bytes([0x90 | len(Learned.__struct_fields__)]), _encode(learned.counted_from)]
    pieces += yield from _table(learned.counts, PAIRS)
    for since, table in ((learned.met_from, learned.met), (learned.bought_from, learned.bought)):
        pieces.append(_encode(since))
        pieces += yield from _table(table, ROWS)
    pieces += [_encode(learned.repeats), _encode(learned.local_from)]
    pieces += yield from _table(learned.local, ROWS)
    pieces.append(bytes([0x90 | len(Kept.__struct_fields__)]))
    pieces += yield from _table(learned.habits.last, PAIRS)
    pieces += yield from _table(learned.habits.known, ROWS)
    pieces.append(_encode(learned.habits.shift))
    check = 0
    for piece in pieces:
        check = crc32(piece, check)
        yield
    return [_HEAD.pack(MARK, VERSION, check), *pieces]


def _table(table: dict[Any, Any], each: int) -> Generator[None, None, list[bytes]]:
    """A table as MessagePack, so many rows a step. It is taken apart from its end, so that what only it still holds
    goes bit by bit.
    """
    head, pieces = _map_of(len(table)), list[bytes]()
    while table:
        rows = [table.popitem() for _ in range(min(each, len(table)))]
        pieces.append(_encode(dict(reversed(rows)))[len(_map_of(len(rows))) :])
        yield
    return [head, *reversed(pieces)]


def _map_of(size: int) -> bytes:
    """What MessagePack writes before a map of so many pairs, where it is written as short as can be."""
    if size < 16:
        return bytes([0x80 | size])
    return b"\xde" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xdf" + size.to_bytes(4, "big")


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
