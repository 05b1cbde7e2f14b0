"""Targeting conditions in GrowthBook's language, evaluated by GrowthBook's own library.

The library is imported when the first condition is met: it takes 265 ms, and most projects have no condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from micromoments.core.event import Millis
from micromoments.core.item import Item
from micromoments.core.moment import MomentView
from micromoments.core.person import Person

_LESS: dict[str, Callable[[float, float], bool]] = {
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
}
_MOST = 1 << 1023
"""About the most that a float holds."""
_NEVER: dict[str, list[Any]] = {"$in": []}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


def matches(
    attributes: Mapping[str, Any], condition: Mapping[str, Any], groups: Mapping[str, Any] | None = None
) -> bool:
    """Whether attributes meet a condition; ``groups`` are saved groups by id. What can't be evaluated doesn't match."""
    from growthbook.core import evalCondition

    known = dict(attributes)
    return bool(evalCondition(known, _plain(condition, known), dict(groups) if groups is not None else {}))


def _plain(condition: Mapping[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """The condition with its comparisons of unlike values decided.

    GrowthBook's specification (0.8.0) orders unlike values as JavaScript does: what is missing counts as 0, "8" as 8.
    The Python library orders only like ones since 4.0, so the same condition would hold in a browser and fail here.
    """
    out: dict[str, Any] = {}
    for name, value in condition.items():
        if name in ("$and", "$or", "$nor") and isinstance(value, list):
            out[name] = [_plain(one, attributes) if isinstance(one, Mapping) else one for one in value]
        elif name == "$not" and isinstance(value, Mapping):
            out[name] = _plain(value, attributes)
        elif not name.startswith("$") and isinstance(value, Mapping) and not _LESS.keys().isdisjoint(value):
            out[name] = _decided(value, name, attributes)
        else:
            out[name] = value
    return out


def _decided(operators: Mapping[str, Any], path: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Operators on one attribute, without the comparisons of unlike values that hold; one that fails fails them all."""
    from growthbook.core import getPath

    left, out = getPath(attributes, path), {}
    for name, right in operators.items():
        alike = isinstance(left, str) and isinstance(right, str)
        a, b = _number(left), _number(right)
        if name not in _LESS or alike or a is None or b is None:
            out[name] = right
        elif not _LESS[name](a, b):
            return _NEVER
    return out


def _number(value: object) -> float | None:
    """A value as JavaScript takes it for a number; ``None`` for lists and objects, which the library decides."""
    if value is None or value == "":
        return 0.0
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else float("nan")
    if not isinstance(value, int | float):
        return None
    # What a request says may be a whole number of hundreds of digits.
    return float(max(-_MOST, min(_MOST, value))) if isinstance(value, int) else value


def attributes(
    person: Person, context: Mapping[str, Any], key: str, moment: MomentView | None, now: Millis, *, personal: bool
) -> dict[str, Any]:
    """What a condition can speak of, besides ``item``: the person's traits (where they consent to personalisation),
    their ``groups``, the request's context over them, ``id``, ``now`` (ms), ``moment`` (``type``, ``stage``, ``need``).
    """
    out: dict[str, Any] = {name: trait.value for name, trait in person.traits.items()} if personal else {}
    if personal and person.groups:
        out["groups"] = list(person.groups)
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
