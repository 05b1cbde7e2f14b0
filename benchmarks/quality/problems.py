"""The problems of the regret benchmark: simulated worlds, and classification turned into bandits.

A problem is a stream of rounds. A round is the rows of features of what may be chosen, (n, d) in [-1, 1], and the
chance of reward of each, (n,): 0 or 1 where a label is known. Classification becomes a bandit as in Bietti, Agarwal and
Langford, "A Contextual Bandit Bake-off" (2021): the label is hidden, a choice is rewarded where it is the label. There
every class has weights of its own, so a class's row is the example's features in a block of its own, zeros elsewhere.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Stream = Iterator[tuple[Array, Array]]
WORDS = 64
"""Buckets that a text's words and pairs of words are hashed to."""


class Problem(NamedTuple):
    """``rounds(seed, n)`` gives at most n rounds of rows of ``dim`` features; the same seed gives the same rounds."""

    name: str
    dim: int
    rounds: Callable[[int, int], Stream]


def chance(seed: int) -> np.random.Generator:
    """The generator of a seed."""
    return np.random.Generator(np.random.PCG64(seed))


# --- classification turned into a bandit ---------------------------------------------------------


def classes(name: str, load: Callable[[], tuple[Array, NDArray[np.intp]]]) -> Problem:
    """A classification: examples (m, p) in [-1, 1] and labels (m,), shuffled by the seed."""
    x, y = load()
    k, width = int(y.max()) + 1, x.shape[1] + 1

    def rounds(seed: int, n: int) -> Stream:
        for at in chance(seed).permutation(len(y))[:n]:
            rows = np.zeros((k, k * width))
            for one in range(k):
                rows[one, one * width] = 1.0
                rows[one, one * width + 1 : (one + 1) * width] = x[at]
            yield rows, np.eye(k)[y[at]]

    return Problem(name, k * width, rounds)


def scaled(x: Array) -> Array:
    """Columns brought to mean 0, and to [-1, 1] at three standard deviations; constant ones left out."""
    spread = x.std(axis=0)
    x = x[:, spread > 0.0]
    return np.asarray(np.clip((x - x.mean(axis=0)) / (3.0 * x.std(axis=0)), -1.0, 1.0), dtype=np.float64)


def of_sklearn(name: str) -> tuple[Array, NDArray[np.intp]]:
    """One of scikit-learn's own data sets."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    return scaled(np.asarray(bunch.data, dtype=np.float64)), np.asarray(bunch.target, dtype=np.intp)


def of_table(path: Path, outcome: str, delimiter: str, left_out: tuple[str, ...]) -> tuple[Array, NDArray[np.intp]]:
    """A CSV table: numbers scaled, words as columns of 0 and 1, the outcome (0/1 or TRUE/FALSE) as label."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    columns = []
    for name in rows[0]:
        if name == outcome or name in left_out:
            continue
        values = [row[name] or "" for row in rows]
        try:
            columns.append(scaled(np.array([float(value) for value in values])[:, None]))
        except ValueError:
            kinds = sorted(set(values))
            columns.append(np.array([[0.5 * (value == kind) for kind in kinds] for value in values]))
    y = np.array([row[outcome].upper() in ("1", "TRUE") for row in rows], dtype=np.intp)
    return np.hstack(columns), y


def of_queries(path: Path, intents: int) -> tuple[Array, NDArray[np.intp]]:
    """Queries of the most frequent intents, their words and pairs of words hashed with signs to length 1."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["split"] == "train"]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["intent"]] = counts.get(row["intent"], 0) + 1
    known = sorted(sorted(counts), key=lambda one: -counts[one])[:intents]
    rows = [row for row in rows if row["intent"] in known]
    return np.array([hashed(row["query"]) for row in rows]), np.array([known.index(row["intent"]) for row in rows])


def hashed(text: str) -> Array:
    """A text as ``WORDS`` numbers of length 1."""
    words = text.lower().split()
    x = np.zeros(WORDS)
    for token in (*words, *map(" ".join, pairwise(words))):
        mixed = (crc32(token.encode()) * 0x9E3779B1) & 0xFFFFFFFF
        x[(mixed >> 8) % WORDS] += 1.0 if mixed & 0x80 else -1.0
    return np.asarray(x / max(1.0, float(np.linalg.norm(x))), dtype=np.float64)


# --- simulated worlds ----------------------------------------------------------------------------


def shop(name: str, *, n: int = 20, dim: int = 64, rate: float = 0.08, turn: int = 0, fresh: int = 0) -> Problem:
    """Items of which a third of the features are not zero, clicked by a logistic law of shared weights.

    ``rate`` is the click rate of chance. With ``turn`` the weights change every so many rounds. With ``fresh`` there
    is a catalogue of that many items, of which a tenth is replaced every hundred rounds.
    """

    def row(rng: np.random.Generator, many: int) -> Array:
        x = rng.uniform(-1.0, 1.0, (many, dim)) * (rng.random((many, dim)) < 0.33)
        x[:, 0] = 1.0
        return np.asarray(x, dtype=np.float64)

    def rounds(seed: int, total: int) -> Stream:
        rng = chance(seed)
        taste = rng.normal(0.0, 0.8, dim)
        catalogue = row(rng, fresh) if fresh else None
        for at in range(total):
            if turn and at and at % turn == 0:
                taste = rng.normal(0.0, 0.8, dim)
            if catalogue is None:
                x = row(rng, n)
            else:
                if at % 100 == 0:
                    catalogue[rng.choice(fresh, fresh // 10, replace=False)] = row(rng, fresh // 10)
                x = catalogue[rng.choice(fresh, n, replace=False)]
            odds = np.log(rate / (1.0 - rate)) - 1.0 + x[:, 1:] @ taste[1:]
            yield x, 1.0 / (1.0 + np.exp(-odds))

    return Problem(name, dim, rounds)


def arms(name: str, *, n: int = 10, context: int = 12, noise: float = 1.0) -> Problem:
    """Fixed items, each with tastes of its own about the context, clicked by a logistic law."""
    width = context + 1

    def rounds(seed: int, total: int) -> Stream:
        rng = chance(seed)
        weights = rng.normal(0.0, noise, (n, width))
        weights[:, 0] -= 1.5
        for _ in range(total):
            seen = np.concatenate(([1.0], rng.uniform(-1.0, 1.0, context)))
            x = np.zeros((n, n * width))
            for one in range(n):
                x[one, one * width : (one + 1) * width] = seen
            yield x, 1.0 / (1.0 + np.exp(-(weights @ seen)))

    return Problem(name, n * width, rounds)


@lru_cache(maxsize=1)
def all_problems(shared: Path) -> tuple[Problem, ...]:
    """The problems, in the order of the table; those of shared data only where it is there."""
    offers, queries, sessions = shared / "data/offers", shared / "data/queries", shared / "data/sessions"
    out = [
        shop("items"),
        shop("rare clicks", rate=0.02),
        shop("tastes turn", turn=700),
        shop("new items", fresh=100),
        arms("arms"),
        classes("digits", lambda: of_sklearn("digits")),
        classes("breast cancer", lambda: of_sklearn("breast_cancer")),
        classes("wine", lambda: of_sklearn("wine")),
    ]
    if shared.is_dir():
        out += [
            classes("coupon", lambda: of_table(offers / "in_vehicle_coupon.csv.gz", "Y", ",", ())),
            classes(
                "shoppers",
                lambda: of_table(sessions / "uci_online_shoppers.csv.gz", "Revenue", ";", ("PageValues",)),
            ),
            classes("snips", lambda: of_queries(queries / "snips2017.tsv.gz", 7)),
            classes("clinc", lambda: of_queries(queries / "clinc150.tsv.gz", 10)),
            classes("banking", lambda: of_queries(queries / "banking77.tsv.gz", 10)),
        ]
    return tuple(out)
