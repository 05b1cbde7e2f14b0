"""SquareCB, epsilon-greedy and LinUCB: three ways to turn a regression's predictions into probabilities.

Sources: Foster and Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles" (2020),
with the learning rate as in Vowpal Wabbit (``gamma_scale * t ** gamma_exponent``, 10 and 0.5); Sutton and Barto,
"Reinforcement Learning" (2018), section 2.2; Li, Chu, Langford and Schapire, "A Contextual-Bandit Approach to
Personalized News Article Recommendation" (2010) for LinUCB.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from micromoments.policy.base import FORMAT, Encoded, FloatArray, outcome, pack, rows, unpack
from micromoments.policy.linear import PRECISION, Regression

MIXED = 0.05
"""Of LinUCB's mass, what is spread evenly over all."""


class _Greedy:
    """What both have in common: a regression, one number that sets how much they explore, learning, and their stored
    form.
    """

    name = ""
    _usual = 0.0

    def __init__(
        self,
        dim: int,
        *,
        explore: float | None = None,
        prior: FloatArray | None = None,
        precision: float = PRECISION,
        half_life: float = 0.0,
    ) -> None:
        self._model = Regression(dim, prior=prior, precision=precision, half_life=half_life)
        self._explore = self._usual if explore is None else explore
        self._version = 0

    @property
    def version(self) -> int:
        """How many outcomes it has learned."""
        return self._version

    def score(self, x: FloatArray) -> FloatArray:
        """Expected rewards (n,)."""
        return self._model.predict(rows(x, self._model.dim))

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Learn one outcome."""
        self._model.update(outcome(x, self._model.dim, reward, weight), reward, weight)
        self._version += 1

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn what became of an outcome that was learned before."""
        self._model.amend(outcome(x, self._model.dim, reward, 1.0), was, reward)
        self._version += 1

    def encode(self) -> bytes:
        """All of its state."""
        model = self._model
        numbers = (self._explore, *model.numbers())
        return pack(Encoded(FORMAT, self.name, model.dim, self._version, numbers, model.arrays()))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote."""
        state = unpack(body, cls.name)
        policy = cls(state.dim, explore=state.numbers[0])
        policy._model = Regression.restore(state.dim, state.numbers[1:], state.arrays)
        policy._version = state.version
        return policy


class SquareCB(_Greedy):
    """Inverse gap weighting: the further an item's prediction lies below the best, the rarer it is.

    ``explore`` is gamma's scale: the larger, the greedier.
    """

    name = "squarecb"
    _usual = 10.0

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """1 / (n + gamma * gap) for all but the best, which has the rest."""
        n = len(rows(x, self._model.dim))
        if n <= 1:
            return np.ones(n)
        expected = np.clip(self._model.predict(x), 0.0, 1.0)
        best = int(expected.argmax())
        gamma = self._explore * float(self._version + 1) ** 0.5
        p: FloatArray = 1.0 / (n + gamma * (expected[best] - expected))
        p[best] = 0.0
        p[best] = 1.0 - p.sum()
        return p


class Epsilon(_Greedy):
    """The best by prediction, but with probability ``explore`` (epsilon) any, evenly. Those equally good share."""

    name = "epsilon"
    _usual = 0.1

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """1 - epsilon shared by the best, epsilon by all."""
        n = len(rows(x, self._model.dim))
        if n == 0:
            return np.ones(0)
        expected = self._model.predict(x)
        best = expected >= expected.max()
        p: FloatArray = (1.0 - self._explore) * best / best.sum() + self._explore / n
        return p


class LinUCB(_Greedy):
    """The best by an optimistic prediction: what is expected, and ``explore`` standard errors more.

    By itself it would be certain, and no log of it could be learned from: ``MIXED`` of the mass is spread evenly over
    all, so that every propensity is above 0 and true. Those equally good share.
    """

    name = "linucb"
    _usual = 1.0

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:  # noqa: ARG002 needs no chance
        """1 - ``MIXED`` shared by the most promising, ``MIXED`` by all."""
        n, model = len(rows(x, self._model.dim)), self._model
        if n == 0:
            return np.ones(0)
        spread = model.spread(x)
        promise = model.predict(x) + self._explore * np.sqrt(model.noise * np.einsum("nd,nd->n", spread, spread))
        best = promise >= promise.max()
        p: FloatArray = (1.0 - MIXED) * best / best.sum() + MIXED / n
        return p
