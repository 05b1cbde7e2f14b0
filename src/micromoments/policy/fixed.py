"""Policies that don't learn: popular, first, random, rules. Defaults, controls, and what to be better than."""

from __future__ import annotations

from typing import Self

import numpy as np

from micromoments.policy.base import FORMAT, Encoded, FloatArray, one_hot, outcome, pack, rows, unpack
from micromoments.policy.features import DIM, POPULAR, PRIORITY, VALUE


class _Fixed:
    """What they have in common: they count outcomes, and nothing else of them stays."""

    name = ""
    named = True
    """Whether it reads named features, and so needs the engine's own ``DIM``."""

    def __init__(self, dim: int = DIM) -> None:
        if self.named and dim != DIM:
            raise ValueError(f"got dim {dim}; wanted {DIM}, as {self.name!r} reads named features; use policy.features")
        self._dim = dim
        self._version = 0

    @property
    def version(self) -> int:
        """How many outcomes it was told of."""
        return self._version

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Count one outcome."""
        outcome(x, self._dim, reward, weight)
        self._version += 1

    def encode(self) -> bytes:
        """All of its state."""
        return pack(Encoded(FORMAT, self.name, self._dim, self._version))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote."""
        state = unpack(body, cls.name)
        policy = cls(state.dim)
        policy._version = state.version
        return policy


class Popular(_Fixed):
    """The most popular first; those equally popular in retrieval's order."""

    name = "popular"

    def score(self, x: FloatArray) -> FloatArray:
        """How popular each is, 0 to 1."""
        return rows(x, self._dim)[:, POPULAR].copy()

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """All on the most popular."""
        scores = self.score(x)
        return one_hot(len(scores), int(scores.argmax())) if len(scores) else scores


class First(_Fixed):
    """Retrieval's own order."""

    name = "first"
    named = False

    def score(self, x: FloatArray) -> FloatArray:
        """All alike."""
        return np.zeros(len(rows(x, self._dim)))

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """All on the first row."""
        n = len(rows(x, self._dim))
        return one_hot(n, 0) if n else np.zeros(0)


class Random(_Fixed):
    """Any of them, evenly: the reference that every learner must beat."""

    name = "random"
    named = False

    def score(self, x: FloatArray) -> FloatArray:
        """All alike."""
        return np.zeros(len(rows(x, self._dim)))

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 the draw is the slate's
        """1/n each."""
        n = len(rows(x, self._dim))
        return np.full(n, 1.0 / n) if n else np.zeros(0)


class Rules(_Fixed):
    """The business's own order: the item's priority, then its value, then retrieval's order."""

    name = "rules"

    def score(self, x: FloatArray) -> FloatArray:
        """Priority and, far behind it, value; both as the features bound them."""
        return rows(x, self._dim)[:, PRIORITY] + 1e-6 * x[:, VALUE]

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """All on the first of that order."""
        if not len(rows(x, self._dim)):
            return np.zeros(0)
        order = np.lexsort((-x[:, VALUE], -x[:, PRIORITY]))  # stable: ties stay in retrieval's order
        return one_hot(len(x), int(order[0]))
