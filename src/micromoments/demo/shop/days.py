"""Simulated customers of the shop, with tastes that only this file knows: what the engine learns from before anybody
looks, and what its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import micromoments as mm
from micromoments.demo.fulfil.teller import stamp
from micromoments.demo.shop import goods, offers

PEOPLE = 240
VISITS = 0.16
"""A person's visits a day."""
DAY = 86_400_000
ALONE = 0.25
"""The chance of an order whatever is offered."""
PULLS = (0.4, 0.02)
"""What an offer adds to it: one of the department that somebody loves, and another one."""
LOOKED = (0.95, 0.6)
"""The chance that each position is looked at."""
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


class Server(Protocol):
    """Who takes the days."""

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Take Segment calls at an instant."""
        ...

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[list[str], bool]:
        """Decide as of an instant: item ids, and whether the person is held out."""
        ...


class ShopDays:
    """The visits between two instants (milliseconds), lived one after another as far as they are asked for.

    ``orders`` and ``visits`` count them, by whether the person is held out.
    """

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        self.items = [*goods.items(), *offers.items()]
        self._rng = random.Random(world.seed + 1)
        self._tastes = [self._rng.choice(goods.CATEGORIES) for _ in range(people)]
        self._visits = sorted(
            (self._rng.randrange(start, end), self._rng.randrange(people))
            for _ in range(int((end - start) / DAY * people * VISITS))
        )
        self._done = 0
        self.visits = {True: 0, False: 0}
        self.orders = {True: 0, False: 0}

    def live(self, server: Server, until: int) -> None:
        """Everything that happens up to an instant."""
        while self._done < len(self._visits) and self._visits[self._done][0] <= until:
            at, who = self._visits[self._done]
            self._done += 1
            self._visit(server, self._done, at, who)

    def _visit(self, server: Server, n: int, at: int, who: int) -> None:
        taste = self._tastes[who]
        person = f"shop-sim-{who}"
        context = {"simulated": True, "channel": "web", "device": {"type": "mobile"}}

        def call(k: str, event: str, **properties: Any) -> dict[str, Any]:
            message = {"type": "track", "messageId": f"shop-sim-{n}-{k}", "anonymousId": person, "event": event}
            return {**message, "properties": properties, "timestamp": stamp(at), "context": context}

        look = self._rng.choice(SETS[taste])
        looks = [call("look", "Product Viewed", product_id=look, category=taste)]
        if self._rng.random() < 0.8:
            looks.insert(0, call("search", "Products Searched", query=SEARCHED[taste]))
        server.collect(looks, at)
        shown, held_out = server.decide(f"shop-sim-d{n}", person, "shop_offers", context, at)
        self.visits[held_out] += 1
        chance, taken = ALONE, ""
        for item, looked in zip(shown, LOOKED, strict=False):
            fits = item == f"shop-offer-{taste}"
            if self._rng.random() < looked and (fits or not taken):
                chance, taken = ALONE + PULLS[0 if fits else 1], item if fits else taken
        decision = {"decision_id": f"shop-sim-d{n}"}
        events = [call("seen", "Decision Seen", **decision)]
        if self._rng.random() < chance:
            self.orders[held_out] += 1
            events += self._order(call, n, taste, taken, decision)
        server.collect(events, at)

    def _order(self, call: Any, n: int, taste: str, taken: str, decision: dict[str, str]) -> list[dict[str, Any]]:
        """Two or three of the things that go together."""
        bought = self._rng.sample(SETS[taste], self._rng.choice((2, 3)))
        products = [{"product_id": sku, "price": goods.product(sku).price / 100, "quantity": 1} for sku in bought]
        worth = sum(goods.product(sku).price for sku in bought) / 100
        order: dict[str, Any] = {"order_id": f"shop-sim-o{n}", "revenue": worth, "currency": goods.CURRENCY}
        order |= {"affiliation": "Tidewater", "products": products}
        events = []
        if taken:
            events.append(call("click", "Decision Clicked", item_id=taken, **decision))
            order |= {**decision, "item_id": taken}
        return [*events, call("order", "Order Completed", **order)]
