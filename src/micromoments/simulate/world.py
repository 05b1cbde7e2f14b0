"""A world: a town, its catalogue, its people and their days, all from one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from micromoments.core.event import Millis
from micromoments.core.item import Item
from micromoments.core.settings import DAY, HOUR
from micromoments.simulate import catalog
from micromoments.simulate.behaviour import Reaction, appeal, expected_orders, react
from micromoments.simulate.city import City
from micromoments.simulate.consumers import population
from micromoments.simulate.tally import SLOT, Server, Tally
from micromoments.simulate.visits import HOURS, Visit, draw, instant


class World:
    """An invented town whose people have tastes that only the world knows.

    Args:
        seed: the same seed gives the same world, event by event.
        people: how many live in it.
        timezone: the town's (an IANA name); opening hours and the rhythm of the day are read in it.

    >>> world = World(seed=1, people=50)
    >>> len(world.items), len(world.consumers)
    (300, 50)
    >>> visit = next(world.visits(start=1_700_000_000_000, days=1))
    >>> visit.consumer.id.startswith("sim-1-")
    True
    """

    def __init__(self, seed: int = 1, people: int = 400, timezone: str = "UTC") -> None:
        if people < 1:
            raise ValueError(f"got {people} people; wanted at least 1")
        self.seed = seed
        self.timezone = timezone
        self.city = City()
        self.items = catalog.items(timezone)
        self.categories = catalog.categories()
        self.consumers = population(seed, people, self.city, self.categories, len(self.items))
        self._index = {item.id: n for n, item in enumerate(self.items)}
        self.positions = catalog.positions(self.items)
        self._browsable: dict[tuple[str, str], list[str]] = {}
        for item in self.items:
            self._browsable.setdefault((item.category, item.kind), []).append(item.id)
        rates = np.array([c.activity for c in self.consumers])
        self._rate, self._share = float(rates.sum()), np.cumsum(rates) / rates.sum()

    def item(self, id: str) -> Item:
        """One of the town's items.

        Raises:
            KeyError: it isn't the town's.
        """
        return self.items[self._index[id]]

    def visits(self, start: Millis, days: int) -> Iterator[Visit]:
        """Every visit of that many days from an instant on, in order."""
        number = 0
        for day in range(days):
            rng = np.random.default_rng([self.seed, 4, day])
            midnight = start + day * DAY
            hours = rng.choice(24, rng.poisson(self._rate), p=HOURS / HOURS.sum())
            offset = self._local_hour(midnight)
            ats = midnight + (hours - offset) % 24 * HOUR + rng.integers(0, HOUR, len(hours))
            for at in np.sort(ats).tolist():
                yield self.visit(number, int(at))
                number += 1

    def visit(self, number: int, at: Millis) -> Visit:
        """The visit of that number, at an instant."""
        rng = np.random.default_rng([self.seed, 5, number])
        who = self.consumers[int(np.searchsorted(self._share, rng.random(), side="right"))]
        return draw(
            self.seed,
            number,
            at,
            who,
            city=self.city,
            timezone=self.timezone,
            categories=self.categories,
            browsable=self._browsable,
        )

    def react(self, visit: Visit, ids: Sequence[str], decision_id: str, decided_at: Millis) -> Reaction:
        """What the person does with a decision's items, given by position; ids that aren't the town's are not seen."""
        served = [(self.item(id), self._appeal(visit, id)) for id in ids if id in self._index]
        return react(self.seed, visit, served, decision_id, decided_at=decided_at)

    def worth(self, visit: Visit, ids: Sequence[str]) -> float:
        """The truth that no log tells: the expected orders of this visit if these items are served, by position."""
        known = [id for id in ids if id in self._index]
        kinds = [self.item(id).kind for id in known]
        return expected_orders([self._appeal(visit, id) for id in known], kinds, visit.type)

    def live(self, server: Server, start: Millis, days: int, tell: Callable[[Millis], None] | None = None) -> Tally:
        """Live that many days before a server, in the order of time; ``tell`` hears when each visit that asks began.

        Events arrive one by one as they happen: someone's reactions may come after the next person's opening. What
        would arrive after the last day arrives at its end.
        """
        tally = Tally.of(len(self.consumers))
        end = start + days * DAY
        due: list[tuple[Millis, int, int, Visit, dict[str, Any] | None]] = []

        def put(visit: Visit, first: int, calls: Sequence[dict[str, Any]]) -> None:
            for n, call in enumerate(calls, first):
                heappush(due, (min(instant(call), end), visit.number, n, visit, call))

        def happen(until: Millis) -> None:
            while due and due[0][0] <= until:
                at, _, n, visit, call = heappop(due)
                if call is not None:
                    server.collect([call], at)
                    continue
                put(visit, n + 1, self._asks(server, visit, at, tally))
                if tell is not None:
                    tell(visit.at)

        for visit in self.visits(start, days):
            happen(visit.at)
            put(visit, 0, visit.events)
            heappush(due, (min(visit.asks_at, end), visit.number, len(visit.events), visit, None))
        happen(end)
        return tally

    def _asks(self, server: Server, visit: Visit, at: Millis, tally: Tally) -> Sequence[dict[str, Any]]:
        """Somebody is served and reacts; gives what they do."""
        id = f"d{self.seed}-{visit.number}"
        items, held_out = server.decide(id, visit.consumer.id, SLOT, visit.context, at)
        reaction = self.react(visit, items, id, at)
        _count(tally, visit, self.worth(visit, items), reaction, held_out)
        return reaction.events

    def _appeal(self, visit: Visit, id: str) -> float:
        index = self._index[id]
        return appeal(visit, self.items[index], index, self.positions)

    def _local_hour(self, at: Millis) -> float:
        local = datetime.fromtimestamp(at / 1000, ZoneInfo(self.timezone))
        return local.hour + local.minute / 60


def _count(tally: Tally, visit: Visit, worth: float, reaction: Reaction, held_out: bool) -> None:
    n = visit.consumer.number
    tally.worth[n] += worth
    tally.each.append(worth)
    tally.orders[n] += reaction.ordered > 0
    tally.revenue[n] += reaction.ordered
    tally.visits[n] += 1
    tally.held_out[n] = held_out
    tally.events += len(visit.events) + len(reaction.events)
    tally.decisions += 1
