"""Who met what today, roughly: so that a page loaded a hundred times by one person counts once.

A direct-mapped table of 24-bit fingerprints: a newcomer takes its slot from whoever held it, so memory is fixed and a
forgotten pair merely counts again. Nothing can be read back from it: a fingerprint is a part of a hash of (key, item,
day).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from micromoments.core.settings import DAY

if TYPE_CHECKING:
    from micromoments.core.event import Millis

SLOTS = 1 << 15
WIDTH = 3
"""Bytes of a fingerprint: two pairs in one slot look alike once in 16 million."""


class Repeats:
    """The table, ``SLOTS * WIDTH`` bytes."""

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table = bytearray(SLOTS * WIDTH)

    def fresh(self, key: str, item: str, what: str, at: Millis) -> bool:
        """Whether this person did this to this item for the first time today (UTC), as far as known; notes it."""
        name = f"{what}\0{at // DAY}\0{item}\0{key}"
        digest = blake2b(name.encode(), digest_size=8).digest()
        start = int.from_bytes(digest[:4], "big") % SLOTS * WIDTH
        mark = digest[4 : 4 + WIDTH]
        if self._table[start : start + WIDTH] == mark:
            return False
        self._table[start : start + WIDTH] = mark
        return True

    def encode(self) -> bytes:
        """The table as bytes."""
        return bytes(self._table)

    def restore(self, body: bytes) -> None:
        """Take the table from its bytes.

        Raises:
            ValueError: not a table's length.
        """
        if len(body) != SLOTS * WIDTH:
            raise ValueError(f"got {len(body)} bytes of fingerprints; wanted {SLOTS * WIDTH}")
        self._table = bytearray(body)
