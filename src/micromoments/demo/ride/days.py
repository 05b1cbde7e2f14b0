"""Simulated riders with habits that only this file knows: what the engine learns from before anybody looks, and what
its worth is measured on. Everything sent says that it is simulated.

Somebody opens the app for one of three things: to find a place (``ride_destinations``), to see what a ride would cost
(``ride_kinds``), or away from home (``ride_home``). Each is a slot, and what it shows may win a ride.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import micromoments as mm
from micromoments.demo.ride import places, trial
from micromoments.demo.ride.trial import SLOTS
from micromoments.demo.ride.trip import AFFILIATION
from micromoments.demo.shell.days import Call, Days, Server, Steps

PEOPLE = 1500
VISITS = 1 / 14
"""A person's visits a day: everybody comes once, so that whom a test parts has only what it showed them."""
ALONE = {"ride_destinations": 0.08, "ride_kinds": 0.1, "ride_home": 0.12}
"""The chance of asking for a ride whatever is shown: those who search find it themselves."""
PULLS = {"ride_destinations": 0.85, "ride_kinds": 0.75, "ride_home": 0.6}
"""What finding one's place on the shelf adds, one's kind of ride in the first position, the way home at all."""
BUSY = 35 * 60_000
"""How long (ms) a ride keeps a quarter's one car busy; who asks meanwhile takes the tram."""
LOOKED = (0.95, 0.8, 0.6, 0.45)
"""The chance that each position of the shelf is looked at."""
WORLDS = 200
"""Fortnights over which the truth is taken."""
HABITS: Mapping[str, tuple[str, ...]] = {
    "commuter": ("offices", "station"),
    "student": ("college", "gym"),
    "nurse": ("hospital", "clinic"),
    "nights": ("theatre", "arena"),
    "walker": ("castle", "park"),
}
SEARCHED = {
    "commuter": "offices by the station",
    "student": "college gym",
    "nurse": "hospital or clinic",
    "nights": "theatre or arena",
    "walker": "castle and park",
}
"""What people of a habit type in the search: the only sign of it."""
KINDS = {"go": 1, "comfort": 8, "six": 1}
"""How many like which kind of ride: most of them another one than an app would show first."""


class RideDays(Days):
    """The service's riders, in three quarters with one car each, and a slot that matters in each: a ride that somebody
    gets is one that another doesn't.

    ``seen`` and ``found`` count visits by slot and by whether they were shown what everybody would get, and those that
    found what they like; ``asked`` and ``rides`` those that asked for a ride and got one.
    """

    name = "ride"

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        super().__init__(world.seed + 7, tuple(HABITS), start, end, people, VISITS)
        self.items = places.items()
        self.kinds = self.rng.choices(tuple(KINDS), tuple(KINDS.values()), k=people)
        self.visits_planned = [(at, n % people) for n, (at, _) in enumerate(self.visits_planned)]
        self._free_at = dict.fromkeys(SLOTS, 0)
        self.seen = {(slot, same): 0 for slot in SLOTS for same in (True, False)}
        self.found = dict.fromkeys(self.seen, 0)
        self.asked = self.rides = 0

    def visit(self, server: Server, n: int, who: int, call: Call) -> Steps:
        """See ``Days``."""
        slot = SLOTS[who % len(SLOTS)]
        if slot == "ride_destinations" and self.rng.random() < 0.8:
            server.collect([call(0, "Products Searched", query=SEARCHED[self.tastes[who]])], self.now)
            yield self.pause(2, 8)
        here = {"home_known": True, "away": True} if slot == "ride_home" else {}
        shown, same = self.decide(server, n, who, slot, **trial.context(self.now), **here)
        found = self._found(slot, who, shown, same)
        self.seen[slot, same] += 1
        self.found[slot, same] += bool(found)
        decision = self.decision(n)
        asks = self.rng.random() < ALONE[slot] + (PULLS[slot] if found else 0.0)
        # The way home isn't shown to those who get what everybody gets; the slot counts them all the same.
        if found or slot != "ride_home":
            yield self.pause(1, 2)
            server.collect([call(1, "Decision Seen", **decision)], self.now)
        if found:
            yield self.pause(2, 10)
            server.collect([call(2, "Decision Clicked", item_id=found, **decision)], self.now)
        if asks:
            self.asked += 1
            yield self.pause(10, 45)
            if self.now >= self._free_at[slot]:
                self._free_at[slot] = self.now + BUSY
                self.rides += 1
                order = {**self._order(n), **(decision if found else {})}
                server.collect([call(3, "Order Completed", **order)], self.now)

    def _found(self, slot: str, who: int, shown: list[str], same: bool) -> str:
        """What somebody likes of what they are shown, if anything."""
        if slot == "ride_kinds":
            liked = f"ride-kind-{self.kinds[who]}"
            return liked if shown[:1] == [liked] else ""
        if slot == "ride_home":
            return places.HOME if shown and not same else ""
        wanted = f"ride-to-{self.rng.choice(HABITS[self.tastes[who]])}"
        looked = any(item == wanted and self.rng.random() < chance for item, chance in zip(shown, LOOKED, strict=False))
        return wanted if looked else ""

    def _order(self, n: int) -> dict[str, Any]:
        cents = 500 + self.rng.randrange(0, 700)
        return {"order_id": f"ride-sim-o{n}", "revenue": cents / 100, "currency": "EUR", "affiliation": AFFILIATION}

    def words(self) -> list[str]:
        """See ``Days``: the truth of each slot, in their order; empty where it isn't known."""
        truths = [self.truth(slot) for slot in SLOTS]
        return (
            ["--truth=" + ",".join("" if truth is None else f"{truth:.4f}" for truth in truths)] if any(truths) else []
        )

    def truth(self, slot: str) -> float | None:
        """How many more rides there would be in a slot's quarter if all were shown what is chosen for them than if all
        were shown the same (0.1 is a tenth more), by this world's own rules: as often as either found what they like,
        the same visits and the one car, over many fortnights. ``None`` where one of them was never shown.
        """
        if not (self.seen[slot, True] and self.seen[slot, False]):
            return None
        visits = [at for at, who in self.visits_planned if SLOTS[who % len(SLOTS)] == slot]
        dice = random.Random(self.seed)
        chances = [ALONE[slot] + PULLS[slot] * self.found[slot, same] / self.seen[slot, same] for same in (False, True)]
        rides = [sum(_fortnight(visits, dice, chance) for _ in range(WORLDS)) for chance in chances]
        return rides[0] / rides[1] - 1 if rides[1] else None


def _fortnight(visits: list[int], dice: random.Random, chance: float) -> int:
    """Rides of one car, where so many ask."""
    free_at = rides = 0
    for at in visits:
        if at >= free_at and dice.random() < chance:
            free_at, rides = at + BUSY, rides + 1
    return rides
