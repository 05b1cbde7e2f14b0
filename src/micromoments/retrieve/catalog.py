"""The catalogue: all items, found by words, by distance, by what goes with what, by popularity; merged into candidates.

One object, one thread. Every change shows in the very next call.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from micromoments.core import hours
from micromoments.core.event import Millis
from micromoments.core.fence import Fence, shape_of
from micromoments.core.geo import Point, bearing
from micromoments.core.item import KINDS, Facet, Item, Kind, Nearby
from micromoments.core.offer import Redemption, offer_of
from micromoments.core.steps import at_once
from micromoments.retrieve.answers import ANSWERING, Answers
from micromoments.retrieve.ask import Answer, Ask, Candidate, Hit, Mode, Via
from micromoments.retrieve.candidates import gather
from micromoments.retrieve.covered import Covered
from micromoments.retrieve.document import mark_of
from micromoments.retrieve.experience import Experience
from micromoments.retrieve.faceted import Found, Look, look
from micromoments.retrieve.fences import Fences
from micromoments.retrieve.guides import Guides
from micromoments.retrieve.names import Names
from micromoments.retrieve.nearby import Grid
from micromoments.retrieve.offers import Offers
from micromoments.retrieve.popular import What, rank_of
from micromoments.retrieve.search import Meaning, Search
from micromoments.retrieve.sources import Sources
from micromoments.retrieve.trained import Trained

if TYPE_CHECKING:
    from micromoments.core.event import Event
    from micromoments.retrieve.shelf import Shelf
    from micromoments.retrieve.ways import Reach

__all__ = ["Ask", "Candidate", "Catalog", "Hit", "Via"]

NEAREST_METRES = 50_000.0
"""A place farther off than this isn't near to anyone."""


class Catalog:
    """The items of one project, and what is learned of them.

    Args:
        synonyms: words to search for beside others: ``{"trainers": ("running shoes",)}`` finds running shoes for
            trainers.
        timezone: of items that name none; an IANA name.
        index: a folder for the search index, with one in it for each kind, which may hold items from before; empty for
            an index in memory.
        meaning: gives the words nearest in meaning to one, to search for instead of a word that no item has.
    """

    def __init__(
        self,
        synonyms: Mapping[str, Sequence[str]] | None = None,
        timezone: str = "UTC",
        index: str = "",
        meaning: Meaning | None = None,
    ) -> None:
        self._items: dict[str, Item] = {}
        self._timezone = timezone
        self._schedules: dict[str, hours.Schedule] = {}
        self._search = Search(synonyms or {}, index, meaning)
        self._grid = Grid()
        self._fences = Fences()
        self._names = Names()
        self._learned = known = Experience(self.get)
        self._popular = known.popular
        self._guides = Guides()
        self.covered = Covered(self._items)
        self._offers = Offers()
        self._answers = Answers(self._search, self.get)
        self._sources = Sources(
            self._items,
            self._schedules,
            self._search,
            self._grid,
            self._popular,
            known.met,
            known.bought,
            self._answers,
            self._guides,
            self._offers,
            known.local,
            self._names,
            known.habits,
        )

    def apply(self, changes: Mapping[str, Item | None]) -> None:
        """Put items, or delete those that map to None; the next call sees it.

        Raises:
            ValueError: an item's hours, time zone, geofence or offer can't be read, or a key isn't its item's id;
            nothing was changed.
        """
        for id, item in changes.items():
            if item is not None and item.id != id:
                raise ValueError(f"got item {item.id!r} under the key {id!r}; wanted each item under its own id")
        schedules = self.check([item for item in changes.values() if item is not None])
        new, moved = list[Item](), list[Item]()
        for id, item in changes.items():
            before = self._items.get(id)
            if item is None:
                if before is not None:
                    self._delete(before)
            elif before is None:
                self._add(item)
                new.append(item)
            else:
                self._replace(before, item, moved)
                self._schedules.pop(id, None)
        self._schedules.update(schedules)
        self._names.add(new)
        self._popular.put(new + moved)
        self._answers.forget()

    def check(self, items: Iterable[Item]) -> dict[str, hours.Schedule]:
        """What would be put, looked at: the schedules of those that have hours, by id.

        Raises:
            ValueError: an item's opening hours, time zone, geofence or offer can't be read.
        """
        schedules: dict[str, hours.Schedule] = {}
        for item in items:
            try:
                found = hours.schedule(item, self._timezone)
                shape_of(item)
                offer_of(item)
            except ValueError as error:
                raise ValueError(f"item {item.id!r}: {error}") from error
            if found is not None:
                schedules[item.id] = found
        return schedules

    def _add(self, item: Item) -> None:
        self._search.put(item)
        self._keep(item)
        if item.location is not None:
            self._grid.put(item.id, item.location)

    def _replace(self, before: Item, item: Item, moved: list[Item]) -> None:
        if mark_of(before) != mark_of(item):
            self._search.put(item)
        self._keep(item)
        self._names.change(before, item)
        if item.location is None:
            self._grid.drop(item.id)
        elif before.location != item.location:
            self._grid.put(item.id, item.location)
        if (before.kind, before.category, rank_of(before)) != (item.kind, item.category, rank_of(item)):
            self._popular.drop(before)
            moved.append(item)

    def _keep(self, item: Item) -> None:
        self._items[item.id] = item
        self._guides.put(item)
        self.covered.put(item)
        self._fences.put(item)
        self._offers.put(item)

    def _delete(self, item: Item) -> None:
        id = item.id
        del self._items[id]
        self._schedules.pop(id, None)
        self._search.drop(id)
        self._grid.drop(id)
        self._guides.drop(id)
        self.covered.drop(id)
        self._fences.drop(id)
        self._names.change(item, None)
        self._offers.drop(id)
        self._popular.drop(item)

    def settle(self) -> None:
        """Commit what the search index still holds in its overlay, after a bulk load say; answers stay the same."""
        self._search.settle()

    def beside(self) -> None:
        """From now on the caller commits what waits of the index, as ``unsettled`` says, and no request does."""
        self._search.beside()

    def unsettled(self) -> Sequence[Shelf]:
        """The shelves on which so much waits that it should be committed: by their ``settling`` and ``swapping``."""
        return self._search.unsettled()

    def waiting(self) -> int:
        """How many items wait to be committed."""
        return self._search.waiting()

    def loaded(self) -> None:
        """All items that there are were put, after a start: what an index on disk has beside them is let go."""
        self._search.loaded()
        self._popular.settle()

    def lazily(self) -> None:
        """Index items when words are first asked for (``Search.lazily``)."""
        self._search.lazily()

    def close(self) -> None:
        """Let go of an index on disk; nothing may be asked afterwards."""
        self._search.close()

    def get(self, id: str) -> Item | None:
        """One item."""
        return self._items.get(id)

    def size(self) -> int:
        """How many items there are."""
        return len(self._items)

    def named(self, words: str) -> dict[str, str]:
        """The ``brand`` and ``category`` of items here that words name, as the catalogue writes them."""
        return self._names.found(words)

    def facets(self, ids: Sequence[str]) -> tuple[Facet, ...]:
        """What ``step`` needs to know of these items; unknown ids are left out."""
        found = [item for id in ids if (item := self._items.get(id)) is not None]
        return tuple([Facet(item.id, item.kind, item.title, item.category, item.brand) for item in found])

    def nearest(self, point: Point, at: Millis) -> Nearby | None:
        """The closest item of kind ``place``, within ``NEAREST_METRES``, and whether it is open now."""
        for metres, id in self._grid.near(point, NEAREST_METRES):
            item = self._items[id]
            if item.kind == "place":
                schedule = self._schedules.get(id)
                way = round(bearing(point, item.location)) % 360 if item.location is not None else -1
                return Nearby(id, item.title, round(metres), schedule is None or schedule.open_at(at), way)
        return None

    def fences(self, point: Point, at: Millis, accuracy: float = 0.0) -> tuple[Fence, ...] | None:
        """The geofences that a position lies in or at the edge of; ``None`` where it can't tell (``Fences.around``)."""

        def told(id: str) -> tuple[str, bool]:
            schedule = self._schedules.get(id)
            return self._items[id].title, schedule is None or schedule.open_at(at)

        return self._fences.around(point, accuracy, told)

    def nearby(
        self,
        point: Point,
        at: Millis,
        *,
        limit: int = 20,
        kinds: Sequence[Kind] = KINDS,
        max_metres: float = NEAREST_METRES,
        category: str = "",
        mode: Mode = "foot",
        open_only: bool = False,
    ) -> list[Candidate]:
        """Items with a position, nearest first by great-circle distance, ties by id; where a router is in use, quickest
        first by its ways. Closed ones too, marked so.

        ``score`` is the nearness: 1 here, half at ten minutes' way, next to nothing where it is closed on arrival.

        Args:
            point: where the person is.
            at: when they set out.
            limit: at most so many.
            kinds: only these.
            max_metres: the farthest, by the straight line.
            category: only items of exactly this category.
            mode: how the person goes, which decides how long it takes.
            open_only: only what is open on arrival.
        """
        found: list[Candidate] = []
        items = self._items
        near = (
            (metres, id)
            for metres, id in self._grid.near(point, max_metres)
            if items[id].kind in kinds and (not category or items[id].category == category)
        )
        for seconds, metres, id in self._sources.ways(near, point, mode) if limit > 0 else ():
            visit = self._sources.visit(id, metres, at, mode=mode, seconds=seconds)
            if visit.open or not open_only:
                found.append(visit.of(items[id], self._timezone, mode))
                if len(found) == limit:
                    break
        return found

    def route(self, reach: Reach) -> None:
        """Ask a router for ways from now on (``ports.Router.reach``); what it doesn't know is estimated as before."""
        self._sources = self._sources._replace(reach=reach)

    def search(
        self, words: str, *, kinds: Sequence[Kind] = (), category: str = "", limit: int = 20, prefix: bool = False
    ) -> list[Hit]:
        """Items for words, best first, ties by id.

        Args:
            words: what a person typed; English stop words don't count, word forms are one, accents don't matter.
            kinds: only these; empty for all.
            category: only items of exactly this category.
            limit: at most so many.
            prefix: the last word may be unfinished.
        """
        return self._search.find(words, kinds, category, limit, prefix)

    def look(self, asked: Look) -> Found:
        """The search of a shop: filters, facets, highlights, the query put right; see ``retrieve.faceted``."""
        return look(self._search, self.get, asked)

    def answer(
        self, question: str, kinds: Sequence[Kind] = ANSWERING, may: Callable[[Item], bool] | None = None
    ) -> Answer | None:
        """The passage that answers a question; ``None`` where none does well enough.

        Args:
            question: as a person puts it.
            kinds: only items of these; articles, guides and products unless given.
            may: whether an item may be named, such as to everybody; all may unless given.
        """
        may = may or (lambda _: True)
        return next((one for one in self._answers.find(question, kinds) if may(self._items[one.item])), None)

    def considered(self, question: str, kinds: Sequence[Kind] = ANSWERING) -> list[Answer]:
        """The best passage of each item that may answer a question, best first, however poor; to measure with."""
        return self._answers.considered(question, tuple(kinds))

    def candidates(self, ask: Ask) -> list[Candidate]:
        """What may be served: at most ``ask.limit``, best first, ties by id; the same for the same calls before."""
        return gather(self._sources, ask, self._timezone)

    def learn(
        self, key: str, item: str, what: What, at: Millis, recent: Sequence[str], point: Point | None = None
    ) -> None:
        """Take one event in; the next call sees it. An item that the catalogue doesn't have is passed over.

        Args:
            key: whose event it was; the same again on one day counts once. Only hashes are kept.
            item: the item viewed, put in the cart or bought.
            what: which of these.
            at: event time, milliseconds.
            recent: the items of the session before it, newest first; for a purchase, what was bought with it.
            point: where the person was, if that may be used; only its cell of some five kilometres is.
        """
        self._learned.learn(key, item, what, at, recent, point)

    def foresee(self, trained: Trained, *, fresh: bool) -> None:
        """Recommend what a model of sessions says, beside the counts of what comes from now on; with ``fresh`` those
        of before, which it has learned from, are let go.
        """
        self._learned.met.trained = trained
        if fresh:
            self.recount()

    def recount(self) -> None:
        """Let go of the counts of what is met together: a model has learned from them."""
        self._learned.recount()

    @property
    def foreseen_at(self) -> Millis:
        """When the model of sessions in use was learned, 0 without one."""
        trained = self._learned.met.trained
        return trained.at if trained is not None else 0

    @property
    def rations(self) -> bool:
        """Whether some offer may be served to one person only so often."""
        return bool(self._offers.rationed)

    def redeemed(self, event: Event) -> tuple[Redemption, ...]:
        """The offers that an event says were redeemed, by their ids or codes."""
        return self._offers.redeemed(event)

    def encode(self) -> bytes:
        """The learned part, for a snapshot; the same bytes for the same calls."""
        return b"".join(at_once(self.encoding()))

    def encoding(self) -> Generator[None, None, list[bytes]]:
        """``encode`` for who has other things to do: steps that give the pieces of the bytes, all as of this call,
        whatever is learned between two of them.
        """
        return self._learned.encoding()

    def restore(self, body: bytes) -> None:
        """Take the learned part from a snapshot, in place of what was learned; items stay as they are.

        Raises:
            ValueError: bytes that ``encode`` didn't give, damaged ones, or those of another version.
        """
        self._learned.restore(body, self._items.values())
