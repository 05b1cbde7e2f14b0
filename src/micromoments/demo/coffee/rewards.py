"""The rewards programme, pure: stars for spending, tiers, expiry, birthday, what stars pay."""

from __future__ import annotations

from datetime import date, datetime

from micromoments.demo.fulfil import Refused

DAY = 86_400_000
YEAR = 365 * DAY
LASTS = 180 * DAY
"""How long stars are good for."""
TIERS = (("green", 0, 5), ("gold", 400, 6), ("black", 1500, 8))
"""Name, stars earned within a year to be in it, stars for each whole euro spent."""
BIRTHDAY = 100
"""Stars for a birthday, once a year."""
AROUND = 3
"""Days around the birthday in which they are given."""
LEAST = 50
"""Stars that are spent at one time, at least; a star pays one cent."""


def tier(earned: int) -> str:
    """The tier for stars earned within a year.

    >>> tier(0), tier(400), tier(9999)
    ('green', 'gold', 'black')
    """
    return [name for name, least, _ in TIERS if earned >= least][-1]


def next_tier(earned: int) -> tuple[str, int] | None:
    """The tier above and the stars still missing; ``None`` at the top."""
    above = [(name, least - earned) for name, least, _ in TIERS if least > earned]
    return above[0] if above else None


def stars(paid: int, earned: int, times: int = 1) -> int:
    """Stars for cents paid by card or stored value (not for tips, not for what stars paid).

    >>> stars(999, 0), stars(999, 400), stars(999, 0, times=2)
    (45, 54, 90)
    """
    rate = next(per for name, _, per in TIERS if name == tier(earned))
    return max(0, paid) // 100 * rate * times


def check_spent(units: int, total: int) -> int:
    """What so many stars pay of a total, in cents.

    Raises:
        Refused: ``bad_points``.
    """
    if units and not LEAST <= units <= total:
        raise Refused("bad_points", f"{units} stars for {total} cents", f"none, or {LEAST} to {total}")
    return units


def birthday_id(owner: str, birthday: str, today: datetime) -> str | None:
    """The id under which this year's birthday stars are given, around the day; else ``None``.

    ``birthday`` is ``MM-DD``. Somebody born on 29 February has it on 1 March in other years.

    >>> birthday_id("c", "02-29", datetime(2025, 3, 1))
    'birthday:c:2025'
    >>> birthday_id("c", "12-31", datetime(2026, 1, 2))
    'birthday:c:2025'
    """
    if not birthday:
        return None
    month, day = int(birthday[:2]), int(birthday[3:])
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            on = date(year, month, day)
        except ValueError:
            on = date(year, 3, 1)
        if abs((today.date() - on).days) <= AROUND:
            return f"birthday:{owner}:{year}"
    return None
