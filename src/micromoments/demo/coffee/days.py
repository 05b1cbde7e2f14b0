"""Simulated customers of the chain, with tastes that only this file knows: what the engine learns from before anybody
looks, and what its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

import micromoments as mm
from micromoments.demo.coffee import menu, promotions
from micromoments.demo.coffee.town import Town
from micromoments.demo.shell.days import Call, Days, Server, Steps

PEOPLE = 800
VISITS = 0.11
"""A person's visits a day."""
ALONE = 0.09
"""The chance of an order whatever is shown."""
PULLS = (0.75, 0.02)
"""What a promotion adds to it: to those whose taste it is, and to others."""
LOOKED = (0.95, 0.6)
"""The chance that each position is looked at."""
TILL = 0.25
"""How many order at a store's till, which scans the app, instead of ahead."""
TASTES = ("double", "combo", "back", "size")
SEARCHED = {
    "double": "double star offer",
    "combo": "cinnamon bun price",
    "back": "percent off next order",
    "size": "large drink",
}
"""What people of a taste type in the menu's search: the only sign of it."""


class CoffeeDays(Days):
    """The chain's customers. ``orders`` and ``visits`` count them, by whether the person is held out."""

    name = "coffee"

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        super().__init__(world.seed, TASTES, start, end, people, VISITS)
        self.items = [*menu.items(world.timezone, Town(world.timezone).points()), *promotions.items()]
        self._had = [0] * people
        self.visits = {True: 0, False: 0}
        self.orders = {True: 0, False: 0}

    def visit(self, server: Server, n: int, who: int, call: Call) -> Steps:
        """See ``Days``."""
        taste = self.tastes[who]
        if self.rng.random() < 0.8:
            server.collect([call(0, "Products Searched", query=SEARCHED[taste])], self.now)
            yield self.pause(2, 9)
        shown, held_out = self.decide(server, n, who, "coffee_offers", orders=self._had[who])
        chance, taken = ALONE, ""
        for item, looked in zip(shown, LOOKED, strict=False):
            fits = item == f"coffee-offer-{taste}"
            if self.rng.random() < looked and (fits or not taken):
                chance, taken = ALONE + PULLS[0 if fits else 1], item if fits else taken
        orders, at_the_till = self.rng.random() < chance, self._pace.random() < TILL
        self.visits[held_out] += 1
        self.orders[held_out] += orders
        decision = self.decision(n)
        yield self.pause(1, 2)
        server.collect([call(1, "Decision Seen", **decision)], self.now)
        if not orders:
            return
        self._had[who] += 1
        worth = 3.5 + self.rng.randrange(0, 500) / 100
        order = {"order_id": f"coffee-sim-o{n}", "revenue": worth, "currency": "EUR", "affiliation": "Alder Coffee"}
        if taken:
            yield self.pause(3, 15)
            server.collect([call(2, "Decision Clicked", item_id=taken, **decision)], self.now)
            order = {**order, **decision, "item_id": taken}
        yield self.pause(15, 60)
        ordered = call(3, "Order Completed", **order)
        server.collect([self.elsewhere(ordered, "store") if at_the_till else ordered], self.now)
