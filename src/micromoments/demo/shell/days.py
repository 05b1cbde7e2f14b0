"""Simulated customers, live before anybody looks: what the engine learns from, and what its worth is measured on.

What they like is known to an experience's own days only. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import micromoments as mm
from micromoments.demo.forward import NEVER
from micromoments.demo.fulfil.teller import stamp

DAY = 86_400_000
TOWN = 240
"""People in the demo's town."""
Call = Callable[..., dict[str, Any]]
"""``call(n, event, **properties)``: a Segment call of this visit, the n-th."""
Taste = TypeVar("Taste")


class Server(Protocol):
    """Who takes the days."""

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Take Segment calls at an instant."""
        ...

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """Decide as of an instant: item ids, and whether they are what everybody would get."""
        ...


def like(people: int, world: mm.World) -> int:
    """So many people for a town of the demo's size, fewer for a smaller one."""
    return max(2, people * len(world.consumers) // TOWN)


class Days(ABC):
    """The visits between two instants (milliseconds), lived one after another as far as they are asked for.

    ``name`` is the experience's, ``items`` what it puts into the catalogue, ``channel`` where its customers are.
    ``people`` visit ``visits`` times a day each, on average.
    """

    name: str
    channel = "app"
    items: Sequence[mm.Item]

    def __init__(self, seed: int, tastes: Sequence[str], start: int, end: int, people: int, visits: float) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.tastes = [self.rng.choice(tastes) for _ in range(people)]
        self.visits_planned = sorted(
            (self.rng.randrange(start, end), self.rng.randrange(people))
            for _ in range(int((end - start) / DAY * people * visits))
        )
        self._done = 0

    @abstractmethod
    def visit(self, server: Server, n: int, at: int, who: int, call: Call) -> None:
        """One visit of somebody's: what they do, what they are shown, and what comes of it."""

    def due(self) -> int:
        """When the next visit begins."""
        return self.visits_planned[self._done][0] if self._done < len(self.visits_planned) else NEVER

    def live(self, server: Server, until: int) -> None:
        """Everything that happens up to an instant."""
        while self.due() <= until:
            at, who = self.visits_planned[self._done]
            self._done += 1
            self.visit(server, self._done, at, who, self._caller(self._done, at, who))

    def words(self) -> list[str]:
        """What the experience's own server is told of these days, as words of its command."""
        return []

    def decide(self, server: Server, n: int, at: int, who: int, slot: str, **context: Any) -> tuple[list[str], bool]:
        """What the visit is shown in a slot, and whether that is what everybody would get."""
        return server.decide(f"{self.name}-sim-d{n}", self._person(who), slot, {**self._context(), **context}, at)

    def decision(self, n: int) -> dict[str, str]:
        """The properties that name the visit's decision."""
        return {"decision_id": f"{self.name}-sim-d{n}"}

    def _person(self, who: int) -> str:
        return f"{self.name}-sim-{who}"

    def _context(self) -> dict[str, Any]:
        return {"simulated": True, "channel": self.channel, "device": {"type": "mobile"}}

    def _caller(self, n: int, at: int, who: int) -> Call:
        whole = {"type": "track", "anonymousId": self._person(who), "timestamp": stamp(at), "context": self._context()}

        def call(k: int | str, event: str, **properties: Any) -> dict[str, Any]:
            return {**whole, "messageId": f"{self.name}-sim-{n}-{k}", "event": event, "properties": properties}

        return call
