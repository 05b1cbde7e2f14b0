"""Read your own writes: up to where the log must be folded before a person is decided for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from micromoments.core.record import EventRecord
from micromoments.engine.applier import Applier
from micromoments.engine.residents import Residents

MANY = 50_000
"""Keys noted before those that are folded by now are let go."""


class Ahead:
    """What is durable and not folded yet, by key; and whose turn it is where one decision must see the last."""

    def __init__(self, applier: Applier, residents: Residents, home: Callable[[str], str]) -> None:
        self._applier, self._residents, self._home = applier, residents, home
        self._until: dict[str, int] = {}
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    def note(self, records: Sequence[EventRecord], first: int) -> None:
        """Note up to where a person's events must be folded before the next decision."""
        last = first + len(records)
        if self._applier.position >= last:
            return
        self._trim()
        for place, record in enumerate(records, first + 1):
            self._until[record.key] = place
            if record.event.user_id:
                self._until[f"user:{record.event.user_id}"] = place

    def decided(self, id: str, first: int) -> None:
        """Note that a person's next decision must know this one."""
        self._trim()
        self._until[id] = first + 1

    def _trim(self) -> None:
        if len(self._until) > MANY:
            here = self._applier.position
            self._until = {k: p for k, p in self._until.items() if p > here}

    async def caught_up(self, key: str) -> None:
        """Return when what was accepted of a person is folded, under whichever of their ids it was sent."""
        until = self._until
        if not until:
            return
        person = self._residents.person(self._home(key))
        keys = [key] if person is None else [key, person.id, *(k.partition(">")[0] for k in person.parts)]
        if last := max(until.get(k, 0) for k in keys):
            await self._applier.reached(last)

    @asynccontextmanager
    async def turn(self, id: str) -> AsyncIterator[None]:
        """One decision of a person after the other, so that a cap counts each of them."""
        lock, waiting = self._turns.get(id, (asyncio.Lock(), 0))
        self._turns[id] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[id]
            if waiting == 1:
                del self._turns[id]
            else:
                self._turns[id] = lock, waiting - 1
