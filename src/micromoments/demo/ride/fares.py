"""What a ride costs, pure: kinds of ride, the price known beforehand, and what calling it off costs. Cents, EUR."""

from __future__ import annotations

import msgspec

from micromoments.demo.fulfil import Line, Refused

CURRENCY = "EUR"
TAX = 10
"""Percent that is included in every price."""
MINUTE = 60_000
GRACE = 2 * MINUTE
"""After a driver has taken it, a ride may be called off for nothing for so long (milliseconds)."""
LATE = 4 * MINUTE
"""So much later than first said, and calling it off costs nothing."""
NO_SHOW = 2 * MINUTE
"""How long a driver waits at least before leaving without the rider."""
ON_THE_WAY = 250
AT_THE_DOOR = 400
"""Fees for calling a ride off: as the driver is on the way, and as they are waiting."""
TIPS = (0, 100, 200, 500)


class Kind(msgspec.Struct, frozen=True):
    """A kind of ride: seats, and the price's parts in cents."""

    id: str
    title: str
    seats: int
    base: int
    km: int
    minute: int
    least: int


KINDS = (
    Kind("go", "Go", 4, 180, 140, 35, 350),
    Kind("comfort", "Comfort", 4, 260, 190, 45, 480),
    Kind("six", "Six", 6, 320, 220, 52, 560),
)
"""The price is the same at every hour and however many want a ride: nobody is charged for being in a hurry."""


def kind(id: str) -> Kind:
    """A kind of ride by its id; ``Refused`` where there is none."""
    for one in KINDS:
        if one.id == id:
            return one
    raise Refused("no_such_kind", f"a ride {id[:20]!r}", " or ".join(k.id for k in KINDS), status=404)


def price(of: Kind, metres: float, seconds: float) -> int:
    """Cents for a ride, to the next ten.

    >>> price(KINDS[0], 2000, 300)
    640
    """
    exact = of.base + of.km * metres / 1000 + of.minute * seconds / 60
    return max(of.least, -(-int(exact) // 10) * 10)


def line(of: Kind, cents: int) -> tuple[Line, ...]:
    """The order's line."""
    return (Line(of.id, f"Ride, {of.title}", 1, cents),)


def tax(cents: int) -> int:
    """The tax within a price."""
    return cents * TAX // (100 + TAX)


def is_free(step: str, now: int, taken: int, promised: int) -> bool:
    """Whether calling a ride off costs nothing: nobody has taken it yet, it was taken just now, or the driver is late.

    ``taken`` is when the driver took it, ``promised`` when they first said to arrive; milliseconds.
    """
    if step in ("", "looking"):
        return True
    return step == "coming" and (now - taken <= GRACE or now - promised > LATE)


def fee(step: str, now: int, taken: int, promised: int) -> int:
    """What calling a ride off would cost the rider now.

    >>> fee("arrived", 10**6, 0, 0)
    400
    """
    if is_free(step, now, taken, promised):
        return 0
    return {"coming": ON_THE_WAY, "arrived": AT_THE_DOOR}.get(step, 0)
