"""Confidence intervals of means by empirical likelihood: they follow the data's skew and never leave its range.

A rare reward times a large weight is far from normal, and plus or minus two standard errors then covers too seldom and
reaches below zero. Sources: Owen, "Empirical Likelihood" (2001), chapter 2; Karampatziakis, Langford and Mineiro,
"Empirical Likelihood for Contextual Bandits" (2020), for what might have been logged and wasn't: it may have a share in
the distribution too, which is what widens the interval where few rewards were seen.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
OUTWARDS = 64
"""Doublings until a value is refused."""
PRECISE = 1e-4
"""How exactly an end is found, of its distance from the estimate."""
NEWTON = 50


def ratio(g: FloatArray, least: float, most: float) -> float:
    """-2 log of the likelihood ratio of "the mean of g (n,) is 0", where g may come from ``least``, below 0, to
    ``most``, above 0, though neither may have been seen.
    """
    low, high = -1.0 / max(most, float(g.max())), -1.0 / min(least, float(g.min()))
    at = 0.0
    for _ in range(NEWTON):
        part = g / (1.0 + at * g)
        slope = float(part.sum())
        low, high = (at, high) if slope > 0.0 else (low, at)
        step = at + slope / max(float(part @ part), 1e-300)
        # Past an end the distribution that fits best has a share of what wasn't seen.
        step = min(max(step, low + 0.01 * (at - low)), high - 0.01 * (high - at))
        if abs(step - at) <= 1e-9 * abs(at):
            break
        at = step
    return 2.0 * float(np.log1p(at * g).sum())


def interval(
    equation: Callable[[float], FloatArray],
    extremes: Callable[[float], tuple[float, float]],
    value: float,
    scale: float,
    alpha: float,
) -> tuple[float, float]:
    """The values that aren't refused at level alpha, by an estimating equation, value -> g (n,), with its extremes.

    ``value`` solves the equation; ``scale``, above 0, is about its standard error, by which the search goes outwards.
    """
    critical = NormalDist().inv_cdf(1.0 - alpha / 2.0) ** 2

    def refused(at: float) -> bool:
        least, most = extremes(at)
        return least >= 0.0 or most <= 0.0 or ratio(equation(at), least, most) > critical

    def end(sign: float) -> float:
        near, far = 0.0, 2.0 * scale
        for _ in range(OUTWARDS):
            if refused(value + sign * far):
                break
            near, far = far, 2.0 * far
        while far - near > PRECISE * far:
            middle = (near + far) / 2.0
            near, far = (near, middle) if refused(value + sign * middle) else (middle, far)
        return value + sign * far

    return end(-1.0), end(1.0)
