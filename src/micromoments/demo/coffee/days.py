"""Simulated customers of the chain, with tastes that only this file knows: what the engine learns from before anybody
looks, and what its worth is measured on. Everything sent says that it is simulated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import micromoments as mm
from micromoments.demo.coffee import menu, promotions
from micromoments.demo.coffee.town import Town
from micromoments.demo.fulfil.teller import stamp

PEOPLE = 260
VISITS = 0.45
"""A person's visits a day."""
DAY = 86_400_000
ALONE = 0.30
"""The chance of an order whatever is shown."""
PULLS = (0.45, 0.02)
"""What a promotion adds to it: to those whose taste it is, and to others."""
LOOKED = (0.95, 0.6)
"""The chance that each position is looked at."""
TASTES = ("double", "combo", "back", "size")
SEARCHED = {"double": "rewards stars", "combo": "cinnamon bun", "back": "cheap coffee", "size": "large latte"}
"""What people of a taste type in the menu's search: the only sign of it."""


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


class CoffeeDays:
    """The visits between two instants (milliseconds), lived one after another as far as they are asked for.

    ``orders`` and ``visits`` count them, by whether the person is held out.
    """

    def __init__(self, world: mm.World, start: int, end: int, people: int = PEOPLE) -> None:
        self.items = [*menu.items(world.timezone, Town(world.timezone).points()), *promotions.items()]
        self._rng = random.Random(world.seed)
        self._tastes = [self._rng.choice(TASTES) for _ in range(people)]
        self._visits = sorted(
            (self._rng.randrange(start, end), self._rng.randrange(people))
            for _ in range(int((end - start) / DAY * people * VISITS))
        )
        self._done = 0
        self._had = [0] * people
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
        person = f"coffee-sim-{who}"
        context = {"simulated": True, "channel": "app", "device": {"type": "mobile"}}

        def call(k: int, event: str, **properties: Any) -> dict[str, Any]:
            return {
                "type": "track",
                "messageId": f"coffee-sim-{n}-{k}",
                "anonymousId": person,
                "event": event,
                "properties": properties,
                "timestamp": stamp(at),
                "context": context,
            }

        if self._rng.random() < 0.8:
            server.collect([call(0, "Products Searched", query=SEARCHED[taste])], at)
        asked = {**context, "orders": self._had[who]}
        shown, held_out = server.decide(f"coffee-sim-d{n}", person, "coffee_offers", asked, at)
        chance, taken = ALONE, ""
        for item, looked in zip(shown, LOOKED, strict=False):
            fits = item == f"coffee-offer-{taste}"
            if self._rng.random() < looked and (fits or not taken):
                chance, taken = ALONE + PULLS[0 if fits else 1], item if fits else taken
        decision = {"decision_id": f"coffee-sim-d{n}"}
        events = [call(1, "Decision Seen", **decision)]
        self.visits[held_out] += 1
        if self._rng.random() < chance:
            self.orders[held_out] += 1
            self._had[who] += 1
            worth = 3.5 + self._rng.randrange(0, 500) / 100
            order = {"order_id": f"coffee-sim-o{n}", "revenue": worth, "currency": "EUR", "affiliation": "Alder Coffee"}
            if taken:
                events.append(call(2, "Decision Clicked", item_id=taken, **decision))
                order = {**order, **decision, "item_id": taken}
            events.append(call(3, "Order Completed", **order))
        server.collect(events, at)
