"""Word vectors from nothing but the text that training may use: own text and the public sources that a fit may see.

Which words stand near which, as positive pointwise mutual information with smoothed contexts (Levy, Goldberg, Dagan
2015), reduced by a randomised SVD (Halko, Martinsson, Tropp 2011). Words that nobody wrote down are read by their
parts: a beginning or an ending of several words has the mean of their vectors.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from micromoments.recognise.features import tokens

Table = NDArray[np.float32]
SIZE, NEAR, SMOOTHED = 160, 4, 0.75
"""Numbers of a vector, words to either side that count (by one over the distance), the power of contexts' counts."""
BEGINNINGS, ENDINGS, LEAST = (3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6), 8
"""Letters of the parts of words that get a vector, and of how many words a part must be."""


def vectors(texts: Sequence[str], seed: int) -> tuple[list[str], Table]:
    """The pieces, words first, and their vectors, shape (pieces, SIZE). The same texts give the same vectors."""
    read = [tokens(text) for text in texts]
    counts = Counter(word for words in read for word in words)
    listed = [word for word, n in counts.items() if n > 1]
    of_words = _reduced(_information(read, {word: i for i, word in enumerate(listed)}), seed)
    of_words = of_words - of_words.mean(axis=0)
    of_words /= np.linalg.norm(of_words, axis=1, keepdims=True) + 1e-9
    parts = _parts(listed)
    means = [of_words[where].mean(axis=0) for where in parts.values()]
    return [*listed, *parts], np.concatenate([of_words, np.array(means)]).astype(np.float32)


def _information(read: Sequence[Sequence[str]], place: dict[str, int]) -> csr_matrix:
    """Positive pointwise mutual information of words (rows) and the words near them (columns)."""
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    for words in read:
        found = [place.get(word, -1) for word in words]
        for i, a in enumerate(found):
            for j in range(i + 1, min(i + NEAR + 1, len(found))):
                if a >= 0 and (b := found[j]) >= 0:
                    rows += (a, b)
                    columns += (b, a)
                    weights += (1.0 / (j - i),) * 2
    size = (len(place), len(place))
    together = csr_matrix((weights, (rows, columns)), shape=size)
    alone = np.asarray(together.sum(axis=1)).ravel()
    context = alone**SMOOTHED / (alone**SMOOTHED).sum()
    together = together.tocoo()
    told = np.log(together.data / (alone[together.row] * context[together.col]))
    kept = told > 0
    return csr_matrix((told[kept], (together.row[kept], together.col[kept])), shape=size)


def _reduced(information: csr_matrix, seed: int) -> NDArray[np.float64]:
    """The rows in ``SIZE`` numbers that keep most of them."""
    spread = information @ np.random.default_rng(seed).standard_normal((information.shape[0], SIZE + 20))
    for _ in range(3):
        spread, _ = np.linalg.qr(information @ (information.T @ spread))
    left, strength, _ = np.linalg.svd((information.T @ spread).T, full_matrices=False)
    found: NDArray[np.float64] = (spread @ left[:, :SIZE]) * np.sqrt(strength[:SIZE])
    return found


def _parts(listed: Sequence[str]) -> dict[str, Any]:
    """Beginnings and endings (marked ``##``) that several words share and that are no words themselves, with the
    numbers of those words.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for i, word in enumerate(listed):
        if word.isalnum():
            for size in BEGINNINGS:
                if len(word) > size:
                    found[word[:size]].append(i)
            for size in ENDINGS:
                if len(word) > size:
                    found["##" + word[-size:]].append(i)
    words = frozenset(listed)
    return {
        part: where
        for part, where in found.items()
        if part not in words and (len(where) >= LEAST or len(part.removeprefix("##")) == 1)
    }
