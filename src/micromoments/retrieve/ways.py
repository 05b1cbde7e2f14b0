"""The ways to what is near: by the straight line with a detour factor, or along the streets as a router knows them."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from micromoments.retrieve import reasons
from micromoments.retrieve.ask import PACES, Candidate, Mode, travel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from micromoments.core.event import Millis
    from micromoments.core.geo import Point
    from micromoments.core.item import Item

    Reach = Callable[[Point, Sequence[Point], Mode], Sequence[float]]
    """``ports.Router.reach``: seconds from a position to each of many, -1 where it doesn't know."""

PART = 32
"""Places whose ways are asked for at once."""
FASTEST: dict[Mode, float] = {"foot": 1.35, "bike": 4.2, "car": 25.0}
"""Metres a second that no way is quicker than, along the straight line."""

HALF_NEAR = 600.0
"""Seconds on foot at which a place is half as near as here."""
CLOSED = 0.02
"""What is left of nearness where it is closed on arrival: an open place half an hour farther off goes first."""


class Visit(NamedTuple):
    """Going to a place: how far, how long on foot, and whether it is open on arrival and until when."""

    metres: float
    seconds: int
    open: bool
    closes_at: Millis

    @property
    def nearness(self) -> float:
        """1 here, half at ten minutes on foot, next to nothing where it is closed on arrival."""
        return float(2.0 ** (-self.seconds / HALF_NEAR)) * (1.0 if self.open else CLOSED)

    def say(self, item: Item, timezone: str, mode: Mode = "foot") -> str:
        """The way in a person's words."""
        return reasons.way(self.metres, self.seconds, self.open, self.closes_at, item.timezone or timezone, mode)

    def of(self, item: Item, timezone: str, mode: Mode) -> Candidate:
        """The item as found by the way to it."""
        return Candidate(
            item=item,
            score=round(self.nearness, 6),
            via=("nearby",),
            reasons=(self.say(item, timezone, mode),),
            metres=round(self.metres),
            seconds=self.seconds,
            open=self.open,
            closes_at=self.closes_at,
        )


def quickest(
    near: Iterable[tuple[float, str]], start: Point, mode: Mode, reach: Reach, where: Callable[[str], Point]
) -> Iterator[tuple[int, float, str]]:
    """Places as (seconds, metres, id), quickest first, ties by distance and id, worked out as far as read.

    Exact: one is told once nothing that lies farther off can be reached sooner.

    Args:
        near: (metres, id) by the straight line, nearest first.
        start: from where.
        mode: how.
        reach: asks the router; what it doesn't know is estimated by the straight line.
        where: an id's position.
    """
    pace, fastest = PACES[mode], FASTEST[mode]
    waiting: list[tuple[int, float, str]] = []
    places = iter(near)
    while part := list(islice(places, PART)):
        for (metres, id), seconds in zip(part, reach(start, [where(id) for _, id in part], mode), strict=True):
            whole = round(seconds) + pace.extra if seconds >= 0 else travel(metres, mode)
            heappush(waiting, (whole, metres, id))
        sure = part[-1][0] / fastest + pace.extra
        while waiting and waiting[0][0] < sure:
            yield heappop(waiting)
    while waiting:
        yield heappop(waiting)
