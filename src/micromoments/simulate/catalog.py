"""The town's catalogue: places, products, guides, articles and offers, written for it; and what people type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from micromoments.core.item import Item, Kind, Money
from micromoments.core.moment import MomentType
from micromoments.simulate.city import City, data


class _Line(msgspec.Struct, frozen=True):
    """A line of ``catalog.jsonl``: an item, with its place in metres of the town."""

    id: str
    kind: Kind
    title: str
    text: str
    category: str
    brand: str = ""
    price: tuple[int, str] | None = None
    hours: str = ""
    at: tuple[float, float] | None = None
    campaign: str = ""
    attributes: dict[str, Any] = {}


class Phrases(msgspec.Struct, frozen=True):
    """What people type when they want this type of thing of this category."""

    category: str
    type: MomentType
    queries: tuple[str, ...]


@cache
def lines() -> tuple[_Line, ...]:
    """The catalogue's lines."""
    return tuple(msgspec.json.decode(line, type=_Line) for line in data("catalog.jsonl").splitlines())


@cache
def phrases() -> dict[tuple[str, MomentType], tuple[str, ...]]:
    """What people type, by category and type of moment."""
    return {(p.category, p.type): p.queries for p in msgspec.json.decode(data("queries.json"), type=list[Phrases])}


@cache
def categories() -> tuple[str, ...]:
    """The categories, in the catalogue's order."""
    return tuple(dict.fromkeys(line.category for line in lines()))


def items(timezone: str) -> tuple[Item, ...]:
    """The items; opening hours are read in ``timezone`` (an IANA name)."""
    return tuple(_item(line, timezone) for line in lines())


def _item(line: _Line, timezone: str) -> Item:
    place = line.at is not None
    return Item(
        id=line.id,
        kind=line.kind,
        title=line.title,
        text=line.text,
        category=line.category,
        brand=line.brand,
        url=f"/{line.kind}s/{line.id[2:]}",
        price=Money(*line.price) if line.price else None,
        location=City.point(line.at) if line.at else None,
        hours=line.hours,
        timezone=timezone if place else "",
        campaign=line.campaign,
        attributes=line.attributes,
    )


def positions(catalogue: Sequence[Item]) -> dict[str, tuple[float, float]]:
    """Where each place stands, in metres of the town, by its id."""
    return {item.id: City.place(item.location) for item in catalogue if item.location is not None}
