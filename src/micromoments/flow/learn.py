"""What the whole learns from single records: policies from outcomes, the catalogue from what people look at and buy."""

from __future__ import annotations

from typing import Literal

import numpy as np

from micromoments.core.decision import Decision
from micromoments.core.outcome import Outcome
from micromoments.core.person import Person
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.decide.eligibility import consents
from micromoments.flow.decide import position
from micromoments.flow.said import products, said
from micromoments.flow.view import counted
from micromoments.learn.credit import credit
from micromoments.policy.actions import width
from micromoments.policy.base import Amending, Policy
from micromoments.retrieve.catalog import Catalog

MAX_BESIDE = 8
LOOKED: dict[str, Literal["view", "cart", "buy"]] = {
    "Product Viewed": "view",
    "Product Clicked": "view",
    "Article Read": "view",
    "Guide Started": "view",
    "Place Viewed": "view",
    "Product Added": "cart",
    "Order Completed": "buy",
}
"""The standard events from which popularity and what goes together are learned."""


def learn(policy: Policy, decision: Decision, outcome: Outcome) -> bool:
    """Teach the policy one outcome of its decision; False where there is nothing to learn.

    Nothing is learned from held-out people (their proof stays clean), from bots, or from what was only seen.
    """
    if decision.holdout:
        return False
    learned = False
    for ranked, reward, was in credit(decision, outcome):
        if ranked.features:
            x = np.zeros(width(decision.slot))
            for index, value in ranked.features:
                x[index] = value
            if was is None:
                policy.learn(x, reward)
            elif isinstance(policy, Amending):
                policy.amend(x, was, reward)
            else:
                policy.learn(x, max(0.0, reward - was))
            learned = True
    return learned


def observe(catalog: Catalog, person: Person | None, record: EventRecord, settings: Settings | None = None) -> bool:
    """Teach the catalogue what this event says about items; bots and internal people teach nothing: False.

    Where it happened counts with ``settings`` that know of the person's consent to location.
    """
    what = LOOKED.get(record.event.event or "")
    if what is None or not counted(record.marks):
        return False
    properties = record.event.properties
    items = products(properties) if settings is None else said(record, settings).products
    if not items and (item := properties.get("item_id")):
        items = [str(item)]
    known = [i for i in items[:50] if catalog.get(i) is not None]
    if not known:
        return False
    recent = recent_items(person) if person is not None and what != "buy" else ()
    where = None
    if settings is not None and person is not None and "location" in record.event.context:
        where = position(record.event.context) if consents(person, "location", settings) else None
    for item in known:
        beside = items if what == "buy" else recent
        before = [i for i in beside if i != item][:MAX_BESIDE]
        catalog.learn(record.key, item, what, record.occurred, before, where)
    return True


def recent_items(person: Person) -> tuple[str, ...]:
    """The items that a person met lately, newest first."""
    seen = (t.signal.need.item for p in person.parts.values() for t in reversed(p.traces))
    return tuple(dict.fromkeys(i for i in seen if i))[:8]
