"""Geofences: the circles around places that a person comes to, stays in and leaves."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeGuard

import msgspec

from micromoments.core.event import Millis
from micromoments.core.item import Item

LEAST, MOST = 10.0, 10_000.0
"""Metres that a fence's radius may have."""
DWELL, LONGEST = 240, 86_400
"""Seconds of a stay that counts as dwelling unless said, and the most that may be said."""

Change = Literal["enter", "dwell", "exit"]


class Fence(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fence around a reported position, captured on the record as of arrival.

    ``inside`` is false in the fence's margin, where who was inside still is, and who wasn't isn't yet: a position that
    jitters at the edge crosses nothing. ``dwell`` is after how many seconds a stay counts as dwelling.
    """

    id: str
    title: str
    dwell: int
    open: bool
    inside: bool = True


class Sighting(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One reported position as the person keeps it: when, the message's hash, and the fences that it lay in or at."""

    at: Millis
    mid: int
    fences: tuple[Fence, ...] = ()


class Stay(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Being inside a fence since an instant."""

    fence: Fence
    since: Millis


class Crossing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fence was entered, dwelt in or left at an instant, by who has been in it since ``since``."""

    at: Millis
    change: Change
    fence: Fence
    since: Millis


class Whereabouts(msgspec.Struct, frozen=True, array_like=True):
    """Where one source id was: the newest sightings in order, the stays as of ``before``, the instant of the last
    sighting that is no longer kept, the marks of the crossings that were told, and when time alone crosses the next.
    """

    sightings: tuple[Sighting, ...] = ()
    stays: tuple[Stay, ...] = ()
    before: Millis = 0
    told: tuple[int, ...] = ()
    due: Millis = 0


class Shape(NamedTuple):
    """A fence's radius in metres, and the seconds of a stay that counts as dwelling."""

    radius: float
    dwell: int


def shape_of(item: Item) -> Shape | None:
    """The fence around an item; ``None`` without one or without a location.

    Raises:
        ValueError: the attribute ``geofence`` can't be read.
    """
    told = item.attributes.get("geofence") if item.attributes else None
    if told is None:
        return None
    radius, dwell = (told.get("radius"), told.get("dwell", DWELL)) if isinstance(told, dict) else (told, DWELL)
    if not (_within(radius, LEAST, MOST) and _within(dwell, 1, LONGEST)):
        raise ValueError(
            f"got geofence {told!r}; wanted a radius of {LEAST:g} to {MOST:g} metres, or an object with radius and "
            f"dwell (1 to {LONGEST} seconds)"
        )
    return Shape(float(radius), round(dwell)) if item.location is not None else None


def _within(value: object, least: float, most: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
