"""What words mean, by vectors that a business brings: the text format of word2vec, GloVe and fastText.

Each line is a word and its numbers, blanks between; word2vec and fastText put one line with both counts before them.
Sources: Mikolov et al., "Distributed Representations of Words and Phrases" (2013); Pennington et al., "GloVe" (2014).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 100_000
"""Words that are read; such files have the commonest first. A hundred thousand of 100 numbers take 40 MB."""
COUNTS = 2
"""Fields of a first line that counts words and numbers."""


class Vectors:
    """Words and what is near them."""

    def __init__(self, words: Sequence[str], rows: NDArray[np.float32]) -> None:
        """``rows``: (words, d), a vector a word."""
        self._words = tuple(words)
        self._at = {word: at for at, word in enumerate(self._words)}
        self._rows = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-9))

    def alike(self, word: str, n: int) -> list[tuple[str, float]]:
        """The ``n`` words nearest in meaning to one, with their cosines, nearest first; nothing for one unknown."""
        at = self._at.get(word, -1)
        if at < 0:
            return []
        near = self._rows @ self._rows[at]
        near[at] = -1.0
        best = np.argsort(-near, kind="stable")[: min(n, len(near) - 1)]
        return [(self._words[other], float(near[other])) for other in best.tolist()]


def read(lines: Iterable[str]) -> Vectors:
    """The vectors of the first ``MOST`` lines.

    Raises:
        ValueError: a line that isn't a word and as many numbers as the others have; no line at all.
    """
    words: list[str] = []
    rows: list[NDArray[np.float32]] = []
    for number, line in enumerate(lines, 1):
        word, *fields = line.split() or [""]
        if number == 1 and len(fields) == COUNTS - 1 and word.isdecimal():
            continue
        try:
            row = np.array(fields, dtype=np.float32)
        except ValueError:
            row = np.empty(0, dtype=np.float32)
        if not row.size or (rows and row.size != rows[0].size):
            wanted = f"{rows[0].size} numbers" if rows else "numbers"
            raise ValueError(f"got line {number} with {line[:40]!r}; wanted a word and {wanted}, blanks between")
        words.append(word.lower())
        rows.append(row)
        if len(words) == MOST:
            break
    if not rows:
        raise ValueError("got no line; wanted a word and its numbers on each")
    return Vectors(words, np.stack(rows))
