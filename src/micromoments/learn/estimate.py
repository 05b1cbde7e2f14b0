"""What another policy would have earned, from a log of what was shown, with what probability, and what came of it.

Arrays are (n,), one entry a logged decision: ``reward``; ``propensity``, the logged probability of what was shown;
``target``, the other policy's probability of the same. Sources: Horvitz and Thompson (1952) for IPS; Swaminathan and
Joachims, "The self-normalized estimator for counterfactual learning" (2015) for SNIPS; Dudík, Langford and Li, "Doubly
robust policy evaluation and learning" (2011) for DR; Kish, "Survey Sampling" (1965) for the effective sample size.
Intervals are by empirical likelihood (``likelihood``), which holds for rare rewards where the normal one doesn't.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.learn.likelihood import interval

FloatArray = NDArray[np.float64]
Method = Literal["ips", "snips", "dr"]

MIN_EFFECTIVE = 100.0
"""Below so many effective decisions the log can't answer: the normal interval isn't to be trusted."""
MAX_SHARE = 0.1
"""One decision that carries more than this of all weight decides the estimate by itself."""
FEW = 10
"""Below so many rewarded decisions that the target might have made, the estimate hangs on single ones."""
MISFIT = 4.0
"""Standard errors by which the mean weight may differ from 1 before the propensities are doubted."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's value a decision, with its two-sided interval.

    ``effective`` is how many decisions of the target policy the log is worth, ``matched`` the share of logged
    decisions that the target might have made. ``warnings`` say in words why not to believe it; empty where nothing
    speaks against.
    """

    method: Method
    value: float
    low: float
    high: float
    n: int
    effective: float
    matched: float
    warnings: tuple[str, ...] = ()


def weights(propensity: FloatArray, target: FloatArray) -> FloatArray:
    """Importance weights target / propensity (n,).

    Raises:
        ValueError: nothing is logged, lengths differ, a propensity isn't in (0, 1] or a target not in [0, 1].
    """
    if not len(propensity) or propensity.shape != target.shape or propensity.ndim != 1:
        raise ValueError(
            f"got {propensity.shape} propensities and {target.shape} targets; wanted one each a decision, and at least "
            "one decision; check that the log has rows"
        )
    if not (np.isfinite(propensity).all() and propensity.min() > 0.0 and propensity.max() <= 1.0):
        raise ValueError(
            f"got propensities from {propensity.min()} to {propensity.max()}; wanted above 0 and at most 1; "
            "a decision without a true propensity can't be used"
        )
    if not (np.isfinite(target).all() and target.min() >= 0.0 and target.max() <= 1.0 + 1e-9):
        raise ValueError(f"got target probabilities from {target.min()} to {target.max()}; wanted 0 to 1; check them")
    return np.asarray(target / propensity, dtype=np.float64)


def effective(weight: FloatArray) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2, 0 where all weights are 0."""
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares > 0.0 else 0.0


def ips(reward: FloatArray, propensity: FloatArray, target: FloatArray, alpha: float = 0.05) -> Estimate:
    """Inverse propensity scoring: unbiased where every action that the target may take could be logged."""
    weight = weights(propensity, target)
    rewards = _rewards(reward, weight)
    bottom, top = _range(rewards)
    heaviest = float(weight.max())
    return _mean("ips", weight * rewards, (heaviest * bottom, heaviest * top), rewards, weight, alpha)


def snips(reward: FloatArray, propensity: FloatArray, target: FloatArray, alpha: float = 0.05) -> Estimate:
    """Self-normalised IPS: divided by the sum of weights, so within the rewards' range; its bias shrinks as 1/n."""
    weight = weights(propensity, target)
    rewards, total = _rewards(reward, weight), float(weight.sum())
    if total <= 0.0:
        return _estimate("snips", 0.0, (float("-inf"), float("inf")), rewards, weight)
    value = float(weight @ rewards) / total
    spread = weight * (rewards - value)
    error = sqrt(float(spread @ spread)) / total
    bottom, top, heaviest = (*_range(rewards), float(weight.max()))
    reach = interval(
        lambda v: weight * (rewards - v),
        lambda v: (heaviest * (bottom - v), heaviest * (top - v)),
        value,
        error or top / len(weight),
        alpha,
    )
    return _estimate("snips", value, reach, rewards, weight)


def dr(
    reward: FloatArray,
    propensity: FloatArray,
    target: FloatArray,
    expected: FloatArray,
    expected_target: FloatArray,
    alpha: float = 0.05,
) -> Estimate:
    """Doubly robust: a reward model, corrected by IPS on what it got wrong.

    ``expected`` is the model's reward of what was shown, ``expected_target`` its mean over the target's probabilities;
    both must come from other decisions than the one they are used for (earlier ones, or another fold), or the interval
    is too short. Right where either the propensities or the model are; closer than IPS where the model is any good.
    """
    weight = weights(propensity, target)
    rewards = _rewards(reward, weight)
    if expected.shape != weight.shape or expected_target.shape != weight.shape:
        raise ValueError(
            f"got a model of shapes {expected.shape} and {expected_target.shape}; wanted {weight.shape} each; "
            "predict every logged decision"
        )
    bottom, top = _range(rewards)
    heaviest = float(weight.max())
    least = float(expected_target.min()) + heaviest * min(0.0, bottom - float(expected.max()))
    most = float(expected_target.max()) + heaviest * max(0.0, top - float(expected.min()))
    return _mean("dr", expected_target + weight * (rewards - expected), (least, most), rewards, weight, alpha)


def _rewards(reward: FloatArray, weight: FloatArray) -> FloatArray:
    if reward.shape != weight.shape or not np.isfinite(reward).all():
        raise ValueError(f"got {reward.shape} rewards; wanted {weight.shape} finite numbers; one a decision")
    return reward


def _mean(
    method: Method,
    terms: FloatArray,
    extremes: tuple[float, float],
    rewards: FloatArray,
    weight: FloatArray,
    alpha: float,
) -> Estimate:
    """The mean of terms (n,), which might have been from one extreme to the other, with its interval."""
    n, value = len(terms), float(terms.mean())
    if not weight.any():
        return _estimate(method, value, (float("-inf"), float("inf")), rewards, weight)
    error = float(terms.std(ddof=1)) / sqrt(n) if n > 1 else 0.0
    least, most = min(extremes[0], float(terms.min())), max(extremes[1], float(terms.max()))
    reach = interval(
        lambda v: terms - v, lambda v: (least - v, most - v), value, error or (most - least) / n or 1.0 / n, alpha
    )
    return _estimate(method, value, reach, rewards, weight)


def _range(rewards: FloatArray) -> tuple[float, float]:
    """The least and most that a reward may be: 0 is among them, 1 where nothing above 0 was seen."""
    top = float(rewards.max())
    return min(0.0, float(rewards.min())), top if top > 0.0 else 1.0


def _estimate(
    method: Method, value: float, reach: tuple[float, float], rewards: FloatArray, weight: FloatArray
) -> Estimate:
    return Estimate(
        method=method,
        value=value,
        low=reach[0],
        high=reach[1],
        n=len(weight),
        effective=effective(weight),
        matched=float((weight > 0.0).mean()),
        warnings=doubts(weight, rewards),
    )


def doubts(weight: FloatArray, rewards: FloatArray) -> tuple[str, ...]:
    """Why the log may not be able to answer, in words."""
    out = []
    worth, total, n = effective(weight), float(weight.sum()), len(weight)
    if worth < MIN_EFFECTIVE:
        out.append(f"the log is worth {worth:.0f} decisions of this policy; wanted at least {MIN_EFFECTIVE:.0f}")
    if total > 0.0 and n > 1 and float(weight.max()) / total > MAX_SHARE:
        out.append(f"one decision carries {float(weight.max()) / total:.0%} of the weight")
    rewarded = int(((weight > 0.0) & (rewards != 0.0)).sum())
    if rewarded < FEW:
        out.append(f"{rewarded} decisions that it might have made were rewarded; wanted at least {FEW}")
    error = float(weight.std(ddof=1)) / sqrt(n) if n > 1 else 0.0
    if abs(total / n - 1.0) > MISFIT * max(error, 1e-9):
        out.append(
            f"weights average {total / n:.3f}, not 1: the logged propensities are wrong, or the policy would do what "
            "the log never did"
        )
    return tuple(out)
