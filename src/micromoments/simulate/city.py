"""The town of Alderhaven: invented, so that nothing simulated can be mistaken for a real place.

Positions are metres from its centre, x to the east and y to the north; latitude and longitude lie in the open Atlantic.
"""

from __future__ import annotations

import heapq
from itertools import pairwise
from math import cos, hypot, radians
from pkgutil import get_data
from typing import Any

import msgspec

from micromoments.core.geo import Point

ORIGIN = Point(38.0, -41.0)
"""Where the centre is said to be: the open sea."""
METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of the mean radius."""
CELL = 15.0
"""Metres between neighbouring nodes of the network on which people walk."""

Place = tuple[float, float]
"""A position in the town: (x, y) in metres."""
Cell = tuple[int, int]


def data(name: str) -> bytes:
    """One of the data files of this package.

    Raises:
        FileNotFoundError: the installation is broken.
    """
    body = get_data("micromoments.simulate", f"data/{name}")
    if body is None:
        raise FileNotFoundError(f"got no data/{name} in micromoments.simulate; install the package again")
    return body


class City:
    """Streets, river, sea and parks, and the ways between two places.

    ``plan`` is the file as it stands, for drawing.
    """

    def __init__(self) -> None:
        self.plan: dict[str, Any] = msgspec.json.decode(data("city.json"))
        self._cells: dict[Cell, str] = {}
        for street in self.plan["streets"]:
            for at in _along(street["line"], CELL / 2):
                self._cells.setdefault(_cell(at), street["name"])
        self._named = sorted(cell for cell, name in self._cells.items() if name)
        self._corners = self._connected()

    def _connected(self) -> list[Cell]:
        """The named cells that can be reached from the middle of the town: where people live, work and walk."""
        first = min(self._named, key=lambda c: (abs(c[0]) + abs(c[1]), c))
        known, todo = {first}, [first]
        while todo:
            for near in self._near(todo.pop()):
                if near not in known:
                    known.add(near)
                    todo.append(near)
        half = (self.plan["halfWidth"] * 0.93 / CELL, self.plan["halfHeight"] * 0.9 / CELL)
        return [c for c in self._named if c in known and abs(c[0]) < half[0] and abs(c[1]) < half[1]]

    @staticmethod
    def point(at: Place) -> Point:
        """Latitude and longitude of a place in the town."""
        x, y = at
        lat = ORIGIN.lat + y / METRES_PER_DEGREE
        lon = ORIGIN.lon + x / (METRES_PER_DEGREE * cos(radians(ORIGIN.lat)))
        return Point(round(lat, 6), round(lon, 6))

    @staticmethod
    def place(point: Point) -> Place:
        """The place in the town of a latitude and longitude; the inverse of ``point``."""
        x = (point.lon - ORIGIN.lon) * METRES_PER_DEGREE * cos(radians(ORIGIN.lat))
        return (x, (point.lat - ORIGIN.lat) * METRES_PER_DEGREE)

    def corner(self, share: float) -> Place:
        """A place on a street; ``share`` in [0, 1) chooses which."""
        i, j = self._corners[int(share * len(self._corners))]
        return (i * CELL, j * CELL)

    def street(self, at: Place) -> str:
        """The name of the street nearest to a place."""
        i, j = _cell(at)
        near = min(self._named, key=lambda c: ((c[0] - i) ** 2 + (c[1] - j) ** 2, c))
        return self._cells[near]

    def way(self, start: Place, end: Place) -> list[Place]:
        """Places along the streets from one place to another, about ``CELL`` metres apart (A*, straight-line bound).

        Where the streets don't join the two, the straight line.
        """
        first, last = self._snap(start), self._snap(end)
        todo: list[tuple[float, float, Cell]] = [(0.0, 0.0, first)]
        came: dict[Cell, Cell] = {}
        best = {first: 0.0}
        while todo:
            _, walked, here = heapq.heappop(todo)
            if here == last:
                return [start, *_back(came, first, last), end]
            if walked > best[here]:
                continue
            for near in self._near(here):
                far = walked + hypot(near[0] - here[0], near[1] - here[1])
                if far < best.get(near, float("inf")):
                    best[near], came[near] = far, here
                    heapq.heappush(todo, (far + hypot(last[0] - near[0], last[1] - near[1]), far, near))
        return [start, end]

    def _snap(self, at: Place) -> Cell:
        i, j = _cell(at)
        if (i, j) in self._cells:
            return (i, j)
        return min(self._cells, key=lambda c: ((c[0] - i) ** 2 + (c[1] - j) ** 2, c))

    def _near(self, here: Cell) -> list[Cell]:
        i, j = here
        return [
            (i + di, j + dj) for di in (-1, 0, 1) for dj in (-1, 0, 1) if (di or dj) and (i + di, j + dj) in self._cells
        ]


def _cell(at: Place) -> Cell:
    return (round(at[0] / CELL), round(at[1] / CELL))


def _along(line: list[list[float]], step: float) -> list[Place]:
    """Places along a line, at most ``step`` metres apart."""
    out: list[Place] = []
    for (x1, y1), (x2, y2) in pairwise(line):
        n = max(1, int(hypot(x2 - x1, y2 - y1) / step) + 1)
        out += [(x1 + (x2 - x1) * k / n, y1 + (y2 - y1) * k / n) for k in range(n + 1)]
    return out


def _back(came: dict[Cell, Cell], first: Cell, last: Cell) -> list[Place]:
    cells = [last]
    while cells[-1] != first:
        cells.append(came[cells[-1]])
    return [(i * CELL, j * CELL) for i, j in reversed(cells)]
