"""A coffee chain's app, whole: stores near me, order ahead, the barista's screen, rewards, promotions by the engine.

``/coffee/`` is the customer's phone, ``/coffee/barista`` the bar's. What the engine does for it is in ``TABLES``.
"""

from __future__ import annotations

import micromoments as mm
from micromoments.demo.coffee.days import PEOPLE, CoffeeDays
from micromoments.demo.shell.days import like

TABLES = """
[slots.coffee_offers]
kinds = ["offer"]
categories = ["coffee offers"]
goal = "coffee_order"
limit = 2
holdout = 0.5
people = 800
window_minutes = 1440

[slots.coffee_usual]
kinds = ["offer"]
categories = ["coffee usual"]
goal = "coffee_order"
limit = 1
assume_seen = true
default = "nothing"

[[slots.coffee_usual.caps]]
times = 1
hours = 20
by = "slot"

[goals.coffee_order]
event = "Order Completed"
where = { affiliation = "Alder Coffee" }
value = "revenue"
currency = "EUR"
ends = ["go", "buy"]
"""


def days(world: mm.World, start: int, end: int) -> CoffeeDays:
    """The days of the chain's simulated customers before the demo."""
    return CoffeeDays(world, start, end, like(PEOPLE, world))
