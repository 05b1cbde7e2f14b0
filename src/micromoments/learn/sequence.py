"""How many standard errors an interval must span so that it may be looked at as often as one likes.

A normal mixture over effects of variance ``precision`` is a martingale of mean 1 without an effect (Robbins, 1970);
Waudby-Smith and others (``lift``) show that it does for means of anything. Watched from nobody on it passes c at most
once in c. Watched only from ``start`` people on it passes c more seldom (Robbins and Siegmund, "Boundary crossing
probabilities for the Wiener process and sample sums", Annals of Mathematical Statistics 41, 1970): with Z the
standardised difference at the start, r = precision * start, and b the |Z| at which the mixture is c,

    P = P(|Z| > b) + P(|Z| < b / sqrt(1 + r)) / c

as what isn't above c at once reaches it later with the chance that the martingale's value has of c. So an interval that
is told late, as ``lift``'s are, can be tight wherever it starts, and nobody has to say beforehand how many will come.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import erf, erfc, exp, inf, log, log1p, sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

ALPHA = 0.05
DAYS = 2
"""The first days of an experiment: how many people they bring says how many will come."""
FIRST = 0.05
"""Of the chance to err, what is kept for looks within the first days."""
R = 1.3
"""The mixture's precision times the people at its start: from there to some forty times as many the interval finds what
70 % of tests of fixed length find that have 90 % (``benchmarks/quality/intervals.py``)."""
EXACT = 1e-12
"""How exactly a level is found, of its size."""


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of how many people come: the number ``planned`` for, 0 where nothing was; how many times the people
    of its first ``DAYS`` days there are by now (infinity where that isn't known), and whether these days last still.
    """

    planned: float = 0.0
    grown: float = inf
    lasting: bool = False


class Sequence(msgspec.Struct, frozen=True):
    """The mixture of variance ``precision`` a person, watched from ``start`` people on, with a ``share`` of alpha."""

    precision: float
    start: float = 0.0
    share: float = 1.0

    def __str__(self) -> str:
        begins = f"from {self.start:,.0f} people on, " if self.start else ""
        return f"{begins}tightest for {self.tightest:,.0f} people"

    @property
    def tightest(self) -> float:
        """About how many people it is tightest for."""
        return spread(ALPHA) / self.precision

    def multiplier(self, n: FloatArray, alpha: float = ALPHA) -> FloatArray:
        """How many standard errors the interval spans to each side after n people (k,): 1.96 for a single look."""
        t, level = n * self.precision, _level(alpha * self.share, self.precision * self.start)
        result: FloatArray = np.sqrt(2 * (t + 1) / t * (level + np.log1p(t) / 2))
        return result

    def p_value(self, z: float, n: float) -> float:
        """The always-valid p-value of a standardised difference z after n people: below alpha just where the interval
        excludes zero.
        """
        t = n * self.precision
        level = t / (t + 1) * z * z / 2 - log1p(t) / 2 if abs(z) < inf else inf
        return min(1.0, _passes(level, self.precision * self.start) / self.share)


def planned(people: float, alpha: float = ALPHA) -> Sequence:
    """Watched from nobody on, tightest for so many people: equation 161 of arXiv 2103.06476 v7, as gbstats has it."""
    return Sequence(spread(alpha) / people)


def begun(people: float, least: float, size: Size) -> Sequence:
    """Told from the people on who make an interval possible, or from the end of the first days on, whatever is later.

    Args:
        people: so many there are.
        least: how many times what an interval needs at the least there is.
        size: what is known of how many come.
    """
    if size.grown == inf:
        start, share = people / max(1.0, least), 1.0
    elif size.lasting:
        start, share = people / max(1.0, least), FIRST
    else:
        start, share = people / max(1.0, min(least, size.grown)), 1.0 - FIRST
    return Sequence(R / start, start, share)


def spread(alpha: float) -> float:
    """The precision times people at which a sequence watched from nobody on is tightest."""
    return -2 * log(alpha) + log(-2 * log(alpha) + 1)


def _passes(level: float, r: float) -> float:
    """The chance that the log of the mixture is ever above ``level``, watched from a start of r on."""
    if level == inf:
        return 0.0
    if r == 0.0:
        return min(1.0, exp(-level))
    square = 2 * (1 + r) / r * (level + log1p(r) / 2)
    if square <= 0.0:
        return 1.0
    b = sqrt(square)
    return erfc(b / sqrt(2)) + exp(-level) * erf(b / sqrt(2 * (1 + r)))


@lru_cache(maxsize=4096)
def _level(alpha: float, r: float) -> float:
    """The log of the mixture that is passed with the chance alpha."""
    return -log(alpha) if r == 0.0 else _falls(lambda level: _passes(level, r) - alpha, -log1p(r) / 2, -log(alpha))


def _falls(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function is 0, between two numbers."""
    while high - low > EXACT * max(1.0, abs(high)):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) > 0.0 else (low, middle)
    return high
