"""Fitting the weights of signals to what people did next, and telling whether that made them better.

The model is the recogniser's own: log odds of each intent against none are a prior plus the sum of what was done, each
by how much of it is left. So fitting is a multinomial logistic regression in which every class has features of its own
(evidence fades by type), held near the shipped weights by a normal prior (MAP), and solved by Newton's method.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
INTENTS: Final = 4
SPREAD: Final = 1.5
"""The prior's standard deviation of a weight about the shipped one, in nats."""
STEPS: Final = 60
Z: Final = 1.959964
BINS: Final = 10


class Design(NamedTuple):
    """Examples to learn from: n of them, f features, four intents.

    ``x`` (4, n, f): what is left of each feature for each intent. ``offset`` (n, 4): log odds against none of all that
    isn't learned. ``y`` (n,): what was done next, 0 to 4, 4 being none. ``who`` (n,): the number of the person.
    """

    x: FloatArray
    offset: FloatArray
    y: IntArray
    who: IntArray


def probabilities(x: FloatArray, offset: FloatArray, weights: FloatArray) -> FloatArray:
    """Know, go, do, buy, none (n, 5) under weights (f, 4) in nats."""
    logits = np.zeros((len(offset), INTENTS + 1))
    for c in range(INTENTS):
        logits[:, c] = offset[:, c] + x[c] @ weights[:, c]
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    result: FloatArray = p / p.sum(axis=1, keepdims=True)
    return result


def fit(design: Design, centre: FloatArray, spread: float = SPREAD) -> FloatArray:
    """The weights (f, 4) that are likeliest given the examples and a normal prior about ``centre``, in nats.

    The same examples give the same weights on the same CPU family. Costs O(n f^2) a step, mostly under ten steps.
    """
    precision = 1.0 / spread**2
    f = centre.shape[0]
    hot = np.eye(INTENTS + 1)[design.y]
    weights = centre.copy()
    loss = _loss(design, weights, centre, precision)
    for _ in range(STEPS):
        p = probabilities(design.x, design.offset, weights)
        gradient = np.empty((INTENTS, f))
        hessian = np.empty((INTENTS, f, INTENTS, f))
        for a in range(INTENTS):
            gradient[a] = design.x[a].T @ (p[:, a] - hot[:, a]) + precision * (weights[:, a] - centre[:, a])
            for b in range(a, INTENTS):
                spreads = p[:, a] * ((a == b) - p[:, b])
                block = design.x[a].T @ (spreads[:, None] * design.x[b])
                hessian[a, :, b, :] = block
                hessian[b, :, a, :] = block.T
        flat = hessian.reshape(INTENTS * f, INTENTS * f) + precision * np.eye(INTENTS * f)
        step = np.linalg.solve(flat, gradient.reshape(-1)).reshape(INTENTS, f).T
        size, better = 1.0, loss
        while size > 1e-4:
            better = _loss(design, weights - size * step, centre, precision)
            if better < loss:
                weights = weights - size * step
                break
            size /= 2
        if loss - better < 1e-9 * abs(loss):
            break
        loss = better
    return weights


def surprise(design: Design, centre: FloatArray) -> float:
    """The log loss, in nats an example, of weights fitted on two thirds of the people, on the others."""
    aside = design.who % 3 == 0
    if not aside.any() or aside.all():
        return 0.0
    taught = Design(design.x[:, ~aside], design.offset[~aside], design.y[~aside], design.who[~aside])
    p = probabilities(design.x[:, aside], design.offset[aside], fit(taught, centre))
    return float(-np.log(np.maximum(p[np.arange(len(p)), design.y[aside]], 1e-6)).mean())


def _loss(design: Design, weights: FloatArray, centre: FloatArray, precision: float) -> float:
    p = probabilities(design.x, design.offset, weights)
    told = np.log(np.maximum(p[np.arange(len(design.y)), design.y], 1e-12)).sum()
    return float(0.5 * precision * ((weights - centre) ** 2).sum() - told)


class Score(msgspec.Struct, frozen=True):
    """How good probabilities are: log loss in nats an example (lower is better), the expected calibration error of the
    likeliest answer over ten bins, and the share of examples whose likeliest answer was right.
    """

    log_loss: float
    calibration_error: float
    right: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Two sets of probabilities on the same examples.

    ``gain`` is by how much the log loss falls, with a 95 % interval over people (whose examples hang together);
    ``better`` where all of the interval is above 0.
    """

    old: Score
    new: Score
    base_rates: Score
    gain: float
    low: float
    high: float
    better: bool
    examples: int
    people: int
    labels: dict[str, int]


def score(p: FloatArray, y: IntArray) -> Score:
    """The score of probabilities (n, 5) against what happened (n,)."""
    told = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-6))
    top, sure = p.argmax(axis=1), p.max(axis=1)
    right = top == y
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    error = sum(abs(right[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins))
    return Score(round(float(told.mean()), 5), round(float(error), 5), round(float(right.mean()), 5))


def compare(
    old: FloatArray, new: FloatArray, y: IntArray, who: IntArray, rates: FloatArray, names: tuple[str, ...]
) -> Verdict:
    """Old and new probabilities (n, 5) beside those of always giving the base ``rates`` (5,)."""
    rows = np.arange(len(y))
    gains = np.log(np.maximum(new[rows, y], 1e-6)) - np.log(np.maximum(old[rows, y], 1e-6))
    gain = float(gains.mean())
    _, where = np.unique(who, return_inverse=True)
    people = int(where.max()) + 1
    sums = np.bincount(where, weights=gains - gain)
    error = float(np.sqrt((sums**2).sum() * people / max(people - 1, 1))) / len(y)
    low, high = gain - Z * error, gain + Z * error
    return Verdict(
        old=score(old, y),
        new=score(new, y),
        base_rates=score(np.tile(rates, (len(y), 1)), y),
        gain=round(gain, 5),
        low=round(low, 5),
        high=round(high, 5),
        better=bool(low > 0 and people > 1),
        examples=len(y),
        people=people,
        labels={name: int((y == c).sum()) for c, name in enumerate(names)},
    )
