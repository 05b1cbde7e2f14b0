"""A forest of very shallow trees, for effects that come in steps: each is grown on half of the rows, with few features
to choose from at a split, and every leaf holds three tenths of its rows at least.

Source: Breiman, "Random Forests" (2001); leaves this large because an effect's noise is many times its differences.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromoments.learn.columns import FloatArray

TREES = 200
LEAF = 0.3
"""Of a tree's rows, what each leaf holds at least."""
CHOICE = 0.4
"""Of the features, how many a split may choose from."""
BINS = 32
Codes = NDArray[np.int64]


class _Node(NamedTuple):
    """A split, rows whose ``feature`` has a code of at most ``cut`` go left; or a leaf, where there is no left."""

    value: float
    feature: int = 0
    cut: int = 0
    left: _Node | None = None
    right: _Node | None = None


class Forest:
    """The mean of many small trees, learned from features (n, d) and targets (n,)."""

    def __init__(self, x: FloatArray, y: FloatArray, seed: int = 0) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        self._edges = [np.unique(np.quantile(column, np.linspace(0.0, 1.0, BINS + 1)[1:-1])) for column in x.T]
        codes = self._coded(x)
        self._trees: list[_Node] = []
        for _ in range(TREES if x.shape[1] else 0):
            some = rng.permutation(len(x))[: max(1, len(x) // 2)]
            self._trees.append(_grow(codes[some], y[some], max(1, int(LEAF * len(some))), rng))
        self._mean = float(y.mean())

    def predict(self, x: FloatArray) -> FloatArray:
        """The mean of the trees' leaves for each row (n,)."""
        if not self._trees:
            return np.full(len(x), self._mean)
        codes = self._coded(x)
        return np.asarray(np.mean([_fall(tree, codes) for tree in self._trees], axis=0), dtype=np.float64)

    def _coded(self, x: FloatArray) -> Codes:
        found = [np.searchsorted(edges, column, side="left") for edges, column in zip(self._edges, x.T, strict=True)]
        return np.array(found, dtype=np.int64).reshape(len(self._edges), len(x)).T


def _grow(codes: Codes, y: FloatArray, least: int, rng: np.random.Generator) -> _Node:
    """A tree of rows of codes (n, d): the split that lowers the sum of squares most, until no leaf may be smaller."""
    value, best = float(y.mean()), (0.0, -1, -1)
    if len(y) >= 2 * least:
        for feature in rng.permutation(codes.shape[1])[: ceil(CHOICE * codes.shape[1])].tolist():
            gain, cut = _split(codes[:, feature], y - value, least)
            best = max(best, (gain, feature, cut))
    gain, feature, cut = best
    if gain <= 0.0:
        return _Node(value)
    left = codes[:, feature] <= cut
    return _Node(
        value, feature, cut, _grow(codes[left], y[left], least, rng), _grow(codes[~left], y[~left], least, rng)
    )


def _split(code: Codes, y: FloatArray, least: int) -> tuple[float, int]:
    """The best cut of one feature, y (n,) of mean 0: how much it lowers the sum of squares, and the last code left."""
    counts, sums = np.bincount(code, minlength=2), np.bincount(code, y, minlength=2)
    below, total = np.cumsum(counts)[:-1], np.cumsum(sums)[:-1]
    above = len(y) - below
    may = (below >= least) & (above >= least)
    if not may.any():
        return 0.0, -1
    gain = np.where(may, total**2 / np.maximum(below, 1) + total**2 / np.maximum(above, 1), 0.0)
    cut = int(gain.argmax())
    return float(gain[cut]), cut


def _fall(node: _Node, codes: Codes) -> FloatArray:
    """The value of the leaf that each row falls into (n,)."""
    if node.left is None or node.right is None:
        return np.full(len(codes), node.value)
    out, left = np.empty(len(codes)), codes[:, node.feature] <= node.cut
    out[left], out[~left] = _fall(node.left, codes[left]), _fall(node.right, codes[~left])
    return out
