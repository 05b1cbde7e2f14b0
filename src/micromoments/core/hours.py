"""When a place is open: OpenStreetMap ``opening_hours`` expressions, read in the place's own time zone.

Source: https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification, as the library opening-hours-py reads it.
Every instant is answered from a window of some days that is worked out once for an expression and kept, so that asking
costs about a microsecond a place. In the hour that a clock change repeats, a time of day means its second passing; in
the hour that it skips, the first instant after it.

What the expression calls ``unknown`` counts as closed: nobody should walk there for nothing. So does the small hours'
part of an evening that was taken off: who is closed on a holiday doesn't open at midnight (the library has it open).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import opening_hours

from micromoments.core.event import Millis
from micromoments.core.item import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

MIDNIGHT, DAY_MINUTES = time(), 24 * 60
FOREVER: Millis = 1 << 62
"""After every instant: where an expression never changes again."""
MAX_SCHEDULES = 65_536
"""Expressions kept parsed; the least recently asked for is let go."""
LOOK_AHEAD_DAYS = 400
"""How far the next opening or closing is looked for: a year and a bit, so that yearly seasons are found."""

_NEEDS_PLACE = re.compile(r"\b(?:PH|SH|sunrise|sunset|dawn|dusk)\b")
_TAKEN_OFF = re.compile(r"\b(?:off|closed)\b")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


class _Window(NamedTuple):
    """The stretch [start, end) in which every change is known: at ``changes[i]`` it opens or closes."""

    start: Millis
    end: Millis
    opens_first: bool
    changes: list[Millis]


class Schedule:
    """One parsed expression in one zone, with the window last worked out. ``schedule`` makes and shares them."""

    __slots__ = ("_nights", "_parsed", "_window", "_zone")

    def __init__(self, hours: str, timezone: str, coords: tuple[float, float] | None) -> None:
        self._zone = _zone(timezone)
        if not opening_hours.validate(hours):
            raise ValueError(
                f"got opening hours {hours!r}; wanted an OpenStreetMap opening_hours expression such as "
                "'Mo-Fr 08:00-20:00; Sa 10:00-18:00'; check it at https://openingh.openstreetmap.de"
            )
        self._parsed = opening_hours.OpeningHours(
            hours, timezone=self._zone, coords=coords, auto_country=coords is not None
        )
        self._window = _Window(0, 0, False, [])
        self._nights = _nights(hours) if _TAKEN_OFF.search(hours) else frozenset()

    def open_at(self, at: Millis) -> bool:
        """Whether it is open at an instant."""
        start, end, opens_first, changes = self._window
        if not start <= at < end:
            _, _, opens_first, changes = self._window = self._work_out(at)
        return opens_first ^ bool(bisect_right(changes, at) & 1)

    def until(self, at: Millis) -> tuple[bool, Millis]:
        """Whether it is open at an instant, and when it then closes; 0 where it is closed, or stays open for a year."""
        start, end, opens_first, changes = self._window
        if not start <= at < end:
            _, end, opens_first, changes = self._window = self._work_out(at)
        i = bisect_right(changes, at)
        if not opens_first ^ (i & 1):
            return False, 0
        if i < len(changes):
            return True, changes[i]
        return True, 0 if end == FOREVER else self._next(at, wanted=False)

    def closes_at(self, at: Millis) -> Millis:
        """When it closes, being open at ``at``; 0 where it is closed, or doesn't close in the year ahead."""
        return self.until(at)[1]

    def opens_at(self, at: Millis) -> Millis:
        """The first instant from ``at`` on at which it is open; 0 where none is in the year ahead."""
        return at if self.open_at(at) else self._next(at, wanted=True)

    def _work_out(self, at: Millis) -> _Window:
        # Noon two days before is never in a clock change, and leaves room for a night that began the day before.
        day = datetime.fromtimestamp(at / 1000, tz=self._zone).replace(
            hour=12, minute=0, second=0, microsecond=0, fold=0
        )
        start, end = day - timedelta(days=2), day + timedelta(days=5)
        changes: list[Millis] = []
        first = now = False
        for begins, state in self._intervals(start, end):
            is_open = state == opening_hours.State.OPEN
            if begins <= _millis(start):
                first = now = is_open
            elif is_open != now:
                changes.append(begins)
                now = is_open
        for_good = not changes and self._parsed.next_change(start) is None
        return _Window(_millis(start), FOREVER if for_good else _millis(end), first, changes)

    def _intervals(self, start: datetime, end: datetime) -> Iterator[tuple[Millis, opening_hours.State]]:
        was = None
        for begins, ends, state, _ in self._parsed.intervals(start, end):
            # Open from midnight to the end of a night, and closed before it: the evening was taken off.
            night = begins.time() == MIDNIGHT and ends.time() in self._nights and ends - begins < timedelta(days=1)
            was = opening_hours.State.CLOSED if night and was != opening_hours.State.OPEN else state
            yield _millis(begins), was

    def _next(self, at: Millis, *, wanted: bool) -> Millis:
        changes = self._window.changes
        i = bisect_right(changes, at)
        if i < len(changes):
            return changes[i]
        if self._window.end == FOREVER:
            return 0
        start = datetime.fromtimestamp(at / 1000, tz=self._zone)
        for begins, state in self._intervals(start, start + timedelta(days=LOOK_AHEAD_DAYS)):
            if begins > at and (state == opening_hours.State.OPEN) == wanted:
                return begins
        return 0


def _nights(hours: str) -> frozenset[time]:
    """When the spans of an expression that go past midnight end; none where one begins at midnight of itself."""
    spans = [(int(a) * 60 + int(b), int(c) * 60 + int(d)) for a, b, c, d in _SPAN.findall(hours)]
    if any(begins == 0 for begins, _ in spans):
        return frozenset()
    ends = [end % DAY_MINUTES for begins, end in spans if end < begins or end > DAY_MINUTES]
    return frozenset(time(end // 60, end % 60) for end in ends)


def _millis(moment: datetime) -> Millis:
    return round(moment.timestamp() * 1000)


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"got time zone {name!r}; wanted an IANA name such as 'Europe/Helsinki'") from error


def is_zone(name: str) -> bool:
    """Whether a name is an IANA time zone known here; the empty name isn't."""
    try:
        return bool(name) and _zone(name) is not None
    except ValueError:
        return False


@lru_cache(maxsize=MAX_SCHEDULES)
def _shared(hours: str, timezone: str, lat: float = 0.0, lon: float = 0.0, placed: bool = False) -> Schedule:
    return Schedule(hours, timezone, (lat, lon) if placed else None)


def schedule(what: str | Item, timezone: str = "") -> Schedule | None:
    """The schedule of an expression, or of an item by its own; None where there is none: always open.

    Args:
        what: an ``opening_hours`` expression, or an item. An item's own zone goes before ``timezone``, and its position
            decides public holidays (``PH``), school holidays and the sun; an expression alone has no holidays.
        timezone: an IANA name; empty means UTC.

    Raises:
        ValueError: not an ``opening_hours`` expression, or not an IANA zone; says what was got and wanted.
    """
    if isinstance(what, str):
        return _shared(what, timezone) if what else None
    hours = what.hours
    if not hours:
        return None
    timezone = what.timezone or timezone
    place = what.location
    if place is not None and _NEEDS_PLACE.search(hours):
        # About 100 m: enough for a country's holidays and the sun, and neighbours share the schedule.
        return _shared(hours, timezone, round(place.lat, 3), round(place.lon, 3), True)
    return _shared(hours, timezone)


def open_at(what: str | Item, timezone: str, at: Millis) -> bool:
    """Whether an expression (or an item by its own) says open at an instant, in milliseconds; empty means always.

    The other arguments and the errors are those of ``schedule``.
    """
    found = schedule(what, timezone)
    return found is None or found.open_at(at)


def closes_at(what: str | Item, timezone: str, at: Millis) -> Millis:
    """The instant at which what is open at ``at`` closes; 0 where it is closed, or doesn't close in the year ahead.

    Arguments and errors are those of ``open_at``.
    """
    found = schedule(what, timezone)
    return 0 if found is None else found.closes_at(at)


def opens_at(what: str | Item, timezone: str, at: Millis) -> Millis:
    """The first instant from ``at`` on at which it is open: ``at`` itself where it is; 0 for none in the year ahead.

    Arguments and errors are those of ``open_at``.
    """
    found = schedule(what, timezone)
    return at if found is None else found.opens_at(at)
