"""The town's simulated drivers and riders: load and realism, every one of them marked as simulated.

Drivers answer offers, are held up by traffic that the estimate doesn't know, wait at the door and drive on. Riders
come so that about as many rides as wanted are under way.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from micromoments.demo.fulfil import Order, Refused
from micromoments.demo.ride import fares
from micromoments.demo.ride.dispatch import Dispatcher
from micromoments.demo.ride.places import SPOTS
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.trip import End, trip

TAKES = 0.9
"""The chance that a driver takes what they are offered; others decline or let it pass."""
ANSWERS = (1500, 6000)
BOARDS = (4000, 12_000)
"""Milliseconds: until a driver answers, and until a rider is in."""
TRAFFIC = (0.95, 1.75)
"""Real seconds for each second of an empty road, drawn for each way."""
AT_ONCE = 6
"""Riders who come in one second at most."""


class Simulator:
    """Plays everybody who isn't there. ``wanted`` rides are kept under way."""

    def __init__(self, rides: Rides, dispatcher: Dispatcher, wanted: int, seed: int) -> None:
        self._rides, self._dispatcher = rides, dispatcher
        self.wanted = wanted
        self._dice = random.Random(seed)
        self._due: dict[tuple[str, str], int] = {}

    def tick(self, now: int) -> None:
        """Everything that is due."""
        with self._rides.lock:
            self._answer(now)
            for order in list(self._rides.active.values()):
                record = self._rides.record(order)
                if record.driver is not None and record.driver.simulated:
                    self._drive(order, now)
        self._come(now)

    def _answer(self, now: int) -> None:
        drivers = self._rides.fleet.drivers
        for offer in list(self._dispatcher.offers.values()):
            driver = drivers[offer.driver]
            if not driver.simulated or not self._is_due(("answer", f"{offer.ride} {driver.id}"), now, ANSWERS):
                continue
            chance = self._dice.random()
            if chance < TAKES:
                _try(partial(self._dispatcher.accept, offer.ride, driver, self._dice.uniform(*TRAFFIC)))
            elif chance < TAKES + (1 - TAKES) / 2:
                self._dispatcher.decline(offer.ride, driver)
            # Else nothing is said, and the offer runs out.

    def _drive(self, order: Order, now: int) -> None:
        driver = self._rides.fleet.drivers.get(order.place)
        if driver is None:
            return
        there = driver.motion is None or driver.motion.over(now)
        if order.step == "coming" and there:
            _try(lambda: self._rides.arrive(order.id, driver))
        elif order.step == "arrived" and self._is_due(("in", order.id), now, BOARDS):
            _try(lambda: self._rides.start(order.id, driver, self._dice.uniform(*TRAFFIC)))
        elif order.step == "riding" and there:
            done = _try(lambda: self._rides.finish(order.id, driver))
            if done is not None and trip(order).simulated:
                stars = self._dice.choice((5, 5, 5, 4, 4, 3))
                _try(lambda: self._rides.rate(order.id, order.owner, stars))

    def _come(self, now: int) -> None:
        """New riders, as many as are missing."""
        under_way = sum(order.owner.startswith("sim-") for order in list(self._rides.active.values()))
        for _ in range(min(AT_ONCE, self.wanted - under_way)):
            if self.wanted <= 20 and self._dice.random() < 0.85:
                continue  # in a small town they don't all come at once
            owner = f"sim-rider-{now}-{self._dice.randrange(10**6)}"
            corner = self._rides.roads.corner(self._dice.random())
            spot = self._dice.choice(SPOTS)
            other = End(self._rides.roads.spot(spot.at).at, spot.title)
            ends = (End(corner), other) if self._dice.random() < 0.6 else (other, End(corner))
            kind = self._dice.choices([k.id for k in fares.KINDS], (0.7, 0.2, 0.1))[0]

            def ask(owner: str = owner, ends: tuple[End, End] = ends, kind: str = kind) -> Order:
                quote = self._rides.quote(owner, *ends)
                return self._rides.request(owner, quote.id, kind, "pm_card_visa", "ride", "Sim")

            _try(ask)

    def _is_due(self, what: tuple[str, str], now: int, between: tuple[int, int]) -> bool:
        """Whether something that takes a while, counted from the first look at it, is due; then it is forgotten."""
        due = self._due.setdefault(what, now + self._dice.randrange(*between))
        if due > now:
            return False
        if what[0] == "in":
            del self._due[what]
        else:
            self._due[what] = now + 10**9  # an offer is answered once
            if len(self._due) > 5000:
                self._due = {k: v for k, v in self._due.items() if v < now + 10**8}
        return True


def _try(act: Callable[[], Order]) -> Order | None:
    """Do something that somebody else may have made impossible meanwhile."""
    try:
        return act()
    except Refused:
        return None
