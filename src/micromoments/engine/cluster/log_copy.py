"""A folder's log into Kafka's topics, and both held against each other, stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xxhash import xxh3_128_intdigest

from micromoments.core.event import Millis
from micromoments.core.record import ErasedRecord, EventRecord, Logged, Record
from micromoments.core.settings import DAY
from micromoments.engine.cluster.both import Mark, Moving, Place
from micromoments.engine.cluster.tally import LIMIT, Held
from micromoments.engine.cluster.wiring import Command
from micromoments.engine.wiring import pack

STRETCH = 2_000
"""Records that are read, and written, at a time."""
HOUR: Millis = 3_600_000
BUCKET = 4096
"""Positions that share a count and a digest."""
Buckets = dict[int, tuple[int, int]]
"""By position over ``BUCKET``: how many records, and the sum of their digests."""


class LogCopy:
    """The copy of one log; ``next`` is the position up to which it is made."""

    def __init__(self, moving: Moving, mark: Mark | None, clock: Callable[[], Millis]) -> None:
        self._moving, self._clock = moving, clock
        self.next = mark.position if mark is not None else 0
        self._last: Mapping[Place, int] = moving.copies.last() if mark is not None else {}
        self._excused = moving.excused()
        self._erasures = -1
        self._anew()

    def _anew(self) -> None:
        """Nothing is held against each other yet."""
        self._ours: Buckets = {}
        self._theirs: Buckets = {}
        self._floor = self._at = -1
        self._offsets: dict[Place, int] = dict.fromkeys(self._moving.copies.places, 0)

    @property
    def ends(self) -> Mapping[Place, int]:
        """Where each place ended when both sides were last held against each other."""
        return self._offsets

    def copy(self) -> Held:
        """Copy up to where the log ends now, and hold what wasn't yet against what lies there: all of it again where
        somebody was erased meanwhile.
        """
        source, before = self._moving.source, self.next
        erasures, end = source.erasures(), source.log_end()
        while self.next < end and (stretch := source.read_log(self.next, STRETCH)):
            self._moving.copies.append(stretch, self._last)
            self._note([x.record for x in stretch])
            self.next = stretch[-1].position + 1
            self._moving.say(Mark(state="copying", at=self._clock(), position=self.next))
        if erasures != self._erasures:
            self._anew()
        self._compare()
        while self._destroyed():
            self._anew()
            self._compare()
        self._erasures = erasures
        (ours, digest), (theirs, digest_there) = _whole(self._ours), _whole(self._theirs)
        copied = self.next - before
        return Held(kind="log", folder=ours, cluster=theirs, copied=copied, digest=digest, digest_there=digest_there)

    def _note(self, records: Sequence[Record]) -> None:
        """Messages of the last day as seen, and under which ids users were named."""
        shared = self._moving.shared
        commands: list[Command] = shared.state.naming(records)
        events = [r for r in records if isinstance(r, EventRecord) and r.at > self._clock() - DAY]
        for at in sorted({r.at // HOUR for r in events}):
            commands += shared.seen.noting([r.mid for r in events if r.at // HOUR == at], at * HOUR)
        shared.database.many(commands)

    def _compare(self) -> None:
        """Count what was not counted yet, on both sides, up to ``next``."""
        at = max(0, self._at)
        while at < self.next and (stretch := self._moving.source.read_log(at, STRETCH)):
            if self._floor < 0:
                self._floor = stretch[0].position
            for one in stretch:
                if one.position < self.next:
                    self._count(self._ours, one)
            at = stretch[-1].position + 1
        self._at = self.next
        end = {place: high for place, (_, high) in self._moving.copies.ends().items()}
        for _, _, position, record in self._moving.copies.read(self._offsets, end):
            if position >= self._floor:
                self._count(self._theirs, Logged(position, record))
        self._offsets = end

    def _count(self, buckets: Buckets, one: Logged) -> None:
        if isinstance(one.record, ErasedRecord) or self._is_excused(one.record):
            return
        count, digest = buckets.get(one.position // BUCKET, (0, 0))
        digest += xxh3_128_intdigest(pack(one.record), one.position)
        buckets[one.position // BUCKET] = count + 1, digest % LIMIT

    def _is_excused(self, record: Record) -> bool:
        return bool(self._excused) and self._moving.shared.vault.hash(record.key) in self._excused

    def _destroyed(self) -> bool:
        """Destroy the keys of who was erased from the folder after they were copied; whether there was anybody.

        A key seals all that came under an id, so what they sent afterwards goes with it, from the log alone: people and
        facts are as in the folder.
        """
        unlike = {n for n in self._ours.keys() | self._theirs.keys() if self._ours.get(n) != self._theirs.get(n)}
        erased: set[int] = set()
        for bucket in sorted(unlike):
            at = bucket * BUCKET
            while at < (bucket + 1) * BUCKET and (stretch := self._moving.source.read_log(at, BUCKET)):
                erased.update(x.position for x in stretch if isinstance(x.record, ErasedRecord))
                at = stretch[-1].position + 1
        if not erased:
            return False
        start = dict.fromkeys(self._moving.copies.places, 0)
        copied = self._moving.copies.read(start, self._offsets)
        keys = {r.key for _, _, n, r in copied if n in erased and not isinstance(r, ErasedRecord)} - {""}
        vault = self._moving.shared.vault
        self._excused = self._moving.excused(vault.hash(key) for key in keys)
        vault.destroy(keys)
        return bool(keys)


def _whole(buckets: Buckets) -> tuple[int, str]:
    """How many records in all, and the digest of all."""
    digest = sum(one for _, one in buckets.values()) % LIMIT
    return sum(count for count, _ in buckets.values()), f"{digest:032x}"
