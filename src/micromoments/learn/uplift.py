"""Whom a treatment changes: a model of its effect on each, learned from an experiment, and how well it ranks people.

The model is a ranking by two that err differently, half each. One is a DR-learner (Kennedy, "Towards optimal doubly
robust estimation of heterogeneous causal effects", 2023): cross-fitted ridge regressions of the outcome with and
without treatment give each row an unbiased, noisy effect, and a ``Forest`` of very shallow trees learns those, as an
effect's differences between people are small beside an outcome's noise. The other is the difference of the two
regressions themselves, brought to the forest's spread, as it takes noise for effects. Treatment must have been given by
chance; ``imbalance`` looks.

The Qini curve is Q(k) = treated successes among the k ranked first, less the controls' scaled to as many treated
(Radcliffe, "Using Control Groups to Target on Predicted Lift", 2007). The Qini coefficient is the area between the
curve and the straight line of chance, divided by the same area of a perfect ranking (as scikit-uplift's
``qini_auc_score``): 0 is chance, 1 perfect, and a few hundredths are usual.
"""

from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.learn.columns import FloatArray
from micromoments.learn.forest import Forest

FOLDS = 5
NUISANCE = 0.01
"""Penalty of the outcome's regressions, of the number of rows."""
SHARES = tuple(range(10, 101, 10))
Z = 1.959963984540054


class At(msgspec.Struct, frozen=True):
    """The ``share`` per cent ranked first: the outcome's mean with and without treatment, and their difference."""

    share: int
    uplift: float
    low: float
    high: float
    treated: int
    control: int


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """How well scores rank people by effect. ``area`` is the area between curve and chance, in successes a treated
    person; ``qini`` is that of a perfect ranking.
    """

    qini: float
    area: float
    effect: At
    uplift: tuple[At, ...]


class Model:
    """Effects expected of rows (n, d): learned from features (m, d), treatment (m,) of 0 and 1, outcome (m,)."""

    def __init__(self, x: FloatArray, treated: FloatArray, outcome: FloatArray, seed: int = 0) -> None:
        fold = np.random.Generator(np.random.PCG64(seed)).permutation(len(x)) % FOLDS
        self._forest = Forest(x, pseudo(x, treated, outcome, fold), seed)
        one, other = (_fitted(x, outcome, treated == arm) for arm in (1.0, 0.0))
        self._weights = one[0] - other[0]
        lines, trees = x @ self._weights, self._forest.predict(x)
        spread = float(lines.std())
        self._scale = float(trees.std()) / spread if spread > 0.0 else 0.0
        self._mean = float(trees.mean()) - self._scale * float(lines.mean())

    def predict(self, x: FloatArray) -> FloatArray:
        """The effect expected of each row (n,), in units of the outcome."""
        lines = self._scale * (x @ self._weights) + self._mean
        return np.asarray((lines + self._forest.predict(x)) / 2.0, dtype=np.float64)


def pseudo(x: FloatArray, treated: FloatArray, outcome: FloatArray, fold: NDArray[np.intp]) -> FloatArray:
    """A noisy effect a row (n,), whose mean is right for any rows chosen by x."""
    share, out = float(treated.mean()), np.empty(len(x))
    for k in range(FOLDS):
        to, rest = fold == k, fold != k
        with_, without = (_predict(x, outcome, rest & (treated == arm), to) for arm in (1.0, 0.0))
        own, t = np.where(treated[to] == 1.0, with_, without), treated[to]
        out[to] = with_ - without + (t - share) / (share * (1.0 - share)) * (outcome[to] - own)
    return out


def _predict(x: FloatArray, y: FloatArray, learn: NDArray[np.bool_], to: NDArray[np.bool_]) -> FloatArray:
    weights, mean = _fitted(x, y, learn)
    return np.asarray(x[to] @ weights + mean, dtype=np.float64)


def _fitted(x: FloatArray, y: FloatArray, learn: NDArray[np.bool_]) -> tuple[FloatArray, float]:
    """A ridge regression of some rows: weights (d,) and intercept, which isn't penalised."""
    centre, mean = x[learn].mean(axis=0), float(y[learn].mean())
    even, penalty = x[learn] - centre, max(NUISANCE * int(learn.sum()), 1e-6)
    weights = np.linalg.solve(even.T @ even + penalty * np.eye(x.shape[1]), even.T @ (y[learn] - mean))
    return np.asarray(weights, dtype=np.float64), mean - float(centre @ weights)


def rank(score: FloatArray, treated: FloatArray, outcome: FloatArray) -> Ranking:
    """How well ``score`` (n,) ranks people by effect.

    Raises:
        ValueError: there are no treated or no controls.
    """
    if not 0.0 < float(treated.mean()) < 1.0:
        raise ValueError("got rows of one arm only; wanted treated and untreated ones; check --treatment")
    chance = _area(np.zeros(len(score)), treated, outcome)
    mine = _area(score, treated, outcome)
    perfect = _area(outcome * (2.0 * treated - 1.0), treated, outcome)
    order = np.argsort(-score, kind="stable")
    at = tuple(_at(share, order, treated, outcome) for share in SHARES)
    room = perfect - chance
    return Ranking(
        qini=(mine - chance) / room if room > 0.0 else 0.0,
        area=(mine - chance) / len(score) / float(treated.sum()),
        effect=at[-1],
        uplift=at,
    )


def _area(score: FloatArray, treated: FloatArray, outcome: FloatArray) -> float:
    """The area under the Qini curve, over numbers of people. Those of one score are taken together."""
    order = np.argsort(-score, kind="stable")
    t, y, s = treated[order], outcome[order], score[order]
    ends = np.append(np.flatnonzero(np.diff(s)), len(s) - 1)
    with_, people = np.cumsum(t)[ends], ends + 1.0
    without = people - with_
    scale = np.divide(with_, without, out=np.zeros_like(with_), where=without > 0.0)
    curve = np.concatenate(([0.0], np.cumsum(y * t)[ends] - np.cumsum(y * (1.0 - t))[ends] * scale))
    return float(np.trapezoid(curve, np.concatenate(([0.0], people))))


def _at(share: int, order: NDArray[np.intp], treated: FloatArray, outcome: FloatArray) -> At:
    first = order[: max(1, round(len(order) * share / 100))]
    t, y = treated[first] == 1.0, outcome[first]
    n, m = int(t.sum()), int((~t).sum())
    if min(n, m) < 2:
        return At(share, float("nan"), float("-inf"), float("inf"), n, m)
    uplift = float(y[t].mean() - y[~t].mean())
    reach = Z * sqrt(float(y[t].var(ddof=1)) / n + float(y[~t].var(ddof=1)) / m)
    return At(share, uplift, uplift - reach, uplift + reach, n, m)


def imbalance(x: FloatArray, treated: FloatArray) -> float:
    """The largest difference of a column's means between the arms, in standard errors; chance gives 3 to 4 at most."""
    t = treated == 1.0
    if not x.shape[1]:
        return 0.0
    spread = x[t].var(axis=0) / max(1, int(t.sum())) + x[~t].var(axis=0) / max(1, int((~t).sum()))
    return float(np.abs((x[t].mean(axis=0) - x[~t].mean(axis=0)) / np.sqrt(np.maximum(spread, 1e-12))).max())
