"""What a model of sessions says comes after each item, as a table that is asked in microseconds.

The model itself (``nextitem``) reads a whole session for a third of a millisecond, which a decision can't spare. After
each item alone it says almost as much: the best ``MOST`` others with their chances. A session is then a sum over its
last items. Bytes are the same for the same table. Format: a 4-byte mark, a version byte, a CRC-32 of the rest, then
MessagePack.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec
import numpy as np

from micromoments.core.event import Millis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

MOST = 24
"""Others that are told of an item."""
ROWS = 4096
"""Rows kept as dictionaries, those of the items asked for first let go first: some 10 MB."""
MARK = b"mmnx"
VERSION = 1
_HEAD = struct.Struct(">4sBI")


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    at: Millis
    sessions: int
    clicks: int
    ids: list[str]
    others: bytes
    shares: bytes


_DECODER = msgspec.msgpack.Decoder(_Packed)


class Trained:
    """Others by item, likeliest first.

    Args:
        ids: the items.
        others: (items, at most ``MOST``) their numbers among ``ids``, -1 for none.
        shares: the chance of each, (items, at most ``MOST``).
        at: when it was learned, milliseconds.
        sessions: from how many.
        clicks: and how many clicks.
    """

    def __init__(
        self,
        ids: Sequence[str],
        others: NDArray[np.int32],
        shares: NDArray[np.float16],
        *,
        at: Millis = 0,
        sessions: int = 0,
        clicks: int = 0,
    ) -> None:
        self.at, self.sessions, self.clicks = at, sessions, clicks
        self._ids = list(ids)
        self._numbers = {id: number for number, id in enumerate(self._ids)}
        self._others, self._shares = others, shares
        self._rows: dict[str, dict[str, float]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def row(self, item: str) -> Mapping[str, float]:
        """What comes after an item, likeliest first, with the chance of each; nothing for an unknown item."""
        row = self._rows.get(item)
        if row is None:
            number = self._numbers.get(item)
            if number is None:
                return {}
            ids = self._ids
            others, shares = self._others[number].tolist(), self._shares[number].tolist()
            row = {ids[other]: share for other, share in zip(others, shares, strict=True) if other >= 0}
            if len(self._rows) >= ROWS:
                del self._rows[next(iter(self._rows))]
            self._rows[item] = row
        return row

    def encode(self) -> bytes:
        """The table as bytes."""
        others, shares = self._others.astype("<i4").tobytes(), self._shares.astype("<f2").tobytes()
        body = msgspec.msgpack.encode(_Packed(self.at, self.sessions, self.clicks, self._ids, others, shares))
        return _HEAD.pack(MARK, VERSION, crc32(body)) + body


def decode(body: bytes) -> Trained:
    """The table from its bytes.

    Raises:
        ValueError: not such bytes, or damaged, or of a version that this release doesn't read.
    """
    if len(body) < _HEAD.size or body[:4] != MARK:
        raise ValueError("got bytes that are no trained table; wanted those that encode() gave; train again")
    _, version, checksum = _HEAD.unpack_from(body)
    rest = body[_HEAD.size :]
    if version != VERSION or crc32(rest) != checksum:
        raise ValueError(f"got a trained table that is damaged or of version {version}; wanted {VERSION}; train again")
    try:
        packed = _DECODER.decode(rest)
        shape = (len(packed.ids), -1) if packed.ids else (0, MOST)
        others = np.frombuffer(packed.others, "<i4").reshape(shape)
        shares = np.frombuffer(packed.shares, "<f2").reshape(others.shape)
    except (msgspec.MsgspecError, ValueError) as error:
        raise ValueError(f"got a trained table that doesn't read ({error}); train again") from error
    if others.size and not (others.min() >= -1 and others.max() < len(packed.ids)):
        raise ValueError("got a trained table whose numbers are no items of it; train again")
    return Trained(packed.ids, others, shares, at=packed.at, sessions=packed.sessions, clicks=packed.clicks)
