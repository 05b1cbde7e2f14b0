"""When people wake, and the firing of timers that are due: each is a record of the log like any other, so that a replay
fires it in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from time import perf_counter

from micromoments.core.event import Millis
from micromoments.core.person import Person
from micromoments.core.record import TickRecord
from micromoments.engine.residents import Residents
from micromoments.ports import FIRST, State

PAGE = 5_000
"""Timers that are read from the state at a time."""
PIECE = 32
"""People whose timers fire together: who isn't in memory is read, and nothing is served meanwhile (ADR 0091)."""


class Wakes(Mapping[str, Millis]):
    """Each person's next ``wake_at``, 0 for those who are gone. It is worked out when it is asked for, right before the
    person is encoded: to look at tens of thousands of people twice is to wait for memory twice.
    """

    def __init__(self, people: Mapping[str, Person | None]) -> None:
        self._people = people

    def __getitem__(self, id: str) -> Millis:
        person = self._people[id]
        return person.wake_at() if person is not None else 0

    def __iter__(self) -> Iterator[str]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)


class Timers:
    """The timers of the state, as of its last commit. Whoever was told something since may have another by now.

    What has fired stays due in the state until the next commit, so a look goes on where the last one ended, and begins
    again when something was committed. ``fold`` returns when the records that it is given are folded, ``commits``
    counts commits, and ``barred`` gives the people who are being erased.
    """

    def __init__(
        self,
        state: State,
        residents: Residents,
        fold: Callable[[Sequence[TickRecord]], Awaitable[None]],
        commits: Callable[[], int],
        barred: Callable[[], Collection[str]],
    ) -> None:
        self._state, self._residents, self._fold, self._commits, self._barred = state, residents, fold, commits, barred
        self._firing: set[str] = set()
        self._later: list[tuple[Millis, str]] = []
        self._seen, self._upto = -1, FIRST

    async def fire(self, now: Millis, *, gently: bool = False) -> int:
        """Fire all that are due at an instant; give how many people's. ``gently`` rests for as long as it works: after
        a night's standstill everybody is due, and those who are here come first.

        Raises:
            LogDown: the log can't be written; the rest is due at the next look.
            StoreError: the state can't be read.
        """
        fired = 0
        while True:
            if (commits := self._commits()) != self._seen:
                self._seen, self._upto = commits, FIRST
                self._later.clear()
            page = await asyncio.to_thread(self._state.due, now, PAGE, after=self._upto)
            due = dict.fromkeys(id for _, id in page)
            while self._later and self._later[0][0] <= now:
                due[heappop(self._later)[1]] = None
            ids = [*due]
            for first in range(0, len(ids), PIECE):
                began = perf_counter()
                fired += await self._some(ids[first : first + PIECE], now)
                if gently:
                    await asyncio.sleep(perf_counter() - began)
            if page and self._seen == commits:
                self._upto = page[-1]
            if len(page) < PAGE:
                return fired

    async def _some(self, ids: Sequence[str], now: Millis) -> int:
        busy, due = self._firing.union(self._barred()), list[str]()
        for person in self._residents.known([id for id in ids if id not in busy]):
            wake = person.wake_at()
            if 0 < wake <= now:
                due.append(person.id)
            elif wake:
                heappush(self._later, (wake, person.id))
        if not due:
            return 0
        self._firing.update(due)
        try:
            await self._fold([TickRecord(key=id, at=now) for id in due])
        except BaseException:
            for id in due:
                heappush(self._later, (now, id))
            raise
        finally:
            self._firing.difference_update(due)
        return len(due)
