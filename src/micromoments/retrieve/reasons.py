"""Why something was found, in the person's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micromoments.core.event import Millis
    from micromoments.core.item import Item
    from micromoments.retrieve.ask import Via

FAR_SECONDS = 45 * 60
"""Above this walk the distance is told instead."""


def say(notes: Sequence[tuple[Via, str]], item: Item) -> tuple[str, ...]:
    """The reasons in the order of the notes; a note is a code and what it hangs on (the words, a title)."""
    return tuple(dict.fromkeys(_say(via, detail, item) for via, detail in notes))


def _say(via: Via, detail: str, item: Item) -> str:
    if via == "search":
        return f"matches “{detail}”"
    if via == "nearby":
        return detail
    if via == "similar":
        return f"because you looked at {detail}"
    if via == "together":
        return f"often bought together with {detail}"
    if via == "popular":
        return f"popular in {item.category}" if item.category else "popular now"
    return f"less known, from {item.category}" if item.category else "less known"


def way(metres: float, seconds: int, is_open: bool, closes_at: Millis, timezone: str) -> str:
    """How far a place is and until when it is open: ``6 min walk, open until 20:00``.

    Args:
        metres: straight-line distance.
        seconds: the walk.
        is_open: on arrival.
        closes_at: then; 0 for a place without closing time.
        timezone: the place's IANA zone, empty for UTC.
    """
    if seconds <= FAR_SECONDS:
        far = f"{max(1, round(seconds / 60))} min walk"
    else:
        far = f"{metres / 1000:.1f} km away" if metres < 100_000 else f"{metres / 1000:.0f} km away"
    if not is_open:
        return f"{far}, closed when you get there"
    return f"{far}, open until {_clock(closes_at, timezone)}" if closes_at else f"{far}, open"


@lru_cache(maxsize=8192)
def _clock(at: Millis, timezone: str) -> str:
    zone = ZoneInfo(timezone) if timezone else UTC
    return datetime.fromtimestamp(at / 1000, tz=zone).strftime("%H:%M")
