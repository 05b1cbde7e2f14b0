"""Thompson sampling that trusts what it knows, with two memories: a long one, and one that follows a world that turns.

Two things make it better than plain Thompson sampling where there are few outcomes, measured on the problems of
``benchmarks/quality/regret.py``. The draws of the weights are narrowed to ``TEMPER`` of their spread: rows differ, and
that alone explores (Bietti, Agarwal and Langford, "A Contextual Bandit Bake-off", 2021, found the same of greedy
choices). And there are two regressions, of which one forgets; the one that has lately predicted better decides, each
outcome being predicted before it is learned. Probabilities are counted as in ``thompson``.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from micromoments.policy.base import FORMAT, Encoded, FloatArray, outcome, pack, rows, unpack
from micromoments.policy.linear import NUMBERS, PRECISION, Regression
from micromoments.policy.thompson import Sampler

TEMPER = 0.35
"""Of the posterior's spread, how much the weights are drawn with."""
HALF_LIFE = 300.0
"""Outcomes after which one weighs half in the short memory."""
LATELY = 0.995
"""What is left of an old prediction's error after each outcome: the last few hundred tell which memory decides."""
LOOSE = 0.5
"""Prior outcomes' worth of belief in each direction, over features that nobody gave a prior for; with one it is
``linear.PRECISION``."""


class Adaptive:
    """A long and a short memory over Bayesian linear regression. ``prior`` is (d,): the weights believed before any
    outcome. With a ``half_life`` of 0 there is the long one alone.
    """

    name = "adaptive"

    def __init__(
        self,
        dim: int,
        *,
        prior: FloatArray | None = None,
        precision: float | None = None,
        half_life: float = HALF_LIFE,
        temper: float = TEMPER,
    ) -> None:
        firm = precision or (LOOSE if prior is None else PRECISION)
        lives = (0.0, half_life) if half_life else (0.0,)
        self._memories = [Regression(dim, prior=prior, precision=firm, half_life=one) for one in lives]
        self._missed = [0.0] * len(lives)
        self._temper = temper
        self._version = 0
        self._sampler: Sampler | None = None

    @property
    def version(self) -> int:
        """How many outcomes it has learned."""
        return self._version

    @property
    def _model(self) -> Regression:
        """The memory that decides; the longest where they are even."""
        return self._memories[self._missed.index(min(self._missed))]

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """How often each of the n rows is the best of all, over draws of the weights."""
        n = len(rows(x, self._model.dim))
        if n <= 1:
            return np.ones(n)
        if self._sampler is None:
            self._sampler = Sampler(self._model, self._temper)
        return self._sampler.counted(x, rng)

    def score(self, x: FloatArray) -> FloatArray:
        """Expected rewards (n,)."""
        return self._model.predict(rows(x, self._model.dim))

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Learn one outcome, in every memory."""
        row = outcome(x, self._model.dim, reward, weight)
        for n, memory in enumerate(self._memories):
            missed = memory.update(row, reward, weight)
            self._missed[n] = LATELY * self._missed[n] + weight * (missed * missed)
        self._version += 1
        self._sampler = None

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn what became of an outcome that was learned before, in every memory."""
        row = outcome(x, self._model.dim, reward, 1.0)
        for n, memory in enumerate(self._memories):
            said = float(row @ memory.mean)
            self._missed[n] = max(0.0, self._missed[n] + (reward - said) ** 2 - (was - said) ** 2)
            memory.amend(row, was, reward)
        self._version += 1
        self._sampler = None

    def encode(self) -> bytes:
        """All of its state."""
        numbers: list[float] = [self._temper, *self._missed]
        arrays: list[bytes] = []
        for memory in self._memories:
            numbers.extend(memory.numbers())
            arrays.extend(memory.arrays())
        dim = self._memories[0].dim
        return pack(Encoded(FORMAT, self.name, dim, self._version, tuple(numbers), tuple(arrays)))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote."""
        state = unpack(body, cls.name)
        many = len(state.arrays) // 3
        policy = cls(state.dim, half_life=0.0, temper=state.numbers[0])
        policy._memories, policy._version = [], state.version
        policy._missed = list(state.numbers[1 : 1 + many])
        for n in range(many):
            numbers = state.numbers[1 + many + n * NUMBERS :][:NUMBERS]
            policy._memories.append(Regression.restore(state.dim, numbers, state.arrays[3 * n : 3 * n + 3]))
        return policy
