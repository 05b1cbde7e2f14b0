"""Rehearsing an experiment on a log that is already there: plant a lift, deal the people, look every day, many times.

The people are dealt at random and come when they came; every day the same ``lift`` as in the report is computed on what
had happened by then. A lift of r is planted by letting the held out lose all their goals with chance r / (1 + r): so
those served have, in expectation, 1 + r times as many of everything, and no event is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.learn.lift import Lift, Sums, lift, paced
from micromoments.learn.sequence import ALPHA, DAYS, FloatArray, Size

IntArray = NDArray[np.int64]
LEAST_PEOPLE = 200
"""Fewest people of whom anything is rehearsed: 100 an arm are needed before an interval is told."""
Metric = Literal["people", "times", "value"]


class Traffic(msgspec.Struct, frozen=True):
    """What a log says of its people: the day on which each came (p,), their outcomes before (p,); and, a row for each
    day on which a person's outcome grew, in order of days: the person, the day, by how much y grew, and y squared.
    """

    came: IntArray
    before: FloatArray
    person: IntArray
    day: IntArray
    grew: FloatArray
    squared: FloatArray
    days: int

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.came)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all rehearsals of one planted lift (relative; 0: none).

    ``found`` excluded zero on the right side, ``wrong`` on the other (on any, where nothing was planted) on some day;
    ``by_day`` counts those found until each day; ``median_day`` is that of the found, from 1. ``missed_truth`` ever
    excluded the planted lift (relative interval); ``mean`` is the average of the last day's relative lifts.
    """

    planted: float
    rehearsals: int
    found: int
    wrong: int
    median_day: float | None
    by_day: tuple[int, ...]
    missed_truth: int
    mean: float | None


def traffic(
    first: Sequence[int],
    goals: Sequence[tuple[int, int, float]],
    before: Sequence[float],
    days: int,
    metric: Metric,
) -> Traffic:
    """People and goals as a rehearsal needs them.

    Args:
        first: the day on which each person came, from 0.
        goals: (person's number, day, worth) of each goal reached or, below 0, taken back; from their coming on.
        before: each person's outcome in the 28 days before they came.
        days: how many days there are.
        metric: whether a person reached the goal, how often, or its worth.
    """
    each: dict[tuple[int, int], float] = {}
    for person, day, worth in sorted(goals, key=lambda g: (g[1], g[0])):
        one = worth if metric == "value" else 1.0 if worth >= 0 else 0.0
        each[person, day] = each.get((person, day), 0.0) + one
    total = [0.0] * len(first)
    rows: list[tuple[int, int, float, float]] = []
    for (person, day), more in each.items():
        was = total[person]
        now = min(1.0, was + more) if metric == "people" else was + more
        if now != was:
            rows.append((person, day, now - was, now**2 - was**2))
            total[person] = now
    people, when, grew, squared = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Traffic(
        came=np.asarray(first, dtype=np.int64),
        before=np.asarray(before, dtype=np.float64),
        person=np.asarray(people, dtype=np.int64),
        day=np.asarray(when, dtype=np.int64),
        grew=np.asarray(grew, dtype=np.float64),
        squared=np.asarray(squared, dtype=np.float64),
        days=days,
    )


def rehearse(
    seen: Traffic,
    planted: float,
    holdout: float,
    times: int,
    rng: np.random.Generator,
    *,
    alpha: float = ALPHA,
    planned: float = 0.0,
) -> Found:
    """Rehearse one planted lift so many times, by an experiment that is ``planned`` for so many people (0: for none).

    Raises:
        ValueError: too few people, a lift that isn't above -1, or a holdout that isn't between 0 and 1.
    """
    if seen.people < LEAST_PEOPLE:
        who = f"{seen.people} people" if seen.people != 1 else "1 person"
        days = f"{seen.days} days" if seen.days != 1 else "1 day"
        raise ValueError(
            f"got the traffic of {who} in {days}; wanted {LEAST_PEOPLE} or more, as among fewer "
            "chance hides every lift; take more days, import history, or wait for more people"
        )
    if planted <= -1:
        raise ValueError(f"got a lift of {planted:+.0%}; wanted one above -100 %: nobody buys less than nothing")
    if not 0 < holdout < 1:
        raise ValueError(f"got a holdout of {holdout:g}; wanted a share between 0 and 1, such as 0.05")
    first: list[int] = []
    wrong = missed = 0
    last: list[float] = []
    for _ in range(times):
        held = rng.random(seen.people) < holdout
        # The arm that is to be the worse loses its goals; a lift below 0 is planted in those served.
        loser = held if planted >= 0 else ~held
        chance = planted / (1 + planted) if planted >= 0 else -planted
        lost = loser & (rng.random(seen.people) < chance)
        day, against, strayed, end = _watch(seen, held, lost, planted, alpha, planned)
        if day is not None:
            first.append(day)
        wrong += against
        missed += strayed
        if end.relative is not None:
            last.append(end.relative)
    by_day = tuple(sum(day <= n for day in first) for n in range(seen.days))
    return Found(
        planted=planted,
        rehearsals=times,
        found=len(first) if planted else 0,
        wrong=wrong,
        median_day=float(np.median(first)) + 1 if first and planted else None,
        by_day=by_day if planted else (0,) * seen.days,
        missed_truth=missed,
        mean=float(np.mean(last)) if last else None,
    )


def _watch(
    seen: Traffic, held: NDArray[np.bool_], lost: NDArray[np.bool_], planted: float, alpha: float, planned: float
) -> tuple[int | None, bool, bool, Lift]:
    """One rehearsal looked at daily: the first day found, whether the wrong side was ever shown, whether the truth was
    ever excluded, and the last day's lift.
    """
    arms = [_daily(seen, mine, lost) for mine in (~held, held)]
    right = "higher" if planted >= 0 else "lower"
    found: int | None = None
    wrong = missed = False
    first = sum(arm[min(DAYS, seen.days) - 1].n for arm in arms)
    result = lift(arms[0][0], arms[1][0], alpha=alpha)
    for day, (treated, control) in enumerate(zip(*arms, strict=True)):
        size = Size(planned=planned, grown=(treated.n + control.n) / max(1, first), lasting=day + 1 < DAYS)
        result = lift(treated, control, alpha=alpha, sequence=paced(treated, control, size, alpha))
        if result.verdict in ("higher", "lower"):
            if planted and result.verdict == right:
                found = day if found is None else found
            else:
                wrong = True
        low, high = result.relative_low, result.relative_high
        if result.verdict != "early" and low is not None and high is not None and not low <= planted <= high:
            missed = True
    return found, wrong, missed, result


def _daily(seen: Traffic, mine: NDArray[np.bool_], lost: NDArray[np.bool_]) -> list[Sums]:
    """One arm's sums by the end of each day."""
    days, x = seen.days, seen.before  # what was before can't be lost
    came = seen.came[mine]
    rows = mine[seen.person] & ~lost[seen.person]
    day, person, grew = seen.day[rows], seen.person[rows], seen.grew[rows]

    def daily(when: IntArray, weights: FloatArray) -> list[float]:
        summed: list[float] = np.cumsum(np.bincount(when, weights=weights, minlength=days)[:days]).tolist()
        return summed

    n = daily(came, np.ones(len(came)))
    columns = (
        daily(day, grew),
        daily(day, seen.squared[rows]),
        daily(came, x[mine]),
        daily(came, x[mine] ** 2),
        daily(day, grew * x[person]),
    )
    return [
        Sums(n=round(n[d]), y=columns[0][d], yy=columns[1][d], x=columns[2][d], xx=columns[3][d], xy=columns[4][d])
        for d in range(days)
    ]
