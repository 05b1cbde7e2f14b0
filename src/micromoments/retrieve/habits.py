"""How often things are bought again: the usual time between two purchases of one item by one person, and how many of
its buyers come back for it.

Learned from purchases as they come, without anybody saying what is used up: what is has buyers who come back. Where
too few came back for an item, what is known of its category speaks for it. People are sampled by a hash where there
are too many, so that who is counted is counted wholly: letting go of single purchases would make intervals look short.
Kept are hashes, days and sums. Memory is bounded: ``MAX_PAIRS`` and ``MAX_KNOWN``.
"""

from __future__ import annotations

from hashlib import blake2b
from statistics import median
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import msgspec

from micromoments.core.settings import DAY

if TYPE_CHECKING:
    from micromoments.core.event import Millis
    from micromoments.core.item import Item

ENOUGH = 5
"""People who came back for an item, or for those of its category, before an interval is believed."""
LEAST_CHANCE = 0.1
"""What fewer buyers than this share come back for isn't used up."""
PRIOR = 10.0
"""Buyers of an item as which its category counts in the share that comes back."""
MAX_GAPS = 32
"""Intervals kept of each, the newest."""
EACH = 3
"""Intervals that one person gives to an item: habits of a few mustn't be everybody's."""
LONGEST = 400
"""Days after which a purchase isn't remembered any more."""
MAX_PAIRS, MAX_KNOWN = 100_000, 20_000
"""Last purchases of an item by a person, and items and categories, that are kept."""


class Habit(NamedTuple):
    """The usual days between two purchases, and the share of buyers who come back."""

    days: float
    chance: float


class Known(msgspec.Struct, array_like=True, gc=False):
    """What is known of one item or category: the first and last day of a purchase, how many bought and how many of
    them again (fewer where people were let go), how many ever came back, and the newest intervals in days.
    """

    since: int
    latest: int
    bought: float = 0.0
    again: float = 0.0
    people: int = 0
    gaps: list[int] = []

    def copy(self) -> Known:
        """The same, to be changed."""
        return Known(self.since, self.latest, self.bought, self.again, self.people, list(self.gaps))

    def usual(self) -> float:
        """The middle interval in days; 0 where too few people say, or all is too new for it to be seen."""
        days = float(median(self.gaps)) if self.people >= ENOUGH else 0.0
        return days if self.latest - self.since >= 2 * days else 0.0


class Kept(msgspec.Struct, array_like=True):
    """All that is kept. ``last``, by person and item (32 bits of a hash each), is the day of the last purchase times
    four, and the intervals given, the longest ago first; ``known`` is by item, and by category behind a zero byte, the
    least recently bought first. One person in two to the power of ``shift`` is counted.
    """

    last: dict[int, int] = {}
    known: dict[str, Known] = {}
    shift: int = 0


class Habits:
    """What purchases say of how often things are bought again; the same calls leave the same ``kept``."""

    __slots__ = ("_usual", "kept")

    def __init__(self) -> None:
        self.kept = Kept()
        self._usual: dict[str, float] = {}

    def restore(self, kept: Kept) -> None:
        """Take what was kept, in place of what is here."""
        self.kept = kept
        self._usual.clear()

    def learn(self, key: str, item: Item, at: Millis) -> None:
        """Somebody bought an item at an instant."""
        person = int.from_bytes(blake2b(key.encode(), digest_size=4).digest())
        last = self.kept.last
        if person & ((1 << self.kept.shift) - 1):
            return
        day = at // DAY
        pair = person << 32 | crc32(item.id.encode())
        before = last.get(pair)
        names = [item.id, f"\0{item.category}"] if item.category else [item.id]
        if before is None:
            for name in names:
                self._about(name, day).bought += 1
            last[pair] = day << 2
        elif (gap := day - (before >> 2)) > 0:
            given = before & 3
            for name in names if given < EACH and gap <= LONGEST else ():
                _note(self._about(name, day), gap, first=not given)
            del last[pair]
            last[pair] = day << 2 | min(given + 1, EACH)
        if len(last) > MAX_PAIRS:
            self._thin(day)

    def _about(self, name: str, day: int) -> Known:
        """What is known under a name, as of a purchase on a day."""
        all_known = self.kept.known
        before = all_known.pop(name, None)
        # Another one and not this one changed: a snapshot that is being made may hold it.
        known = before.copy() if before is not None else Known(day, day)
        known.since, known.latest = min(known.since, day), max(known.latest, day)
        all_known[name] = known
        self._usual.pop(name, None)
        if len(all_known) > MAX_KNOWN:
            self._usual.pop(gone := next(iter(all_known)), None)
            del all_known[gone]
        return known

    def _thin(self, day: int) -> None:
        """Make room: what is too long ago goes, then every other person, and what they count as buyers."""
        kept = self.kept
        kept.last = {pair: held for pair, held in kept.last.items() if held >> 2 > day - LONGEST}
        while len(kept.last) > MAX_PAIRS * 7 // 8:
            kept.shift += 1
            others = (1 << kept.shift) - 1 << 32
            kept.last = {pair: held for pair, held in kept.last.items() if not pair & others}
            kept.known = {name: known.copy() for name, known in kept.known.items()}
            for known in kept.known.values():
                known.bought, known.again = known.bought / 2, known.again / 2

    def of(self, item: Item) -> Habit | None:
        """How often an item is usually bought again; ``None`` where it isn't, or too little is known."""
        known, chance, days = self.kept.known, 0.0, 0.0
        if not known:
            return None
        if item.category and (days := self._days(wide := f"\0{item.category}")):
            chance = known[wide].again / max(1.0, known[wide].bought)
        if (own := known.get(item.id)) is not None:
            chance = (own.again + PRIOR * chance) / (own.bought + PRIOR)
            days = self._days(item.id) or days
        return Habit(days, min(1.0, chance)) if days and chance >= LEAST_CHANCE else None

    def _days(self, name: str) -> float:
        """The usual days of an item or category, worked out once until a purchase changes them."""
        days = self._usual.get(name)
        if days is None:
            known = self.kept.known.get(name)
            days = self._usual[name] = known.usual() if known is not None else 0.0
            if len(self._usual) > 2 * MAX_KNOWN:
                self._usual = {name: days}
        return days


def _note(known: Known, gap: int, *, first: bool) -> None:
    known.gaps.append(gap)
    del known.gaps[:-MAX_GAPS]
    if first:
        known.again += 1
        known.people += 1
