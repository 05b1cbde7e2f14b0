"""The chain's promotions: as items of the engine, which chooses, and what each takes off an order, pure."""

from __future__ import annotations

from collections.abc import Sequence

import micromoments as mm
from micromoments.demo.coffee.menu import GROUPS, OPTIONS, THINGS
from micromoments.demo.fulfil import Line, Refused

HOUR = 3_600_000
HOLDS: dict[str, int] = {
    "double": 24 * HOUR,
    "combo": 12 * HOUR,
    "back": 48 * HOUR,
    "size": 24 * HOUR,
    "filter": 24 * HOUR,
}
"""How long each promotion holds once it is shown, in milliseconds."""
USUAL = "coffee-usual"
"""The item that is the offer of somebody's usual, as they pass a store."""
_TEXTS = {
    "double": ("Double-star day", "Twice the stars on everything you order today"),
    "combo": ("Coffee and a bun", "Any drink with a cinnamon bun: the bun for one euro"),
    "back": ("Come back soon", "Fifteen percent off your next order within two days"),
    "size": ("A size larger", "A large drink for the price of a small one"),
    "filter": ("Filter of the day", "Filter of the day for two euros"),
}
_KIND = {thing.sku: thing.kind for thing in THINGS}


def items() -> list[mm.Item]:
    """The promotions; all but the last are chosen by what somebody likes, so they need consent to personalise."""
    made = [
        mm.Item(
            id=f"coffee-offer-{name}",
            kind="offer",
            title=title,
            text=text,
            category="coffee offers",
            brand="Alder Coffee",
            campaign=f"coffee-{name}",
            condition={"orders": {"$gte": 1}} if name == "back" else None,
            attributes={"rebuyable": True, "gives": name, "personalised": name != "filter"},
        )
        for name, (title, text) in _TEXTS.items()
    ]
    usual = mm.Item(
        id=USUAL,
        kind="offer",
        title="Your usual, ready when you get there",
        category="coffee usual",
        brand="Alder Coffee",
        condition={"usual": True, "open": True, "usual_hour": True},
        attributes={"rebuyable": True, "personalised": True, "purposes": ["location", "contact"]},
    )
    return [*made, usual]


def discount(gives: str, lines: Sequence[Line]) -> int:
    """What a promotion takes off these lines, in cents.

    Raises:
        Refused: ``offer_not_met``, and what it asks for.
    """
    if gives == "double":
        return 0
    if gives == "back":
        return sum(line.quantity * line.unit for line in lines) * 15 // 100
    drinks = [line for line in lines if _KIND[line.sku] == "drink"]
    if gives == "combo":
        buns = [line.unit for line in lines if line.sku == "bun"]
        if drinks and buns:
            return max(0, buns[0] - 100)
        raise Refused("offer_not_met", "this order", "a drink and a cinnamon bun", "add what is missing")
    if gives == "size":
        if any(GROUPS[0][2] in line.options for line in drinks):
            return OPTIONS["large"]
        raise Refused("offer_not_met", "no large drink", "a large drink", "choose the large size")
    if gives == "filter":
        filters = [line.unit for line in drinks if line.sku == "filter"]
        if filters:
            return max(0, filters[0] - 200)
        raise Refused("offer_not_met", "no filter of the day", "one of it", "add it")
    raise Refused("no_such_offer", f"a promotion {gives!r}", "one that there is", status=404)
