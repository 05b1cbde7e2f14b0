"""A ride service's app, whole: where to, a fixed price, matching over live drivers, the car on the map, fare and tip.

``/ride/`` is the rider's phone, ``/ride/driver`` the driver's. What the engine does for it is in ``TABLES``. Hundreds
of simulated drivers and riders are about, and marked as such.
"""

from __future__ import annotations

import micromoments as mm
from micromoments.demo.ride import trial
from micromoments.demo.ride.days import PEOPLE, RideDays
from micromoments.demo.shell.days import like

TABLES = (
    """
[slots.ride_destinations]
kinds = ["place"]
categories = ["ride places"]
goal = "ride_order"
limit = 4
floor = 0.0  # so that what all are shown is the same for all; the policy explores by itself
window_minutes = 240

[slots.ride_kinds]
kinds = ["offer"]
categories = ["ride kinds"]
goal = "ride_order"
limit = 3
floor = 0.0
window_minutes = 60

[slots.ride_home]
kinds = ["offer"]
categories = ["ride home"]
goal = "ride_order"
limit = 1
default = "nothing"
assume_seen = true  # not being asked is counted too

[[slots.ride_home.caps]]
times = 3
hours = 24
by = "slot"

[goals.ride_order]
event = "Order Completed"
where = { affiliation = "Alder Ride" }
value = "revenue"
currency = "EUR"
ends = ["go", "buy"]
"""
    + trial.TABLES
)


def days(world: mm.World, start: int, end: int) -> RideDays:
    """The days of the service's simulated riders before the demo."""
    return RideDays(world, start, end, like(PEOPLE, world))
