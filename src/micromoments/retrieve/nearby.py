"""What is near: an exact search by distance over cells of eight sizes.

Positions are points on the unit sphere, so neither the poles nor the date line are special. Every position lies in one
cube of each size; a search looks at the 27 cubes around it, the smallest first. Whatever lies within one cube's edge is
among them, so distances up to there come out in exact order before the next size is looked at.
"""

from __future__ import annotations

from math import asin, cos, floor, hypot, pi, radians, sin
from typing import TYPE_CHECKING

import numpy as np

from micromoments.core.geo import EARTH_RADIUS, Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EDGES = tuple(metres / EARTH_RADIUS for metres in (250.0, 1e3, 4e3, 16e3, 64e3, 256e3, 1024e3, 4096e3))
"""The cubes' edges, in Earth radii."""

FEW = 12
"""Fewer positions than this in a size's cubes are looked at with the next size's."""

PART = 32
"""Positions of one size's cubes are told so many at a time."""
FARTHEST = pi * EARTH_RADIUS
"""Half the way around the Earth, in metres."""

Cube = int
"""A cube's three coordinates, each in 20 bits."""
Vector = tuple[float, float, float]
_MIDDLE = 1 << 19
_AROUND = tuple((x << 40) + (y << 20) + z for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1))


def _vector(point: Point) -> Vector:
    lat, lon = radians(point.lat), radians(point.lon)
    return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)


def _metres(chord: float) -> float:
    return 2 * EARTH_RADIUS * asin(min(1.0, chord / 2))


class Grid:
    """Ids by position."""

    def __init__(self) -> None:
        self._levels: list[dict[Cube, list[int]]] = [{} for _ in EDGES]
        self._rows: dict[str, int] = {}
        self._ids: list[str] = []
        self._free: list[int] = []
        self._places: NDArray[np.float64] = np.empty((64, 3))

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, id: str, point: Point) -> None:
        """Add an id, or move it."""
        self.drop(id)
        vector = _vector(point)
        if self._free:
            row = self._free.pop()
            self._ids[row] = id
        else:
            row = len(self._ids)
            self._ids.append(id)
            if row == len(self._places):
                self._places = np.concatenate([self._places, np.empty_like(self._places)])
        self._rows[id] = row
        self._places[row] = vector
        for level, cube in zip(self._levels, _cubes(vector), strict=True):
            level.setdefault(cube, []).append(row)

    def drop(self, id: str) -> None:
        """Take an id away; one that isn't there is no error."""
        row = self._rows.pop(id, None)
        if row is None:
            return
        x, y, z = self._places[row].tolist()
        for level, cube in zip(self._levels, _cubes((x, y, z)), strict=True):
            rows = level[cube]
            rows.remove(row)
            if not rows:
                del level[cube]
        self._free.append(row)

    def near(self, point: Point, within: float = FARTHEST) -> Iterator[tuple[float, str]]:
        """Every id with its great-circle distance in metres, nearest first, ties by id; worked out as far as read.

        ``within`` leaves out what is farther off, in metres, but for rounding.
        """
        center = _vector(point)
        most = 2 * sin(min(within, FARTHEST) / (2 * EARTH_RADIUS)) if within < FARTHEST else 2.0
        told = -1.0
        for edge, level, cube in zip(EDGES, self._levels, _cubes(center), strict=True):
            rows: list[int] = []
            for step in _AROUND:
                found = level.get(cube + step)
                if found:
                    rows += found
            if len(rows) < FEW and edge < most:
                # Too few to be worth measuring: they are among the next size's too.
                continue
            # A little less than the edge: rounding must not let a nearer one come after.
            upto = edge * (1 - 1e-9)
            yield from self._told(rows, center, told, min(upto, most))
            if upto >= most:
                return
            told = upto
        yield from self._told(list(self._rows.values()), center, told, most)

    def _told(self, rows: list[int], center: Vector, above: float, upto: float) -> Iterator[tuple[float, str]]:
        ids = self._ids
        away = self._places[rows] - np.array(center)
        squares = np.einsum("ij,ij->i", away, away)
        chosen = np.flatnonzero((squares > above * abs(above)) & (squares <= upto * upto))
        if not len(chosen):
            return
        order = chosen[np.argsort(squares[chosen])]
        chords = np.sqrt(squares[order])
        start, size = 0, len(order)
        # Part by part: most readers want the first few of many.
        while start < size:
            end = min(start + PART, size)
            while end < size and chords[end] == chords[end - 1]:
                end += 1
            part = zip(chords[start:end].tolist(), [ids[rows[i]] for i in order[start:end].tolist()], strict=True)
            for chord, id in sorted(part):
                yield _metres(chord), id
            start = end

    def metres(self, id: str, point: Point) -> float:
        """How far an id is from a point; -1 for an id without position."""
        row = self._rows.get(id)
        if row is None:
            return -1.0
        x, y, z = self._places[row].tolist()
        a, b, c = _vector(point)
        return _metres(hypot(x - a, y - b, z - c))


def _cubes(vector: Vector) -> list[Cube]:
    x, y, z = vector
    return [
        (floor(x / edge) + _MIDDLE << 40) + (floor(y / edge) + _MIDDLE << 20) + floor(z / edge) + _MIDDLE
        for edge in EDGES
    ]
