"""Simulated customers of the shop, with tastes that only this file knows: what the engine learns from before anybody
looks, and what its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

from typing import Any

import micromoments as mm
from micromoments.demo.shell.days import Call, Days, Server, Steps
from micromoments.demo.shop import goods, offers

PEOPLE = 600
VISITS = 0.1
"""A person's visits a day."""
ALONE = 0.08
"""The chance of an order whatever is offered."""
PULLS = (0.7, 0.02)
"""What an offer adds to it: one of the department that somebody loves, and another one."""
LOOKED = (0.95, 0.6)
"""The chance that each position is looked at."""
DESK = 0.3
"""How many find it on the phone and order at a computer."""
SETS = {
    "coffee": ("p-pour-over-dripper-ceramic", "p-filter-papers-02-100-pieces", "p-gooseneck-kettle-0-9-l"),
    "kitchen": ("p-bread-flour-strong-white-5-kg", "p-proofing-basket-25-cm", "p-dried-sourdough-starter"),
    "repair": ("p-tap-repair-kit-with-washers", "p-adjustable-spanner-250-mm", "p-plumber-s-ptfe-tape-3-rolls"),
    "bikes": ("p-puncture-repair-kit", "p-inner-tube-700-x-28-32", "p-floor-pump-with-gauge"),
}
"""What people of a taste buy together."""
SEARCHED = {
    "coffee": "coffee grinder",
    "kitchen": "kitchen knife",
    "repair": "repair tools",
    "bikes": "bikes and lights",
}
"""What people of a taste type, mostly, when they come."""


class ShopDays(Days):
    """The shop's customers. ``orders`` and ``visits`` count them, by whether the person is held out."""

    name = "shop"
    channel = "web"

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        super().__init__(world.seed + 1, goods.CATEGORIES, start, end, people, VISITS)
        self.items = [*goods.items(), *offers.items()]
        self.visits = {True: 0, False: 0}
        self.orders = {True: 0, False: 0}

    def visit(self, server: Server, n: int, who: int, call: Call) -> Steps:
        """See ``Days``."""
        taste = self.tastes[who]
        look = self.rng.choice(SETS[taste])
        if self.rng.random() < 0.8:
            server.collect([call("search", "Products Searched", query=SEARCHED[taste])], self.now)
            yield self.pause(4, 20)
        server.collect([call("look", "Product Viewed", product_id=look, category=taste)], self.now)
        yield self.pause(5, 25)
        shown, held_out = self.decide(server, n, who, "shop_offers")
        chance, taken = ALONE, ""
        for item, looked in zip(shown, LOOKED, strict=False):
            fits = item == f"shop-offer-{taste}"
            if self.rng.random() < looked and (fits or not taken):
                chance, taken = ALONE + PULLS[0 if fits else 1], item if fits else taken
        orders, at_a_desk = self.rng.random() < chance, self._pace.random() < DESK
        self.visits[held_out] += 1
        self.orders[held_out] += orders
        decision = self.decision(n)
        yield self.pause(1, 2)
        server.collect([call("seen", "Decision Seen", **decision)], self.now)
        if not orders:
            return
        order = self._order(n, taste)
        if taken:
            yield self.pause(3, 15)
            server.collect([call("click", "Decision Clicked", item_id=taken, **decision)], self.now)
            order |= {**decision, "item_id": taken}
        yield self.pause(20, 60)
        ordered = call("order", "Order Completed", **order)
        server.collect([self.elsewhere(ordered, "web", "desktop") if at_a_desk else ordered], self.now)

    def _order(self, n: int, taste: str) -> dict[str, Any]:
        """Two or three of the things that go together."""
        bought = self.rng.sample(SETS[taste], self.rng.choice((2, 3)))
        products = [{"product_id": sku, "price": goods.product(sku).price / 100, "quantity": 1} for sku in bought]
        worth = sum(goods.product(sku).price for sku in bought) / 100
        order: dict[str, Any] = {"order_id": f"shop-sim-o{n}", "revenue": worth, "currency": goods.CURRENCY}
        return {**order, "affiliation": "Tidewater", "products": products}
