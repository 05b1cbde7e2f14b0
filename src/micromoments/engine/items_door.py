"""The catalogue's Python door, ``engine.catalog``."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from micromoments.core.geo import Point
from micromoments.core.item import Item, Kind, unkept
from micromoments.decide.fair import public
from micromoments.engine.service import Service
from micromoments.retrieve.answers import ANSWERING
from micromoments.retrieve.ask import Answer, Candidate
from micromoments.retrieve.faceted import Found, asking
from micromoments.retrieve.reviews import Summary, summed

T = TypeVar("T")


class Running(Protocol):
    """A service and the loop that it runs on."""

    service: Service

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the service on its loop and give its result."""
        ...


class ItemsDoor:
    """The catalogue, as ``engine.catalog``."""

    def __init__(self, engine: Running) -> None:
        self._engine = engine

    def put(self, items: Iterable[Item]) -> int:
        """Put items (new ones or whole replacements); durable and to be found on return. Gives how many.

        Raises:
            ValueError: one can't be kept, or its hours, zone, geofence or offer can't be read; none is put then.
        """
        listed = list(items)
        for item in listed:
            if why := unkept(item):
                raise ValueError(f"item {item.id!r}: {why}")
        for start in range(0, len(listed), 5_000):
            self._engine.run(self._engine.service.put_items(listed[start : start + 5_000]))
        return len(listed)

    def get(self, id: str) -> Item | None:
        """One item by its id."""
        return self._engine.service.catalog.get(id)

    def search(self, words: str = "", *, now: bool = True, **asked: Any) -> Found:
        """Search the catalogue as a shop does: filters, facets, highlights, the words put right.

        Args:
            words: what a person typed; empty lists everything that fits.
            now: leave out what isn't valid now, or is meant for some people only.
            asked: what ``Look`` and ``Narrow`` take, such as ``kinds``, ``order``, ``brand`` or ``in_stock``.

        Raises:
            ValueError: a name that neither has, or a value that it can't have.
        """
        service = self._engine.service

        async def work() -> Found:
            return service.catalog.look(asking(words, service.clock() if now else 0, asked))

        return self._engine.run(work())

    def nearby(self, point: Point, **asked: Any) -> list[Candidate]:
        """What is near a point now, nearest first, with the way there and whether it is open on arrival.

        ``asked`` may name ``limit, kinds, max_metres, category, mode`` (foot, bike or car) and ``open_only``.
        """
        service = self._engine.service

        async def work() -> list[Candidate]:
            return service.catalog.nearby(point, service.clock(), **asked)

        return self._engine.run(work())

    def answer(self, question: str, *, now: bool = True, kinds: Sequence[Kind] = ANSWERING) -> Answer | None:
        """The passage of an item that answers a question, with where it stands; ``None`` where none does well enough.

        Args:
            question: as a person puts it.
            now: leave out what isn't valid now, or is meant for some people only.
            kinds: only from items of these.
        """
        service = self._engine.service

        async def work() -> Answer | None:
            at = service.clock()
            return service.catalog.answer(question, kinds, (lambda item: public(item, at)) if now else None)

        return self._engine.run(work())

    def reviews(self, id: str) -> Summary | None:
        """What an item's reviews say, by quoted sentences with counts; ``None`` where it has none."""
        item = self.get(id)
        return summed(item) if item is not None else None

    def delete(self, ids: Iterable[str]) -> None:
        """Delete items by id; unknown ones are no error."""
        self._engine.run(self._engine.service.delete_items(list(ids)))

    def __len__(self) -> int:
        return self._engine.service.catalog.size()
