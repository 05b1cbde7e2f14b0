"""Targeting conditions in GrowthBook's language, evaluated by GrowthBook's own library.

The library is imported when the first condition is met: it takes 265 ms, and most projects have no condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from micromoments.core.event import Millis
from micromoments.core.item import Item
from micromoments.core.moment import MomentView
from micromoments.core.person import Person


def matches(
    attributes: Mapping[str, Any], condition: Mapping[str, Any], groups: Mapping[str, Any] | None = None
) -> bool:
    """Whether attributes meet a condition; ``groups`` are saved groups by id. What can't be evaluated doesn't match."""
    from growthbook.core import evalCondition

    return bool(evalCondition(dict(attributes), dict(condition), dict(groups) if groups is not None else {}))


def attributes(
    person: Person, context: Mapping[str, Any], key: str, moment: MomentView | None, now: Millis, *, personal: bool
) -> dict[str, Any]:
    """What a condition can speak of, besides ``item``: the person's traits (where they consent to personalisation), the
    request's context over them, ``id``, ``now`` (ms) and ``moment`` (``type``, ``stage``, ``need``).
    """
    out: dict[str, Any] = {name: trait.value for name, trait in person.traits.items()} if personal else {}
    out.update(context)
    out["id"] = key.partition(":")[2] or key
    out["now"] = now
    if moment is not None:
        out["moment"] = {"type": moment.type, "stage": moment.stage, "need": dict(moment.need)}
    return out


def of_item(item: Item) -> dict[str, Any]:
    """What a condition can speak of under ``item``: its fields, and its own attributes beside them."""
    return {
        **item.attributes,
        "id": item.id,
        "kind": item.kind,
        "title": item.title,
        "category": item.category,
        "brand": item.brand,
        "tags": list(item.tags),
        "price": item.price.amount if item.price is not None else None,
        "stock": item.stock,
        "campaign": item.campaign,
        "priority": item.priority,
        "value": item.value,
    }


def speaks_of_item(condition: object) -> bool:
    """Whether a condition names ``item`` anywhere, so that it has to be asked of every candidate."""
    if isinstance(condition, Mapping):
        return any(
            name == "item" or str(name).startswith("item.") or speaks_of_item(below)
            for name, below in condition.items()
        )
    return isinstance(condition, list | tuple) and any(speaks_of_item(below) for below in condition)
