"""What the shop sells and knows: products, guides and answers of the town's catalogue, in two languages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from pkgutil import get_data
from typing import Any, Literal

import msgspec

import micromoments as mm
from micromoments.demo.fulfil import Refused
from micromoments.demo.shop import rules

CURRENCY = "EUR"
CATEGORIES = ("coffee", "kitchen", "repair", "bikes")
"""The departments, which are the town's categories."""
FOOD = frozenset(
    {
        "p-house-espresso-beans-1-kg",
        "p-ethiopia-guji-filter-beans-250-g",
        "p-decaf-colombia-beans-250-g",
        "p-sencha-green-tea-100-g",
        "p-bread-flour-strong-white-5-kg",
        "p-dried-sourdough-starter",
    }
)
"""Food: taxed at the lower rate, and not taken back."""
AGAIN = FOOD | {
    "p-filter-papers-02-100-pieces",
    "p-espresso-machine-descaler-4-sachets",
    "p-chain-lube-wet-100-ml",
    "p-inner-tube-700-x-28-32",
}
"""What is used up, so that somebody may buy it again."""
FIRST_STOCK = 40
SCARCE = {"p-child-seat-rear": 1, "p-pasta-machine": 2, "p-saddle-touring": 3}
"""Pieces at the opening, where they aren't ``FIRST_STOCK``."""
TIMERS: dict[str, dict[int, int]] = {
    "g-descale-an-espresso-machine": {2: 60, 3: 900},
    "g-make-pour-over-coffee": {2: 30, 3: 180},
    "g-brew-cold-coffee-overnight": {2: 43_200},
    "g-sharpen-a-kitchen-knife": {0: 600},
    "g-bake-a-first-sourdough-loaf": {0: 3_600, 1: 1_800, 3: 1_500, 4: 3_600},
    "g-season-a-cast-iron-pan": {2: 3_600},
    "g-make-strawberry-jam": {2: 720},
    "g-unblock-a-kitchen-sink": {3: 120},
    "g-mend-a-bicycle-puncture": {2: 300},
    "g-clean-and-oil-a-chain": {2: 600},
}
"""Seconds that a step has to wait, by guide and step (from 0)."""


class Good(msgspec.Struct, frozen=True, rename="camel"):
    """Something to buy, to do or to know; texts by language. ``price`` is in cents, tax included, before any change."""

    id: str
    kind: Literal["product", "guide", "article"]
    category: str
    title: dict[str, str]
    text: dict[str, str]
    brand: str = ""
    price: int = 0
    food: bool = False
    steps: dict[str, tuple[str, ...]] = {}
    timers: dict[int, int] = {}
    materials: tuple[str, ...] = ()
    minutes: int = 0


@cache
def everything() -> dict[str, Good]:
    """The goods by id, in the catalogue's order."""
    words = _german()
    return {item.id: _good(item, words[item.id]) for item in _town() if item.id in words}


def product(id: str) -> Good:
    """A product.

    Raises:
        Refused: ``no_such_product``.
    """
    found = everything().get(id)
    if found is None or found.kind != "product":
        raise Refused("no_such_product", f"product {id[:60]!r}", "one of the shop's", status=404)
    return found


def guide(id: str) -> Good:
    """A guide.

    Raises:
        Refused: ``no_such_guide``.
    """
    found = everything().get(id)
    if found is None or found.kind != "guide":
        raise Refused("no_such_guide", f"guide {id[:60]!r}", "one of the shop's", status=404)
    return found


def rate(good: Good) -> int:
    """The percent of tax in a product's price."""
    return rules.FOOD_TAX if good.food else rules.TAX


def items(prices: Mapping[str, int] | None = None, out: Collection[str] = ()) -> list[mm.Item]:
    """The goods as items of the engine: German words can be searched by, prices are those of now; ``out`` has run
    out.
    """
    german = _german()
    made = []
    for item in _town():
        if item.id not in german:
            continue
        price = (prices or {}).get(item.id, item.price.amount if item.price else 0)
        made.append(
            msgspec.structs.replace(
                item,
                tags=(*item.tags, german[item.id][0]),
                url=f"/shop/#{item.kind}/{item.id}",
                price=mm.Money(price, CURRENCY) if item.price else None,
                stock=0 if item.id in out else None,
                attributes={**item.attributes, **({"rebuyable": True} if item.id in AGAIN else {})},
            )
        )
    return made


def catalogue() -> dict[str, Any]:
    """What pages are told once, as it never changes while the server runs."""
    return {
        "goods": list(everything().values()),
        "categories": CATEGORIES,
        "food": sorted(FOOD),
        "freeFrom": rules.FREE_FROM,
        "shipping": rules.SHIPPING,
        "returnDays": rules.RETURN_DAYS,
    }


@cache
def _town() -> tuple[mm.Item, ...]:
    return tuple(item for item in mm.World(1, 1, "UTC").items if item.category in CATEGORIES)


@cache
def _german() -> dict[str, list[str]]:
    raw = get_data("micromoments.demo.shop", "data/german.json") or b"{}"
    return msgspec.json.decode(raw, type=dict[str, list[str]])


def _good(item: mm.Item, german: list[str]) -> Good:
    extra: dict[str, Any] = {}
    if item.kind == "guide":
        extra = {
            "steps": {"en": tuple(item.attributes["steps"]), "de": tuple(german[1:])},
            "timers": TIMERS.get(item.id, {}),
            "materials": tuple(item.attributes["materials"]),
            "minutes": item.attributes["minutes"],
        }
    return Good(
        id=item.id,
        kind=item.kind,  # type: ignore[arg-type] # places and offers have no German words, so they aren't here
        category=item.category,
        title={"en": item.title, "de": german[0]},
        text={"en": item.text, "de": " ".join(german[1:])},
        brand=item.brand,
        price=item.price.amount if item.price else 0,
        food=item.id in FOOD,
        **extra,
    )
