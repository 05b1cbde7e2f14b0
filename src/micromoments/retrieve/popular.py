"""What is popular: decayed counts of views, carts and purchases by item, and the best of each kind and category.

Counts decay forward (Cormode, Shkapenyuk, Srivastava, Xu 2009, "Forward decay"): an event at t adds
``weight * 2 ** ((t - landmark) / half_life)``, so that nothing has to be touched as time passes and the order of two
items doesn't depend on when it is looked at. Memory is bounded: past ``MAX_COUNTED`` items the weakest eighth is
forgotten.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Literal

from micromoments.core.settings import DAY
from micromoments.retrieve import reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from micromoments.core.event import Millis
    from micromoments.core.item import Item
    from micromoments.retrieve.ask import Via

What = Literal["view", "cart", "buy"]
WEIGHTS: dict[What, float] = {"view": 1.0, "cart": 3.0, "buy": 6.0}
"""What an event says of an item's pull; a purchase is about as rare after a view as its weight is large."""
HALF_LIFE: Millis = 3 * DAY
MAX_COUNTED = 50_000
MAX_HALF_LIVES = 400.0
"""Half-lives after the landmark at which the counts are rescaled: doubles hold 1,023."""
LONGEST = 1_000.0
"""Half-lives past which nothing changes any more: years after the last event, when nobody counted in between."""
TOP = 64
"""Items held for each kind and category."""
MANY = 64
"""As many new ones, or this part of all, cost less put in order with all the others than put in their places each."""

Bucket = tuple[str, str]
"""(kind, category), or (kind, "") for the whole kind."""
Rank = tuple[int, int, str]
Note = tuple[float, "Via", str]
"""Why an item was found: (minus the strength, how, the reason)."""
Told = tuple[str, str, Note]
"""(id, its category, why)."""
POPULAR_STRENGTH, COLD_STRENGTH = 0.35, 0.1
"""How likely the most popular of all, and the first of those nobody has met, are held to be right."""


class Clock:
    """Forward decay's weights: how much an event at an instant counts, against a landmark that moves when it must."""

    __slots__ = ("half_life", "landmark")

    def __init__(self, half_life: Millis) -> None:
        self.half_life = half_life
        self.landmark: Millis | None = None

    def weight(self, at: Millis) -> float:
        """What counting at an instant adds to; the first counted becomes the landmark."""
        if self.landmark is None:
            self.landmark = at
        return self.read(at)

    def read(self, at: Millis) -> float:
        """2 to the number of half-lives since the landmark; 1 before anything was counted. Looking changes nothing."""
        if self.landmark is None:
            return 1.0
        return float(2.0 ** max(-MAX_HALF_LIVES, min(LONGEST, (at - self.landmark) / self.half_life)))

    def due(self, at: Millis) -> float:
        """What every weight must be multiplied by before ``at`` is counted, and the landmark moved there; 1 for
        nothing.
        """
        if self.landmark is None or (ahead := (at - self.landmark) / self.half_life) <= MAX_HALF_LIVES:
            return 1.0
        self.landmark = at
        return float(2.0 ** -min(ahead, LONGEST))


class Top:
    """The largest of weights that only grow, in order, exactly: what isn't held lies behind ``_bar``."""

    __slots__ = ("_bar", "_held", "_order")

    def __init__(self) -> None:
        self._order: list[tuple[float, str]] = []
        self._held: dict[str, float] = {}
        self._bar: tuple[float, str] | None = None

    def raise_to(self, id: str, weight: float) -> int:
        """Give an item its new, larger weight; gives the place from which the order is another than before."""
        key = (-weight, id)
        order = self._order
        before = self._held.get(id)
        if before is not None:
            del order[bisect_left(order, (-before, id))]
        elif self._bar is not None and key > self._bar:
            return TOP
        place = bisect_left(order, key)
        order.insert(place, key)
        self._held[id] = weight
        if len(order) > TOP:
            self._bar = order.pop()
            del self._held[self._bar[1]]
        return place

    def drop(self, id: str) -> None:
        """Take an item out."""
        before = self._held.pop(id, None)
        if before is not None:
            del self._order[bisect_left(self._order, (-before, id))]

    @property
    def short(self) -> bool:
        """Whether so many were taken out that it is worth asking who else belongs here."""
        return self._bar is not None and len(self._order) < TOP // 2

    def first(self, n: int) -> list[tuple[str, float]]:
        """The ``n`` largest as (id, weight relative to the largest), ties by id."""
        if not self._order:
            return []
        most = self._order[0][0] or -1.0
        return [(id, weight / most) for weight, id in self._order[:n]]


class Cold:
    """Items nobody has met yet, in order of rank: priority, then the newest validity, then id."""

    __slots__ = ("_front", "_heap", "_late", "told")

    def __init__(self) -> None:
        self._front: list[Rank] = []
        self._heap: list[Rank] = []
        self._late: list[Rank] = []
        self.told: frozenset[str] = frozenset()
        """The ids that were looked at last: while none of these changes and none is added, ``first`` stays the same."""

    def add(self, ranks: Iterable[Rank]) -> None:
        """Add ranks; one that is already there does no harm."""
        self._late += ranks

    def settle(self) -> None:
        """Put what was added in order: once for a whole load, since that looks through all that there are."""
        if len(self._late) < max(MANY, len(self._heap) // MANY):
            for rank in self._late:
                heappush(self._heap, rank)
        else:
            self._heap += self._late
            heapify(self._heap)
        self._late = []

    def first(self, n: int, is_cold: Callable[[Rank], bool]) -> list[str]:
        """The ids of the ``n`` first ranks that are still cold."""
        self.settle()
        if self._heap and self._front and self._heap[0] < self._front[-1]:
            for rank in self._front:
                heappush(self._heap, rank)
            self._front = []
        front = self._front = [rank for rank in self._front if is_cold(rank)]
        while self._heap and len(front) < n:
            rank = heappop(self._heap)
            if is_cold(rank) and (not front or rank != front[-1]):
                front.append(rank)
        self.told = frozenset([id for _, _, id in front])
        return [id for _, _, id in front[:n]]


def rank_of(item: Item) -> Rank:
    """An item's place among those nobody has met: smaller goes first."""
    return -item.priority, -(item.valid_from or 0), item.id


class Popular:
    """Counts by item, and from them the best of every kind and category among the items that exist now."""

    def __init__(self, item: Callable[[str], Item | None]) -> None:
        self._item = item
        self.clock = Clock(HALF_LIFE)
        self.weights: dict[str, float] = {}
        self._tops: dict[Bucket, Top] = {}
        self._cold: dict[Bucket, Cold] = {}
        self._stale = False
        self._best: dict[Bucket, dict[tuple[int, int], list[Told]]] = {}

    def best(self, bucket: Bucket, n: int, room: int) -> list[Told]:
        """The ``n`` most popular of a kind and category, then ``room`` of those that nobody has met yet, and as many
        more as the popular are fewer than ``n``. Worked out anew only when an event or a change of items moved one of
        them; not to be written.
        """
        if self._stale:
            self.rebuild()
        kept = self._best.get(bucket)
        if kept is None:
            kept = self._best[bucket] = {}
        found = kept.get((n, room))
        if found is None:
            found = kept[n, room] = self._tell(bucket, n, room)
        return found

    def _tell(self, bucket: Bucket, n: int, room: int) -> list[Told]:
        top = self.first(bucket, n)
        room += n - len(top)
        told: list[Told] = []
        for id, weight in top:
            category = self._category(id)
            told.append((id, category, (-weight * POPULAR_STRENGTH, "popular", reasons.popular(category))))
        for place, id in enumerate(self.cold(bucket, room)):
            category = self._category(id)
            told.append((id, category, (-COLD_STRENGTH / (1 + place / room), "new", reasons.less_known(category))))
        return told

    def _category(self, id: str) -> str:
        item = self._item(id)
        return item.category if item is not None else ""

    def _moved(self, bucket: Bucket, place: int) -> None:
        """Forget the best of a bucket whose order changed from a place on."""
        kept = self._best.get(bucket)
        if kept is not None and any(place < n for n, _ in kept):
            del self._best[bucket]

    def put(self, items: Iterable[Item]) -> None:
        """Items that came, or moved to another kind, category or rank."""
        new: dict[Bucket, list[Rank]] = {}
        for item in items:
            weight = self.weights.get(item.id)
            rank = rank_of(item)
            for bucket in _buckets(item):
                if weight is None:
                    new.setdefault(bucket, []).append(rank)
                else:
                    self._moved(bucket, self._tops.setdefault(bucket, Top()).raise_to(item.id, weight))
        for bucket, ranks in new.items():
            self._cold.setdefault(bucket, Cold()).add(ranks)
            self._best.pop(bucket, None)

    def settle(self) -> None:
        """Put what was loaded in order, so that no request has to."""
        for cold in self._cold.values():
            cold.settle()

    def drop(self, item: Item) -> None:
        """An item that went, or is about to move; its counts are kept in case it comes back."""
        for bucket in _buckets(item):
            self._best.pop(bucket, None)
            if (top := self._tops.get(bucket)) is not None:
                top.drop(item.id)
                self._stale |= top.short

    def count(self, item: Item, weight: float, at: Millis) -> None:
        """Count an event of an item at an instant."""
        scale = self.clock.due(at)
        if scale != 1.0:
            self.weights = {id: old * scale for id, old in self.weights.items()}
            self._stale = True
        before = self.weights.get(item.id)
        total = (before or 0.0) + weight * self.clock.weight(at)
        self.weights[item.id] = total
        for bucket in _buckets(item):
            self._moved(bucket, self._tops.setdefault(bucket, Top()).raise_to(item.id, total))
            if before is None and (cold := self._cold.get(bucket)) is not None and item.id in cold.told:
                self._best.pop(bucket, None)
        if len(self.weights) > MAX_COUNTED:
            kept = sorted(self.weights, key=lambda id: (-self.weights[id], id))[: MAX_COUNTED * 7 // 8]
            gone = self.weights.keys() - set(kept)
            self.weights = {id: old for id, old in self.weights.items() if id not in gone}
            self._stale = True
            self.put(found for id in sorted(gone) if (found := self._item(id)) is not None)

    def first(self, bucket: Bucket, n: int) -> list[tuple[str, float]]:
        """The most popular of a kind and category, as (id, weight relative to the first), best first."""
        if self._stale:
            self.rebuild()
        top = self._tops.get(bucket)
        return top.first(n) if top is not None else []

    def cold(self, bucket: Bucket, n: int) -> list[str]:
        """Items of a kind and category that nobody has met yet, by priority, then the newest validity."""
        cold = self._cold.get(bucket)
        return cold.first(n, lambda rank: self._is_cold(rank, bucket)) if cold is not None else []

    def _is_cold(self, rank: Rank, bucket: Bucket) -> bool:
        if rank[2] in self.weights or (item := self._item(rank[2])) is None:
            return False
        return item.kind == bucket[0] and bucket[1] in ("", item.category) and rank_of(item) == rank

    def restore(self, counts: dict[str, float], landmark: Millis | None, items: Iterable[Item]) -> None:
        """Take the counts of a snapshot in place of those here; ``items`` are all that exist."""
        self.weights, self.clock.landmark = counts, landmark
        self._cold = {}
        self.rebuild()
        self.put(item for item in items if item.id not in counts)

    def rebuild(self) -> None:
        """Work the best of every bucket out anew, from the counts and the items."""
        self._stale = False
        self._tops = {}
        self._best = {}
        for id, weight in self.weights.items():
            if (item := self._item(id)) is not None:
                for bucket in _buckets(item):
                    self._tops.setdefault(bucket, Top()).raise_to(id, weight)


def _buckets(item: Item) -> tuple[Bucket, ...]:
    return ((item.kind, ""), (item.kind, item.category)) if item.category else ((item.kind, ""),)
