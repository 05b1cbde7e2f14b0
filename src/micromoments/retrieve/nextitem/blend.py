"""The learned blend: a small network over a candidate's clues, trained so that the next item comes first.

Listwise softmax (Cao, Qin, Liu, Tsai, Li 2007, "Learning to rank: from pairwise approach to listwise approach"), two
hidden layers of rectified units and a straight line past them, by Adam. It is fitted on sessions that the clues' makers
haven't seen, so a clue that only remembers gets no say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from micromoments.retrieve.nextitem.past import Ints

    Singles = NDArray[np.float32]

CLIP = 4.0
"""Standard deviations beyond which a clue says no more."""
HIDDEN = (48, 24)
BATCH = 256
LEAST_STEPS = 400
"""Steps that few cases are gone over again for, in batches of a twentieth of them."""
DECAY = 1e-5


class Blend:
    """Scores candidates from their clues.

    Args:
        clues: (n, k), the candidates of all cases, end to end.
        starts: (cases + 1,), where each case's candidates start and the last one's end.
        right: (cases,), the row of each case's next item.
        epochs: passes over the cases.
        seed: of the first weights and the order.
    """

    def __init__(self, clues: Singles, starts: Ints, right: Ints, epochs: int = 10, seed: int = 0) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        k, (wide, narrow) = clues.shape[1], HIDDEN
        self._mean: Singles = clues.mean(0)
        self._scale: Singles = 1.0 / (clues.std(0) + np.float32(1e-3))
        self._weights: list[Singles] = [
            _normal(rng, (k, wide), k),
            np.zeros(wide, np.float32),
            _normal(rng, (wide, narrow), wide),
            np.zeros(narrow, np.float32),
            np.zeros(narrow, np.float32),
            np.zeros(k, np.float32),
        ]
        batch = min(BATCH, max(16, len(right) // 20))
        steps = max(1, len(right) // batch)
        epochs = max(epochs, LEAST_STEPS // steps)
        adam = _Adam(self._weights)
        order = rng.permutation(len(right))
        for step in range(epochs * steps):
            if step % steps == 0:
                order = rng.permutation(len(right))
            chosen = order[step % steps * batch :][:batch]
            gradients = self._gradients(clues, starts, right, chosen)
            adam.step(gradients, 2e-3 * (1.0 - 0.95 * step / (epochs * steps)))

    def score(self, clues: Singles) -> Singles:
        """(n, k) -> (n,), larger is better."""
        return self._forward(self._normal(clues))[2]

    def _normal(self, clues: Singles) -> Singles:
        scaled: Singles = (clues - self._mean) * self._scale
        return np.clip(scaled, -CLIP, CLIP, out=scaled)

    def _forward(self, x: Singles) -> tuple[Singles, Singles, Singles]:
        w1, b1, w2, b2, w3, straight = self._weights
        first = np.maximum(x @ w1 + b1, 0)
        second = np.maximum(first @ w2 + b2, 0)
        return first, second, second @ w3 + x @ straight

    def _gradients(self, clues: Singles, starts: Ints, right: Ints, chosen: Ints) -> Sequence[Singles]:
        lengths = starts[chosen + 1] - starts[chosen]
        offsets = np.cumsum(lengths) - lengths
        x = self._normal(clues[np.arange(int(lengths.sum())) + np.repeat(starts[chosen] - offsets, lengths)])
        first, second, score = self._forward(x)
        share = np.exp(score - np.repeat(np.maximum.reduceat(score, offsets), lengths))
        share /= np.repeat(np.add.reduceat(share, offsets), lengths)
        share[offsets + right[chosen] - starts[chosen]] -= 1.0
        share /= np.float32(len(chosen))
        _, _, w2, _, w3, _ = self._weights
        to_second = share[:, None] * w3 * (second > 0)
        to_first = (to_second @ w2.T) * (first > 0)
        return (
            x.T @ to_first,
            to_first.sum(0),
            first.T @ to_second,
            to_second.sum(0),
            second.T @ share,
            x.T @ share,
        )


class _Adam:
    """Adam (Kingma, Ba 2015) with a little weight decay, on weights that it changes in place."""

    def __init__(self, weights: Sequence[Singles]) -> None:
        self._weights = weights
        self._means = [np.zeros_like(w) for w in weights]
        self._squares = [np.zeros_like(w) for w in weights]
        self._steps = 0

    def step(self, gradients: Sequence[Singles], rate: float) -> None:
        """One step against the gradients."""
        self._steps += 1
        less, much = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        for i, weights in enumerate(self._weights):
            slope = gradients[i] + DECAY * weights
            self._means[i] += 0.1 * (slope - self._means[i])
            self._squares[i] += 0.001 * (slope * slope - self._squares[i])
            self._weights[i][...] = weights - rate * (self._means[i] / less) / (np.sqrt(self._squares[i] / much) + 1e-8)


def _normal(rng: np.random.Generator, shape: tuple[int, int], fan: int) -> Singles:
    drawn: Singles = (rng.standard_normal(shape) * np.sqrt(2.0 / fan)).astype(np.float32)
    return drawn
