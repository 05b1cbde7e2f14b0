"""What pages are shown of a ride: where its car is, how long it still takes, and the ride in words and numbers."""

from __future__ import annotations

from math import hypot
from typing import Any

import msgspec

from micromoments.demo.fulfil import Order
from micromoments.demo.ride import estimate, fares
from micromoments.demo.ride.rides import Rides
from micromoments.demo.ride.roads import Place, Way
from micromoments.demo.ride.trip import Leg, trip

LOST = 70.0
"""Metres from the way beyond which a driver has taken another one."""


class Follower:
    """Follows rides under way. A way that a driver left is found anew, from where they are."""

    def __init__(self, rides: Rides) -> None:
        self._rides = rides
        self._ways: dict[str, tuple[Place, int, Way]] = {}

    def position(self, order: Order, now: int) -> dict[str, Any] | None:
        """Where the car of a ride is and how long it still takes; ``None`` while it has none.

        ``left`` is seconds, ``eta`` an instant in milliseconds, ``sent`` the instant that it is true for.
        """
        driver = self._rides.fleet.drivers.get(order.place)
        if driver is None or order.step not in ("coming", "arrived", "riding"):
            self._ways.pop(order.id, None)
            return None
        at = self._rides.fleet.where(driver, now)
        told = {"ride": order.id, "step": order.step, "x": round(at[0], 1), "y": round(at[1], 1), "sent": now}
        leg = self._rides.record(order).leg
        if leg is None:
            return {**told, "left": 0, "eta": now}
        motion = driver.motion
        if driver.simulated and motion is not None:  # along its way by the clock: it can't be lost
            way, began, done = motion.way, leg.began, motion.done(now)
        else:
            way, began = self._way(order, leg, at)
            done = way.nearest(at)
        left = estimate.left(done, way.seconds, max(0.0, (now - began) / 1000), self._rides.usual.pace)
        return {**told, "left": round(left), "eta": now + int(left * 1000)}

    def _way(self, order: Order, leg: Leg, at: Place) -> tuple[Way, int]:
        """The way of the leg under way, and since when."""
        start, began, way = self._ways.get(order.id, (leg.start, leg.began, self._rides.roads.way(leg.start, leg.end)))
        if began < leg.began:
            start, began, way = leg.start, leg.began, self._rides.roads.way(leg.start, leg.end)
        on = way.at(way.nearest(at))
        if hypot(on[0] - at[0], on[1] - at[1]) > LOST:
            start, began, way = at, self._rides.clock(), self._rides.roads.way(at, leg.end)
        self._ways[order.id] = (start, began, way)
        return way, began

    def show(self, order: Order) -> dict[str, Any]:
        """A ride as its rider sees it; of a tip only that it is one."""
        if order.flow:
            return {"id": order.id, "flow": order.flow, "state": order.state}
        record = trip(order)
        fee = self._rides.cancel_fee(order)
        known = self._ways.get(order.id)
        approach = None
        if record.leg is not None and order.state == "tracking":
            approach = known[2] if known else self._rides.roads.way(record.leg.start, record.leg.end)
        return {
            **{
                name: getattr(order, name)
                for name in ("id", "state", "step", "why", "total", "tax", "fee", "at", "version")
            },
            "kind": record.kind,
            "from": record.begin,
            "to": record.end,
            "driver": record.driver,
            "seconds": round(record.seconds * self._rides.usual.pace),
            "metres": round(record.metres),
            "times": {
                n: getattr(record, n) for n in ("asked", "taken", "promised", "arrived", "started", "first", "ended")
            },
            "cancel": fee,
            "stars": record.stars,
            "tip": record.tip,
            "way": line(self._rides.roads.way(record.begin.at, record.end.at)),
            "approach": line(approach) if approach is not None and order.step == "coming" else None,
            "position": self.position(order, self._rides.clock()) if order.state == "tracking" else None,
        }

    def job(self, order: Order) -> dict[str, Any]:
        """A ride as its driver sees it: what they earn, whom they fetch, and the way to drive now."""
        record = trip(order)
        way = self._rides.roads.way(record.leg.start, record.leg.end) if record.leg is not None else None
        return {
            **{name: getattr(order, name) for name in ("id", "state", "step", "why", "total", "fee", "version")},
            "rider": record.rider,
            "kind": record.kind,
            "from": record.begin,
            "to": record.end,
            "way": line(way) if way is not None else None,
            "times": way.times if way is not None else None,
            "arrived": record.arrived,
            "noShow": record.arrived + fares.NO_SHOW if order.step == "arrived" else None,
        }


def line(way: Way) -> list[list[float]]:
    """A way as pages draw it."""
    return [[round(x, 1), round(y, 1)] for x, y in way.points]


def report(rides: Rides) -> dict[str, Any]:
    """How well rides were matched, of all that are over: share, waits and how wrong the first estimate was."""
    asked = matched = 0
    waits: list[float] = []
    off: list[float] = []
    for (body,) in rides.store.rows(
        "SELECT body FROM orders WHERE state IN ('done', 'cancelled') ORDER BY at DESC LIMIT 5000"
    ):
        order = msgspec.json.decode(body, type=Order)
        if order.flow or not order.payment or order.why == "rider":
            continue
        record = trip(order)
        asked += 1
        if record.arrived:
            matched += 1
            waits.append((record.arrived - record.asked) / 1000)
            off.append(abs(record.arrived - record.promised) / 1000)
    waits.sort()
    return {
        "asked": asked,
        "matched": matched / asked if asked else None,
        "waitSeconds": sum(waits) / len(waits) if waits else None,
        "waitSecondsNinety": waits[int(len(waits) * 0.9)] if waits else None,
        "firstEstimateOffSeconds": sum(off) / len(off) if off else None,
        "simulated": True,
    }
