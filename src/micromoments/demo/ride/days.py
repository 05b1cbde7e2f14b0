"""Simulated riders with habits that only this file knows: what the engine learns from before anybody looks, and what
its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping

import micromoments as mm
from micromoments.demo.ride import places
from micromoments.demo.ride.trip import AFFILIATION
from micromoments.demo.shell.days import Call, Days, Server

PEOPLE = 240
VISITS = 0.2
"""A person's visits a day."""
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


class RideDays(Days):
    """The service's riders."""

    name = "ride"

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        super().__init__(world.seed + 7, tuple(HABITS), start, end, people, VISITS)
        self.items = places.items()

    def visit(self, server: Server, n: int, at: int, who: int, call: Call) -> None:
        """See ``Days``."""
        habit = self.tastes[who]
        if self.rng.random() < 0.5:
            server.collect([call(0, "Products Searched", query=SEARCHED[habit])], at)
        shown, _ = self.decide(server, n, at, who, "ride_destinations")
        wanted = self.rng.choice(HABITS[habit])
        found = ""
        for item, looked in zip(shown, LOOKED, strict=False):
            if item == f"ride-to-{wanted}" and self.rng.random() < looked:
                found = item
        decision = self.decision(n)
        events = [call(1, "Decision Seen", **decision)]
        if self.rng.random() < ALONE + (PULL if found else 0.0):
            cents = 500 + self.rng.randrange(0, 700)
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
