"""The text model: which type of moment a query's words speak for.

Two readers whose logits are added, trained by ``tools/train_text`` and shipped as whole numbers in one file: a linear
model over the cues and grams of ``features``, which knows words by their spelling and by our lists, and the
convolution of ``sense``, which knows what words mean beside their neighbours. It answers in tens of microseconds,
needs numpy only, and says less where it knows less: log-likelihoods are shrunk by a temperature and by the share of
letters in words that it has never seen, so that gibberish and other languages stay near the prior. See
``docs/reference/model-card.md`` for data, measured quality and limits.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import pkgutil
from collections.abc import Mapping
from functools import cache
from math import exp
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from micromoments.core.moment import TYPES, MomentType
from micromoments.recognise.babble import coded, gibberish, wordless
from micromoments.recognise.features import (
    CACHE,
    CUE,
    GERUND,
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
from micromoments.recognise.refusal import asked
from micromoments.recognise.sense import ARRAYS, Sense
from micromoments.recognise.spelling import mended
from micromoments.recognise.thumbs import spelled

WEIGHTS: Final = "data/text.npz"
"""The weights that ship, beside this module: a constant of the package, like its code."""
FORMAT: Final = 2

Five = tuple[float, float, float, float, float]
"""One number for each of ``TYPES``: know, go, do, buy, none."""

EMPTY: Final[Five] = (0.1, 0.1, 0.1, 0.1, 0.6)
"""What is known of an event without words: mostly no moment."""
REFUSED: Final[Five] = (0.03, 0.02, 0.02, 0.03, 0.9)
"""What is known of words that only refuse, where every type was as likely as another before them."""
PAIRS: Final = 0.7
"""How much rows of pairs of words count beside single words; part of the weights' format."""
UNFINISHED: Final[Mapping[int, float]] = {1: 0.4, 2: 0.4, 3: 0.4, 4: 0.4}
"""Letters of a whole query -> how much it counts: so few may still become anything, though they are a word ("so")."""
UNLISTED: Final = 0.6
"""How much a query of one word counts that stands in no list: it may be the beginning of another ("runni")."""
NOTHING: Final[Five] = (0.0, 0.0, 0.0, 0.0, 0.0)
SILENT: Final[Five] = (0.2, 0.2, 0.2, 0.2, 0.2)
"""What is known of what isn't words, where every type was as likely as another before it."""
LIKELY: Final = 0.1
"""Only types at least this likely are told as what a word speaks for."""
MIN_TELLING: Final = 0.25
"""Nats below which a word isn't worth showing."""
UNTOLD: Final = frozenset({"?", "$", "a", "an", "the"})
"""Marks and articles, never shown as telling."""


def softmax(logits: Five) -> Five:
    """Probabilities from logits."""
    top = max(logits)
    k, g, d, b, n = logits
    k, g, d, b, n = exp(k - top), exp(g - top), exp(d - top), exp(b - top), exp(n - top)
    total = k + g + d + b + n
    return (k / total, g / total, d / total, b / total, n / total)


def rounded(values: Five) -> Five:
    """Probabilities at six digits that still sum to 1: the largest takes what rounding left over."""
    six = [round(x, 6) for x in values]
    largest = six.index(max(six))
    six[largest] = round(1.0 - (sum(six) - six[largest]), 6)
    k, g, d, b, n = six
    return (k, g, d, b, n)


class TextModel:
    """Reads a query into log-likelihoods over know, go, do, buy and none.

    Nothing changes after ``load`` but a cache of words, whose entries are whole before they are put.
    """

    def __init__(
        self,
        weights: NDArray[np.int8],
        meta: Mapping[str, Any],
        lexicon: dict[int, int],
        words: frozenset[int],
        sense: Sense | None = None,
    ) -> None:
        """``weights``: int8, shape (ROWS, 5). ``meta``: ``cue``, ``gram`` (nats a step), temperature, doubt, prior, and
        ``share``, how much the table's logits count beside those of ``sense``; without ``sense`` the table reads alone.
        """
        if weights.shape != (ROWS, 5):
            raise ValueError(
                f"weights have shape {weights.shape}, wanted {(ROWS, 5)}: train again with tools/train_text"
            )
        self.digest = ""
        self.lexicon = lexicon
        self.vocabulary = words
        self.sense = sense
        self.share = float(meta["share"]) if sense else 1.0
        self._weights = weights
        self._cue = float(meta["cue"]) * CUE
        self._gram = float(meta["gram"])
        self._temperature = float(meta["temperature"])
        self._doubt = float(meta["doubt"])
        self._prior = tuple(float(p) for p in meta["prior"])
        self._seen: dict[str, tuple[Word, Five]] = {}

    @classmethod
    def load(cls, data: bytes | None = None) -> TextModel:
        """The model in a weights file's bytes, or the one that ships; ``ValueError`` if it is of another format."""
        return _shipped() if data is None else _read(data)

    def _word(self, text: str) -> tuple[Word, Five]:
        found = self._seen.get(text)
        if found is None:
            word = analyse(text, self.lexicon, self.vocabulary)
            if self._strange(word) and (meant := mended(text, self.lexicon)) != text:
                # Read as what was meant, and still no word that was seen before: the answer is a little wider.
                word = analyse(meant, self.lexicon, self.vocabulary)._replace(known=False)
            rows = self._weights[[row for row, _ in word.rows]].astype(np.float64)
            values = np.array([value for _, value in word.rows])
            k, g, d, b, n = (values @ rows * self._gram).tolist()
            found = (word, (k, g, d, b, n))
            if len(self._seen) >= CACHE:
                self._seen.clear()
            self._seen[text] = found
        return found

    def _strange(self, word: Word) -> bool:
        """Whether a word was never seen, or only looks like the -ing of a listed one ("runing")."""
        return not word.known or (word.bits == GERUND and crc32(word.text.encode()) not in self.vocabulary)

    def _summed(self, cues: list[int], pairs: list[int]) -> tuple[list[int], list[int]]:
        """The sums of the rows of cues and of those of pairs of words, in the table's whole steps."""
        rows = self._weights.take(cues + pairs, axis=0)
        first, second = np.add.reduceat(rows, (0, len(cues)), axis=0, dtype=np.int64).tolist()
        return first, second

    def _logits(self, texts: list[str], *, title: bool = False) -> tuple[Five, float]:
        """Raw logits of a query's words, and the share of its letters that are in words seen before; ``title``: whether
        it is written as one.
        """
        n = len(texts)
        read = [self._word(t) for t in spelled(texts)]
        words = [word for word, _ in read]
        texts = [word.text for word in words]
        weigh = scale(n)
        listed = pair_bits(texts, self.lexicon)
        cues, pairs = self._summed(cue_rows(words, listed), pair_rows(texts, words[0].kinds if title else ()))
        paired = PAIRS * weigh * self._gram
        k, g, d, b, none = (self._cue * c + paired * p for c, p in zip(cues, pairs, strict=True))
        size = known = 0
        for word, (to_k, to_g, to_d, to_b, to_n) in read:
            k += weigh * to_k
            g += weigh * to_g
            d += weigh * to_d
            b += weigh * to_b
            none += weigh * to_n
            letters = len(word.text)
            size += letters
            if word.known:
                known += letters
        if self.sense is None:
            return (k, g, d, b, none), known / size
        share = self.share
        mk, mg, md, mb, mn = self.sense.logits([(word.text, word.bits) for word in words], listed, title=title)
        return (share * k + mk, share * g + mg, share * d + md, share * b + mb, share * none + mn), known / size

    def _babbled(self, texts: list[str]) -> bool:
        """Whether more than half of a query's letters are in words that were never seen and can't be any."""
        junk = sum(len(t) for t in texts if not self._word(t)[0].known and gibberish(t))
        return 2 * junk > sum(map(len, texts))

    def loglik(self, text: str) -> Five:
        """Calibrated log-likelihoods in nats, relative to their class: 0 for each type where nothing is known.

        Add them to the log of any prior and normalise; an empty query gives zeros.
        """
        if not tokens(text):
            return NOTHING
        k, g, d, b, n = (math.log(p * 5.0) for p in self._posterior(text))
        return (k, g, d, b, n)

    def _posterior(self, text: str) -> Five:
        """Calibrated probabilities where every type is as likely as another before the words; none below 1e-6."""
        title, texts = titled(text), tokens(asked(text))
        if not texts:
            return REFUSED
        if wordless(texts) or (not text.replace(" ", "").isalnum() and coded(text)):
            return SILENT
        logits, known = self._logits(texts, title=title)
        if known < 0.5 and self._babbled(texts):
            return SILENT
        doubt = 1.0 - known
        cool = 1.0 / (self._temperature * (1.0 + self._doubt * doubt * doubt))
        if len(texts) == 1:
            cool *= UNFINISHED.get(len(texts[0]), 1.0 if self._word(texts[0])[0].bits else UNLISTED)
        k, g, d, b, n = logits
        k, g, d, b, n = softmax((k * cool, g * cool, d * cool, b * cool, n * cool))
        return (max(k, 1e-6), max(g, 1e-6), max(d, 1e-6), max(b, 1e-6), max(n, 1e-6))

    def probabilities(self, text: str) -> Five:
        """The posterior over know, go, do, buy and none under the shipped prior; six digits, summing to 1."""
        if not tokens(text):
            return EMPTY
        found = self._posterior(text)
        if found is SILENT:
            return EMPTY
        k, g, d, b, n = found
        pk, pg, pd, pb, pn = self._prior
        k, g, d, b, n = k * pk, g * pg, d * pd, b * pb, n * pn
        total = k + g + d + b + n
        return rounded((k / total, g / total, d / total, b / total, n / total))

    def telling(self, text: str, limit: int = 5) -> tuple[tuple[str, MomentType, float], ...]:
        """The words that tell most: (word, type it speaks for, nats it adds to that type over the mean of all),
        strongest first.

        What a word adds is what the query loses without it, so a word that tells only beside others ("how" "to")
        shows too. The words of one listed name ("leaking tap") share what the query loses without the name, or that
        would be told twice. Articles aren't told: they help to read a task, but nobody would point at them.
        """
        texts = tokens(asked(text))
        if not texts:
            return ()
        full, _ = self._logits(texts)
        likely = [i for i, p in enumerate(softmax(full)) if p >= LIKELY]
        told: dict[str, tuple[str, MomentType, float]] = {}
        for start, end in names(texts, self.lexicon):
            change = self._loss(texts, full, start, end)
            best = max(likely, key=change.__getitem__)
            shares = [1.0]
            if end - start > 1:
                shares = [max(self._loss(texts, full, i, i + 1)[best], 1e-9) for i in range(start, end)]
            total = sum(shares)
            for word, share in zip(texts[start:end], shares, strict=True):
                gain = change[best] * share / total
                if gain >= MIN_TELLING and word not in UNTOLD and (word not in told or told[word][2] < gain):
                    told[word] = (word, TYPES[best], round(gain, 3))
        return tuple(sorted(told.values(), key=lambda t: (-t[2], t[0]))[:limit])

    def _loss(self, texts: list[str], full: Five, start: int, end: int) -> list[float]:
        """By how many nats each type is less likely, over the mean of all, without the words in a range."""
        rest = texts[:start] + texts[end:]
        without = self._logits(rest)[0] if rest else NOTHING
        change = [(a - c) / self._temperature for a, c in zip(full, without, strict=True)]
        mean = sum(change) / 5.0
        return [x - mean for x in change]


def names(texts: list[str], lexicon: Mapping[int, int]) -> list[tuple[int, int]]:
    """Ranges of words: those of a listed pair ("air fryer") or of pairs that overlap stand together.

    >>> from zlib import crc32
    >>> names(["fix", "leaking", "tap"], {crc32(b"leaking tap"): 1})
    [(0, 1), (1, 3)]
    """
    pairs = pair_bits(texts, lexicon)
    ends = [i + 1 for i in range(len(texts) - 1) if i not in pairs] + [len(texts)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _read(data: bytes) -> TextModel:
    if not data.startswith(b"PK"):
        raise ValueError("got a file that is no weights file, wanted one in numpy's npz: train with tools/train_text")
    with np.load(io.BytesIO(data)) as arrays:
        meta = json.loads(bytes(arrays["meta"]).decode())
        if meta.get("format") != FORMAT:
            raise ValueError(
                f"got text weights of format {meta.get('format')}, wanted {FORMAT}: train again with tools/train_text"
            )
        weights = arrays["weights"]
        lexicon = dict(zip(arrays["lexicon"].tolist(), arrays["classes"].tolist(), strict=True))
        words = frozenset(arrays["vocabulary"].tolist())
        sense = _sense(arrays) if "vectors" in arrays else None
    model = TextModel(weights, meta, lexicon, words, sense)
    model.digest = hashlib.sha256(data).hexdigest()
    return model


def _sense(arrays: Mapping[str, NDArray[Any]]) -> Sense:
    pieces = bytes(arrays["pieces"]).decode().split("\n")
    return Sense({piece: i for i, piece in enumerate(pieces)}, {name: arrays[name] for name in ARRAYS})


@cache
def _shipped() -> TextModel:
    data = pkgutil.get_data(__package__, WEIGHTS)
    if data is None:
        raise ValueError(f"got no text weights in the package, wanted {WEIGHTS}: install micromoments again")
    return _read(data)
