"""Bayesian linear regression, online, in square-root form: what the learning policies have in common.

Model: reward = x . theta + noise, noise ~ N(0, s2), theta ~ N(m, s2 P) with P = S S^T, s2 ~ InvGamma(a, b) (normal
inverse gamma; Riquelme, Tucker and Snoek, "Deep Bayesian Bandits Showdown", 2018, section 3). ``S`` is updated by
Potter's square-root measurement update (Bierman, "Factorization Methods for Discrete Sequential Estimation", 1977,
chapter 2), so P can't lose its positive definiteness to rounding, and drawing from the posterior needs no
factorisation.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from micromoments.policy.base import FloatArray, from_bytes, to_bytes
from micromoments.policy.blocks import Blocks

REFRESH = 256
"""Outcomes between two re-factorisations; between them forgetting waits, too."""
PRECISION = 100.0
"""Prior outcomes' worth of belief in the prior weights, in each direction. At 9 a cold policy drew almost evenly; at 40
it was worth less in the simulated town than at 100 (decision 0049)."""
NOISE_SHAPE = 10.0
"""The prior's a: 20 outcomes' worth of belief in the noise."""
NOISE_VARIANCE = 0.09
"""The prior's expected s2: the variance of a reward that is won one time in ten."""
SPARSE = 128
"""From so many features on, the root is kept in blocks: rows of wide features are mostly zeros."""
NUMBERS, ARRAYS = 5, 3
"""How many scalars and arrays a model encodes to."""
Span = slice | NDArray[np.intp]
"""Which features."""
_ALL, _NONE = slice(None), slice(0, 0)


class Regression:
    """A linear model of the reward with its uncertainty.

    ``mean`` is (d,), ``root`` (d, d) with covariance ``noise * root @ root.T``. ``half_life`` is the number of
    outcomes after which one weighs half, 0 for never: then the world is taken to be the same for ever.
    """

    __slots__ = ("_root", "a", "b", "dim", "half_life", "mean", "precision", "prior", "seen")

    def __init__(
        self, dim: int, *, prior: FloatArray | None = None, precision: float = PRECISION, half_life: float = 0.0
    ) -> None:
        if dim < 1 or precision <= 0.0 or half_life < 0.0:
            raise ValueError(
                f"got dim {dim}, precision {precision}, half_life {half_life}; "
                "wanted dim from 1, precision above 0, half_life from 0; correct the policy's parameters"
            )
        self.dim = dim
        self.prior: FloatArray = np.zeros(dim) if prior is None else np.array(prior, dtype=np.float64)
        if self.prior.shape != (dim,):
            raise ValueError(f"got a prior of shape {self.prior.shape}; wanted ({dim},); give one weight a feature")
        self.precision = precision
        self.half_life = half_life
        self.mean: FloatArray = self.prior.copy()
        self._root: FloatArray | Blocks = Blocks(dim, precision) if dim >= SPARSE else np.eye(dim) / sqrt(precision)
        self.a = NOISE_SHAPE
        self.b = NOISE_SHAPE * NOISE_VARIANCE
        self.seen = 0

    @property
    def root(self) -> FloatArray:
        """The covariance's root (d, d), in units of the noise; to be read only."""
        return self._root.whole() if isinstance(self._root, Blocks) else self._root

    @property
    def noise(self) -> float:
        """The noise variance expected now."""
        return self.b / self.a

    @property
    def weights(self) -> FloatArray:
        """What a unit of each feature adds to the expected reward (d,)."""
        return self.mean

    def predict(self, x: FloatArray) -> FloatArray:
        """Features (n, d) -> expected rewards (n,)."""
        return x @ self.mean

    def expected(self, x: FloatArray) -> float:
        """The expected reward of one row (d,)."""
        return float(x @ self.mean)

    def spread(self, x: FloatArray) -> FloatArray:
        """Features (n, d) -> (n, d), whose rows' products are the covariances of their expected rewards, in units of
        the noise.
        """
        if isinstance(self._root, Blocks):
            return self._root.spread(x)
        return np.asarray(x @ self._root, dtype=np.float64)

    def length(self, x: FloatArray) -> float:
        """The standard error of the expected reward of one row (d,), in units of the noise's."""
        if isinstance(self._root, Blocks):
            return self._root.length(x)
        f = x @ self._root
        return sqrt(float(f @ f))

    def drawn(self, x: FloatArray, z: NDArray[np.float32]) -> NDArray[np.float32]:
        """What draws of the weights add to the expected rewards of rows (n, d), in units of the noise: standard normals
        (s, n) to (s, n) with the rows' own covariance. Cheap where rows are fewer than features.
        """
        lengths = self._root.apart(x) if isinstance(self._root, Blocks) else None
        if lengths is not None:
            return z * lengths.astype(np.float32)
        spread = self.spread(x)
        return np.asarray(z @ factor(spread @ spread.T).T.astype(np.float32), dtype=np.float32)

    def update(self, x: FloatArray, reward: float, weight: float) -> float:
        """Learn one outcome, x (d,), in O(k^2) of the k features that met its own; a weight of 2 moves them as two
        outcomes of this reward would. Gives by how much more it was than expected.
        """
        root, at = self._met(x)
        gain, spread = potter(root, x[at], 1.0 / weight)
        error = self._moved(x, reward, at, gain, spread)
        self.a += 0.5
        self.b += 0.5 * error * error / spread
        self.seen += 1
        if self.seen % REFRESH == 0:
            self._refresh()
        return error

    def _met(self, x: FloatArray) -> tuple[FloatArray, Span]:
        """The root (k, k) of the features that met a row's own, changed in place, and which of all they are."""
        if not isinstance(self._root, Blocks):
            return self._root, _ALL
        block = self._root.met(x)
        return (block.root, block.span) if block is not None else (np.zeros((0, 0)), _NONE)

    def _moved(self, x: FloatArray, reward: float, at: Span, gain: FloatArray, spread: float) -> float:  # noqa: ARG002
        """Move the weights by a row's outcome; by how much more it was than expected."""
        error = reward - float(x.dot(self.mean))
        self.mean[at] += gain * error
        return error

    def amend(self, x: FloatArray, was: float, reward: float) -> None:
        """Learn that an outcome that was learned as ``was`` came to ``reward``: the same as if it had been learned so,
        but for what was forgotten since.
        """
        more = reward - was
        root, at = self._met(x)
        f = x[at] @ root
        error = was - self.expected(x)
        self.b = max(0.1 * self.a * NOISE_VARIANCE, self.b + 0.5 * more * (2.0 * error + more) / (float(f @ f) + 1.0))
        self.mean[at] += (root @ f) * more

    def _refresh(self) -> None:
        """Fade what was learned towards the prior by the half-life, then factor anew: rounding can't pile up."""
        keep = 2.0 ** (-REFRESH / self.half_life) if self.half_life else 1.0
        self._drawn_in(keep, (1.0 - keep) * self.precision)
        if self.half_life:
            self._faded(keep)

    def _faded(self, keep: float) -> None:
        """Let scalars fade towards their priors, too."""
        self.a = NOISE_SHAPE + keep * (self.a - NOISE_SHAPE)
        self.b = NOISE_SHAPE * NOISE_VARIANCE + keep * (self.b - NOISE_SHAPE * NOISE_VARIANCE)

    def _drawn_in(self, keep: float, own: float) -> None:
        """Keep a share of what was learned, believe the prior by ``own`` more, and factor every root (k, k) anew.

        What comes out has the precision ``keep (S S^T)^-1 + own I``, of which ``S L^-T`` is a root where ``L L^T`` is
        ``keep I + own S^T S``: nothing is inverted that may be close to singular.
        """
        whole = [(self._root, _ALL)] if not isinstance(self._root, Blocks) else [(b.root, b.span) for b in self._root]
        for root, at in whole:
            if own == 0.0:
                root[:] = factor(root @ root.T)
                continue
            left = factor(keep * np.eye(len(root)) + own * (root.T @ root))
            root[:] = np.linalg.solve(left, root.T).T
            for weights, prior in self._believed():
                beyond = weights[at] - prior[at]
                weights[at] -= own * (root @ (beyond @ root))

    def _believed(self) -> tuple[tuple[FloatArray, FloatArray], ...]:
        """What outcomes move, and what it is drawn in to."""
        return ((self.mean, self.prior),)

    def numbers(self) -> tuple[float, ...]:
        """The scalars of the state, ``NUMBERS`` of them; ``arrays`` has the rest."""
        return (self.precision, self.half_life, self.a, self.b, float(self.seen))

    def arrays(self) -> tuple[bytes, ...]:
        """Prior, mean and root as bytes."""
        root = self._root.to_bytes() if isinstance(self._root, Blocks) else to_bytes(self._root)
        return (to_bytes(self.prior), to_bytes(self.mean), root)

    @classmethod
    def restore(cls, dim: int, numbers: tuple[float, ...], arrays: tuple[bytes, ...]) -> Regression:
        """The model that ``numbers`` and ``arrays`` describe; ``ValueError`` where they don't fit."""
        if len(numbers) != NUMBERS or len(arrays) != ARRAYS:
            raise ValueError(
                f"got {len(numbers)} numbers and {len(arrays)} arrays; wanted {NUMBERS} and {ARRAYS}; "
                "restore a kept version"
            )
        model = cls(dim, prior=from_bytes(arrays[0], (dim,)), precision=numbers[0], half_life=numbers[1])
        model.a, model.b, model.seen = numbers[2], numbers[3], int(numbers[4])
        model.mean = from_bytes(arrays[1], (dim,))
        wide = dim >= SPARSE
        model._root = Blocks.from_bytes(arrays[2], dim, numbers[0]) if wide else from_bytes(arrays[2], (dim, dim))
        return model


def potter(root: FloatArray, x: FloatArray, own: float) -> tuple[FloatArray, float]:
    """Update a root (k, k) in place by a row (k,) whose outcome has a noise of ``own``; the gain (k,) and the spread of
    the prediction, both in units of the model's noise.
    """
    f = np.asarray(x.dot(root), dtype=np.float64)
    spread = float(f.dot(f)) + own
    gain: FloatArray = root.dot(f) / spread
    root -= (gain / (1.0 + sqrt(own / spread)))[:, None] * f
    return gain, spread


def factor(covariance: FloatArray) -> FloatArray:
    """The lower Cholesky factor of a covariance (d, d) that rounding may have bent: symmetrised, and with as little
    added to its diagonal as makes it positive definite.

    Raises:
        ValueError: the matrix isn't finite, so nothing can make it a covariance.
    """
    even = (covariance + covariance.T) / 2.0
    scale = float(np.trace(even)) / len(even)
    if not np.isfinite(even).all():
        raise ValueError("got a covariance that is not finite; wanted finite numbers; restore a kept version")
    jitter = 0.0
    for _ in range(12):
        try:
            root: FloatArray = np.linalg.cholesky(even + jitter * np.eye(len(even))).astype(np.float64)
            return root
        except np.linalg.LinAlgError:
            jitter = max(10.0 * jitter, 1e-12 * scale, 1e-300)
    flat: FloatArray = np.diag(np.sqrt(np.maximum(np.diag(even), 1e-12 * max(scale, 1e-12)))).astype(np.float64)
    return flat
