"""The town as the app needs it: its plan, where the stores are, and how far it is to walk."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import hypot
from typing import Any

import micromoments as mm
from micromoments.demo.coffee.menu import BARS

PACE = 1.3
"""Metres a second that people walk."""
GRID = 30.0
"""Metres to which positions are rounded: coarse on purpose, and so that ways are found once."""
SQUARE = (-420.0, -120.0)
"""Where a visitor stands at first."""

Place = tuple[float, float]


class Town:
    """Alderhaven."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self.city = mm.World(1, 1, zone).city
        self.plan: dict[str, Any] = self.city.plan
        self._walk = lru_cache(4096)(self._way)

    def points(self) -> dict[str, mm.Point]:
        """Where each store is, as latitude and longitude."""
        return {bar.id: self.city.point(bar.at) for bar in BARS}

    def coarse(self, at: Place) -> Place:
        """A position within the town, rounded."""
        x = max(-self.plan["halfWidth"], min(self.plan["halfWidth"], at[0]))
        y = max(-self.plan["halfHeight"], min(self.plan["halfHeight"], at[1]))
        return (round(x / GRID) * GRID, round(y / GRID) * GRID)

    def metres(self, start: Place, end: Place) -> int:
        """Metres to walk along the streets."""
        return self._walk(self.coarse(start), end)

    def way(self, start: Place, end: Place) -> list[Place]:
        """The way along the streets."""
        return self.city.way(start, end)

    def _way(self, start: Place, end: Place) -> int:
        return round(sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self.city.way(start, end))))
