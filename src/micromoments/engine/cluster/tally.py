"""What both sides of a move hold: how much, and digests over it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from xxhash import xxh3_128_intdigest

from micromoments.ports import StoreError

LIMIT = 2**128


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of what is held, on both sides, after a round: how many there are, how many the round had to write or
    remove there, and a digest over all of them, in any order.
    """

    kind: str
    folder: int
    cluster: int
    copied: int
    removed: int = 0
    digest: str
    digest_there: str

    @property
    def same(self) -> bool:
        """Whether both sides hold the same."""
        return (self.folder, self.digest) == (self.cluster, self.digest_there)


class Tally:
    """How many rows, and a digest over them in whatever order they came."""

    def __init__(self, rows: Iterable[tuple[str, bytes]] = ()) -> None:
        self.count = self._sum = 0
        self.add(rows)

    def add(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Count more rows."""
        for id, body in rows:
            self.count += 1
            self._sum = (self._sum + _digest(id, body)) % LIMIT

    def drop(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Count rows no more that were counted before."""
        for id, body in rows:
            self.count -= 1
            self._sum = (self._sum - _digest(id, body)) % LIMIT

    @property
    def hex(self) -> str:
        """The digest."""
        return f"{self._sum:032x}"


def _digest(id: str, body: bytes) -> int:
    return xxh3_128_intdigest(b"%b\n%b" % (id.encode(), body))


def unlike(held: Iterable[Held]) -> list[str]:
    """What is not the same on both sides, in words."""
    return [
        f"{one.kind}: {one.folder} in the folder ({one.digest[:8]}), {one.cluster} there ({one.digest_there[:8]})"
        for one in held
        if not one.same
    ]


def alike(held: Iterable[Held]) -> None:
    """Refuse to go on where the sides differ.

    Raises:
        StoreError: they do.
    """
    if found := unlike(held):
        raise StoreError(
            f"the copy is not what the folder holds: {'; '.join(found)}; nothing was switched; run it again"
        )
