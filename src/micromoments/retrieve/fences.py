"""Geofences around places: which of them a reported position lies in.

An item with a location becomes a fence by its attribute ``geofence``: a radius in metres, or an object with ``radius``
(metres) and ``dwell`` (seconds after which a stay counts as dwelling; four minutes unless said).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.core.fence import Fence, Shape, shape_of
from micromoments.retrieve.nearby import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from micromoments.core.geo import Point
    from micromoments.core.item import Item

MARGIN = 0.2
"""What is added to the radius for who was inside: a position that jitters at the edge crosses nothing."""
AT_ONCE = 4
"""Fences of one position, the nearest ones."""
VAGUE = 250.0
"""Metres of uncertainty from which a position says nothing of fences, unless they are larger."""


class Fences:
    """The fences of a catalogue, by position."""

    def __init__(self) -> None:
        self._grid = Grid()
        self._shapes: dict[str, Shape] = {}
        self._reach = 0.0

    def put(self, item: Item) -> None:
        """Take an item's fence as it is now; one that has none any more goes."""
        if not item.attributes and item.id not in self._shapes:
            return
        shape = shape_of(item)
        if shape is None or item.location is None:
            self.drop(item.id)
            return
        self._shapes[item.id] = shape
        self._grid.put(item.id, item.location)
        self._reach = max(self._reach, shape.radius * (1.0 + MARGIN))

    def drop(self, id: str) -> None:
        """Forget an item's fence, if it has one."""
        if self._shapes.pop(id, None) is not None:
            self._grid.drop(id)

    def around(
        self, point: Point, accuracy: float, told: Callable[[str], tuple[str, bool]]
    ) -> tuple[Fence, ...] | None:
        """The fences that a position lies in or at the edge of, the nearest first, at most ``AT_ONCE``.

        ``None`` where there is no fence anywhere, or where the position is too vague to tell. ``accuracy`` is its
        uncertainty in metres; ``told`` gives an item's title and whether it is open.
        """
        if not self._shapes:
            return None
        found: list[Fence] = []
        for metres, id in self._grid.near(point, self._reach):
            shape = self._shapes[id]
            if metres <= shape.radius * (1.0 + MARGIN):
                title, is_open = told(id)
                found.append(Fence(id, title[:40], shape.dwell, is_open, metres <= shape.radius))
                if len(found) == AT_ONCE:
                    break
        if accuracy > VAGUE and not any(self._shapes[fence.id].radius >= accuracy for fence in found):
            return None
        return tuple(found)


def accuracy_of(context: Mapping[str, Any]) -> float:
    """A reported position's uncertainty in metres (``context.location.accuracy``), 0 where it isn't said."""
    location = context.get("location")
    value = location.get("accuracy") if isinstance(location, dict) else None
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e7 else 0.0
