"""A policy taught by a log that another one wrote, before it serves: what it learns of each record, and what for.

A regression learns what a row is worth however it came to be shown, so every outcome weighs alike: by one over its
propensity (importance weighting) the default policy learned worse from most logs that were tried (decision 0049). The
propensities are what the judgement stands on. What held when the log was written may not hold now, so a long log counts
for fewer decisions than it has: the policy can still be told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite, sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np

from micromoments.learn.backtest import Target, run
from micromoments.learn.estimate import Estimate, FloatArray
from micromoments.learn.logged import Logged

WHOLE = 300
"""Decisions up to which a log counts for all that it has; a longer one for ``sqrt(WHOLE * n)``."""
QUANTILE = 0.95
HELD = 0.2
"""Share of the log, its newest, by which what was learned of the rest is judged."""
LEAST = 50
"""Records without which nothing is judged."""

TOLD = 5
"""Of what was set aside, for how many it is told why."""

Rows = Callable[[Logged], FloatArray | None]
"""A record -> the features of its actions (n, d); ``None`` for one that can't be read so."""


class Lesson(NamedTuple):
    """One logged decision: the features of its actions (n, d), which was chosen, its reward and its weight."""

    record: Logged
    rows: FloatArray
    reward: float
    weight: float

    @property
    def chosen(self) -> FloatArray:
        """The features of what was chosen (d,)."""
        return np.asarray(self.rows[self.record.row()], dtype=np.float64)


class Judged(msgspec.Struct, frozen=True):
    """What the newest part of a log says: what its own policy earned, and what another would have, as it was and
    taught by the rest; rewards as the log has them, a decision.
    """

    decisions: int
    logged: float
    before: Estimate
    after: Estimate


def lessons(read: Sequence[tuple[Logged, FloatArray | None]]) -> tuple[list[Lesson], list[str]]:
    """What there is to learn of a log, in its order, given each record's rows, and why some records teach nothing."""
    usable = [(record, x) for record, x in read if x is not None]
    wrong = [f"decision {record.decision_id}: its actions aren't known here" for record, x in read if x is None]
    weight = worth(len(usable)) / (len(usable) or 1)
    rewards = [float(record.reward) for record, _ in usable]
    # Costs alone, as Vowpal Wabbit's logs often have them: what cost most is worth nothing.
    least = min(rewards, default=0.0) if max(rewards, default=0.0) <= 0.0 else 0.0
    scale = unit([one - least for one in rewards])
    worths = [min(1.0, max(0.0, (one - least) / scale)) for one in rewards]
    return [Lesson(record, x, one, weight) for (record, x), one in zip(usable, worths, strict=True)], wrong


def worth(n: int) -> float:
    """For how many decisions of the policy's own a log of so many counts."""
    return min(float(n), sqrt(WHOLE * n))


def unit(rewards: Sequence[float]) -> float:
    """What counts as a reward of 1: 1 itself, and of money what all but the highest 5 % stay under."""
    won = np.array([one for one in rewards if one > 0.0 and isfinite(one)])
    if not len(won) or float(won.max()) <= 1.0:
        return 1.0
    return max(float(np.quantile(won, QUANTILE)), 2.0 * float(np.median(won)))


def teach(policy: Target, taught: Sequence[Lesson]) -> None:
    """Let a policy learn a log."""
    for one in taught:
        policy.learn(one.chosen, one.reward, one.weight)


def judge(make: Callable[[], Target], taught: Sequence[Lesson], seed: int = 0) -> Judged | None:
    """Teach a policy the older part of a log and hold it against itself as it was, on the newest part, where neither
    learns. ``None`` where there is too little. ``make`` gives the policy as it is now, each time a new one.
    """
    split = len(taught) - round(HELD * len(taught))
    older, newer = taught[:split], taught[split:]
    if len(newer) < LEAST:
        return None
    after = make()
    teach(after, older)
    found = [_estimated(policy, newer, seed) for policy in (make(), after)]
    return Judged(len(newer), found[0][1], found[0][0], found[1][0])


def with_unread(found: Mapping[str, Any], wrong: Sequence[str]) -> dict[str, Any]:
    """What was found of a log, with the lines that could not be read, and why, among what was set aside."""
    return {**found, "set_aside": len(wrong) + found["set_aside"], "why": [*wrong, *found["why"]][:TOLD]}


def _estimated(policy: Target, newer: Sequence[Lesson], seed: int) -> tuple[Estimate, float]:
    rng = np.random.Generator(np.random.PCG64(seed))
    rows: Iterator[FloatArray] = iter([one.rows for one in newer])
    result = run([one.record for one in newer], lambda _: policy.pmf(next(rows), rng), None)
    return result.estimates[-1], result.logged_value
