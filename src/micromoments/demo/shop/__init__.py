"""A shop, whole: search, products, guides and answers, one cart on all devices, one-step checkout, parcels, returns.

``/shop/`` is the customer's. What the engine does for it is in ``TABLES``.
"""

from __future__ import annotations

import micromoments as mm
from micromoments.demo.shell.days import like
from micromoments.demo.shop.days import PEOPLE, ShopDays

TABLES = """
[slots.shop_home]
kinds = ["product", "guide"]
categories = ["coffee", "kitchen", "repair", "bikes"]
goal = "shop_order"
limit = 4
holdout = 0.2

[slots.shop_product]
kinds = ["product"]
categories = ["coffee", "kitchen", "repair", "bikes"]
goal = "shop_order"
limit = 3
holdout = 0.2

[slots.shop_cart]
kinds = ["product"]
categories = ["coffee", "kitchen", "repair", "bikes"]
goal = "shop_order"
limit = 3
holdout = 0.2

[slots.shop_answer]
kinds = ["article", "guide"]
categories = ["coffee", "kitchen", "repair", "bikes"]
policy = "rules"
limit = 2

[slots.shop_offers]
kinds = ["offer"]
categories = ["shop offers"]
goal = "shop_order"
limit = 2
holdout = 0.5
people = 600
window_minutes = 1440

[goals.shop_order]
event = "Order Completed"
where = { affiliation = "Tidewater" }
value = "revenue"
currency = "EUR"
ends = ["buy"]
"""


def days(world: mm.World, start: int, end: int) -> ShopDays:
    """The days of the shop's simulated customers before the demo."""
    return ShopDays(world, start, end, like(PEOPLE, world))
