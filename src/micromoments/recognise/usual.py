"""Where a person usually is: home, work and places of habit, learned from history, kept coarse and few.

A *visit* is one whole number: which three hours of which day (in the person's zone), and where: a cell of about 0.6 by
1.2 km, or the catalogue's place that they stood at. Of one source id the newest ``MAX_VISITS`` are kept, twice is once,
so that visits join in any order, and no route or exact position can be read from them. Home is the cell of the nights,
work that of the working hours; a habit is a place on three days. Only days before an event's own speak, so that one
long stay proves nothing. Weights are hundredths of a nat, set by hand.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from micromoments.core.event import Millis
from micromoments.core.geo import Point, bearing
from micromoments.core.item import Nearby
from micromoments.core.moment import Vector
from micromoments.recognise.place import BY, EPOCH, MOVING, WALK, turned, zone_of

MAX_VISITS: Final = 80
AT: Final = 50
"""Metres within which a person stands at a place, by a phone's position."""
BLOCKS: Final = 8
"""Stretches of three hours in a day."""
NIGHT: Final = frozenset({0, 1, 7})
"""Blocks in which people are at home: nine in the evening to six in the morning."""
WORKING: Final = frozenset({3, 4, 5})
"""Blocks in which people are at work, on weekdays: nine to six."""
HOME_DAYS, WORK_DAYS, HABIT_DAYS, HOUR_DAYS = 3, 4, 3, 2
"""Days on which a place was seen from which it counts as home, work, a habit; a habit of an hour."""
TOWARDS: Final = 60
"""Degrees between a heading and the way to a place within which they go there."""
_GRID: Final = 1 << 15
_PLACE: Final = 1 << 31
_WHERE: Final = (1 << 32) - 1

Role = Literal["home", "work"]


class Sighting(NamedTuple):
    """Where and how a person was at an event: the block, the point, the catalogue's place at hand, the movement."""

    block: int
    point: Point
    nearby: Nearby | None
    speed: float | None
    heading: float | None


class Habits(NamedTuple):
    """What visits say: the cells of home and work (-1 unknown), and on which days each place was seen, by block."""

    home: int
    work: int
    days: Mapping[int, frozenset[int]]


def block_of(at: Millis, timezone: str) -> int:
    """Which three hours an instant lies in, counted in local time from 1970; in UTC for a zone that nobody knows."""
    local = (EPOCH + timedelta(milliseconds=at)).astimezone(zone_of(timezone) or EPOCH.tzinfo)
    return (local.toordinal() - EPOCH.toordinal()) * BLOCKS + local.hour * BLOCKS // 24


def cell(point: Point) -> int:
    """The cell of a point: 15 bits of latitude after 15 bits of longitude, as fine as a geohash of six letters."""
    x = min(_GRID - 1, int((point.lon + 180.0) / 360.0 * _GRID))
    return x << 15 | min(_GRID - 1, int((point.lat + 90.0) / 180.0 * _GRID))


def centre(of: int) -> Point:
    """The middle of a cell."""
    lat, lon = (of & (_GRID - 1)) + 0.5, (of >> 15) + 0.5
    return Point(lat / _GRID * 180.0 - 90.0, lon / _GRID * 360.0 - 180.0)


def mark(place: str) -> int:
    """What stands for a place of the catalogue among visits: 31 bits of its id's checksum."""
    return _PLACE | zlib.crc32(place.encode()) & (_PLACE - 1)


def joined(a: tuple[int, ...], b: Iterable[int]) -> tuple[int, ...]:
    """Visits of both, each once, the newest ``MAX_VISITS`` in order; ``a`` itself where nothing is new."""
    both = {*a, *b}
    return a if len(both) == len(a) else tuple(sorted(both)[-MAX_VISITS:])


def visited(visits: tuple[int, ...], seen: Sighting) -> tuple[int, ...]:
    """The visits with a sighting; who only rides or drives by visits nothing."""
    if seen.speed is not None and seen.speed > WALK:
        return visits
    new = [seen.block << 32 | cell(seen.point)]
    if seen.nearby is not None and seen.nearby.distance <= AT:
        new.append(seen.block << 32 | mark(seen.nearby.id))
    return joined(visits, new)


def _weekday(block: int) -> bool:
    return (block // BLOCKS + 3) % 7 < 5


@lru_cache(maxsize=2048)
def habits(visits: tuple[int, ...], today: int) -> Habits:
    """What the visits before the day ``today`` (days since 1970) say."""
    days: dict[int, set[int]] = defaultdict(set)
    nights: dict[int, set[int]] = defaultdict(set)
    working: dict[int, set[int]] = defaultdict(set)
    for visit in visits:
        block, where = visit >> 32, visit & _WHERE
        if block // BLOCKS >= today:
            continue
        days[where].add(block)
        if where < _PLACE and block % BLOCKS in NIGHT:
            nights[where].add(block // BLOCKS)
        if where < _PLACE and block % BLOCKS in WORKING and _weekday(block):
            working[where].add(block // BLOCKS)
    home = _most(nights, HOME_DAYS)
    working.pop(home, None)
    return Habits(home, _most(working, WORK_DAYS), {k: frozenset(v) for k, v in sorted(days.items())})


def _most(found: Mapping[int, set[int]], least: int) -> int:
    """Where the most days were spent, at least so many; -1 if nowhere. Ties go to the lesser number."""
    best = max(found, key=lambda where: (len(found[where]), -where), default=-1)
    return best if best >= 0 and len(found[best]) >= least else -1


def often(known: Habits, where: int) -> bool:
    """Whether a place or cell is one of habit."""
    return len({block // BLOCKS for block in known.days.get(where, ())}) >= HABIT_DAYS


def at_this_hour(known: Habits, where: int, block: int) -> bool:
    """Whether a place or cell was seen about this hour, on days of this kind (weekdays or the weekend)."""
    near = {b // BLOCKS for b in known.days.get(where, ()) if _close(b, block) and _weekday(b) == _weekday(block)}
    return len(near) >= HOUR_DAYS


def _close(a: int, b: int) -> bool:
    apart = abs(a - b) % BLOCKS
    return min(apart, BLOCKS - apart) <= 1


def bound_for(known: Habits, visits: tuple[int, ...], seen: Sighting) -> Role | None:
    """Whether a person is on the way to work or home: between the two, at an hour at which they are there or soon will
    be, moving; by their heading, or else because they come from the other.
    """
    here = cell(seen.point)
    if known.home < 0 or known.work < 0 or here in {known.home, known.work} or (seen.speed or 0.0) < MOVING:
        return None
    last = next((v & _WHERE for v in reversed(visits) if v & _WHERE < _PLACE and v & _WHERE != here), -1)
    ways: tuple[tuple[Role, int, int], ...] = (("work", known.work, known.home), ("home", known.home, known.work))
    for role, to, origin in ways:
        if not at_this_hour(known, to, seen.block):
            continue
        if seen.heading is None:
            if last == origin:
                return role
        elif turned(seen.heading, bearing(seen.point, centre(to))) <= TOWARDS:
            return role
    return None


def leaned(visits: tuple[int, ...], seen: Sighting) -> tuple[Vector, str]:
    """What habit says at a sighting, with its reason's code; a lean without a code is no reason of its own."""
    known = habits(visits, seen.block // BLOCKS)
    if not known.days:
        return (0, 0, 0, 0, 0), ""
    near = seen.nearby if seen.nearby is not None and seen.nearby.distance <= BY and seen.nearby.open else None
    if near is not None and often(known, mark(near.id)):
        if at_this_hour(known, mark(near.id), seen.block):
            return (0, 90, 0, 20, -30), "usual"
        return (0, 40, 0, 10, -10), ""
    role = bound_for(known, visits, seen)
    if role is not None:
        return (0, 50 if near is not None else 60, 0, 0, -10), f"to_{role}"
    if cell(seen.point) == known.home:
        return (0, -30, 10, 0, 0), ""
    return (0, 0, 0, 0, 0), ""


def told(visits: tuple[int, ...]) -> list[dict[str, Any]]:
    """Visits as their person may read them: each area or place with its days, the hours at which it was seen, and the
    part that it plays.
    """
    known = habits(visits, (visits[-1] >> 32) // BLOCKS + 1)
    shown: list[dict[str, Any]] = []
    for where, blocks in known.days.items():
        row: dict[str, Any] = {"days": len({b // BLOCKS for b in blocks})}
        if where < _PLACE:
            middle = centre(where)
            row |= {"around": [round(middle.lat, 3), round(middle.lon, 3)]}
        else:
            row |= {"place": f"{where & (_PLACE - 1):08x}"}
        row["hours"] = sorted({24 // BLOCKS * (b % BLOCKS) for b in blocks})
        row["seenAs"] = "home" if where == known.home else "work" if where == known.work else "place"
        shown.append(row)
    return sorted(shown, key=lambda row: -row["days"])
