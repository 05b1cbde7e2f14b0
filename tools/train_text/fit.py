"""Fitting: examples to a sparse matrix, multinomial logistic regression by L-BFGS, rounding to int8, calibration.

scikit-learn isn't needed; scipy gives the optimiser and the sparse products. One seed gives one file on one machine.
"""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from micromoments.recognise.features import (
    CUE,
    ROWS,
    Word,
    analyse,
    cue_rows,
    pair_bits,
    pair_rows,
    scale,
    titled,
    tokens,
)
from micromoments.recognise.sense import Sense
from micromoments.recognise.text import FORMAT, PAIRS, TextModel

Floats = NDArray[np.float64]
GROUP_CAP = 220
"""Examples drawn at most from one intent of one source, so that no source's manner of speech rules."""


@dataclass
class Examples:
    """Texts with label, weight, and whether spellings are hidden (only cues remain)."""

    texts: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    hidden: list[bool] = field(default_factory=list)

    def add(self, text: str, label: int, weight: float, *, hidden: bool = False) -> None:
        """One more example; empty texts are skipped."""
        if tokens(text):
            self.texts.append(text)
            self.labels.append(label)
            self.weights.append(weight)
            self.hidden.append(hidden)


class Reader:
    """Texts to rows of the weight table, just as the runtime reads them."""

    def __init__(self, lexicon: dict[int, int], vocabulary: frozenset[int]) -> None:
        """``vocabulary``: CRC-32 of the words seen in training."""
        self.lexicon = lexicon
        self.vocabulary = vocabulary
        self._seen: dict[str, Word] = {}

    def row(self, text: str, *, hidden: bool) -> tuple[list[int], list[float]]:
        """Row numbers and values of one text."""
        texts = tokens(text)
        words = []
        for t in texts:
            if t not in self._seen:
                self._seen[t] = analyse(t, self.lexicon, self.vocabulary)
            words.append(self._seen[t])
        rows = cue_rows(words, pair_bits(texts, self.lexicon))
        values = [CUE] * len(rows)
        weigh = scale(len(texts))
        for word in words:
            if not hidden or word.small >= 0:
                rows += [r for r, _ in word.rows]
                values += [weigh * v for _, v in word.rows]
        if not hidden:
            pairs = pair_rows(texts, words[0].kinds if titled(text) else ())
            rows += pairs
            values += [PAIRS * weigh] * len(pairs)
        return rows, values

    def matrix(self, examples: Examples) -> csr_matrix:
        """All examples as one sparse matrix, shape (examples, ROWS)."""
        indices: list[int] = []
        data: list[float] = []
        starts = [0]
        for text, hidden in zip(examples.texts, examples.hidden, strict=True):
            rows, values = self.row(text, hidden=hidden)
            indices += rows
            data += values
            starts.append(len(indices))
        shape = (len(examples.texts), ROWS)
        return csr_matrix(
            (np.array(data, np.float32), np.array(indices, np.int32), np.array(starts, np.int64)), shape=shape
        )


def vocabulary_of(texts: list[str], at_least: int = 2) -> frozenset[int]:
    """CRC-32 of the words that occur in at least so many examples."""
    counts = Counter(w for text in texts for w in set(tokens(text)))
    return frozenset(crc32(w.encode()) for w, n in counts.items() if n >= at_least)


def logistic(x: csr_matrix, y: NDArray[np.int64], weight: Floats, penalty: float, rounds: int) -> Floats:
    """Weights (columns of x, 5) of a multinomial logistic regression with an L2 penalty, by L-BFGS."""
    xt = x.T.tocsr()
    n, classes = len(y), 5
    columns = x.shape[1]
    hot = np.zeros((n, classes), np.float32)
    hot[np.arange(n), y] = 1.0
    weight = weight / weight.sum()
    used = np.unique(x.indices)

    def loss(flat: Floats) -> tuple[float, Floats]:
        table = np.zeros((columns, classes), np.float32)
        table[used] = flat.reshape(len(used), classes)
        logits = (x @ table).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        raised = np.exp(logits)
        p = raised / raised.sum(axis=1, keepdims=True)
        value = -float((weight * np.log(p[np.arange(n), y] + 1e-12)).sum()) + 0.5 * penalty * float(flat @ flat)
        gradient = xt @ (weight[:, None] * (p - hot)).astype(np.float32)
        return value, gradient[used].astype(np.float64).ravel() + penalty * flat

    found = minimize(
        loss, np.zeros(len(used) * classes), jac=True, method="L-BFGS-B", options={"maxiter": rounds, "maxcor": 8}
    )
    table = np.zeros((columns, classes))
    table[used] = found.x.reshape(len(used), classes)
    return table


def rounded(table: Floats, cues: int) -> tuple[NDArray[np.int8], float, float]:
    """The table as int8, with the steps of its cues and of its grams in nats."""
    steps = [float(np.abs(part).max()) / 127.0 or 1.0 for part in (table[:cues], table[cues:])]
    whole = np.concatenate([np.rint(table[:cues] / steps[0]), np.rint(table[cues:] / steps[1])])
    return np.clip(whole, -127, 127).astype(np.int8), steps[0], steps[1]


def calibrate(logits: Floats, known: Floats, labels: NDArray[np.int64], weight: Floats) -> tuple[float, float]:
    """Temperature and doubt that make the weighed log-loss least; a coarse, then a finer grid."""
    weight = weight / weight.sum()

    def cost(temperature: float, doubt: float) -> float:
        cooled = logits / (temperature * (1.0 + doubt * (1.0 - known) ** 2))[:, None]
        cooled = cooled - cooled.max(axis=1, keepdims=True)
        logp = cooled - np.log(np.exp(cooled).sum(axis=1, keepdims=True))
        return -float((weight * logp[np.arange(len(labels)), labels]).sum())

    grid = [(t, d) for t in np.arange(0.6, 3.01, 0.1) for d in (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)]
    best = min(grid, key=lambda td: cost(*td))
    fine = [(best[0] + e, best[1]) for e in np.arange(-0.08, 0.081, 0.02)]
    temperature, doubt = min(fine, key=lambda td: cost(*td))
    return round(float(temperature), 3), float(doubt)


def raw(model: TextModel, texts: list[str]) -> tuple[Floats, Floats]:
    """Uncalibrated logits and known shares of texts, as the runtime computes them."""
    found = [model._logits(tokens(text) or ["?"], title=titled(text)) for text in texts]
    return np.array([logits for logits, _ in found]), np.array([known for _, known in found])


def save(
    path: Path,
    weights: NDArray[np.int8],
    meta: dict[str, Any],
    lexicon: dict[int, int],
    words: frozenset[int],
    sense: Sense | None,
) -> None:
    """Write the weights file; same inputs, same bytes."""
    keys = np.array(sorted(lexicon), np.uint32)
    meaning: dict[str, NDArray[Any]] = {}
    if sense is not None:
        meaning = dict(sense.arrays) | {"pieces": np.frombuffer("\n".join(sense.pieces).encode(), np.uint8)}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        weights=weights,
        lexicon=keys,
        classes=np.array([lexicon[int(k)] for k in keys], np.uint32),
        vocabulary=np.array(sorted(words), np.uint32),
        meta=np.frombuffer(json.dumps({"format": FORMAT, **meta}, sort_keys=True).encode(), np.uint8),
        **meaning,  # type: ignore[arg-type]  # numpy types what else savez takes as flags
    )


def capped(groups: dict[tuple[str, str], list[str]], rng: random.Random) -> dict[tuple[str, str], list[str]]:
    """At most ``GROUP_CAP`` examples of each intent of each source."""
    return {
        key: texts if len(texts) <= GROUP_CAP else rng.sample(texts, GROUP_CAP) for key, texts in sorted(groups.items())
    }


def group_weight(texts: list[str]) -> float:
    """The weight of one example of a group: groups count by the root of their size."""
    return 1.0 / math.sqrt(len(texts))
