"""What the catalogue learns from events: what is popular, here and everywhere, what goes with what, how often things
are bought again.

A snapshot is encoded in steps, while learning goes on: what it is of is held as it was when it was begun. Tables are
copied at once, which is cheap; a row of a table only when an event changes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.retrieve import learned
from micromoments.retrieve.habits import Habits
from micromoments.retrieve.local import Local
from micromoments.retrieve.popular import WEIGHTS, Popular, What
from micromoments.retrieve.repeats import Repeats
from micromoments.retrieve.similar import Ties

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from micromoments.core.event import Millis
    from micromoments.core.geo import Point
    from micromoments.core.item import Item


class Experience:
    """The learned tables over the items that ``get`` gives."""

    def __init__(self, get: Callable[[str], Item | None]) -> None:
        self._get = get
        self.popular = Popular(get)
        self.local = Local()
        self.met = Ties()
        self.bought = Ties()
        self.habits = Habits()
        self._repeats = Repeats()

    def learn(self, key: str, item: str, what: What, at: Millis, recent: Sequence[str], point: Point | None) -> None:
        """Take one event in; see ``Catalog.learn``."""
        found = self._get(item)
        if found is None or not self._repeats.fresh(key, item, what, at):
            return
        self.popular.count(found, WEIGHTS[what], at)
        if point is not None:
            self.local.count(point, item, WEIGHTS[what], at)
        if what == "buy":
            self.habits.learn(key, found, at)
        known = [other for other in dict.fromkeys(recent) if self._get(other) is not None]
        if known:
            (self.bought if what == "buy" else self.met).tie(item, known, WEIGHTS[what], at)

    def recount(self) -> None:
        """Let go of the counts of what is met together."""
        self.met.rows = {}

    def encoding(self) -> Generator[None, None, list[bytes]]:
        """What is learned as of this call, encoded in steps that give the bytes' pieces."""
        steps = self._encoding()
        next(steps)  # up to where everything is held
        return steps

    def _encoding(self) -> Generator[None, None, list[bytes]]:
        tables = (self.met, self.bought, self.local)
        for table in tables:
            table.lent += 1
        try:
            held = learned.of(self.popular, self.met, self.bought, self._repeats, self.local, self.habits)
            yield
            return (yield from learned.encoding(held))
        finally:
            for table in tables:
                table.lent -= 1

    def restore(self, body: bytes, items: Iterable[Item]) -> None:
        """Take a snapshot in place of what was learned; ``items`` are all that there are. ``ValueError`` as ``decode``
        raises it.
        """
        found = learned.decode(body)
        self._repeats.restore(found.repeats)
        self.popular.restore(found.counts, found.counted_from, items)
        self.met.rows, self.met.clock.landmark = found.met, found.met_from
        self.bought.rows, self.bought.clock.landmark = found.bought, found.bought_from
        self.local.cells, self.local.clock.landmark = found.local, found.local_from
        self.habits.restore(found.habits)
