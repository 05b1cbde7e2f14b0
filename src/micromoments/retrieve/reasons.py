"""Why something was found, in the person's own words."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from micromoments.core.event import Millis
    from micromoments.retrieve.ask import Mode

FAR_SECONDS = 45 * 60
"""Above this walk the distance is told instead."""


_GOING: dict[Mode, str] = {"foot": "walk", "bike": "ride", "car": "drive"}


def matches(words: str) -> str:
    """Found by words, which are repeated where they may be."""
    return f"matches “{words}”" if words else "matches your words"


def answers(words: str) -> str:
    """Found because a passage of it answers what was asked."""
    return f"answers “{words}”"


def looked_at(title: str) -> str:
    """Found because of an item that the person looked at."""
    return f"because you looked at {title}"


def bought_with(title: str) -> str:
    """Found because others bought it with an item."""
    return f"often bought together with {title}"


def bought_before(days: float) -> str:
    """Found because the person bought it and may need it again."""
    return f"you bought it {round(days)} days ago"


def bought_every(days: float) -> str:
    """Found because the person buys it again and again, and it is about time."""
    return f"you buy this about every {_days(days)}"


def bought_lately(days: float, usual: float, share: float) -> str:
    """Found because the person bought it, and others come back for it after so long."""
    who = "most buy it again" if share >= 0.5 else "it is often bought again"
    return f"you bought it {_days(days)} ago; {who} after about {_days(usual)}"


def _days(days: float) -> str:
    return f"{round(days)} days" if days >= 1.5 else "a day"


@lru_cache(maxsize=8192)
def popular(category: str) -> str:
    """Found because many meet it."""
    return f"popular in {category}" if category else "popular now"


@lru_cache(maxsize=8192)
def popular_here(category: str) -> str:
    """Found because many meet it where the person is."""
    return f"popular in {category} near you" if category else "popular near you"


@lru_cache(maxsize=8192)
def less_known(category: str) -> str:
    """Found although few have met it."""
    return f"less known, from {category}" if category else "less known"


def way(metres: float, seconds: int, is_open: bool, closes_at: Millis, timezone: str, mode: Mode = "foot") -> str:
    """How far a place is and until when it is open: ``6 min walk, open until 20:00``.

    Args:
        metres: straight-line distance.
        seconds: the way.
        is_open: on arrival.
        closes_at: then; 0 for a place without closing time.
        timezone: the place's IANA zone, empty for UTC.
        mode: how the person goes.
    """
    if seconds <= FAR_SECONDS:
        far = f"{max(1, round(seconds / 60))} min {_GOING[mode]}"
    else:
        far = f"{metres / 1000:.1f} km away" if metres < 100_000 else f"{metres / 1000:.0f} km away"
    if not is_open:
        return f"{far}, closed when you get there"
    return f"{far}, open until {_clock(closes_at, timezone)}" if closes_at else f"{far}, open"


@lru_cache(maxsize=8192)
def _clock(at: Millis, timezone: str) -> str:
    zone = ZoneInfo(timezone) if timezone else UTC
    return datetime.fromtimestamp(at / 1000, tz=zone).strftime("%H:%M")
