"""Where things are: coordinates in degrees (WGS 84), distances in metres."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin, sqrt

import msgspec

EARTH_RADIUS = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG)."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """A position: latitude and longitude in degrees."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"got position ({self.lat}, {self.lon}); wanted latitude -90..90 and longitude -180..180")


def metres(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine)."""
    dlat, dlon = radians(b.lat - a.lat), radians(b.lon - a.lon)
    h = sin(dlat / 2) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(dlon / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(h)))


def bearing(a: Point, b: Point) -> float:
    """The direction in which ``b`` lies from ``a``: degrees from north, clockwise, [0, 360)."""
    north, south, dlon = radians(a.lat), radians(b.lat), radians(b.lon - a.lon)
    east = sin(dlon) * cos(south)
    up = cos(north) * sin(south) - sin(north) * cos(south) * cos(dlon)
    return degrees(atan2(east, up)) % 360.0
