"""What the chain sells and where: stores, things, options, prices. The server's word on every price."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
from opening_hours import OpeningHours

import micromoments as mm
from micromoments.demo.fulfil import Line, Refused

CURRENCY = "EUR"
CATEGORY = "coffee bar"
"""The category of the chain's items in the engine's catalogue."""
TAX = 14
"""Percent of tax, included in prices."""


class Bar(msgspec.Struct, frozen=True):
    """A store. ``at`` is metres of the town, ``dearer`` cents that every drink costs more, ``hands`` baristas."""

    id: str
    title: str
    at: tuple[float, float]
    hours: str
    dearer: int = 0
    hands: int = 1


class Thing(msgspec.Struct, frozen=True):
    """Something on the menu, in cents. ``kind`` is drink or food; of what has ``pieces`` there are so many a day."""

    sku: str
    title: str
    kind: str
    price: int
    pieces: int = 0


BARS = (
    Bar("quay", "Alder Coffee, Quayside", (-180, -540), "Mo-Fr 06:30-20:00; Sa-Su 07:30-20:00", hands=2),
    Bar("square", "Alder Coffee, Old Square", (-360, -90), "Mo-Su 07:00-22:00", hands=2),
    Bar("station", "Alder Coffee, Station", (660, -90), "Mo-Su 05:30-23:00", dearer=20, hands=3),
    Bar("mill", "Alder Coffee, Mill Race", (-540, 480), "Mo-Fr 07:00-17:00; Sa 08:00-14:00"),
    Bar("library", "Alder Coffee, Library", (60, 60), "Mo-Sa 08:00-19:00"),
    Bar("newside", "Alder Coffee, Newside", (420, 570), "Mo-Fr 07:00-18:00; Sa-Su 09:00-17:00"),
)
THINGS = (
    Thing("espresso", "Espresso", "drink", 240),
    Thing("flat-white", "Flat white", "drink", 380),
    Thing("cappuccino", "Cappuccino", "drink", 370),
    Thing("latte", "Latte", "drink", 390),
    Thing("filter", "Filter of the day", "drink", 290),
    Thing("cold-brew", "Cold brew", "drink", 410, 30),
    Thing("matcha", "Matcha latte", "drink", 430),
    Thing("chocolate", "Hot chocolate", "drink", 390),
    Thing("tea", "Leaf tea", "drink", 280),
    Thing("croissant", "Butter croissant", "food", 270, 24),
    Thing("bun", "Cinnamon bun", "food", 320, 20),
    Thing("banana-bread", "Banana bread", "food", 340, 12),
    Thing("toastie", "Cheese toastie", "food", 520, 10),
    Thing("cookie", "Oat cookie", "food", 250, 30),
)
OPTIONS = {"small": 0, "medium": 50, "large": 90, "whole": 0, "oat": 50, "skimmed": 0, "shot": 60, "vanilla": 40}
"""What each option adds to a drink, in cents."""
GROUPS = (("small", "medium", "large"), ("whole", "oat", "skimmed"))
"""Of each of these, one at most."""
MILKLESS = frozenset({"espresso", "filter", "cold-brew", "tea"})
_THINGS = {thing.sku: thing for thing in THINGS}
_BARS = {bar.id: bar for bar in BARS}


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of one thing, as a customer asks for it. A price isn't theirs to say."""

    sku: str
    quantity: int = 1
    options: tuple[str, ...] = ()


def bar(id: str) -> Bar:
    """A store; ``Refused`` where there is none."""
    if id not in _BARS:
        raise Refused("no_such_store", f"store {id[:40]!r}", "one of the list", status=404)
    return _BARS[id]


def price(at: Bar, sku: str, options: Sequence[str] = ()) -> int:
    """One of a thing with its options in a store, in cents.

    Raises:
        Refused: ``no_such_thing``, ``bad_option``.
    """
    thing = _THINGS.get(sku)
    if thing is None:
        raise Refused("no_such_thing", f"{sku[:40]!r}", "something on the menu")
    if options and thing.kind == "food":
        raise Refused("bad_option", f"{options[0][:40]!r} for {thing.title}", "none: food comes as it is")
    for option in options:
        if option not in OPTIONS or (sku in MILKLESS and option in GROUPS[1]):
            raise Refused("bad_option", f"{option[:40]!r} for {thing.title}", "an option of it on the menu")
    if len(set(options)) != len(options) or any(len(set(group) & set(options)) > 1 for group in GROUPS):
        raise Refused("bad_option", " and ".join(options)[:80], "one size and one milk, each once")
    return thing.price + (at.dearer if thing.kind == "drink" else 0) + sum(OPTIONS[option] for option in options)


def pile(at: Bar, sku: str) -> str:
    """The pile of stock that a thing is taken from; ``""`` for what is made fresh."""
    return f"{at.id}:{sku}" if _THINGS[sku].pieces else ""


def lines(at: Bar, chosen: Sequence[Chosen]) -> tuple[Line, ...]:
    """What was chosen, priced."""
    return tuple(
        Line(
            one.sku,
            _THINGS[one.sku].title if one.sku in _THINGS else one.sku,
            one.quantity,
            price(at, one.sku, one.options),
            pile(at, one.sku),
            one.options,
        )
        for one in chosen
    )


def drinks(of: Sequence[Line]) -> int:
    """How many drinks."""
    return sum(line.quantity for line in of if _THINGS[line.sku].kind == "drink")


@cache
def _hours(text: str) -> OpeningHours:
    return OpeningHours(text)


def local(at: int, zone: str) -> datetime:
    """An instant (ms) as the town's clock shows it, without a zone, as the library of opening hours wants it."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(tzinfo=None)


def _instant(local: datetime, zone: str) -> int:
    """What the town's clock shows as an instant (ms): between two of a night there may be an hour more or less."""
    return int(local.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def open_until(where: Bar, at: int, zone: str) -> int | None:
    """Until when (ms) a store is open that is open at an instant; ``None`` where it is closed."""
    now = local(at, zone)
    hours = _hours(where.hours)
    if not hours.is_open(now):
        return None
    return _instant(hours.next_change(now) or now + timedelta(days=1), zone)


def opens(where: Bar, at: int, zone: str) -> int | None:
    """When (ms) a closed store opens next."""
    now = local(at, zone)
    change = _hours(where.hours).next_change(now)
    return None if change is None else _instant(change, zone)


def items(zone: str, point: dict[str, mm.Point]) -> list[mm.Item]:
    """Stores and things as items of the engine; ``point`` says where each store is."""
    places = [
        mm.Item(
            id=f"coffee-{one.id}",
            kind="place",
            title=one.title,
            text="Coffee bar. Espresso, filter, pastries. Order ahead.",
            category=CATEGORY,
            brand="Alder Coffee",
            location=point[one.id],
            hours=one.hours,
            timezone=zone,
            url=f"/coffee/#store/{one.id}",
        )
        for one in BARS
    ]
    return places + [
        mm.Item(
            id=f"coffee-{thing.sku}",
            kind="product",
            title=thing.title,
            text="Made to order at Alder Coffee." if thing.kind == "drink" else "Baked today at Alder Coffee.",
            category=CATEGORY,
            brand="Alder Coffee",
            price=mm.Money(thing.price, CURRENCY),
            url="/coffee/#menu",
            attributes={"rebuyable": True, "part": thing.kind},
        )
        for thing in THINGS
    ]
