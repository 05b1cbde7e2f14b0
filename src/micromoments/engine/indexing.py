"""Items put and deleted, however many at once, beside what is served: looked at in bites, taken some at a time, and
brought into the search index in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import TypeVar

from micromoments.core.event import Millis
from micromoments.core.item import Item
from micromoments.core.record import ItemRecord, Record
from micromoments.decide.fair import remember
from micromoments.engine.bites import in_bites
from micromoments.retrieve.catalog import Catalog

AT_ONCE = 250
"""Items of one group of the log where others are served: a thousand took 13 ms to be written."""
ROOM = 2_000
"""Items that may wait for the index before more are taken: requests look through those that wait one by one."""
T = TypeVar("T")
log = logging.getLogger("micromoments")


class Indexer:
    """The catalogue's changes, and the commits of its index; until ``run`` runs, requests do these themselves.

    Args:
        catalog: where the items are found.
        change: makes records durable and folded.
        clock: the wall clock.
        apart: whether others are served meanwhile.
    """

    def __init__(
        self,
        catalog: Catalog,
        change: Callable[[Sequence[Record]], Awaitable[None]],
        clock: Callable[[], Millis],
        *,
        apart: bool,
    ) -> None:
        self._catalog = catalog
        self._change = change
        self._clock = clock
        self._apart = apart
        self._came = asyncio.Event()
        self._went = asyncio.Event()

    async def put(self, items: Sequence[Item]) -> None:
        """Put items; durable and to be found when this returns.

        Raises:
            ValueError: what ``Catalog.check`` refuses; nothing was put.
        """
        await in_bites(self._checked(items))
        for some in self._parted(items):
            await self._room()
            now, known = self._clock(), self._catalog.get
            await self._change([ItemRecord(key=i.id, at=now, item=remember(i, known(i.id), now)) for i in some])
            self._came.set()

    async def delete(self, ids: Sequence[str]) -> None:
        """Delete items; durable and not to be found when this returns."""
        for some in self._parted(ids):
            now = self._clock()
            await self._change([ItemRecord(key=id, at=now, item=None) for id in some])
            self._came.set()

    def _checked(self, items: Sequence[Item]) -> Generator[None, None, None]:
        for item in items:
            self._catalog.check([item])
            yield

    def _parted(self, all: Sequence[T]) -> list[Sequence[T]]:
        each = AT_ONCE if self._apart else max(1, len(all))
        return [all[start : start + each] for start in range(0, len(all), each)]

    async def _room(self) -> None:
        """Where many items wait for the index, wait until some are in it."""
        if self._apart and self._catalog.waiting() > ROOM:
            self._went.clear()
            self._came.set()
            await self._went.wait()

    async def run(self) -> None:
        """Commit whenever enough waits, until cancelled."""
        self._catalog.beside()
        while True:
            await self._came.wait()
            self._came.clear()
            try:
                for shelf in self._catalog.unsettled():
                    await _ended(asyncio.to_thread(await in_bites(shelf.settling())))
                    await in_bites(shelf.swapping())
            except Exception:
                log.exception("items could not be indexed; they are found all the same, and it is tried again")
            self._went.set()


async def _ended(work: Coroutine[None, None, None]) -> None:
    """What is done in a thread, brought to its end though this is cancelled: two may not write an index."""
    writing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await writing
        raise
