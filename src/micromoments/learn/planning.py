"""Before and beside a lift: what could be found, how long it takes, what a Bayesian would say, and whether it fades."""

from __future__ import annotations

from math import erfc, exp, inf, pi, sqrt

import msgspec
import numpy as np

from micromoments.learn.lift import (
    MIN_EFFECTIVE,
    MIN_PEOPLE,
    Lift,
    Sums,
    Verdict,
    effective,
    lift,
    paced,
)
from micromoments.learn.sequence import ALPHA, Sequence, Size

POWER = 0.8
"""With this chance a difference of the size that a plan names is found."""
POWER_Z = 0.8416212335729143
MOST_PEOPLE = 1e10
PRIOR = 0.3
"""The spread of relative lifts that a sceptic expects beforehand, around none (gbstats' default of a proper prior)."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an experiment of this size can find, looked at whenever one likes: the least difference found with 80 %
    chance (``mde``; ``relative`` to the control's mean, null without one), by ``people`` so far; and for a relative
    difference of 5 %, how many people in all and how many more days, at the present ``per_day``.
    """

    people: int
    mde: float
    relative: float | None
    per_day: float
    people_for_5_percent: int | None
    days_for_5_percent: float | None


class Bayes(msgspec.Struct, frozen=True, kw_only=True):
    """The lift as a posterior: the chance that the treated do better, a 95 % credible interval of the relative lift,
    and what is lost on average (share of the control's mean) by choosing the treated, should they be worse.

    The prior is normal around no lift with a spread of 30 %, and unlike the interval this is not safe to peek at.
    """

    chance: float
    low: float
    high: float
    risk: float


def mde(variance: float, people: float, share: float, sequence: Sequence, alpha: float = ALPHA) -> float:
    """The least difference of means that is found with 80 % chance by ``people`` in all.

    Args:
        variance: of one person's outcome.
        people: both arms together.
        share: of people in the smaller arm, above 0 and below 1.
        sequence: of the interval.
        alpha: of the interval.
    """
    error = sqrt(variance / people * (1 / share + 1 / (1 - share)))
    return (float(sequence.multiplier(np.array([float(people)]), alpha)[0]) + POWER_Z) * error


def needed(variance: float, share: float, difference: float, sequence: Sequence, alpha: float = ALPHA) -> float:
    """How many people, both arms together, find a difference with 80 % chance; infinity where it isn't above 0."""
    if difference <= 0 or variance <= 0:
        return inf
    low, high = 2.0 * MIN_PEOPLE, MOST_PEOPLE
    if mde(variance, high, share, sequence, alpha) > difference:
        return inf
    while high / low > 1.001:
        middle = sqrt(low * high)
        if mde(variance, middle, share, sequence, alpha) > difference:
            low = middle
        else:
            high = middle
    return high


def plan(treated: Sums, control: Sums, days: float, size: Size | None = None, alpha: float = ALPHA) -> Plan | None:
    """What the experiment can find by now, and how long it takes; ``None`` before both arms have two people, or where
    nobody differs.
    """
    people = treated.n + control.n
    if min(treated.n, control.n) < 2:
        return None
    variance = sum((arm.yy - arm.y**2 / arm.n) for arm in (treated, control)) / (people - 2)
    if variance <= 0:
        return None
    share = min(treated.n, control.n) / people
    # What is planned for lies after the first days, whatever they still bring.
    ahead = msgspec.structs.replace(size or Size(), lasting=False)
    sequence = paced(treated, control, ahead, alpha)
    least = mde(variance, people, share, sequence, alpha)
    mean = control.y / control.n
    per_day = people / max(days, 1.0)
    wanted = needed(variance, share, 0.05 * mean, sequence, alpha) if mean > 0 else inf
    return Plan(
        people=people,
        mde=least,
        relative=least / mean if mean > 0 else None,
        per_day=per_day,
        people_for_5_percent=round(wanted) if wanted < inf else None,
        days_for_5_percent=max(0.0, (wanted - people) / per_day) if wanted < inf else None,
    )


def bayes(result: Lift) -> Bayes | None:
    """The posterior of the relative lift from the same means and errors as the interval; ``None`` where the control's
    mean isn't above 0 or there is no interval.
    """
    if result.low is None or result.high is None or result.control_mean <= 0:
        return None
    if result.error <= 0:
        return None
    mean, spread = result.difference / result.control_mean, result.error / result.control_mean
    kept = 1 / (1 / spread**2 + 1 / PRIOR**2)
    centre, width = kept * mean / spread**2, sqrt(kept)
    below = erfc(centre / width / sqrt(2)) / 2
    density = exp(-((centre / width) ** 2) / 2) / sqrt(2 * pi)
    return Bayes(
        chance=1 - below,
        low=centre - 1.959964 * width,
        high=centre + 1.959964 * width,
        risk=max(0.0, width * density - centre * below),
    )


def fading(treated: Sums, control: Sums, size: Size | None = None) -> Lift:
    """How the lift of a person's later days differs from that of their first days: ``y`` later, ``x`` first, of people
    who were watched through both. Below 0 for certain, the lift was for its novelty.
    """
    # Differences sum to little: whether there is enough is asked of what they are differences of.
    whole = _both(treated), _both(control)
    result = lift(_changed(treated), _changed(control), sequence=paced(*whole, size or Size()))
    enough = effective(*whole) >= MIN_EFFECTIVE
    if min(treated.n, control.n) < MIN_PEOPLE or not enough or result.low is None or result.high is None:
        return result
    verdict: Verdict = "higher" if result.low > 0 else "lower" if result.high < 0 else "unclear"
    return msgspec.structs.replace(result, verdict=verdict, needed="")


def _both(arm: Sums) -> Sums:
    """The arm with later plus first as its outcome."""
    return Sums(n=arm.n, y=arm.y + arm.x, yy=arm.yy + 2 * arm.xy + arm.xx)


def _changed(arm: Sums) -> Sums:
    """The arm with later minus first as its outcome."""
    return Sums(n=arm.n, y=arm.y - arm.x, yy=arm.yy - 2 * arm.xy + arm.xx)
