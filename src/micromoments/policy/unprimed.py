"""A regression that nobody gave a prior: what is usual it learns, in the units that the features turn out to have.

Three things that a prior says are taken from the outcomes instead:

- **What is usual.** All rows share a level that isn't drawn to 0, as the intercept of a ridge regression isn't (Hastie,
  Tibshirani and Friedman, "The Elements of Statistical Learning", 2009, section 3.4.1). So what nobody has tried is
  held to be as good as what was served, not to be worth nothing. The level is worked out beside the weights, exactly,
  without a feature that would tie them together: ``ones`` (d,) are the weights that outcomes of 1 throughout give.
- **How firm the prior is.** Its precision is ``SHARE`` of the mean square of the rows' lengths, so that the spread of
  a prediction before any outcome depends neither on how many features a row has nor on their unit.
- **Scale.** A feature that grows in range is brought back by ``grew``: the same posterior in the new unit, under the
  prior of the new unit.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from micromoments.policy.base import FloatArray, from_bytes, to_bytes
from micromoments.policy.blocks import Blocks
from micromoments.policy.linear import ARRAYS, NUMBERS, SPARSE, Regression, Span, potter

SHARE = 0.1
"""The prior's precision a unit of the rows' mean square length (decision 0080)."""
LOOSE = 0.5
"""The precision before any row's length is known."""
MIDDLE = 0.5
"""The reward that is usual before any outcome."""
FIRMER = 1.2
"""How much longer than thought rows are before the prior is made firmer."""
YOUNG = 256
"""Outcomes until which the rows' length is looked at, each time that as many again were learned."""
MOST = 1e6
"""By how much a feature's range grows at once, at the most: what is beyond would be lost to rounding."""
UNPRIMED_NUMBERS, UNPRIMED_ARRAYS = NUMBERS + 3, ARRAYS + 1
"""How many scalars and arrays it encodes to."""


class Unprimed(Regression):
    """As ``Regression``, with a prior of 0 for the weights beside a level."""

    __slots__ = ("_left", "_raised", "_square", "ones")

    def __init__(self, dim: int, *, half_life: float = 0.0) -> None:
        super().__init__(dim, precision=LOOSE, half_life=half_life)
        self.ones: FloatArray = np.zeros(dim)
        # One outcome in the middle stands before all others, so that there is a level from the start.
        self._left, self._raised, self._square = 1.0, MIDDLE, 0.0

    @property
    def level(self) -> float:
        """What all rows have in common, in expected reward."""
        return self._raised / self._left

    @property
    def weights(self) -> FloatArray:
        """What a unit of each feature adds to the expected reward (d,)."""
        return self.mean - self.level * self.ones

    def predict(self, x: FloatArray) -> FloatArray:
        """Features (n, d) -> expected rewards (n,)."""
        return np.asarray(x.dot(self.weights) + self.level, dtype=np.float64)

    def expected(self, x: FloatArray) -> float:
        """The expected reward of one row (d,)."""
        level = self.level
        return float(x @ self.mean) + level * (1.0 - float(x @ self.ones))

    def update(self, x: FloatArray, reward: float, weight: float) -> float:
        """Learn one outcome, as ``Regression.update``."""
        self._measure(float(x.dot(x)))
        return super().update(x, reward, weight)

    def _measure(self, square: float) -> None:
        """Take in a row's length, squared, and make the prior as firm as the rows turn out to be long."""
        self._square += square
        if self.seen == 0 and square > 0.0:
            self.precision = SHARE * square
            wide = self.dim >= SPARSE
            self._root = Blocks(self.dim, self.precision) if wide else np.eye(self.dim) / sqrt(self.precision)
        elif 0 < self.seen <= YOUNG and self.seen & (self.seen - 1) == 0:
            wanted = SHARE * self._square / (self.seen + 1)
            if wanted > FIRMER * self.precision:
                more, self.precision, before = wanted - self.precision, wanted, self.ones.copy()
                self._drawn_in(1.0, more)
                # A firmer prior is so many observations of 0 that the level has no part in.
                self._left += more * float(before @ self.ones)
                self._raised += more * float(before @ self.mean)
                if isinstance(self._root, Blocks):
                    self._root.own = 1.0 / sqrt(wanted)

    def _moved(self, x: FloatArray, reward: float, at: Span, gain: FloatArray, spread: float) -> float:
        """Move the weights and the level by a row's outcome; by how much more it was than expected."""
        error, left = reward - float(x.dot(self.mean)), 1.0 - float(x.dot(self.ones))
        beyond = error - self._raised / self._left * left
        self.mean[at] += gain * error
        self.ones[at] += gain * left
        self._left += left * left / spread
        self._raised += left * error / spread
        return beyond

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn what an outcome came to, as ``Regression.amend``."""
        super().amend(x, was, reward)
        self._raised += (reward - was) * (1.0 - float(x @ self.ones))

    def grew(self, at: int, ratio: float) -> None:
        """A feature is told in a unit that is ``ratio`` above 1 times as large from now on."""
        ratio = min(ratio, MOST)
        if not self.seen or ratio * ratio <= 1.0:
            return
        unit = np.zeros(self.dim)
        unit[at] = 1.0
        root, span = self._met(unit)
        root[np.flatnonzero(unit[span])] *= ratio
        self.mean[at] *= ratio
        self.ones[at] *= ratio
        # What the new unit's prior says beyond the old one's is an observation of 0 of the weight itself.
        gain, spread = potter(root, unit[span], 1.0 / (self.precision * (1.0 - 1.0 / (ratio * ratio))))
        error, left = -float(self.mean[at]), -float(self.ones[at])
        self.mean[span] += gain * error
        self.ones[span] += gain * left
        self._left += left * left / spread
        self._raised += left * error / spread

    def _faded(self, keep: float) -> None:
        super()._faded(keep)
        self._left, self._raised = 1.0 + keep * (self._left - 1.0), MIDDLE + keep * (self._raised - MIDDLE)

    def _believed(self) -> tuple[tuple[FloatArray, FloatArray], ...]:
        return ((self.mean, self.prior), (self.ones, self.prior))

    def numbers(self) -> tuple[float, ...]:
        """The scalars of the state, ``UNPRIMED_NUMBERS`` of them."""
        return (*super().numbers(), self._left, self._raised, self._square)

    def arrays(self) -> tuple[bytes, ...]:
        """As ``Regression.arrays``, then ``ones``."""
        return (*super().arrays(), to_bytes(self.ones))

    @classmethod
    def restore(cls, dim: int, numbers: tuple[float, ...], arrays: tuple[bytes, ...]) -> Unprimed:
        """The model that ``numbers`` and ``arrays`` describe; ``ValueError`` where they don't fit."""
        plain = Regression.restore(dim, numbers[:NUMBERS], arrays[:ARRAYS])
        if len(numbers) != UNPRIMED_NUMBERS or len(arrays) != UNPRIMED_ARRAYS:
            raise ValueError(
                f"got {len(numbers)} numbers and {len(arrays)} arrays; wanted {UNPRIMED_NUMBERS} and "
                f"{UNPRIMED_ARRAYS}; restore a kept version"
            )
        model = cls(dim, half_life=plain.half_life)
        model.precision, model.mean, model._root = plain.precision, plain.mean, plain._root
        model.a, model.b, model.seen = plain.a, plain.b, plain.seen
        model._left, model._raised, model._square = numbers[NUMBERS:]
        model.ones = from_bytes(arrays[ARRAYS], (dim,))
        return model
