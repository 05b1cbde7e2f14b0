"""What a person's place and hour say: how near an open place is, whether they come closer, whether it is time to eat.

Only what was captured on the record is used: the closest place, its distance, whether it was open. Positions themselves
aren't kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from micromoments.core import when
from micromoments.core.event import Millis
from micromoments.core.item import Nearby
from micromoments.core.moment import Vector

REACH: Final = 1500
"""Metres beyond which a place says nothing."""
BY: Final = 500
"""Metres within which a mere position report counts; farther ones only lean what the person does anyway."""
WALK: Final = 2.5
"""Metres a second up to which a person may turn in at a door that they pass."""
MOVING: Final = 0.7
"""Metres a second from which somebody is on their way."""
PASSING: Final = 12.0
"""Metres a second above which a person is passing by."""
HERE: Final = 25
"""Metres within which a person is at the place."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
AHEAD, BEHIND = 45, 110
"""Degrees between a heading and the way to a place: up to the first they go there, from the second away from it."""


def near(nearby: Nearby, speed: float | None, heading: float | None = None) -> tuple[Vector, str]:
    """What the closest place says, with its reason's code; nothing beyond ``REACH`` or at speed.

    The pull of an open place falls with the logarithm of the distance: 2.2 nats at 25 m, 1.2 at 250 m, none at 1500 m.
    Who heads for it is pulled a third more, who goes away from it is passing by and pulled a third as much.
    """
    if nearby.distance > REACH or (speed is not None and speed > PASSING):
        return (0, 0, 0, 0, 0), ""
    pull = math.log(REACH / max(nearby.distance, HERE)) / math.log(REACH / HERE)
    if speed is not None and speed > WALK:
        pull *= 0.5
    known = heading is not None and nearby.bearing >= 0 and nearby.distance > HERE
    way = turned(heading or 0.0, nearby.bearing) if known else 90.0
    if not nearby.open:
        return (10, round(40 * pull), 0, 0, 0), "near_closed"
    if way >= BEHIND:
        return (0, round(73 * pull), 0, 0, -round(23 * pull)), "passing"
    if way <= AHEAD:
        return (0, round(290 * pull), 0, round(30 * pull), -round(90 * pull)), "heading"
    go = round(220 * pull)
    return (0, go, 0, round(30 * pull), -round(70 * pull)), "near_open"


def turned(a: float, b: float) -> float:
    """Degrees between two directions, 0 to 180."""
    apart = abs(a - b) % 360.0
    return min(apart, 360.0 - apart)


def speed_of(properties: Mapping[str, Any], context: Mapping[str, Any]) -> float | None:
    """Metres a second, where the event says so (``speed`` among properties or ``context.location``)."""
    location = context.get("location")
    for holder in (properties, location if isinstance(location, dict) else {}):
        value = holder.get("speed")
        if isinstance(value, int | float) and 0 <= value < 400:
            return float(value)
    return None


def heading_of(properties: Mapping[str, Any], context: Mapping[str, Any]) -> float | None:
    """Degrees from north, clockwise, into which a person moves, where the event says so (``heading``, ``course`` or
    ``bearing``, beside ``speed``); ``None`` for who stands still.
    """
    speed = speed_of(properties, context)
    if speed is not None and speed < MOVING:
        return None
    location = context.get("location")
    for holder in (properties, location if isinstance(location, dict) else {}):
        for key in ("heading", "course", "bearing"):
            value = holder.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 360:
                return float(value)
    return None


def zone_of(timezone: Any) -> ZoneInfo | None:
    """The IANA time zone of that name, ``None`` if there is none."""
    return when.zone_of(timezone) if isinstance(timezone, str) else None


def hour(at: Millis, timezone: Any) -> int | None:
    """The hour of day, 0 to 23, where the person is; ``None`` without a known IANA time zone."""
    zone = zone_of(timezone)
    return (EPOCH + timedelta(milliseconds=at)).astimezone(zone).hour if zone is not None else None


def timely(hour: int | None, handheld: bool) -> Vector:
    """A small lean by hour and device: towards places around meals when on the move, towards buying in the evening."""
    if hour is None:
        return (0, 10, 0, 0, 0) if handheld else (0, 0, 0, 0, 0)
    go = 15 if hour in (12, 13, 18, 19) else 0
    buy = 8 if 20 <= hour <= 22 else 0
    return (0, go + (10 if handheld else 0), 0, buy, 0)
