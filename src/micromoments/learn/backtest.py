"""A policy tried on a log: what it would have earned had it decided instead.

The log is read once, in its order of time (``logged``). A learning target decides each record before it learns it, with
only earlier ones behind it, so what it would do never depends on what came of it; the reward model of DR is fitted in
folds (``expected``). That keeps the estimates unbiased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from micromoments.learn.estimate import Estimate, FloatArray, dr, ips, snips, weights
from micromoments.learn.expected import expectations
from micromoments.learn.logged import DIM, Logged, encode

MAX_REASONS = 5
"""Distinct reasons told of records that were set aside."""
TOLERANCE = 1e-3
"""By how much a target's probabilities may sum to something else than 1: they were rounded, and are put right."""


class Target(Protocol):
    """A policy as a backtest sees it."""

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """(n, d) -> (n,)."""
        ...

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """One outcome."""
        ...


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a backtest found. ``set_aside`` counts records that couldn't be used, ``why`` says it of some of them."""

    estimates: tuple[Estimate, ...]
    logged_value: float
    n: int
    set_aside: int
    why: tuple[str, ...] = ()


Decide = Callable[[Logged], FloatArray]
"""A record -> the target's probabilities of its actions (n,)."""
Learn = Callable[[Logged], None]


def policy(records: Sequence[Logged], target: Target, seed: int = 0, alpha: float = 0.05, dim: int = DIM) -> Result:
    """Estimate what a policy is worth that starts as ``target`` is and learns from the log as it goes.

    What it learns of a record is weighted by nothing but its turn: the log's actions were drawn by another, which
    changes what it sees, not whether it is estimated rightly. ``dim`` is the target's width of features. Rewards are
    brought to [0, 1] for it, by the log's least and most.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    low = min((float(record.reward) for record in records), default=0.0)
    high = max((float(record.reward) for record in records), default=1.0)
    low, high = (low, high) if low < 0.0 or high > 1.0 else (0.0, 1.0)
    rows: list[FloatArray] = []

    def decide(record: Logged) -> FloatArray:
        rows[:] = [encode(record, dim)]
        return target.pmf(rows[0], rng)

    def learn(record: Logged) -> None:
        target.learn(rows[0][record.row()], (float(record.reward) - low) / ((high - low) or 1.0))

    return run(records, decide, learn, alpha)


def popular(records: Sequence[Logged], alpha: float = 0.05) -> Result:
    """Estimate what it is worth to show the action that has earned most a time so far, as a list of bestsellers does;
    what is new counts as the log's mean, ten times seen.
    """
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    whole = [0.0, 0]

    def decide(record: Logged) -> FloatArray:
        mean = whole[0] / (whole[1] or 1)
        ids = [str(action.id) for action in record.actions]
        worth = [(sums.get(one, 0.0) + 10.0 * mean) / (counts.get(one, 0) + 10.0) for one in ids]
        p = np.zeros(len(ids))
        p[int(np.argmax(worth))] = 1.0
        return p

    def learn(record: Logged) -> None:
        chosen, reward = str(record.chosen), float(record.reward)
        sums[chosen], counts[chosen] = sums.get(chosen, 0.0) + reward, counts.get(chosen, 0) + 1
        whole[0], whole[1] = whole[0] + reward, whole[1] + 1

    return run(records, decide, learn, alpha)


def given(records: Sequence[Logged], probabilities: Mapping[str, Mapping[str, float]], alpha: float = 0.05) -> Result:
    """Estimate what a policy is worth whose probabilities are given by decision id and action id.

    Decisions that it says nothing of, and those whose probabilities don't sum to 1, are set aside.
    """
    usable: list[Logged] = []
    wrong: list[str] = []
    for record in records:
        reason = _no_distribution(record, probabilities.get(str(record.decision_id)))
        if reason:
            wrong.append(f"decision {record.decision_id}: {reason}")
        else:
            usable.append(record)

    def decide(record: Logged) -> FloatArray:
        p = probabilities[str(record.decision_id)]
        some = np.array([p.get(str(action.id), 0.0) for action in record.actions])
        return np.asarray(some / some.sum(), dtype=np.float64)

    return run(usable, decide, None, alpha, wrong)


def _no_distribution(record: Logged, p: Mapping[str, float] | None) -> str:
    if p is None:
        return "got no probabilities; wanted those of its actions"
    total = sum(p.values())
    if not abs(total - 1.0) <= TOLERANCE or min(p.values()) < 0.0:
        return (
            f"got probabilities summing to {total:g}, the least {min(p.values(), default=0):g}; wanted 1, none below 0"
        )
    ids = {str(action.id) for action in record.actions}
    strange = [one for one, value in p.items() if value > 0.0 and one not in ids]
    return f"got a probability of {strange[0]!r}, an id that is none of its actions" if strange else ""


def run(
    records: Sequence[Logged], decide: Decide, learn: Learn | None, alpha: float = 0.05, wrong: Sequence[str] = ()
) -> Result:
    """One pass in order, decide before learn, then the estimates.

    Raises:
        ValueError: no record is left.
    """
    if not records:
        raise ValueError(
            "got no usable decision; wanted at least one; the first problems: " + ("; ".join(wrong[:3]) or "none")
        )
    probabilities = []
    for record in records:
        probabilities.append(decide(record))
        if learn is not None:
            learn(record)
    reward = np.array([float(record.reward) for record in records])
    propensity = np.array([record.propensity for record in records])
    target = np.array([p[record.row()] for p, record in zip(probabilities, records, strict=True)])
    shown, mean = expectations(records, probabilities, weights(propensity, target))
    return Result(
        estimates=(
            ips(reward, propensity, target, alpha),
            snips(reward, propensity, target, alpha),
            dr(reward, propensity, target, shown, mean, alpha),
        ),
        logged_value=float(reward.mean()),
        n=len(records),
        set_aside=len(wrong),
        why=tuple(wrong[:MAX_REASONS]),
    )
