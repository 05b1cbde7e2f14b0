"""Columns of text, as a CSV file has them, made into numbers for a linear model, without being told what they are.

A column of numbers is centred and scaled; words become columns of 0 and 1, rare ones together; what is missing is the
mean, with a column that says so. What would give the answer away is left out, and said: see ``giveaways``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Columns = Mapping[str, Sequence[str]]
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""What is no value, in lower case."""
MAX_KINDS = 20
"""Words of a column that get columns of their own, the most frequent."""
RARE = 20
"""Rows that a word needs for a column of its own."""
OWN = 0.95
"""Share of rows with a value of their own from which on a column of words or whole numbers names rows."""
EXPECTED = 20.0
"""How many rows of another outcome would have to be expected before their absence is no chance: at most e^-20."""


def number(text: str) -> float | None:
    """The number that a cell holds; ``None`` where it is none, or not finite."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def missing(text: str) -> bool:
    """Whether a cell says nothing."""
    return text.strip().lower() in MISSING


class Encoder:
    """What was learned of the columns of one table, to encode it and others like it."""

    def __init__(self, columns: Columns) -> None:
        self._numbers: dict[str, tuple[float, float]] = {}
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._gaps: list[str] = []
        for name, cells in columns.items():
            there = [cell for cell in cells if not missing(cell)]
            values = [value for cell in there if (value := number(cell)) is not None]
            if len(there) >= RARE and len(cells) - len(there) >= RARE:
                self._gaps.append(name)
            if there and len(values) == len(there):
                spread = float(np.std(values))
                if spread > 0.0:
                    self._numbers[name] = (float(np.mean(values)), spread)
            else:
                counts = Counter(there)
                kinds = [kind for kind, n in counts.most_common(MAX_KINDS) if n >= RARE]
                self._kinds[name] = tuple(sorted(kinds))
        self._centre = np.zeros(0)
        self._spread = np.zeros(0)
        raw = self._raw(columns)
        self._centre, self._spread = raw.mean(axis=0), raw.std(axis=0)

    def encode(self, columns: Columns) -> FloatArray:
        """Rows (n, d), every column of mean 0 and variance 1 in the table that this was made from.

        Raises:
            ValueError: a column isn't there, or holds words where that table had numbers.
        """
        spread = np.where(self._spread > 1e-9, self._spread, 1.0)
        return np.asarray((self._raw(columns) - self._centre) / spread, dtype=np.float64)

    def _raw(self, columns: Columns) -> FloatArray:
        wanted = [*self._numbers, *self._kinds]
        absent = [name for name in wanted if name not in columns]
        if absent:
            raise ValueError(
                f"got no column {absent[0]!r}; wanted every column of --train; add it, or leave it out there"
            )
        n = len(next(iter(columns.values()), ()))
        out = [_numeric(name, columns[name], mean, spread) for name, (mean, spread) in self._numbers.items()]
        for name, kinds in self._kinds.items():
            cells = np.array(columns[name], dtype=object)
            out.extend((cells == kind).astype(np.float64) for kind in kinds)
        out.extend(np.array([float(missing(cell)) for cell in columns[name]]) for name in self._gaps)
        return np.array(out).T if out else np.zeros((n, 0))


def _numeric(name: str, cells: Sequence[str], mean: float, spread: float) -> FloatArray:
    """A column of numbers, at most five standard deviations from its mean."""
    values = np.full(len(cells), mean)
    for n, cell in enumerate(cells):
        if not missing(cell):
            value = number(cell)
            if value is None:
                raise ValueError(f"column {name!r}: got {cell[:40]!r}; wanted a number, as in --train; correct it")
            values[n] = value
    return np.clip((values - mean) / spread, -5.0, 5.0)


def giveaways(columns: Columns, outcome: FloatArray, arm: Sequence[str]) -> dict[str, str]:
    """The columns that can't have been known before or say nothing of others, by name, with the reason: one that names
    the arm, one that names rows, and one with a value that only comes with one outcome where many of another would be
    expected by chance.
    """
    out = {}
    for name, cells in columns.items():
        kinds = _halves(cells)
        if _names_rows(cells):
            out[name] = "it names rows: nearly each has a value of its own"
        elif _names_arm(cells, arm):
            out[name] = "it says which arm a row is in"
        elif any(_settles(outcome, mask) for mask in kinds):
            out[name] = "it follows from the outcome: one of its values comes with one outcome only"
    return out


def _names_rows(cells: Sequence[str]) -> bool:
    """Whether a column of words or whole numbers has another value in nearly every row; measures may."""
    there = [cell for cell in cells if not missing(cell)]
    if len(there) < 5 * RARE or len(set(there)) < OWN * len(there):
        return False
    values = [number(cell) for cell in there]
    return not all(value is not None for value in values) or all(
        value is not None and value % 1 == 0 for value in values
    )


def _halves(cells: Sequence[str]) -> list[NDArray[np.bool_]]:
    """Masks of rows by a column's value: each value of few, else nought and more than nought."""
    array = np.array([cell.strip() for cell in cells], dtype=object)
    counts = Counter(array.tolist())
    if len(counts) <= MAX_KINDS:
        return [array == kind for kind in counts]
    values = np.array([number(cell) or 0.0 for cell in array])
    return [values > 0.0, values <= 0.0]


def _settles(outcome: FloatArray, mask: NDArray[np.bool_]) -> bool:
    """Whether under the mask there is one outcome only, where many of others would be expected by chance."""
    inside = outcome[mask]
    if len(inside) in (0, len(outcome)) or np.ptp(inside) > 0.0:
        return False
    share = float((outcome != inside[0]).mean())
    return share * len(inside) > EXPECTED


def _names_arm(cells: Sequence[str], arm: Sequence[str]) -> bool:
    """Whether every value of a column comes with one arm only, and there are few of them."""
    pairs = set(zip(cells, arm, strict=True))
    kinds = {cell for cell, _ in pairs}
    return 1 < len(kinds) <= MAX_KINDS and len(pairs) == len(kinds)
