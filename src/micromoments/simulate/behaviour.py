"""How people react to what they are served: they look down the list, click what suits moment and taste, and act.

A cascade (Craswell et al., "An Experimental Comparison of Click Position-Bias Models", 2008): each position is looked
at with a fixed chance, the first item that appeals is clicked. Every draw has a stream of its own, so that two policies
meet the same people in the same mood: common random numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, hypot
from typing import Any

import msgspec
import numpy as np

from micromoments.core.event import Millis
from micromoments.core.hours import open_at
from micromoments.core.item import Item, Kind
from micromoments.core.moment import MomentType
from micromoments.simulate.city import Place
from micromoments.simulate.visits import SECOND, Visit, call, in_store

LOOKED_AT = (0.92, 0.66, 0.48, 0.34, 0.25)
"""The chance that a position is looked at."""
SUITS: dict[MomentType, dict[Kind, float]] = {
    "know": {"article": 0.90, "guide": 0.35, "product": 0.06, "place": 0.05, "offer": 0.04},
    "go": {"article": 0.05, "guide": 0.04, "product": 0.08, "place": 0.95, "offer": 0.30},
    "do": {"article": 0.25, "guide": 0.95, "product": 0.20, "place": 0.08, "offer": 0.08},
    "buy": {"article": 0.08, "guide": 0.08, "product": 0.90, "place": 0.18, "offer": 0.55},
    "none": {"article": 0.12, "guide": 0.08, "product": 0.08, "place": 0.08, "offer": 0.10},
}
"""How well a kind of item suits a type of moment, in [0, 1]."""
OTHER_CATEGORY = 0.06
"""How much of its appeal an item of another category than the wanted one keeps."""
DONE: dict[Kind, tuple[str, float, float]] = {
    "article": ("Article Read", 0.85, 0.12),
    "guide": ("Guide Completed", 0.75, 0.45),
    "place": ("Store Visited", 0.80, 0.75),
    "product": ("Product Added", 0.85, 0.85),
    "offer": ("Offer Saved", 0.80, 0.75),
}
"""What a click leads to: the event, its chance, and the chance of an order after it."""
BY_THEMSELVES: dict[MomentType, float] = {"know": 0.01, "go": 0.10, "do": 0.04, "buy": 0.16, "none": 0.01}
"""The chance of an order without any help."""
WALK_HALVES = 900.0
"""Metres at which a place's appeal has halved."""
TIRED_OF = 0.25
"""The chance that someone who came for nothing waves away what doesn't suit."""


class Reaction(msgspec.Struct, frozen=True):
    """What someone did with a decision: Segment calls in order, the item clicked, whether it was a success.

    ``ordered`` is the worth of an order in minor units, 0 without one.
    """

    events: tuple[dict[str, Any], ...]
    clicked: str = ""
    done: str = ""
    dismissed: bool = False
    ordered: int = 0


def appeal(visit: Visit, item: Item, index: int, where: Mapping[str, Place]) -> float:
    """The chance that an item that is looked at is clicked, in [0, 0.95]."""
    consumer = visit.consumer
    chance = 0.95 * SUITS[visit.type][item.kind] * float(consumer.taste[index])
    if item.category != visit.category:
        chance *= OTHER_CATEGORY
    if item.kind == "place":
        x, y = where[item.id]
        chance *= exp(-hypot(x - visit.place[0], y - visit.place[1]) * 0.693 / WALK_HALVES)
        if not open_at(item, item.timezone, visit.asks_at):
            chance *= 0.05
    if item.price is not None:
        chance *= 1.0 - 0.5 * consumer.thrift * min(1.0, item.price.amount / 20_000)
    return min(0.95, chance)


def expected_orders(appeals: Sequence[float], kinds: Sequence[Kind], type_: MomentType) -> float:
    """The expected number of orders in a visit whose list appeals so: exact, no draw."""
    unclicked, orders = 1.0, 0.0
    for looked, appealing, kind in zip(LOOKED_AT, appeals, kinds, strict=False):
        clicked = unclicked * looked * appealing
        _, done, order = DONE[kind]
        orders += clicked * done * order
        unclicked -= clicked
    return orders + unclicked * BY_THEMSELVES[type_]


def react(
    seed: int,
    visit: Visit,
    served: Sequence[tuple[Item, float]],
    decision_id: str,
    *,
    decided_at: Millis,
) -> Reaction:
    """What the person does with the served items (each with its appeal), from ``decided_at`` on."""
    rng = np.random.default_rng([seed, 3, visit.number])
    looks, wants = rng.random(len(LOOKED_AT)), rng.random(len(LOOKED_AT))
    does, orders, alone, waves = rng.random(4)
    pauses = rng.integers(2, 20, 6) * SECOND
    basket = int(1200 + rng.gamma(2.0, 900))
    steps = _Steps(visit, decision_id, decided_at)
    steps.add(SECOND, "Decision Seen", decision_id=decision_id)
    for n, (item, appealing) in enumerate(served[: len(LOOKED_AT)]):
        if looks[n] < LOOKED_AT[n] and wants[n] < appealing:
            return _clicked(
                steps, item, bool(does < DONE[item.kind][1]), bool(orders < DONE[item.kind][2]), pauses, basket
            )
    if served and visit.type == "none" and waves < TIRED_OF:
        steps.add(int(pauses[0]), "Decision Dismissed", decision_id=decision_id, item_id=served[0][0].id)
        return Reaction(tuple(steps.calls), dismissed=True)
    if alone < BY_THEMSELVES[visit.type]:
        steps.order(int(pauses[0]) * 2, basket, {})
        return Reaction(tuple(steps.calls), ordered=basket)
    return Reaction(tuple(steps.calls))


def _clicked(
    steps: _Steps, item: Item, does: bool, orders: bool, pauses: Sequence[int] | np.ndarray[Any, Any], basket: int
) -> Reaction:
    decision = {"decision_id": steps.decision_id, "item_id": item.id}
    steps.add(int(pauses[0]), "Decision Clicked", **decision)
    if not does:
        return Reaction(tuple(steps.calls), clicked=item.id)
    if item.kind == "place":
        steps.add(int(pauses[1]), "Directions Requested", **decision)
        steps.arrive()
    if item.kind == "guide":
        steps.add(int(pauses[1]), "Guide Started", **decision)
    event = DONE[item.kind][0]
    extra = {"product_id": item.id} if item.kind == "product" else {}
    steps.add(int(pauses[2]) * 2, event, **decision, **extra)
    if not orders:
        return Reaction(tuple(steps.calls), clicked=item.id, done=event)
    worth = item.price.amount if item.price is not None else basket
    steps.order(int(pauses[3]) * 2, worth, {"decision_id": steps.decision_id}, item)
    return Reaction(tuple(steps.calls), clicked=item.id, done=event, ordered=worth)


class _Steps:
    """Segment calls one after another, each a while after the one before."""

    def __init__(self, visit: Visit, decision_id: str, at: Millis) -> None:
        self._visit = visit
        self.decision_id = decision_id
        self._at = at
        self.calls: list[dict[str, Any]] = []
        self._context = visit.context

    def add(self, after: Millis, event: str, **properties: Any) -> None:
        self._at += after
        n = len(self._visit.events) + len(self.calls)
        id = self._visit.events[0]["messageId"].rpartition("-")[0]
        fields = {"type": "track", "event": event, "properties": properties}
        self.calls.append(call(id, n, self._visit.consumer, self._at, self._context, **fields))

    def arrive(self) -> None:
        """From here on it is the store that tells what somebody does."""
        self._context = in_store(self._context)

    def order(self, after: Millis, worth: int, decision: dict[str, str], item: Item | None = None) -> None:
        products = [{"product_id": item.id, "quantity": 1}] if item is not None and item.kind == "product" else []
        self.add(
            after,
            "Order Completed",
            order_id=f"order-{self._visit.events[0]['messageId']}",
            revenue=worth / 100,
            currency="EUR",
            products=products,
            **decision,
        )
