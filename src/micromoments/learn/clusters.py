"""Means over decisions that come in clusters: the ratio of sums, with an error that holds where a cluster's decisions
are alike.

The error is that of a ratio estimator linearised (Cochran, "Sampling Techniques", 1977, 6.4), which is the
cluster-robust (CR1) one of a regression on the arm: Liang and Zeger 1986; Cameron and Miller, "A Practitioner's Guide
to Cluster-Robust Inference", 2015. The interval is the always-valid one of ``lift``, in the number of clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt

import msgspec
import numpy as np

from micromoments.learn.lift import Verdict
from micromoments.learn.sequence import ALPHA, planned

MIN_CLUSTERS = 30
"""Fewest clusters an arm before an interval is told: with fewer, clustered errors are too small."""
TUNING = 500.0
"""The number of clusters, both arms together, for which the interval is tuned: three weeks of hours."""


class Blocks(msgspec.Struct):
    """One arm's clusters: decisions, how many of them reached the goal, their worth in minor units."""

    n: list[float] = []
    reached: list[float] = []
    worth: list[float] = []


class Clustered(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of two arms' means a decision, treated minus control. ``inflation`` is how many times wider than
    without clusters the error is.
    """

    treated: int
    control: int
    treated_mean: float
    control_mean: float
    difference: float
    low: float | None
    high: float | None
    p: float
    inflation: float
    verdict: Verdict
    needed: str


def clustered(treated: Blocks, control: Blocks, *, value: bool = False, alpha: float = ALPHA) -> Clustered:
    """Compare two arms of clusters.

    Args:
        treated: the clusters of the variant.
        control: those of the first variant.
        value: compare the worth instead of how many reached the goal.
        alpha: the chance, over all looks together, that the interval ever excludes the truth.
    """
    arms = [(one.n, one.worth if value else one.reached) for one in (treated, control)]
    means = [sum(y) / sum(n) if sum(n) else 0.0 for n, y in arms]
    errors = [ratio_variance(n, y) for n, y in arms]
    clusters = len(treated.n) + len(control.n)
    difference, error = means[0] - means[1], sqrt(sum(errors))
    plain = sqrt(sum(_plain(n, y, value=value) for n, y in arms))
    size = float(max(1, clusters))
    sequence = planned(TUNING, alpha)
    wide = float(sequence.multiplier(np.array([size]), alpha)[0])
    few = MIN_CLUSTERS - min(len(treated.n), len(control.n))
    ready = few <= 0
    z = difference / error if error else inf if difference else 0.0
    low, high = (difference - wide * error, difference + wide * error) if ready else (None, None)
    verdict: Verdict = "early"
    if low is not None and high is not None:
        verdict = "higher" if low > 0 else "lower" if high < 0 else "unclear"
    return Clustered(
        treated=len(treated.n),
        control=len(control.n),
        treated_mean=means[0],
        control_mean=means[1],
        difference=difference,
        low=low,
        high=high,
        p=sequence.p_value(z, size) if ready else 1.0,
        inflation=error / plain if plain else 1.0,
        verdict=verdict,
        needed="" if ready else f"{few} more blocks (of at least {MIN_CLUSTERS} a variant)",
    )


def ratio_variance(n: Sequence[float], y: Sequence[float]) -> float:
    """The variance of sum(y) / sum(n) over clusters; 0 for fewer than two."""
    if len(n) < 2 or not sum(n):
        return 0.0
    sizes, sums = np.asarray(n), np.asarray(y)
    residuals = sums - sums.sum() / sizes.sum() * sizes
    return float(residuals @ residuals) / float(sizes.sum()) ** 2 * len(n) / (len(n) - 1)


def _plain(n: Sequence[float], y: Sequence[float], *, value: bool) -> float:
    """The variance as if every decision were on its own; for a value, as if each cluster were average."""
    total = sum(n)
    if total < 2:
        return 0.0
    mean = sum(y) / total
    if not value:
        return max(mean * (1 - mean), 0.0) / total
    each = [b / a for a, b in zip(n, y, strict=True) if a]
    spread = sum(a * (one - mean) ** 2 for a, one in zip((x for x in n if x), each, strict=True)) / total
    return spread / len(each)
