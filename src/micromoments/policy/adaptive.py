"""Thompson sampling that trusts what it knows, with two memories: a long one, and one that follows a world that turns.

Two things make it better than plain Thompson sampling where there are few outcomes, measured on the problems of
``benchmarks/quality/regret.py``. The draws of the weights are narrowed to ``TEMPER`` of their spread: rows differ, and
that alone explores (Bietti, Agarwal and Langford, "A Contextual Bandit Bake-off", 2021, found the same of greedy
choices). And there are two regressions, of which one forgets; the one that has lately predicted better decides, each
outcome being predicted before it is learned. Without a prior they find out what is usual and how firm to be
(``unprimed``). Features beyond [-1, 1] are brought there by the largest learned. Probabilities are counted as in
``thompson``.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from micromoments.policy.base import (
    FORMAT,
    UNPRIMED,
    Encoded,
    FloatArray,
    from_bytes,
    outcome,
    pack,
    rows,
    to_bytes,
    unpack,
)
from micromoments.policy.linear import ARRAYS, NUMBERS, PRECISION, Regression
from micromoments.policy.thompson import PAIR, Drawn, Sampler
from micromoments.policy.unprimed import UNPRIMED_ARRAYS, UNPRIMED_NUMBERS, Unprimed

TEMPER = 0.35
"""Of the posterior's spread, how much the weights are drawn with."""
HALF_LIFE = 300.0
"""Outcomes after which one weighs half in the short memory."""
LATELY = 0.995
"""What is left of an old prediction's error after each outcome: the last few hundred tell which memory decides."""


class Adaptive:
    """A long and a short memory over Bayesian linear regression. ``prior`` is (d,): the weights believed before any
    outcome, by ``precision`` outcomes in each direction; with neither the memories are ``Unprimed``. With a
    ``half_life`` of 0 there is the long one alone.
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
        lives = (0.0, half_life) if half_life else (0.0,)
        self._memories: list[Regression] = [
            Unprimed(dim, half_life=one)
            if prior is None and precision is None
            else Regression(dim, prior=prior, precision=precision or PRECISION, half_life=one)
            for one in lives
        ]
        self._most: FloatArray | None = None
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
        return self._draws.counted(self._in_range(x), rng) if n > 1 else np.ones(n)

    def draws(self, x: FloatArray, word: int) -> Drawn | None:
        """What ``pmf`` counts, as ``policy.base.Drawing``."""
        return self._draws.drawn(self._in_range(rows(x, self._model.dim)), word) if len(x) > PAIR else None

    @property
    def _draws(self) -> Sampler:
        if self._sampler is None:
            self._sampler = Sampler(self._model, self._temper)
        return self._sampler

    def score(self, x: FloatArray) -> FloatArray:
        """Expected rewards (n,)."""
        model = self._model
        return model.predict(self._in_range(rows(x, model.dim)))

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Learn one outcome, in every memory."""
        row = self._in_range(self._grown(outcome(x, self._model.dim, reward, weight)))
        for n, memory in enumerate(self._memories):
            missed = memory.update(row, reward, weight)
            self._missed[n] = LATELY * self._missed[n] + weight * (missed * missed)
        self._version += 1
        self._sampler = None

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn what became of an outcome that was learned before, in every memory."""
        row = self._in_range(outcome(x, self._model.dim, reward, 1.0))
        for n, memory in enumerate(self._memories):
            said = memory.expected(row)
            self._missed[n] = max(0.0, self._missed[n] + (reward - said) ** 2 - (was - said) ** 2)
            memory.amend(row, was, reward)
        self._version += 1
        self._sampler = None

    def _in_range(self, x: FloatArray) -> FloatArray:
        """Features over the largest learned, where one lay outside [-1, 1]."""
        return x if self._most is None else x / self._most

    def _grown(self, row: FloatArray) -> FloatArray:
        """Take in how large the features of a row to be learned are, where the memories have no prior."""
        size = np.abs(row)
        if float(size[size.argmax()]) > 1.0 and isinstance(self._model, Unprimed):
            most = np.ones(len(row)) if self._most is None else self._most
            for at in np.flatnonzero(size > most).tolist():
                for memory in self._memories:
                    if isinstance(memory, Unprimed):
                        memory.grew(at, float(size[at] / most[at]))
            self._most = np.maximum(most, size)
        return row

    def encode(self) -> bytes:
        """All of its state."""
        numbers: list[float] = [self._temper, *self._missed]
        arrays: list[bytes] = []
        for memory in self._memories:
            numbers.extend(memory.numbers())
            arrays.extend(memory.arrays())
        arrays += [] if self._most is None else [to_bytes(self._most)]
        form = UNPRIMED if isinstance(self._model, Unprimed) else FORMAT
        return pack(Encoded(form, self.name, self._model.dim, self._version, tuple(numbers), tuple(arrays)))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote."""
        state = unpack(body, cls.name)
        new = state.format >= UNPRIMED
        wide, deep = (UNPRIMED_NUMBERS, UNPRIMED_ARRAYS) if new else (NUMBERS, ARRAYS)
        many = len(state.arrays) // deep
        policy = cls(state.dim, half_life=0.0, temper=state.numbers[0])
        policy._memories, policy._version = [], state.version
        policy._missed = list(state.numbers[1 : 1 + many])
        restore = Unprimed.restore if new else Regression.restore
        for n in range(many):
            numbers = state.numbers[1 + many + n * wide :][:wide]
            policy._memories.append(restore(state.dim, numbers, state.arrays[deep * n : deep * (n + 1)]))
        if len(state.arrays) > deep * many:
            policy._most = from_bytes(state.arrays[-1], (state.dim,))
        return policy
