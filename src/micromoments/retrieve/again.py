"""Buying again: what a person bought that is used up, about when it is due.

An item says so itself: its attribute ``rebuyable`` is true, and ``rebuy_days`` is the usual time between two purchases
(30 unless that is a positive number). The strength peaks when that time has passed, and falls by the logarithm of how
far off it is, faster before than after: who is late may still come, who bought yesterday won't.
"""

from __future__ import annotations

from math import exp, isfinite, log
from typing import TYPE_CHECKING

from micromoments.core.settings import DAY
from micromoments.retrieve import reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from micromoments.core.event import Millis
    from micromoments.core.item import Item

USUAL_DAYS = 30.0
STRENGTH = 0.7
"""At the usual time."""
EARLY, LATE = 0.35, 1.0
"""Standard deviations, in the logarithm of the time passed over the usual time."""
WORTH_TELLING = 0.05
MOST = 6


def usual_days(item: Item) -> float:
    """The usual days between two purchases of an item; 0 for what isn't bought again."""
    if item.attributes.get("rebuyable") is not True:
        return 0.0
    days = item.attributes.get("rebuy_days")
    if isinstance(days, int | float) and not isinstance(days, bool) and isfinite(days) and days > 0:
        return float(days)
    return USUAL_DAYS


def due(items: Mapping[str, Item], bought: Mapping[str, Millis], at: Millis) -> list[tuple[str, float, str]]:
    """What of the items bought, by the instant of the last time, may be wanted again at an instant.

    At most ``MOST`` as (id, strength in (0, 1), the reason), strongest first, ties by id.
    """
    found: list[tuple[float, str, str]] = []
    for id, last in bought.items():
        item = items.get(id)
        usual = usual_days(item) if item is not None else 0.0
        days = (at - last) / DAY
        if usual and days > 0:
            off = log(days / usual)
            strength = STRENGTH * exp(-0.5 * (off / (EARLY if off < 0 else LATE)) ** 2)
            if strength > WORTH_TELLING:
                found.append((-strength, id, reasons.bought_before(days)))
    return [(id, -strength, reason) for strength, id, reason in sorted(found)[:MOST]]
