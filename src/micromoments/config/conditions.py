"""Can a condition be evaluated? GrowthBook's language takes what it doesn't know as "doesn't match", without a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from micromoments.config.mistakes import Found, Place, meant, shown

_JOINING = ("$and", "$or", "$nor")
_LISTS = ("$in", "$nin", "$ini", "$nini", "$all", "$alli")
_PATTERNS = ("$regex", "$regexi", "$notRegex", "$notRegexi")
_OPERATORS = (
    "$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte",
    *_LISTS, *_PATTERNS, "$elemMatch", "$size", "$exists", "$type", "$not", "$inGroup", "$notInGroup",
)  # fmt: skip


def unreadable(condition: Mapping[str, Any] | None, place: Place) -> Iterator[Found]:
    """Finds what no value could ever meet: operators that there are none of, and operands of another shape.

    Args:
        condition: a condition on attributes, by name.
        place: where it stands.

    Yields:
        One finding a mistake.
    """
    for name, value in (condition or {}).items():
        here = (*place, name)
        if name in _JOINING:
            if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
                yield Found(here, shown(value), "a list of conditions", f'write "{name}" = [{{ country = "FI" }}]')
                continue
            for at, one in enumerate(value):
                yield from unreadable(one, (*here, str(at)))
        elif name == "$not":
            yield from _negated(value, here)
        elif name.startswith("$") and name not in ("$savedGroup", "$savedGroups"):
            yield _unknown(name, here, (*_JOINING, "$not"), "an attribute, or ")
        elif isinstance(value, Mapping) and any(key.startswith("$") for key in value):
            yield from _operators(value, here)


def _negated(value: Any, place: Place) -> Iterator[Found]:
    if isinstance(value, Mapping):
        yield from unreadable(value, place)
    else:
        yield Found(place, shown(value), "a condition", 'write "$not" = { country = "FI" }')


def _operators(operators: Mapping[str, Any], place: Place) -> Iterator[Found]:
    for name, value in operators.items():
        here = (*place, name)
        if name not in _OPERATORS:
            yield _unknown(name, here, _OPERATORS)
        elif name in _LISTS and not isinstance(value, list):
            yield Found(here, shown(value), "a list of values", f'write "{name}" = ["a", "b"]')
        elif name in _PATTERNS:
            yield from _pattern(value, here)
        elif name in ("$not", "$elemMatch", "$size") and isinstance(value, Mapping):
            inner = any(key.startswith("$") for key in value)
            yield from _operators(value, here) if inner else unreadable(value, here)


def _pattern(value: Any, place: Place) -> Iterator[Found]:
    try:
        re.compile(value)
    except (TypeError, re.error) as error:
        yield Found(place, f"{shown(value)}: {error}", "a regular expression")


def _unknown(name: str, place: Place, known: tuple[str, ...], besides: str = "") -> Found:
    wanted = f"{besides}one of {', '.join(known)}"
    return Found(place, "an operator that there is none of", wanted, meant(name, known))
