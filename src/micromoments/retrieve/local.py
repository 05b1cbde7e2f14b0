"""What is popular in one place: decayed counts by cells of some five kilometres; no position is kept.

An item counts in a cell once ``LEAST`` fresh views' weight came together there: what few met isn't popular. Memory is
bounded: ``MAX_CELLS`` cells, the longest unheard of go first, ``MAX_ITEMS`` items each, the weakest go first.
"""

from __future__ import annotations

from math import cos, floor, radians
from typing import TYPE_CHECKING

from micromoments.retrieve.popular import HALF_LIFE, Clock

if TYPE_CHECKING:
    from micromoments.core.event import Millis
    from micromoments.core.geo import Point

STEP = 0.05
"""Degrees of latitude that a cell is high; it is about as wide."""
LEAST = 3.0
"""Weight, in fresh views, from which an item is told of."""
MAX_CELLS, MAX_ITEMS = 2_000, 64
KEPT_ITEMS = 48


def cell_of(point: Point) -> str:
    """The name of the cell that a position lies in."""
    row = floor(point.lat / STEP)
    width = STEP / max(0.01, cos(radians((row + 0.5) * STEP)))
    return f"{row}:{floor(point.lon / width)}"


class Local:
    """Counts by cell and item."""

    def __init__(self) -> None:
        self.clock = Clock(HALF_LIFE)
        self.cells: dict[str, dict[str, float]] = {}
        self.lent = 0
        """Snapshots that are being made of the cells: while there are any, a cell is replaced and not changed."""

    def count(self, point: Point, item: str, weight: float, at: Millis) -> None:
        """Count an event of an item at a position and an instant."""
        scale = self.clock.due(at)
        if scale != 1.0:
            self.cells = {cell: {id: old * scale for id, old in row.items()} for cell, row in self.cells.items()}
        cell = cell_of(point)
        row = self.cells.pop(cell, None) or {}
        if self.lent:
            row = dict(row)
        self.cells[cell] = row
        row[item] = row.get(item, 0.0) + weight * self.clock.weight(at)
        if len(row) > MAX_ITEMS:
            kept = sorted(row, key=lambda id: (-row[id], id))[:KEPT_ITEMS]
            self.cells[cell] = {id: row[id] for id in dict.fromkeys([*kept, item])}
        while len(self.cells) > MAX_CELLS:
            del self.cells[next(iter(self.cells))]

    def best(self, point: Point, at: Millis) -> list[tuple[str, float]]:
        """What is popular where a position lies, as (id, weight relative to the most popular), best first, ties by
        id.
        """
        row = self.cells.get(cell_of(point)) if self.cells else None
        if not row:
            return []
        least = LEAST * self.clock.weight(at)
        told = sorted([(-weight, id) for id, weight in row.items() if weight >= least])
        return [(id, weight / told[0][0]) for weight, id in told]
