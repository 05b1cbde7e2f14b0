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
SETS = 8
"""Sets of draws of what is believed at one time; a decision takes one of them, so that making them isn't its cost."""
BANK = 2048
"""Normal vectors that the draws are taken from."""
BLOCK = 64
"""Rows in one matrix product. OpenBLAS takes several threads above 64^3 products, whose waking costs more than they
save.
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
        """What each of n rows is worth under each of ``SAMPLES`` draws of the weights: (``SAMPLES``, n). ``word`` are
        64 bits of chance, which say which.
        """
        n = len(x)
        few = self._model.dim >= SPARSE and n < min(self._model.dim, BANK)
        offset = self._drawn(x, word) if few else self._drawn_by_weights(x, word)
        middle = self._model.predict(x).astype(np.float32)
        both = np.empty((SAMPLES, n), dtype=np.float32)
        np.add(middle, offset, out=both[: SAMPLES // 2])
        np.subtract(middle, offset, out=both[SAMPLES // 2 :])
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
        """What half of the draws add to the expected rewards of n rows, (``SAMPLES`` / 2, n), drawn row by row."""
        pool, many = _normals(SPARSE).ravel(), SAMPLES // 2 * len(x)
        # The chance says where in the bank they start: taking them apart would cost more than all the rest.
        start = word % (len(pool) - many + 1)
        z = pool[start : start + many].reshape(SAMPLES // 2, len(x))
        return self._model.drawn(x, z * self._width)

    def _drawn_by_weights(self, x: FloatArray, word: int) -> Drawn:
        """The same by draws of all d weights, which is cheaper where the weights are no more than the rows."""
        number = word % SETS
        z = self._sets.get(number)
        if z is None:
            z = self._sets[number] = self._set(number)
        wide = self._model.dim >= SPARSE
        offset = np.empty((SAMPLES // 2, len(x)), dtype=np.float32)
        for start in range(0, len(x), BLOCK):
            some = x[start : start + BLOCK]
            rows = (self._model.spread(some) if wide else some).astype(np.float32)
            np.matmul(z, rows.T, out=offset[:, start : start + BLOCK])
        return offset

    def _set(self, number: int) -> Drawn:
        """Half of one set's draws (``SAMPLES`` / 2, d), less the expected weights: which, follows from what is believed
        now, so that every state is drawn from anew. Of wide features the normals alone, to be multiplied by the root's
        product with the rows.
        """
        model = self._model
        seed = b"%d " % number + model.mean.tobytes()
        words = np.frombuffer(blake2b(seed, digest_size=40).digest(), dtype="<u8")
        start = int(words[0]) % (BANK - SAMPLES // 2 + 1)
        # Signs of 256 features; wider ones take them again and again.
        signs = np.unpackbits(words[1:].view(np.uint8))
        z = _normals(model.dim)[start : start + SAMPLES // 2] * np.resize(_SIGNS.take(signs) * self._width, model.dim)
        return z if model.dim >= SPARSE else z @ model.root.T.astype(np.float32)


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
