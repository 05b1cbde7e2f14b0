"""Linear Thompson sampling with weights shared by all items.

Sources: Thompson, "On the likelihood that one unknown probability exceeds another" (1933); Agrawal and Goyal,
"Thompson Sampling for Contextual Bandits with Linear Payoffs" (2013). Of more than two the probabilities of being best
have no closed form, so they are counted over ``SAMPLES`` draws of the weights, and the item is drawn *from those
counts*: what is logged is the distribution that was drawn from, not an estimate of it.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from math import copysign, erf, inf, sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from micromoments.policy.base import FORMAT, Encoded, FloatArray, outcome, pack, rows, unpack
from micromoments.policy.linear import PRECISION, SPARSE, Regression

SAMPLES = 128
"""Draws of the weights for one distribution of more than two: a probability is a multiple of 1/128. They come in
mirrored pairs.
"""
HALF = SAMPLES // 2
SETS = 8
"""Sets of draws of what is believed at one time; a decision takes one of them, so that making them isn't its cost."""
BANK = 2048
"""Normal vectors that the draws are taken from."""
BLOCK = 60
"""Rows in one matrix product of 65 weights. OpenBLAS takes several threads above 64^3 products, whose waking costs
more than they save.
"""
PAIR = 2
"""Of so many the probabilities have a closed form."""
Drawn = NDArray[np.float32]
_SIGNS = np.array([1.0, -1.0], dtype=np.float32)


@lru_cache(maxsize=4)
def _normals(dim: int) -> Drawn:
    """``BANK`` standard normal vectors (d,), always the same; a set takes some, with signs turned at random.

    Fresh normals would cost more than all the rest of a distribution: for 64 x 64 about 118 us here, against 5.
    Single precision, because the draws are only compared.
    """
    bank = np.random.Generator(np.random.PCG64(dim)).standard_normal((BANK, dim)).astype(np.float32)
    bank.flags.writeable = False
    return bank


class Sampler:
    """The draws of one state of a regression: made anew when it has learned. ``temper`` narrows their spread."""

    __slots__ = ("_model", "_sets", "_temper", "_width")

    def __init__(self, model: Regression, temper: float = 1.0) -> None:
        self._model = model
        self._temper = temper
        self._width = np.float32(temper * sqrt(model.noise))
        self._sets: dict[int, Drawn] = {}

    def counted(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """How often each of the n rows is the best of all, over ``SAMPLES`` draws of the weights; of two, exactly."""
        if len(x) == PAIR:
            return self._of_two(x[0] - x[1])
        drawn = self.drawn(x, int(rng.bit_generator.random_raw()))
        return np.bincount(drawn.argmax(axis=1), minlength=len(x)) / float(SAMPLES)

    def drawn(self, x: FloatArray, word: int) -> Drawn:
        """What each of n rows is worth under each of ``SAMPLES`` draws of the weights, beside what all rows have in
        common: (``SAMPLES``, n). ``word`` are 64 bits of chance, which say which draws.
        """
        n, model = len(x), self._model
        if model.dim < SPARSE:
            offset, middle = self._by_weights(x, word)
        else:
            offset = self._drawn(x, word) if n < min(model.dim, BANK) else self._by_wide_weights(x, word)
            middle = model.predict(x).astype(np.float32)
        both = np.empty((SAMPLES, n), dtype=np.float32)
        np.add(middle, offset, out=both[:HALF])
        np.subtract(middle, offset, out=both[HALF:])
        return both

    def _of_two(self, gap: FloatArray) -> FloatArray:
        """The first and the second's probabilities, given the difference (d,) of their features: what is drawn of it is
        normal. Certain where nothing is drawn; the first then wins a tie, as it does in the counts.
        """
        model = self._model
        spread = self._temper * sqrt(2.0 * model.noise) * model.length(gap)
        ahead = float(gap @ model.weights)
        first = 0.5 * (1.0 + erf(ahead / spread if spread > 0.0 else copysign(inf, ahead)))
        return np.array([first, 1.0 - first])

    def _drawn(self, x: FloatArray, word: int) -> Drawn:
        """What half of the draws add to the expected rewards of n rows, (``HALF``, n), drawn row by row."""
        pool, many = _normals(SPARSE).ravel(), HALF * len(x)
        # The chance says where in the bank they start: taking them apart would cost more than all the rest.
        start = word % (len(pool) - many + 1)
        z = pool[start : start + many].reshape(HALF, len(x))
        return self._model.drawn(x, z * self._width)

    def _by_weights(self, x: FloatArray, word: int) -> tuple[Drawn, Drawn]:
        """The same by draws of all d weights, which is cheaper where the weights are no more than the rows, and what is
        expected of the rows (n,).
        """
        number = word % SETS
        weights = self._sets.get(number)
        if weights is None:
            added = self._normals_of(number) @ self._model.root.T.astype(np.float32)
            weights = self._sets[number] = np.vstack((added, self._model.weights.astype(np.float32)))
        told = np.empty((HALF + 1, len(x)), dtype=np.float32)
        for start in range(0, len(x), BLOCK):
            rows = x[start : start + BLOCK].astype(np.float32)
            np.matmul(weights, rows.T, out=told[:, start : start + BLOCK])
        return told[:HALF], told[HALF]

    def _by_wide_weights(self, x: FloatArray, word: int) -> Drawn:
        """The same of wide features, whose root is kept in blocks: what of it meets the rows is multiplied."""
        z = self._normals_of(word % SETS)
        offset = np.empty((HALF, len(x)), dtype=np.float32)
        for start in range(0, len(x), BLOCK):
            spread = self._model.spread(x[start : start + BLOCK]).astype(np.float32)
            np.matmul(z, spread.T, out=offset[:, start : start + BLOCK])
        return offset

    def _normals_of(self, number: int) -> Drawn:
        """The normals of a set (``HALF``, d): which follows from what is believed now, so that every state is drawn
        from anew.
        """
        dim = self._model.dim
        words = blake2b(b"%d " % number + self._model.mean.tobytes(), digest_size=40).digest()
        start = int.from_bytes(words[:8], "little") % (BANK - HALF + 1)
        # Signs of 256 features; wider ones take them again and again.
        signs = np.unpackbits(np.frombuffer(words[8:], dtype=np.uint8))
        return _normals(dim)[start : start + HALF] * np.resize(_SIGNS.take(signs) * self._width, dim)


class Thompson:
    """Thompson sampling over Bayesian linear regression. ``prior`` is (d,): the weights believed before any outcome."""

    name = "thompson"

    def __init__(
        self, dim: int, *, prior: FloatArray | None = None, precision: float = PRECISION, half_life: float = 0.0
    ) -> None:
        self._model = Regression(dim, prior=prior, precision=precision, half_life=half_life)
        self._version = 0
        self._sampler: Sampler | None = None

    @property
    def version(self) -> int:
        """How many outcomes it has learned."""
        return self._version

    def pmf(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """How often each of the n rows is the best of all, over ``SAMPLES`` draws of the weights."""
        n = len(rows(x, self._model.dim))
        return self._draws.counted(x, rng) if n > 1 else np.ones(n)

    def draws(self, x: FloatArray, word: int) -> Drawn | None:
        """What ``pmf`` counts, as ``policy.base.Drawing``."""
        return self._draws.drawn(rows(x, self._model.dim), word) if len(x) > PAIR else None

    @property
    def _draws(self) -> Sampler:
        if self._sampler is None:
            self._sampler = Sampler(self._model)
        return self._sampler

    def score(self, x: FloatArray) -> FloatArray:
        """Expected rewards (n,)."""
        return self._model.predict(rows(x, self._model.dim))

    def learn(self, x: FloatArray, reward: float, weight: float = 1.0) -> None:
        """Learn one outcome."""
        self._model.update(outcome(x, self._model.dim, reward, weight), reward, weight)
        self._version += 1
        self._sampler = None

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn what became of an outcome that was learned before."""
        self._model.amend(outcome(x, self._model.dim, reward, 1.0), was, reward)
        self._version += 1
        self._sampler = None

    def encode(self) -> bytes:
        """All of its state."""
        model = self._model
        return pack(Encoded(FORMAT, self.name, model.dim, self._version, model.numbers(), model.arrays()))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The policy that ``encode`` wrote."""
        state = unpack(body, cls.name)
        policy = cls(state.dim)
        policy._model = Regression.restore(state.dim, state.numbers, state.arrays)
        policy._version = state.version
        return policy
