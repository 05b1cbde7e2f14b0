"""What came of living some days before a server: what people did, and the truth beside it.

Two servers of the same world meet the same visits in the same mood, so their difference is known far better than
either: common random numbers (Glasserman and Yao, "Some Guidelines and Guarantees for Common Random Numbers", 1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, Protocol

import msgspec

from micromoments.core.event import Millis

SLOT = "home"
"""The slot that the town's app asks for."""


class Server(Protocol):
    """What a world needs of whoever serves it."""

    def collect(self, events: Sequence[Mapping[str, Any]], at: Millis) -> None:
        """Take Segment calls that arrive at an instant; instants never go back."""
        ...

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: Millis
    ) -> tuple[Sequence[str], bool]:
        """Answer the ids of the items to serve, by position, and whether the person is held out. ``id`` is the
        decision's.
        """
        ...


class Difference(msgspec.Struct, frozen=True):
    """A mean over people, with a 95 % interval (normal approximation)."""

    mean: float
    low: float
    high: float


class Tally(msgspec.Struct):
    """What came of it, by person (lists run by the number of the consumer).

    ``worth`` sums the expected orders of each person's visits, exact given what was served; ``orders`` and ``revenue``
    (minor units) are what the dice made of it. ``held_out`` says who got the default instead of the policy. ``each``
    has the expected orders visit by visit, in the order of time.
    """

    worth: list[float]
    orders: list[int]
    revenue: list[int]
    visits: list[int]
    held_out: list[bool]
    events: int = 0
    decisions: int = 0
    each: list[float] = []

    @classmethod
    def of(cls, people: int) -> Tally:
        """Nothing has come yet."""
        return cls([0.0] * people, [0] * people, [0] * people, [0] * people, [False] * people)

    def gain(self, control: Tally, served_only: bool = False) -> Difference:
        """Expected orders a person that this brought more than ``control``, person by person.

        ``served_only`` leaves out those whom this one held out, to set it beside the lift that was measured.
        """
        pairs = zip(self.worth, control.worth, self.held_out, strict=True)
        return mean([mine - theirs for mine, theirs, out in pairs if not (served_only and out)])


def mean(values: Sequence[float]) -> Difference:
    """The mean over people."""
    n = len(values)
    middle = sum(values) / n
    half = 1.96 * sqrt(sum((v - middle) ** 2 for v in values) / max(1, n - 1) / n)
    return Difference(middle, middle - half, middle + half)
