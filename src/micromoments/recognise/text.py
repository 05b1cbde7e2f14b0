"""The text model: which type of moment a query's words speak for.

A linear model over the cues and grams of ``features``, trained by ``tools/train_text`` and shipped as whole numbers in one
file. It answers in tens of microseconds, needs numpy only, and says less where it knows less: log-likelihoods are shrunk
by a temperature and by the share of letters in words that it has never seen, so that gibberish and other languages stay
near the prior. See ``docs/reference/model-card.md`` for data, measured quality and limits.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from micromoments.core.moment import TYPES, MomentType
from micromoments.recognise.features import CACHE, CUE, CUES, ROWS, Word, analyse, cue_rows, pair_bits, pair_rows, scale, tokens

WEIGHTS: Final = Path(__file__).parent / "data" / "text.npz"
FORMAT: Final = 1

Five = tuple[float, float, float, float, float]
"""One number for each of ``TYPES``: know, go, do, buy, none."""

EMPTY: Final[Five] = (0.1, 0.1, 0.1, 0.1, 0.6)
"""What is known of an event without words: mostly no moment."""
PAIRS: Final = 0.7
"""How much rows of pairs of words count beside single words; part of the weights' format."""
MIN_TELLING: Final = 0.15
"""Nats below which a word isn't worth showing."""


def softmax(logits: Five) -> Five:
    """Probabilities from logits."""
    top = max(logits)
    raised = [math.exp(x - top) for x in logits]
    total = sum(raised)
    k, g, d, b, n = (x / total for x in raised)
    return (k, g, d, b, n)


def rounded(values: Five) -> Five:
    """Probabilities at six digits that still sum to 1: the largest takes what rounding left over."""
    six = [round(x, 6) for x in values]
    largest = max(range(5), key=six.__getitem__)
    six[largest] = round(1.0 - (sum(six) - six[largest]), 6)
    k, g, d, b, n = six
    return (k, g, d, b, n)


class TextModel:
    """Reads a query into log-likelihoods over know, go, do, buy and none. Not safe to share between threads that call at once
    while it fills its cache of words; sharing is otherwise free, as nothing else changes after ``load``.
    """

    def __init__(self, weights: NDArray[np.int8], meta: Mapping[str, Any], lexicon: dict[int, int], words: frozenset[int]) -> None:
        """``weights``: int8, shape (ROWS, 5). ``meta``: ``cue`` and ``gram`` (nats a step), ``temperature``, ``doubt``, ``prior``."""
        if weights.shape != (ROWS, 5):
            raise ValueError(f"weights have shape {weights.shape}, wanted {(ROWS, 5)}: train again with tools/train_text")
        self.digest = ""
        self.lexicon = lexicon
        self.vocabulary = words
        self._weights = weights
        self._cue = float(meta["cue"]) * CUE
        self._gram = float(meta["gram"])
        self._temperature = float(meta["temperature"])
        self._doubt = float(meta["doubt"])
        self._log_prior = tuple(math.log(float(p)) for p in meta["prior"])
        self._seen: dict[str, tuple[Word, Five]] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> TextModel:
        """The model in ``path``, or the one that ships. Raises ``ValueError`` if the file is of another format."""
        return _shipped() if path is None else _read(path)

    def _word(self, text: str) -> tuple[Word, Five]:
        found = self._seen.get(text)
        if found is None:
            word = analyse(text, self.lexicon, self.vocabulary)
            rows = self._weights[[row for row, _ in word.rows]].astype(np.float64)
            values = np.array([value for _, value in word.rows])
            k, g, d, b, n = (values @ rows * self._gram).tolist()
            found = (word, (k, g, d, b, n))
            if len(self._seen) >= CACHE:
                self._seen.clear()
            self._seen[text] = found
        return found

    def _logits(self, texts: list[str]) -> tuple[Five, float]:
        """Raw logits of a query's words, and the share of its letters that are in words seen before."""
        n = len(texts)
        read = [self._word(t) for t in texts]
        words = [word for word, _ in read]
        weigh = scale(n)
        cues = self._weights[cue_rows(words, pair_bits(texts, self.lexicon))].sum(axis=0, dtype=np.int64).tolist()
        pairs = self._weights[pair_rows(texts)].sum(axis=0, dtype=np.int64).tolist()
        paired = PAIRS * weigh * self._gram
        total = [self._cue * c + paired * p for c, p in zip(cues, pairs, strict=True)]
        for _, own in read:
            for i in range(5):
                total[i] += weigh * own[i]
        size = sum(map(len, texts))
        known = sum(len(word.text) for word in words if word.known) / size
        k, g, d, b, none = total
        return (k, g, d, b, none), known

    def loglik(self, text: str) -> Five:
        """Calibrated log-likelihoods in nats, relative to their class: 0 for each type where nothing is known.

        Add them to the log of any prior and normalise; an empty query gives zeros.
        """
        texts = tokens(text)
        return self._loglik(texts) if texts else (0.0, 0.0, 0.0, 0.0, 0.0)

    def _loglik(self, texts: list[str]) -> Five:
        logits, known = self._logits(texts)
        doubt = 1.0 - known
        cool = 1.0 / (self._temperature * (1.0 + self._doubt * doubt * doubt))
        k, g, d, b, n = logits
        posterior = softmax((k * cool, g * cool, d * cool, b * cool, n * cool))
        k, g, d, b, n = (math.log(max(p, 1e-6) * 5.0) for p in posterior)
        return (k, g, d, b, n)

    def probabilities(self, text: str) -> Five:
        """The posterior over know, go, do, buy and none under the shipped prior; six digits, summing to 1."""
        texts = tokens(text)
        if not texts:
            return EMPTY
        k, g, d, b, n = (a + p for a, p in zip(self._loglik(texts), self._log_prior, strict=True))
        return rounded(softmax((k, g, d, b, n)))

    def telling(self, text: str, limit: int = 4) -> tuple[tuple[str, MomentType, float], ...]:
        """The words that tell most: (word, type it speaks for, nats it adds to that type), strongest first.

        What a word adds is what the query loses without it, so a word that tells only beside others ("how" "to") shows too.
        """
        texts = tokens(text)
        if len(texts) < 2:  # noqa: PLR2004 - alone, a word is the whole query
            whole = self._loglik(texts) if texts else None
            parts = [(texts[0], whole)] if whole else []
        else:
            full = self._loglik(texts)
            parts = []
            for i, word in enumerate(texts):
                rest = self._loglik(texts[:i] + texts[i + 1 :])
                k, g, d, b, n = (a - c for a, c in zip(full, rest, strict=True))
                parts.append((word, (k, g, d, b, n)))
        told: dict[str, tuple[str, MomentType, float]] = {}
        for word, change in parts:
            best = max(range(5), key=change.__getitem__)
            if change[best] >= MIN_TELLING and word.isalnum() | ("'" in word) | ("-" in word):
                if word not in told or told[word][2] < change[best]:
                    told[word] = (word, TYPES[best], round(change[best], 3))
        return tuple(sorted(told.values(), key=lambda t: (-t[2], t[0]))[:limit])


def _read(path: Path) -> TextModel:
    data = path.read_bytes()
    with np.load(io.BytesIO(data)) as arrays:
        meta = json.loads(bytes(arrays["meta"]).decode())
        if meta.get("format") != FORMAT:
            raise ValueError(f"{path} has format {meta.get('format')}, wanted {FORMAT}: train again with tools/train_text")
        weights = arrays["weights"]
        lexicon = dict(zip(arrays["lexicon"].tolist(), arrays["classes"].tolist(), strict=True))
        words = frozenset(arrays["vocabulary"].tolist())
    model = TextModel(weights, meta, lexicon, words)
    model.digest = hashlib.sha256(data).hexdigest()
    return model


@cache
def _shipped() -> TextModel:
    return _read(WEIGHTS)


assert CUES < ROWS  # the table has room for grams; a change of classes that breaks this must not load
