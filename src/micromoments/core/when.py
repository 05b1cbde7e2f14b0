"""Stretches of time as settings write them: RFC 3339 instants, and hours of a day in somebody's zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from micromoments.core.event import Millis

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


@lru_cache(maxsize=4096)
def instant(text: str) -> Millis:
    """An RFC 3339 instant (or a date: its midnight, UTC) in milliseconds; 0 for an empty text.

    Raises:
        ValueError: it is neither.

    >>> instant("1970-01-02T01:00:00+01:00")
    86400000
    """
    if not text:
        return 0
    read = datetime.fromisoformat(text)
    return round(((read if read.tzinfo else read.replace(tzinfo=UTC)) - _EPOCH).total_seconds() * 1000)


def within(starts: str, ends: str, now: Millis) -> bool:
    """Whether an instant lies in [starts, ends); an empty end is open."""
    return (not starts or instant(starts) <= now) and (not ends or now < instant(ends))


_LONGEST = 64
"""Characters that a zone's name may have (the longest has 32): thousands of names are kept, and senders choose them."""


def zone_of(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; ``None`` where there is none of that name."""
    return _zone(name) if 0 < len(name) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=256)
def minutes(hours: str) -> tuple[int, int]:
    """``22:00-08:00`` as minutes of the day: the first one inside, and the first one outside again.

    Raises:
        ValueError: it is not written so, or is empty of time.
    """
    found = _HOURS.fullmatch(hours.strip())
    start, end = (int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])) if found else (0, 0)
    if start == end or end > 24 * 60:
        raise ValueError(f"got hours {hours!r}; wanted HH:MM-HH:MM with two different times, such as 22:00-08:00")
    return start, end


def quiet(hours: str, zone: ZoneInfo, now: Millis) -> bool:
    """Whether it is within hours of the day in a zone; they may go over midnight."""
    start, end = minutes(hours)
    local = (_EPOCH + timedelta(milliseconds=now)).astimezone(zone)
    minute = local.hour * 60 + local.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def quiet_until(hours: str, zone: ZoneInfo, now: Millis) -> Millis:
    """When quiet hours that hold now end: the first instant after them, counted on the clock of the zone."""
    _, end = minutes(hours)
    local = (_EPOCH + timedelta(milliseconds=now)).astimezone(zone)
    over = local.replace(hour=end // 60 % 24, minute=end % 60, second=0, microsecond=0)
    if over <= local:
        over = (over.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return max(now + 1, round((over.astimezone(UTC) - _EPOCH).total_seconds() * 1000))


def gone(starts: str, ends: str, now: Millis) -> float:
    """The share of [starts, ends) that has gone by, from 0 to 1."""
    first, last = instant(starts), instant(ends)
    return min(1.0, max(0.0, (now - first) / (last - first))) if last > first else float(now >= first)
