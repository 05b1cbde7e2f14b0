"""Lift: what serving was worth per person, against people held out, with intervals that may be looked at often.

The interval is an asymptotic confidence sequence: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 52(6), 2024 (arXiv 2103.06476): the
chance that it *ever* excludes the truth is at most ``alpha``, from the point on where the central limit theorem holds,
which ``MIN_PEOPLE`` and ``MIN_EFFECTIVE`` guard. How wide it is says ``sequence``. Planned for a number of people it is
what GrowthBook's statistics engine computes; its package (gbstats 0.8) needs numpy below 2, so the few formulas are
written out, and tests compare them with its results.

Relative lift has a Fieller interval (Fieller 1954) with the same multiplier: for every ratio r the test of
``treated - r * control = 0`` is itself such a sequence, so looking often is safe here too. CUPED is Deng, Xu, Kohavi
and Walker, "Improving the sensitivity of online controlled experiments by utilizing pre-experiment data", WSDM 2013.
"""

from __future__ import annotations

from collections import abc
from math import copysign, erfc, exp, inf, pi, sqrt
from typing import Literal

import msgspec
import numpy as np

from micromoments.learn.sequence import ALPHA, FloatArray, Sequence, Size, begun, planned

Verdict = Literal["higher", "lower", "unclear", "early", "doubtful"]

MIN_PEOPLE = 100
"""Fewest people an arm before an interval is told: below, the normal approximation is not to be trusted."""
MIN_EFFECTIVE = 25
"""Least ``effective`` number before an interval is told. With fewer, a small holdout's rare goals are far from normal,
and of 2,000 tests without a difference hundreds would reject; ``benchmarks/quality/intervals.py`` measures it."""
MISMATCH_ALPHA = 0.001
"""A sample ratio that has less chance than this is a mismatch: the usual threshold, low since one looks often."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """One arm: how many people, and the sums over them of the outcome y, a covariate x from before, and products."""

    n: int
    y: float
    yy: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    @classmethod
    def of(cls, y: abc.Sequence[float] | FloatArray, x: abc.Sequence[float] | FloatArray | None = None) -> Sums:
        """The sums of one value a person (n,), with the covariate (n,) where there is one."""
        ys = np.asarray(y, dtype=np.float64)
        xs = np.zeros_like(ys) if x is None else np.asarray(x, dtype=np.float64)
        return cls(
            n=len(ys),
            y=float(ys.sum()),
            yy=float(ys @ ys),
            x=float(xs.sum()),
            xx=float(xs @ xs),
            xy=float(xs @ ys),
        )


class Lift(msgspec.Struct, frozen=True, kw_only=True):
    """The difference of two arms' means, treated minus control, and the same relative to the control's mean.

    ``low`` and ``high`` bound ``difference``, None where an arm has under two people. The relative ones are None where
    the control's mean can't be told from zero. ``p`` is always valid: at most ``alpha`` exactly where the interval
    excludes zero. ``variance_kept`` is the share of variance that CUPED left, 1 without. ``verdict``: *early* while
    ``needed`` (a sentence's end) is not met, *doubtful* where the arms' sizes aren't what they were meant to be.
    ``tuning`` is the number of people that the interval is tightest for, ``error`` the difference's standard error.
    """

    treated: int
    control: int
    treated_mean: float
    control_mean: float
    difference: float
    low: float | None
    high: float | None
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    p: float
    alpha: float
    variance_kept: float
    verdict: Verdict
    needed: str
    method: str
    tuning: float
    error: float


def paced(treated: Sums, control: Sums, size: Size, alpha: float = ALPHA) -> Sequence:
    """The sequence by which two arms are compared: as planned, else from when an interval can be told at all."""
    if size.planned:
        return planned(size.planned, alpha)
    least = min(effective(treated, control) / MIN_EFFECTIVE, min(treated.n, control.n) / MIN_PEOPLE)
    return begun(max(1.0, treated.n + control.n), least, size)


def lift(treated: Sums, control: Sums, *, alpha: float = ALPHA, sequence: Sequence | None = None) -> Lift:
    """The lift of ``treated`` over ``control``, with CUPED where the covariate varies.

    Args:
        treated: the people who were served by the policy.
        control: those held out.
        alpha: the chance, over all looks together, that an interval ever excludes the truth.
        sequence: what the interval is made of; by what these sums say unless given.
    """
    arms, sequence = (treated, control), sequence or paced(treated, control, Size(), alpha)
    total, ready = treated.n + control.n, min(treated.n, control.n) > 1
    theta = _theta(treated, control) if ready else 0.0
    grand = (treated.x + control.x) / max(total, 1)
    means = [(arm.y - theta * (arm.x - arm.n * grand)) / max(arm.n, 1) for arm in arms]
    errors = [_variance(arm, theta) / arm.n if ready else 0.0 for arm in arms]
    plain = sum(_variance(arm, 0.0) / arm.n for arm in arms) if ready else 0.0
    difference, error = means[0] - means[1], sqrt(sum(errors))
    wide = float(sequence.multiplier(np.array([float(max(total, 1))]), alpha)[0])
    z = difference / error if error else copysign(inf, difference) if difference else 0.0
    low, high = (difference - wide * error, difference + wide * error) if ready else (None, None)
    needed = _needed(treated, control)
    ratio = _fieller(means, errors, wide) if ready else (None, None)
    return Lift(
        treated=treated.n,
        control=control.n,
        treated_mean=means[0],
        control_mean=means[1],
        difference=difference,
        low=low,
        high=high,
        relative=difference / means[1] if means[1] else None,
        relative_low=ratio[0],
        relative_high=ratio[1],
        p=sequence.p_value(z, float(max(total, 1))) if ready else 1.0,
        alpha=alpha,
        variance_kept=sum(errors) / plain if plain > 0 else 1.0,
        verdict="early" if needed else _verdict(low, high),
        needed=needed,
        tuning=sequence.tightest,
        error=error,
        method=f"asymptotic confidence sequence, {sequence}{', CUPED' if theta else ''}",
    )


def _verdict(low: float | None, high: float | None) -> Verdict:
    if low is None or high is None:
        return "early"
    return "higher" if low > 0 else "lower" if high < 0 else "unclear"


def effective(treated: Sums, control: Sums) -> float:
    """How many people who reached the goal the smaller arm may be expected to have, by what both arms show.

    Kish's effective number, (sum y)^2 / sum y^2, of both arms times the smaller one's share of people: a count for a
    yes-or-no outcome, less where a few large values make up the sum. It depends on neither arm being lucky.
    """
    squares, total = treated.yy + control.yy, treated.n + control.n
    return (treated.y + control.y) ** 2 / squares * min(treated.n, control.n) / total if squares > 0 else 0.0


def _needed(treated: Sums, control: Sums) -> str:
    """What is missing before an interval may be told; empty where nothing is."""
    for arm, name in ((treated, "served"), (control, "held out")):
        if arm.n < MIN_PEOPLE:
            return f"{MIN_PEOPLE - arm.n} more people {name} (of at least {MIN_PEOPLE})"
    weight = effective(treated, control)
    if weight < MIN_EFFECTIVE:
        return f"more who reach it (the smaller group weighs as {weight:.0f} such people, of at least {MIN_EFFECTIVE})"
    return ""


def _variance(arm: Sums, theta: float) -> float:
    """The sample variance of y - theta x."""
    squares = arm.yy - 2 * theta * arm.xy + theta**2 * arm.xx
    total = arm.y - theta * arm.x
    return max(squares - total**2 / arm.n, 0.0) / (arm.n - 1)


def _theta(treated: Sums, control: Sums) -> float:
    """The slope of y on x within the arms, 0 where x doesn't vary."""
    sxx = sum(arm.xx - arm.x**2 / arm.n for arm in (treated, control))
    sxy = sum(arm.xy - arm.x * arm.y / arm.n for arm in (treated, control))
    return sxy / sxx if sxx > 1e-9 * max(treated.xx + control.xx, 1e-300) else 0.0


def _fieller(means: list[float], errors: list[float], wide: float) -> tuple[float | None, float | None]:
    """The bounds of treated / control - 1; None where the control's mean can't be told from zero."""
    top, bottom = means
    a = bottom**2 - wide**2 * errors[1]
    if a <= 0 or bottom <= 0:
        return None, None
    c = top**2 - wide**2 * errors[0]
    root = sqrt(max((top * bottom) ** 2 - a * c, 0.0))
    return (top * bottom - root) / a - 1, (top * bottom + root) / a - 1


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How the arms' sizes agree with their intended shares: ``chi2`` and its chance ``p``; ``mismatch`` below 0.001."""

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    chi2: float
    p: float
    mismatch: bool


def sample_ratio(counts: abc.Sequence[int], shares: abc.Sequence[float]) -> Ratio:
    """The sample-ratio check (chi-square): a lift with a mismatch is not to be believed before its cause is found.

    Args:
        counts: people by arm.
        shares: the intended share of each arm, above 0; they are scaled to sum to 1.

    Raises:
        ValueError: fewer than two arms, another number of shares, or a share that isn't above 0.
    """
    if len(counts) != len(shares) or len(counts) < 2 or min(shares, default=0.0) <= 0:
        raise ValueError(f"got counts {list(counts)} and shares {list(shares)}; wanted two or more, each share above 0")
    total, whole = sum(counts), sum(shares)
    expected = tuple(total * share / whole for share in shares)
    chi2 = sum((count - want) ** 2 / want for count, want in zip(counts, expected, strict=True)) if total else 0.0
    p = chi2_tail(chi2, len(counts) - 1)
    return Ratio(counts=tuple(counts), expected=expected, chi2=chi2, p=p, mismatch=p < MISMATCH_ALPHA)


def chi2_tail(x: float, df: int) -> float:
    """The chance that a chi-square of ``df`` degrees of freedom passes x (Abramowitz and Stegun 26.4.4, 26.4.5)."""
    if x <= 0:
        return 1.0
    half = x / 2
    term, total = (sqrt(x) * exp(-half) * sqrt(2 / pi), erfc(sqrt(half))) if df % 2 else (exp(-half), 0.0)
    for k in range(df // 2):
        total += term
        term *= x / (2 * k + (3 if df % 2 else 2))
    return min(total, 1.0)
