"""Simulated customers, live before anybody looks: what the engine learns from, and what its worth is measured on.

What they like is known to an experience's own days only. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any, Protocol, TypeVar

import micromoments as mm
from micromoments.demo.forward import NEVER
from micromoments.demo.fulfil.teller import stamp

DAY = 86_400_000
TOWN = 240
"""People in the demo's town."""
Call = Callable[..., dict[str, Any]]
"""``call(n, event, **properties)``: a Segment call of this visit, the n-th, as of now."""
Steps = Iterator[int]
"""A visit as it goes on: after each step, for how long (milliseconds) nothing happens."""
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
    """The visits between two instants (milliseconds), lived side by side as far as they are asked for.

    ``name`` is the experience's, ``items`` what it puts into the catalogue, ``channel`` and ``device`` where its
    customers are, ``now`` how far they have lived. ``people`` visit ``visits`` times a day each, on average. What would
    come after the last instant comes at it.
    """

    name: str
    channel = "app"
    device = "mobile"
    items: Sequence[mm.Item]

    def __init__(self, seed: int, tastes: Sequence[str], start: int, end: int, people: int, visits: float) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.tastes = [self.rng.choice(tastes) for _ in range(people)]
        self.visits_planned = sorted(
            (self.rng.randrange(start, end), self.rng.randrange(people))
            for _ in range(int((end - start) / DAY * people * visits))
        )
        self.now = start
        self._end = end
        self._pace = random.Random(seed)  # dice of its own: how long people take changes nothing of what they do
        self._begun = 0
        self._under_way: list[tuple[int, int, Steps]] = []

    @abstractmethod
    def visit(self, server: Server, n: int, who: int, call: Call) -> Steps:
        """One visit of somebody's: what they do, what they are shown, and what comes of it."""

    def due(self) -> int:
        """When somebody does something next."""
        begins = self.visits_planned[self._begun][0] if self._begun < len(self.visits_planned) else NEVER
        return min(begins, self._under_way[0][0]) if self._under_way else begins

    def live(self, server: Server, until: int) -> None:
        """Everything that happens up to an instant."""
        while (due := self.due()) <= until:
            self.now = due
            if self._under_way and self._under_way[0][0] == due:
                _, n, steps = heappop(self._under_way)
            else:
                who = self.visits_planned[self._begun][1]
                self._begun = n = self._begun + 1
                steps = self.visit(server, n, who, self._caller(n, who))
            wait = next(steps, None)
            if wait is not None:
                heappush(self._under_way, (min(due + wait, self._end), n, steps))

    def words(self) -> list[str]:
        """What the experience's own server is told of these days, as words of its command."""
        return []

    def pause(self, least: float, most: float) -> int:
        """As long (milliseconds) as somebody takes for something, between so many seconds."""
        return int(self._pace.uniform(least, most) * 1000)

    def decide(self, server: Server, n: int, who: int, slot: str, **context: Any) -> tuple[list[str], bool]:
        """What the visit is shown in a slot, and whether that is what everybody would get."""
        asked = {**self._context(self.channel, self.device), **context}
        return server.decide(f"{self.name}-sim-d{n}", self._person(who), slot, asked, self.now)

    def decision(self, n: int) -> dict[str, str]:
        """The properties that name the visit's decision."""
        return {"decision_id": f"{self.name}-sim-d{n}"}

    def elsewhere(self, call: dict[str, Any], channel: str, device: str = "") -> dict[str, Any]:
        """The same call from another channel and device: a person who goes on there."""
        return {**call, "context": self._context(channel, device)}

    def _person(self, who: int) -> str:
        return f"{self.name}-sim-{who}"

    @staticmethod
    def _context(channel: str, device: str) -> dict[str, Any]:
        return {"simulated": True, "channel": channel, **({"device": {"type": device}} if device else {})}

    def _caller(self, n: int, who: int) -> Call:
        whole = {"type": "track", "anonymousId": self._person(who), "context": self._context(self.channel, self.device)}

        def call(k: int | str, event: str, **properties: Any) -> dict[str, Any]:
            sent = {"messageId": f"{self.name}-sim-{n}-{k}", "timestamp": stamp(self.now)}
            return {**whole, **sent, "event": event, "properties": properties}

        return call
