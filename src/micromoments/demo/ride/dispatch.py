"""Offers rides to drivers: every second all who wait are matched with all who are free, and asked one driver each.

A driver takes it, declines it or lets it pass; then it goes to the next. Who declined is never asked again for the
same ride. What was offered isn't kept: after a crash the same riders are still waiting, and are matched anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from micromoments.demo.fulfil import Order, Refused
from micromoments.demo.ride import matching
from micromoments.demo.ride.fleet import Driver
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.trip import trip

OFFERED = 15_000
"""How long a driver has for an answer, milliseconds."""
GIVE_UP = 5 * 60_000
"""How long a rider is looked a driver for; then nothing is charged."""
PEOPLE_FIRST = 400.0
"""Seconds by which a person at the wheel counts as nearer to a person's ride than a simulated driver is, so that people
meet in the demo."""


class Offer(msgspec.Struct, frozen=True):
    """A ride offered to a driver; ``seconds`` is how far away they are."""

    ride: str
    driver: str
    until: int
    seconds: float


class Dispatcher:
    """Matches. ``tell`` hears of each offer as it is made, and of its end (``False``)."""

    def __init__(self, rides: Rides, tell: Callable[[Offer, bool], None] | None = None, offered: int = OFFERED) -> None:
        self._rides, self._offered_for = rides, offered
        self._refused: defaultdict[str, set[str]] = defaultdict(set)
        self.offers: dict[str, Offer] = {}
        self.tell = tell

    def tick(self, now: int) -> None:
        """Let old offers go, make new ones, and tell those whom nobody can serve."""
        with self._rides.lock:
            for offer in [o for o in self.offers.values() if o.until <= now or not self._is_waiting(o.ride)]:
                self._end(offer)
            for order in self._waiting():
                if now - max(trip(order).asked, order.changed) > GIVE_UP:
                    self._rides.desk.cancel(order.id, "business", "nobody_free")
            for ride in self._refused.keys() - self._rides.active.keys():
                del self._refused[ride]
            self._match(now)

    def accept(self, ride: str, driver: Driver, pace: float = 1.0) -> Order:
        """A driver takes what they were offered.

        Raises:
            Refused: ``no_such_offer``, it ran out or was never theirs.
        """
        with self._rides.lock:
            offer = self._offered(ride, driver)
            if offer.until <= self._rides.clock():
                self._end(offer)
                raise Refused("no_such_offer", "an offer that ran out", "one that holds", "wait for the next", 409)
            taken = self._rides.take(ride, driver, pace)
            self.offers.pop(driver.id, None)
            return taken

    def decline(self, ride: str, driver: Driver) -> None:
        """A driver doesn't want it."""
        with self._rides.lock:
            self._end(self._offered(ride, driver))

    def drop(self, ride: str, driver: Driver) -> Order:
        """A driver gives a ride back, and isn't asked for it again."""
        with self._rides.lock:
            order = self._rides.drop(ride, driver)
            self._refused[ride].add(driver.id)
            return order

    def offer_of(self, driver: str) -> Offer | None:
        """What a driver is being offered."""
        return self.offers.get(driver)

    def _offered(self, ride: str, driver: Driver) -> Offer:
        offer = self.offers.get(driver.id)
        if offer is None or offer.ride != ride:
            raise Refused("no_such_offer", f"ride {ride[:40]}", "one that you are being offered", status=404)
        return offer

    def _end(self, offer: Offer) -> None:
        self.offers.pop(offer.driver, None)
        self._refused[offer.ride].add(offer.driver)
        if self.tell is not None:
            self.tell(offer, False)

    def _is_waiting(self, ride: str) -> bool:
        order = self._rides.active.get(ride)
        return order is not None and order.step in ("", "looking")

    def _waiting(self) -> list[Order]:
        return [order for order in self._rides.active.values() if order.step in ("", "looking")]

    def _match(self, now: int) -> None:
        offered = {offer.ride for offer in self.offers.values()}
        waiting = [order for order in self._waiting() if order.id not in offered]
        if not waiting:
            return
        free = [d for d in self._rides.fleet.free(now) if d.id not in self.offers]
        seconds = self._seconds(waiting, free, now)
        costs = matching.weigh(seconds, [(now - trip(order).asked) / 1000 for order in waiting])
        for row, order in enumerate(waiting):
            if not trip(order).simulated:
                costs[row, [n for n, d in enumerate(free) if not d.simulated]] -= PEOPLE_FIRST
        for row, column in matching.together(costs):
            order, driver = waiting[row], free[column]
            offer = Offer(order.id, driver.id, now + self._offered_for, float(seconds[row, column]))
            self.offers[driver.id] = offer
            if self.tell is not None:
                self.tell(offer, True)

    def _seconds(self, waiting: Sequence[Order], free: Sequence[Driver], now: int) -> matching.Floats:
        """Seconds from each driver to each rider, shape (riders, drivers); infinite where they may not be matched."""
        places = [self._rides.fleet.where(driver, now) for driver in free]
        seconds = np.full((len(waiting), len(free)), np.inf)
        for row, order in enumerate(waiting):
            record = trip(order)
            field = self._rides.roads.field(record.begin.at, places) * self._rides.usual.pace
            refused = self._refused[order.id]
            may = [n for n, d in enumerate(free) if record.kind in d.kinds and d.id not in refused]
            seconds[row, may] = field[may]
        return seconds
