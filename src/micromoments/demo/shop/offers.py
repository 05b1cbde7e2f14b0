"""The shop's personal offers, as items of the engine, which chooses; what each takes off is in ``rules``."""

from __future__ import annotations

import micromoments as mm
from micromoments.demo.shop import rules

CATEGORY = "shop offers"
_TEXTS = {
    "coffee": ("Ten percent off coffee", "Beans, grinders, pots and papers"),
    "kitchen": ("Ten percent off the kitchen", "Knives, pans, flour and tins"),
    "repair": ("Ten percent off repairs", "Tools, washers, paint and filler"),
    "bikes": ("Ten percent off bikes", "Tubes, lights, locks and bags"),
    "delivery": ("Delivery on us", "One delivery for nothing, the express one too"),
}


def items() -> list[mm.Item]:
    """The offers. The last is for everybody; the others are chosen by what somebody likes, and say so."""
    assert set(_TEXTS) == set(rules.OFFERS)  # noqa: S101 two tables of one thing
    return [
        mm.Item(
            id=f"shop-offer-{name}",
            kind="offer",
            title=title,
            text=text,
            category=CATEGORY,
            brand="Tidewater",
            campaign=f"shop-{name}",
            attributes={"rebuyable": True, "gives": name, "personalised": name != "delivery"},
        )
        for name, (title, text) in _TEXTS.items()
    ]
