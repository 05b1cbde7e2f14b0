"""What each kind of item is worth to a moment, by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.core.item import KINDS, Kind
from micromoments.core.moment import TYPES

if TYPE_CHECKING:
    from micromoments.retrieve.ask import Ask

SHARES: dict[Kind, tuple[float, float, float, float, float]] = {
    "article": (1.0, 0.0, 0.2, 0.0, 0.5),
    "guide": (0.2, 0.0, 1.0, 0.0, 0.5),
    "place": (0.0, 1.0, 0.0, 0.1, 0.5),
    "product": (0.0, 0.0, 0.2, 1.0, 0.5),
    "offer": (0.0, 0.1, 0.0, 0.8, 0.5),
}
"""What each kind is worth to each type of moment, in the order of ``TYPES``."""
LEAST_SHARE = 0.05
"""Every kind of the slot keeps this much, so that a wrong type doesn't empty the shelf."""


HAVING = 0.5
"""What guides are worth at least to somebody who says what they have at hand."""


def shares(ask: Ask) -> dict[Kind, float]:
    """What each kind that the slot takes is worth to this ask, the most worthy 1."""
    know, go, do, buy, none = ask.probabilities
    if not (know or go or do or buy or none):
        know, go, do, buy, none = (float(type_ == (ask.moment_type or "none")) for type_ in TYPES)
    worth: dict[Kind, float] = {}
    for kind in ask.kinds or KINDS:
        by = SHARES[kind]
        worth[kind] = know * by[0] + go * by[1] + do * by[2] + buy * by[3] + none * by[4]
    most = max(worth.values()) or 1.0
    told = {kind: max(LEAST_SHARE, value / most) for kind, value in worth.items()}
    return told | {"guide": max(HAVING, told["guide"])} if ask.have and "guide" in told else told
