"""What histories say, as the values of events: numbers, records, and nothing where nothing was said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
NOT_SET = "(not set)"
"""What GA4 writes where nothing was said."""

_WHOLE = re.compile(r"-?[0-9]{1,19}")


def rows_of(value: Any) -> list[Row]:
    """A repeated record, bare or as Arrow and BigQuery's own export nest it."""
    if isinstance(value, Mapping):
        value = value.get("list") or value.get("v")
    return [one.get("element", one) for one in value or () if isinstance(one, Mapping)]


def record(value: Any) -> Row:
    """A record, an empty one where there is none."""
    return value if isinstance(value, Mapping) else {}


def whole(value: Any) -> int | None:
    """A whole number, which BigQuery's JSON writes as text.

    >>> whole("-12"), whole("²"), whole("--1"), whole("")
    (-12, None, None, None)
    """
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def number(value: Any) -> float | None:
    """A number, or a text that is one."""
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def kept(values: Row) -> dict[str, Any]:
    """What was said of these."""
    return {name: value for name, value in values.items() if value is not None and value not in ({}, NOT_SET)}
