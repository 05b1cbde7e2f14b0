"""Simulated riders with habits that only this file knows: what the engine learns from before anybody looks, and what
its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import micromoments as mm
from micromoments.demo.fulfil.teller import stamp
from micromoments.demo.ride import places
from micromoments.demo.ride.trip import AFFILIATION

PEOPLE = 240
VISITS = 0.2
"""A person's visits a day."""
DAY = 86_400_000
ALONE = 0.25
"""The chance of a ride whatever is shown: those who search find it themselves."""
PULL = 0.35
"""What finding one's place on the shelf adds."""
LOOKED = (0.95, 0.8, 0.6, 0.45)
"""The chance that each position is looked at."""
HABITS: Mapping[str, tuple[str, ...]] = {
    "commuter": ("offices", "station"),
    "student": ("college", "gym"),
    "nurse": ("hospital", "clinic"),
    "nights": ("theatre", "arena"),
    "shopper": ("mall", "market"),
}
SEARCHED = {
    "commuter": "central station",
    "student": "alder college",
    "nurse": "westfields hospital",
    "nights": "quay theatre",
    "shopper": "newside mall",
}
"""What people of a habit type in the search: the only sign of it."""


class Server(Protocol):
    """Who takes the days."""

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Take Segment calls at an instant."""
        ...

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """Decide as of an instant: item ids, and whether the person is held out."""
        ...


class RideDays:
    """The visits between two instants (milliseconds), lived one after another as far as they are asked for."""

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        self.items = places.items()
        self._rng = random.Random(world.seed + 7)
        self._habits = [self._rng.choice(tuple(HABITS)) for _ in range(people)]
        self._visits = sorted(
            (self._rng.randrange(start, end), self._rng.randrange(people))
            for _ in range(int((end - start) / DAY * people * VISITS))
        )
        self._done = 0

    def live(self, server: Server, until: int) -> None:
        """Everything that happens up to an instant."""
        while self._done < len(self._visits) and self._visits[self._done][0] <= until:
            at, who = self._visits[self._done]
            self._done += 1
            self._visit(server, self._done, at, who)

    def _visit(self, server: Server, n: int, at: int, who: int) -> None:
        habit = self._habits[who]
        context = {"simulated": True, "channel": "app", "device": {"type": "mobile"}}

        def call(k: int, event: str, **properties: Any) -> dict[str, Any]:
            return {
                "type": "track",
                "messageId": f"ride-sim-{n}-{k}",
                "anonymousId": f"ride-sim-{who}",
                "event": event,
                "properties": properties,
                "timestamp": stamp(at),
                "context": context,
            }

        if self._rng.random() < 0.5:
            server.collect([call(0, "Products Searched", query=SEARCHED[habit])], at)
        shown, _ = server.decide(f"ride-sim-d{n}", f"ride-sim-{who}", "ride_destinations", context, at)
        wanted = self._rng.choice(HABITS[habit])
        found = ""
        for item, looked in zip(shown, LOOKED, strict=False):
            if item == f"ride-to-{wanted}" and self._rng.random() < looked:
                found = item
        decision = {"decision_id": f"ride-sim-d{n}"}
        events = [call(1, "Decision Seen", **decision)]
        if self._rng.random() < ALONE + (PULL if found else 0.0):
            cents = 500 + self._rng.randrange(0, 700)
            order = {
                "order_id": f"ride-sim-o{n}",
                "revenue": cents / 100,
                "currency": "EUR",
                "affiliation": AFFILIATION,
            }
            if found:
                events.append(call(2, "Decision Clicked", item_id=found, **decision))
                order = {**order, **decision, "item_id": found}
            events.append(call(3, "Order Completed", **order))
        server.collect(events, at)
