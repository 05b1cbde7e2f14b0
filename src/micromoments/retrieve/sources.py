"""Where candidates come from: all that the catalogue keeps, with the ways to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from micromoments.core import hours
from micromoments.retrieve.ask import travel
from micromoments.retrieve.ways import Visit, quickest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from micromoments.core.event import Millis
    from micromoments.core.geo import Point
    from micromoments.core.hours import Schedule
    from micromoments.core.item import Item
    from micromoments.retrieve.answers import Answers
    from micromoments.retrieve.ask import Mode
    from micromoments.retrieve.guides import Guides
    from micromoments.retrieve.habits import Habits
    from micromoments.retrieve.local import Local
    from micromoments.retrieve.names import Names
    from micromoments.retrieve.nearby import Grid
    from micromoments.retrieve.offers import Offers
    from micromoments.retrieve.popular import Popular
    from micromoments.retrieve.search import Search
    from micromoments.retrieve.similar import Ties
    from micromoments.retrieve.ways import Reach


class Sources(NamedTuple):
    """Where candidates come from: all that the catalogue keeps, to be read only."""

    items: Mapping[str, Item]
    schedules: Mapping[str, Schedule]
    search: Search
    grid: Grid
    popular: Popular
    met: Ties
    bought: Ties
    answers: Answers
    guides: Guides
    offers: Offers
    local: Local
    names: Names
    habits: Habits
    reach: Reach | None = None

    def schedule(self, id: str, zone: str) -> Schedule | None:
        """When an item is open; ``zone`` is for one that names none, empty for the catalogue's own."""
        found = self.schedules.get(id)
        if found is None or not zone or (item := self.items[id]).timezone:
            return found
        return hours.schedule(item, zone)

    def ways(
        self, near: Iterable[tuple[float, str]], start: Point, mode: Mode = "foot"
    ) -> Iterable[tuple[int, float, str]]:
        """(Seconds, or -1 for the straight line's, metres, id), quickest first, of (metres, id), nearest first."""
        if self.reach is None:
            return ((-1, metres, id) for metres, id in near)
        return quickest(near, start, mode, self.reach, lambda id: self.items[id].location or start)

    def visit(
        self, id: str, metres: float, at: Millis, zone: str = "", mode: Mode = "foot", seconds: int = -1
    ) -> Visit:
        """Going to an item that is so far away, starting at an instant; ``zone`` as in ``schedule``, ``seconds`` as the
        router says, -1 for the straight line's.
        """
        if seconds < 0:
            seconds = travel(metres, mode)
        schedule = self.schedule(id, zone)
        if schedule is None:
            return Visit(metres, seconds, True, 0)
        arrival = at + seconds * 1000
        return Visit(metres, seconds, *schedule.until(arrival))
