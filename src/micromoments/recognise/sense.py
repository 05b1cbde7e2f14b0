"""What words mean beside their neighbours: a small convolution over word vectors.

The hashed table of ``text`` knows words by their spelling; this part knows that "erase" is near "delete" and "ubuntu"
near "windows", so that it reads words that no training query had. A word's vector is the mean of the vectors of its
pieces (longest first, as in WordPiece: Schuster and Nakajima 2012) and of the lists that it stands in. Each word is
seen with its left and right neighbour (Kim 2014), rectified, and pooled by the greatest and by the sum over the root
of the length. What one word adds to each of its three places is kept, so that a query costs additions and one small
product.

Sums are in double precision, so that CPU families agree within 1e-12.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from micromoments.recognise.features import N_CLASSES

Floats = NDArray[np.float64]
Five = tuple[float, float, float, float, float]

MOST: Final = 4096
"""Words kept before all are forgotten; 2.3 KB a word."""
ARRAYS: Final = ("vectors", "step", "lists", "borders", "window", "bias", "out", "base")
"""What a weights file holds of this part, beside the pieces."""
PAIRED: Final = 0.5
"""How much the lists of a listed pair ("air fryer") count for each of its two words."""
_PARTS = re.compile(r"[a-z0-9]+|[$?]")


def pieces_of(word: str, pieces: Mapping[str, int]) -> list[int]:
    """The numbers of a word's pieces, longest first; later pieces of a word are marked ``##``. Unknown letters: none.

    >>> pieces_of("teapots", {"tea": 0, "##pot": 1, "##pots": 2})
    [0, 2]
    """
    if word in pieces:
        return [pieces[word]]
    found: list[int] = []
    for part in _PARTS.findall(word):
        start = 0
        while start < len(part):
            mark = "##" if start else ""
            for end in range(len(part), start, -1):
                number = pieces.get(mark + part[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                break
    return found


class Sense:
    """Reads words in order into logits over know, go, do, buy and none; holds nothing but a cache of words."""

    def __init__(self, pieces: dict[str, int], arrays: Mapping[str, NDArray[Any]]) -> None:
        """``arrays``: vectors int8 (pieces, D) and step; lists (N_CLASSES, D); borders (3, D), of a query's
        beginning, its end, and the beginning of a title (two: titles begin like others); window (3 D, H);
        bias (H); out (2 H, 5); base (5).
        """
        self.pieces = pieces
        self.arrays = arrays
        self._vectors: NDArray[np.int8] = arrays["vectors"]
        self._step = float(arrays["step"])
        self._lists = arrays["lists"].astype(np.float64)
        size = self._vectors.shape[1]
        window = arrays["window"].astype(np.float64)
        self._hidden = window.shape[1]
        if self._lists.shape != (N_CLASSES, size) or window.shape[0] != 3 * size:
            raise ValueError(
                f"lists have shape {self._lists.shape} and the window {window.shape}, wanted {(N_CLASSES, size)} and "
                f"{(3 * size, self._hidden)}: train again with tools/train_text"
            )
        # A word's part in the window to its right, its own, and the one to its left, side by side.
        self._window = np.concatenate([window[:size], window[size : 2 * size], window[2 * size :]], axis=1)
        out = arrays["out"].astype(np.float64)
        self._out_most, self._out_sum = out[: self._hidden], out[self._hidden :]
        self._base = arrays["base"].astype(np.float64)
        borders = arrays["borders"].astype(np.float64) @ self._window
        self._first, self._last, self._title = borders[0], borders[1], borders[2 if len(borders) > 2 else 0]
        self._bias = np.zeros(3 * self._hidden)
        self._bias[self._hidden : 2 * self._hidden] = arrays["bias"]
        self._of_lists: dict[int, Floats] = {}
        self._added: dict[str, Floats] = {}

    def _listed(self, bits: int) -> Floats:
        """What the lists of a bit set add to each of a word's three places; sets are as few as listed words."""
        found = self._of_lists.get(bits)
        if found is None:
            kinds = [i for i in range(N_CLASSES) if bits >> i & 1]
            found = self._of_lists[bits] = self._lists[kinds].sum(axis=0) @ self._window
        return found

    def _adds(self, word: str, bits: int) -> Floats:
        """What a word adds to each of its three places; made at first sight, whole before it is kept."""
        added = self._listed(bits) + self._bias
        numbers = pieces_of(word, self.pieces)
        if numbers:
            summed = np.add.reduce(self._vectors[numbers], axis=0, dtype=np.float64)
            added += (summed @ self._window) * (self._step / len(numbers))
        if len(self._added) >= MOST:
            self._added = {}
        self._added[word] = added
        return added

    def forget(self) -> None:
        """Empties the cache of words."""
        self._added = {}

    def logits(self, words: Sequence[tuple[str, int]], pairs: Mapping[int, int], *, title: bool = False) -> Five:
        """Logits of (word, bit set of its lists) in order; ``pairs``: position -> bit set of the listed pair there."""
        kept = self._added
        parts = [self._title if title else self._first]
        for word, bits in words:
            added = kept.get(word)
            parts.append(added if added is not None else self._adds(word, bits))
        parts.append(self._last)
        rows = np.concatenate(parts).reshape(len(parts), -1)
        for at, bits in pairs.items():
            rows[at + 1 : at + 3] += PAIRED * self._listed(bits)
        h = self._hidden
        seen = rows[:-2, :h] + rows[1:-1, h : 2 * h]
        seen += rows[2:, 2 * h :]
        np.maximum(seen, 0.0, out=seen)
        most, total = np.maximum.reduce(seen), np.add.reduce(seen) * (1.0 / math.sqrt(len(words)))
        k, g, d, b, n = (most @ self._out_most + total @ self._out_sum + self._base).tolist()
        return (k, g, d, b, n)
