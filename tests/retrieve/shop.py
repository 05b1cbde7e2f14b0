"""A small shop that retrieval's tests share."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict, Unpack

from micromoments.core.geo import Point
from micromoments.core.item import Item, Kind
from micromoments.retrieve.catalog import Catalog

HELSINKI = "Europe/Helsinki"
CENTER = Point(60.17, 24.94)
DAY = 86_400_000


class Rest(TypedDict, total=False):
    """The fields of an item that tests set."""

    text: str
    category: str
    brand: str
    tags: tuple[str, ...]
    location: Point | None
    hours: str
    timezone: str
    priority: int
    valid_from: int | None
    stock: int | None


def ms(text: str) -> int:
    """An ISO 8601 time with its offset, in milliseconds since the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOON = ms("2024-05-06T12:00+03:00")
"""A Monday in Helsinki."""


def item(id: str, kind: Kind, title: str, **rest: Unpack[Rest]) -> Item:
    """An item, with what a test sets."""
    return Item(id=id, kind=kind, title=title, **rest)


def cafe(id: str, lat: float, lon: float, hours: str = "Mo-Su 08:00-20:00") -> Item:
    """A place with hours in Helsinki's time."""
    return item(id, "place", f"Cafe {id}", location=Point(lat, lon), hours=hours, timezone=HELSINKI, category="cafes")


ITEMS = [
    item("shoe", "product", "Trail running shoe", category="Shoes", brand="Fell", text="Grippy and light, for mud."),
    item(
        "boot",
        "product",
        "Hiking boots",
        category="Shoes",
        brand="Fell",
        text="Warm, for long trails and streams.",
    ),
    item("sock", "product", "Wool socks", category="Clothes", tags=("trail",)),
    item("lamp", "product", "Head lamp", category="Gear", text="For running at night."),
    item("stove", "product", "Camping stove", category="Gear"),
    item("care", "guide", "How to waterproof boots", category="Shoes"),
    item("knot", "guide", "Tie a bowline", category="Gear"),
    item("mud", "article", "Why trails get muddy", category="Outdoors"),
    item("sale", "offer", "A fifth off trail shoes", category="Shoes"),
    cafe("near", 60.1705, 24.9410),
    cafe("far", 60.1800, 24.9600),
    cafe("shut", 60.1702, 24.9402, hours="Mo-Su 18:00-23:00"),
]


def shop() -> Catalog:
    """A fresh catalogue of ``ITEMS``."""
    catalog = Catalog(timezone=HELSINKI)
    catalog.apply({one.id: one for one in ITEMS})
    return catalog
