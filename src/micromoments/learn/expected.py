"""The reward model of doubly robust estimates: what each action of each logged decision may be expected to earn.

Ridge regression on hashed features (the action's id, its features, the context, and the context with the id), fitted
in folds: a decision's prediction comes from the other folds alone. How strongly it is held back is chosen by what it
is for, the least sum of (weight x what it got wrong)^2, which is most of DR's variance (Farajtabar, Chow and
Ghavamzadeh, "More Robust Doubly Robust Off-policy Evaluation", 2018); the strongest leaves the other folds' mean, so
a model that finds nothing does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromoments.learn.estimate import FloatArray
from micromoments.learn.logged import Action, Logged, keys, mix, place

WIDTH = 512
FOLDS = 5
HOLD = (3.0, 30.0, 300.0, 3_000.0, 1e12)
"""Penalties that are tried: the last leaves the mean alone."""
CHUNK = 2_048
Ints = NDArray[np.int64]


class _Seen(NamedTuple):
    """Actions as places and values: row n's are those from ``starts[n]`` on in ``at`` and ``value``, and those of the
    context, with its id, in ``crossed[n]`` with ``context``.
    """

    at: Ints
    value: FloatArray
    starts: Ints
    crossed: Ints
    context: FloatArray

    def predict(self, theta: FloatArray) -> FloatArray:
        """What is expected of each row (n, p) of weights (WIDTH, p)."""
        own = np.add.reduceat(theta[self.at] * self.value[:, None], self.starts)
        return np.asarray(own + np.einsum("nkp,k->np", theta[self.crossed], self.context), dtype=np.float64)

    def dense(self) -> FloatArray:
        """The only row, as ``WIDTH`` numbers."""
        places = np.concatenate((self.at, self.crossed[0]))
        values = np.concatenate((self.value, self.context))
        return np.bincount(places, values, WIDTH).astype(np.float64)


@lru_cache(maxsize=4_096)
def _spread(pairs: tuple[tuple[str, float], ...]) -> tuple[Ints, FloatArray]:
    found = [place(key, WIDTH) for key, _ in pairs]
    value = [sign * one for (_, sign), (_, one) in zip(found, pairs, strict=True)]
    return np.array([at for at, _ in found], dtype=np.int64), np.array(value)


def _seen(actions: Sequence[Action], record: Logged) -> _Seen:
    own = [_spread(((f"id={action.id}", 1.0), *keys(action.features))) for action in actions]
    context = keys(record.context)
    main, sizes = _spread(tuple(context))
    marks = np.array([mix(key) for key, _ in context], dtype=np.int64)
    ids = np.array([mix(f"id={action.id}") for action in actions], dtype=np.int64)
    crossed = ((marks[None, :] * 31 + ids[:, None]) * 0x9E3779B1 >> 12) % (WIDTH - 1) + 1
    both = np.hstack((np.broadcast_to(main, (len(actions), len(main))), crossed))
    starts = np.cumsum([0, *(len(at) for at, _ in own[:-1])])
    return _Seen(
        np.concatenate([at for at, _ in own]),
        np.concatenate([value for _, value in own]),
        starts.astype(np.int64),
        both,
        np.concatenate((sizes, np.abs(sizes))),
    )


def expectations(
    records: Sequence[Logged], probabilities: Sequence[FloatArray], weight: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What is expected of the chosen action (n,), and of the target on average (n,), each from the other folds.

    ``probabilities`` are the target's over each record's actions, ``weight`` (n,) its importance weights.
    """
    chosen = [_seen([record.actions[record.row()]], record) for record in records]
    reward = np.array([float(record.reward) for record in records])
    fold = np.arange(len(records)) % FOLDS
    if len(records) < 2 * FOLDS:
        return np.zeros(len(records)), np.zeros(len(records))
    thetas, means = _fit(chosen, reward, fold)
    tried = np.array([one.predict(thetas[k])[0] + means[k] for one, k in zip(chosen, fold, strict=True)])
    missed = (weight[:, None] * (reward[:, None] - tried)) ** 2
    best = int(missed.sum(axis=0).argmin())
    target = np.empty(len(records))
    for n, (record, p) in enumerate(zip(records, probabilities, strict=True)):
        may = np.flatnonzero(p)
        rows = _seen([record.actions[a] for a in may], record)
        target[n] = p[may] @ rows.predict(thetas[fold[n]][:, best : best + 1])[:, 0] + p.sum() * means[fold[n]]
    return tried[:, best], target


def _fit(chosen: Sequence[_Seen], reward: FloatArray, fold: NDArray[np.intp]) -> tuple[list[FloatArray], list[float]]:
    """For each fold the weights (WIDTH, penalties) and the mean reward of all the others."""
    square, moment, first = (np.zeros((FOLDS, *shape)) for shape in ((WIDTH, WIDTH), (WIDTH,), (WIDTH,)))
    for k in range(FOLDS):
        mine = np.flatnonzero(fold == k)
        for start in range(0, len(mine), CHUNK):
            some = mine[start : start + CHUNK]
            x = np.array([chosen[n].dense() for n in some])
            square[k] += x.T @ x
            moment[k] += reward[some] @ x
            first[k] += x.sum(axis=0)
    thetas, means = [], []
    for k in range(FOLDS):
        mean = float(reward[fold != k].mean())
        values, vectors = np.linalg.eigh(square.sum(axis=0) - square[k])
        pull = vectors.T @ (moment.sum(axis=0) - moment[k] - mean * (first.sum(axis=0) - first[k]))
        shrunk = pull[:, None] / (np.maximum(values, 0.0)[:, None] + np.array(HOLD))
        thetas.append(np.asarray(vectors @ shrunk, dtype=np.float64))
        means.append(mean)
    return thetas, means
