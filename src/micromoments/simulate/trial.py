"""Try a policy in a world: its people live their days before a server, and the truth is counted beside what is logged.

Two trials of the same world meet the same visits in the same mood, so their difference is known far better than either:
common random numbers (Glasserman and Yao, "Some Guidelines and Guarantees for Common Random Numbers", 1992).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from math import sqrt
from typing import Any, Protocol

import msgspec

from micromoments.core.event import Millis
from micromoments.core.settings import DAY
from micromoments.simulate.behaviour import Reaction
from micromoments.simulate.visits import Visit
from micromoments.simulate.world import World

SLOT = "home"
"""The slot that the town's app asks for."""


class Served(msgspec.Struct, frozen=True):
    """What a server answered: item ids by position, and whether the person is held out."""

    items: tuple[str, ...]
    holdout: bool = False


class Server(Protocol):
    """What a world needs of whoever serves it."""

    def collect(self, events: Sequence[Mapping[str, Any]], at: Millis) -> None:
        """Take Segment calls that arrive at an instant."""
        ...

    def decide(self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: Millis) -> Served:
        """Answer what to serve; ``id`` is the decision's."""
        ...


class Tally(msgspec.Struct):
    """What came of a trial, by person (lists run by the number of the consumer).

    ``worth`` sums the expected orders of each person's visits, exact given what was served; ``orders`` and ``revenue``
    (minor units) are what the dice made of it. ``held_out`` says who got the default instead of the policy.
    """

    worth: list[float]
    orders: list[int]
    revenue: list[int]
    visits: list[int]
    held_out: list[bool]
    events: int = 0
    decisions: int = 0

    @classmethod
    def of(cls, people: int) -> Tally:
        """Nothing has come yet."""
        return cls([0.0] * people, [0] * people, [0] * people, [0] * people, [False] * people)


class Difference(msgspec.Struct, frozen=True):
    """A mean over people, with a 95 % interval (normal approximation)."""

    mean: float
    low: float
    high: float


def run(world: World, server: Server, start: Millis, days: int, tell: Callable[[Millis], None] | None = None) -> Tally:
    """Live that many days before a server, in the order of time; ``tell`` hears each visit's instant.

    Events arrive in the order in which they happen, and never before: someone's reactions may come after the next
    person's opening. What would arrive after the last day arrives at its end.
    """
    tally = Tally.of(len(world.consumers))
    end = start + days * DAY
    later: list[tuple[Millis, int, tuple[dict[str, Any], ...]]] = []
    for visit in sorted(world.visits(start, days), key=lambda v: v.asks_at):
        while later and later[0][0] <= visit.asks_at:
            at, _, calls = heappop(later)
            server.collect(calls, at)
        at = min(visit.asks_at, end)
        server.collect(visit.events, at)
        id = f"d{world.seed}-{visit.number}"
        served = server.decide(id, visit.consumer.id, SLOT, visit.context, at)
        reaction = world.react(visit, served.items, id, at)
        heappush(later, (min(at + reaction.takes, end), visit.number, reaction.events))
        _count(tally, visit, world.worth(visit, served.items), reaction, served.holdout)
        if tell is not None:
            tell(visit.at)
    for at, _, calls in sorted(later):
        server.collect(calls, at)
    return tally


def _count(tally: Tally, visit: Visit, worth: float, reaction: Reaction, held_out: bool) -> None:
    n = visit.consumer.number
    tally.worth[n] += worth
    tally.orders[n] += reaction.ordered > 0
    tally.revenue[n] += reaction.ordered
    tally.visits[n] += 1
    tally.held_out[n] = held_out
    tally.events += len(visit.events) + len(reaction.events)
    tally.decisions += 1


def mean(values: Sequence[float]) -> Difference:
    """The mean over people of what they were worth."""
    n = len(values)
    middle = sum(values) / n
    spread = sqrt(sum((v - middle) ** 2 for v in values) / max(1, n - 1))
    half = 1.96 * spread / sqrt(n)
    return Difference(middle, middle - half, middle + half)


def compare(treated: Tally, control: Tally, only: Sequence[bool] | None = None) -> Difference:
    """Expected orders a person that one trial brought more than the other, person by person.

    ``only`` chooses whom to count: those whom the first trial did not hold out, to set beside its measured lift.
    """
    pairs = zip(treated.worth, control.worth, strict=True)
    gains = [a - b for n, (a, b) in enumerate(pairs) if only is None or only[n]]
    return mean(gains)
