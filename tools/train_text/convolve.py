"""Fits the convolution of ``micromoments.recognise.sense`` with Adam and plain numpy; one seed, one machine, one
result.

Learned are the projection of a piece's numbers to ``SIZE``, the vectors of lists and borders, the window and
the output. Words are left out at random while fitting, and labels softened, so that no word alone decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from micromoments.recognise.features import CLASS, N_CLASSES, SMALL, classes_of, pair_bits, titled, tokens
from micromoments.recognise.sense import PAIRED, Sense, pieces_of

Table = NDArray[np.float32]
Whole = NDArray[np.int64]
SIZE, HIDDEN, LENGTH = 64, 96, 10
"""Numbers a word, rectified units, and the words of a text that are read while fitting."""
BATCH, EPOCHS, RATE = 512, 3, 3e-3
SMOOTH, WORD_DROP, DROP, DECAY = 0.05, 0.08, 0.3, 1e-4


@dataclass
class Words:
    """The words of all texts: their pieces' vectors (n, width) and lists (n, N_CLASSES); row 0 is no word."""

    meaning: Table
    lists: Table
    place: dict[str, int]


def words_of(texts: Sequence[str], lexicon: Mapping[int, int], pieces: Mapping[str, int], table: Table) -> Words:
    """Every word of the texts, once."""
    place: dict[str, int] = {}
    for text in texts:
        for word in tokens(text)[:LENGTH]:
            place.setdefault(word, len(place) + 1)
    meaning = np.zeros((len(place) + 1, table.shape[1]), np.float32)
    lists = np.zeros((len(place) + 1, N_CLASSES), np.float32)
    for word, at in place.items():
        numbers = pieces_of(word, pieces)
        if numbers:
            meaning[at] = table[numbers].mean(axis=0)
        lists[at] = spread(bits_of(word, lexicon))
    return Words(meaning, lists, place)


def bits_of(word: str, lexicon: Mapping[int, int]) -> int:
    """The lists of a word, as the runtime sees them."""
    return 1 << CLASS["small"] if word in SMALL else classes_of(word, lexicon)


def spread(bits: int) -> list[float]:
    """A bit set as zeros and ones."""
    return [float(bits >> i & 1) for i in range(N_CLASSES)]


def placed(texts: Sequence[str], words: Words, lexicon: Mapping[int, int]) -> tuple[Whole, Whole, Whole]:
    """Texts as rows of word numbers, the bit sets of listed pairs at both of their words, the rows of their beginnings
    in ``borders``.
    """
    ids = np.zeros((len(texts), LENGTH), np.int64)
    paired = np.zeros((len(texts), LENGTH), np.int64)
    for row, text in enumerate(texts):
        found = tokens(text)[:LENGTH]
        ids[row, : len(found)] = [words.place[w] for w in found]
        for at, bits in pair_bits(found, lexicon).items():
            paired[row, at] |= bits
            paired[row, at + 1] |= bits
    return ids, paired, np.array([2 * titled(text) for text in texts])


def start(rng: np.random.Generator, width: int) -> dict[str, Table]:
    """Weights before fitting."""

    def drawn(*shape: int, scale: float) -> Table:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    return {
        "project": drawn(width, SIZE, scale=0.08),
        "lists": drawn(N_CLASSES, SIZE, scale=0.1),
        "borders": drawn(3, SIZE, scale=0.1),
        "window": drawn(3 * SIZE, HIDDEN, scale=(2 / (3 * SIZE)) ** 0.5),
        "bias": np.zeros(HIDDEN, np.float32),
        "out": drawn(2 * HIDDEN, 5, scale=0.05),
        "base": np.zeros(5, np.float32),
    }


class Fit:
    """One fitting run: weights, and their gradient on a batch."""

    def __init__(self, words: Words, seed: int) -> None:
        """Weights start at random from the seed."""
        self.rng = np.random.default_rng(seed)
        self.words = words
        self.w = start(self.rng, words.meaning.shape[1])

    def gradient(self, ids: Whole, paired: Whole, begun: Whole, target: Table) -> tuple[float, dict[str, Table]]:
        """Mean cross-entropy of a batch and its gradient; with words and units left out at random."""
        w, rng, count = self.w, self.rng, len(ids)
        used, inverse = np.unique(ids, return_inverse=True)
        inverse = inverse.ravel()
        meaning, lists = self.words.meaning[used], self.words.lists[used]
        real = (ids > 0).astype(np.float32)
        length = real.sum(axis=1).astype(np.int64)
        keep = real * (rng.random(ids.shape) >= WORD_DROP)
        pairs = (PAIRED * ((paired[..., None] >> np.arange(N_CLASSES)) & 1)).astype(np.float32)
        vectors = ((meaning @ w["project"] + lists @ w["lists"])[inverse]).reshape(*ids.shape, SIZE)
        vectors = (vectors + pairs @ w["lists"]) * keep[..., None]
        padded = np.zeros((count, LENGTH + 2, SIZE), np.float32)
        padded[:, 1:-1] = vectors
        padded[:, 0] = w["borders"][begun]
        rows = np.arange(count)
        padded[rows, length + 1] += w["borders"][1]
        seen = np.concatenate([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], axis=2)
        hidden = np.maximum(seen @ w["window"] + w["bias"], 0) * real[..., None]
        best = hidden.argmax(axis=1)
        root = (1.0 / np.sqrt(np.maximum(length, 1))).astype(np.float32)[:, None]
        drop = ((rng.random((count, 2 * HIDDEN)) >= DROP) / (1 - DROP)).astype(np.float32)
        pooled = np.concatenate([hidden.max(axis=1), hidden.sum(axis=1) * root], axis=1) * drop
        logits = pooled @ w["out"] + w["base"]
        logits = logits - logits.max(axis=1, keepdims=True)
        raised = np.exp(logits)
        p = raised / raised.sum(axis=1, keepdims=True)
        loss = -float((target * np.log(p + 1e-9)).sum() / count)

        wrong = (p - target) / count
        back = (wrong @ w["out"].T) * drop
        d_hidden = np.repeat((back[:, HIDDEN:] * root)[:, None], LENGTH, axis=1)
        d_hidden[rows[:, None], best, np.arange(HIDDEN)] += back[:, :HIDDEN]
        d_hidden *= hidden > 0
        d_seen = d_hidden @ w["window"].T
        d_padded = np.zeros_like(padded)
        for i in range(3):
            d_padded[:, i : i + LENGTH] += d_seen[..., i * SIZE : (i + 1) * SIZE]
        d_vectors = (d_padded[:, 1:-1] * keep[..., None]).reshape(-1, SIZE)
        back_to = csr_matrix(
            (np.ones(len(inverse), np.float32), inverse, np.arange(len(inverse) + 1)), shape=(len(inverse), len(used))
        )
        d_words = back_to.T @ d_vectors
        borders = np.zeros_like(w["borders"])
        np.add.at(borders, begun, d_padded[:, 0])
        borders[1] = d_padded[rows, length + 1].sum(axis=0)
        flat, d_flat = seen.reshape(-1, 3 * SIZE), d_hidden.reshape(-1, HIDDEN)
        return loss, {
            "project": meaning.T @ d_words + 2 * DECAY * w["project"],
            "lists": lists.T @ d_words + pairs.reshape(-1, N_CLASSES).T @ d_vectors,
            "borders": borders,
            "window": flat.T @ d_flat + 2 * DECAY * w["window"],
            "bias": d_flat.sum(axis=0),
            "out": pooled.T @ wrong + 6 * DECAY * w["out"],
            "base": wrong.sum(axis=0),
        }


def fitted(
    texts: Sequence[str],
    labels: Whole,
    weights: NDArray[np.float64],
    lexicon: Mapping[int, int],
    pieces: Sequence[str],
    table: Table,
    seed: int,
) -> Sense:
    """The convolution that reads ``texts``, drawn by ``weights``, as ``labels``."""
    numbers = {piece: i for i, piece in enumerate(pieces)}
    words = words_of(texts, lexicon, numbers, table)
    ids, paired, begun = placed(texts, words, lexicon)
    target = np.full((len(labels), 5), SMOOTH / 5, np.float32)
    target[np.arange(len(labels)), labels] += 1 - SMOOTH
    fit = Fit(words, seed)
    chance = weights / weights.sum()
    first = {name: np.zeros_like(value) for name, value in fit.w.items()}
    second = {name: np.zeros_like(value) for name, value in fit.w.items()}
    steps = EPOCHS * len(labels) // BATCH
    for t in range(1, steps + 1):
        some = fit.rng.choice(len(labels), BATCH, p=chance)
        _, gradient = fit.gradient(ids[some], paired[some], begun[some], target[some])
        rate = RATE * min(1.0, t / 50) * max(0.02, 1.0 - t / steps)
        for name, g in gradient.items():
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g * g
            mean, spread_ = first[name] / (1 - 0.9**t), second[name] / (1 - 0.999**t)
            fit.w[name] = (fit.w[name] - rate * mean / (np.sqrt(spread_) + 1e-8)).astype(np.float32)
    return Sense(numbers, packed(fit.w, table))


def packed(w: Mapping[str, Table], table: Table) -> dict[str, NDArray[Any]]:
    """The arrays that ship: the pieces' vectors projected and rounded to int8, the rest as float32."""
    projected = table @ w["project"]
    step = float(np.abs(projected).max()) / 127.0
    arrays: dict[str, NDArray[Any]] = {"vectors": np.rint(projected / step).astype(np.int8), "step": np.array(step)}
    return arrays | {name: w[name] for name in ("lists", "borders", "window", "bias", "out", "base")}
