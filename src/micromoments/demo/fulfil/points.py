"""Points in lots that expire, pure: which lots a payment takes, and what is there at an instant."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from micromoments.demo.fulfil.order import Millis
from micromoments.demo.fulfil.refused import Refused


class Lot(msgspec.Struct, frozen=True):
    """Points earned together: ``left`` of them are there until they expire."""

    id: str
    left: int
    expires: Millis


def balance(lots: Iterable[Lot], now: Millis) -> int:
    """The points that can be spent at an instant."""
    return sum(lot.left for lot in lots if lot.expires > now)


def take(lots: Iterable[Lot], units: int, now: Millis) -> dict[str, int]:
    """What to take from which lot, so that what expires first is spent first.

    Raises:
        Refused: ``too_few_points``; nothing is taken.
    """
    if units < 1:
        raise Refused("bad_points", str(units), "1 or more")
    taken: dict[str, int] = {}
    wanted = units
    for lot in sorted(lots, key=lambda lot: (lot.expires, lot.id)):
        if wanted and lot.left and lot.expires > now:
            taken[lot.id] = min(lot.left, wanted)
            wanted -= taken[lot.id]
    if wanted:
        raise Refused("too_few_points", f"{units - wanted} points", str(units), "pay this part another way")
    return taken
