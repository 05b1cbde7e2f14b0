"""Simulated riders with habits that only this file knows: what the engine learns from before anybody looks, and what
its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import micromoments as mm
from micromoments.demo.ride import places, trial
from micromoments.demo.ride.trip import AFFILIATION
from micromoments.demo.shell.days import Call, Days, Server

PEOPLE = 600
VISITS = 0.24
"""A person's visits a day."""
ALONE = 0.05
"""The chance of asking for a ride whatever is shown: those who search find it themselves."""
PULL = 0.8
"""What finding one's place on the shelf adds."""
BUSY = 40 * 60_000
"""How long (ms) a ride keeps the quarter's one car busy; who asks meanwhile takes the tram."""
LOOKED = (0.95, 0.8, 0.6, 0.45)
"""The chance that each position is looked at."""
WORLDS = 200
"""Fortnights over which the truth is taken."""
HABITS: Mapping[str, tuple[str, ...]] = {
    "commuter": ("offices", "station"),
    "student": ("college", "gym"),
    "nurse": ("hospital", "clinic"),
    "nights": ("theatre", "arena"),
    "shopper": ("mall", "market"),
}
SEARCHED = {
    "commuter": "offices by the station",
    "student": "college gym",
    "nurse": "hospital or clinic",
    "nights": "theatre or arena",
    "shopper": "mall and market",
}
"""What people of a habit type in the search: the only sign of it."""


class RideDays(Days):
    """The service's riders, in a quarter that has one car: a ride that somebody gets is one that another doesn't.

    ``seen`` and ``found`` count visits by whether they were shown what everybody would get, and those that found their
    place; ``asked`` and ``rides`` those that asked for a ride and got one.
    """

    name = "ride"

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        super().__init__(world.seed + 7, tuple(HABITS), start, end, people, VISITS)
        self.items = places.items()
        self._free_at = 0
        self.seen = {True: 0, False: 0}
        self.found = {True: 0, False: 0}
        self.asked = self.rides = 0

    def visit(self, server: Server, n: int, at: int, who: int, call: Call) -> None:
        """See ``Days``."""
        habit = self.tastes[who]
        if self.rng.random() < 0.8:
            server.collect([call(0, "Products Searched", query=SEARCHED[habit])], at)
        shown, same = self.decide(server, n, at, who, "ride_destinations", **trial.context(at))
        wanted = self.rng.choice(HABITS[habit])
        found = ""
        for item, looked in zip(shown, LOOKED, strict=False):
            if item == f"ride-to-{wanted}" and self.rng.random() < looked:
                found = item
        self.seen[same] += 1
        self.found[same] += bool(found)
        decision = self.decision(n)
        events = [call(1, "Decision Seen", **decision)]
        if found:
            events.append(call(2, "Decision Clicked", item_id=found, **decision))
        if self.rng.random() < ALONE + (PULL if found else 0.0):
            self.asked += 1
            if at >= self._free_at:
                self._free_at = at + BUSY
                self.rides += 1
                events.append(call(3, "Order Completed", **self._order(n), **(decision if found else {})))
        server.collect(events, at)

    def _order(self, n: int) -> dict[str, Any]:
        cents = 500 + self.rng.randrange(0, 700)
        return {"order_id": f"ride-sim-o{n}", "revenue": cents / 100, "currency": "EUR", "affiliation": AFFILIATION}

    def words(self) -> list[str]:
        """See ``Days``."""
        truth = self.truth()
        return [] if truth is None else [f"--truth={truth:.4f}"]

    def truth(self) -> float | None:
        """How many more rides there would be if all were shown what is chosen for them than if all were shown the
        same (0.1 is a tenth more), by this world's own rules: as often as either found their place, the same visits and
        the one car, over many fortnights. ``None`` where one of them was never shown.
        """
        if not all(self.seen.values()):
            return None
        dice = random.Random(self.seed)
        rides = [
            sum(self._fortnight(dice, self.found[same] / self.seen[same]) for _ in range(WORLDS))
            for same in (False, True)
        ]
        return rides[0] / rides[1] - 1 if rides[1] else None

    def _fortnight(self, dice: random.Random, found: float) -> int:
        chance, free_at, rides = ALONE + PULL * found, 0, 0
        for at, _ in self.visits_planned:
            if at >= free_at and dice.random() < chance:
                free_at, rides = at + BUSY, rides + 1
        return rides
