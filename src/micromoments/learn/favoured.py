"""Whom a ranking leaves out: the share of each group of people among those ranked first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from math import sqrt

import msgspec
import numpy as np

from micromoments.core.fairness import PROTECTED
from micromoments.learn.columns import FloatArray, missing, number

FIRST = 0.5
"""Share of the people who are ranked first, among whom groups are counted."""
GROUPS = 6
"""Words of a column that are groups, the most frequent, and up to how many numbers are taken as words."""
CUTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Quantiles between which numbers are groups."""
FEW = 30
"""People that a group needs to be spoken of."""
FIFTHS = 0.8
"""A protected group that is among the first less than so many times as often as another is warned of: the four-fifths
rule of the United States' Uniform Guidelines on Employee Selection Procedures (1978), section 4D.
"""
Z = 1.96


class Group(msgspec.Struct, frozen=True):
    """One group: how many there are, and the share of them who are among the first, with its 95 % interval (Wilson)."""

    column: str
    group: str
    people: int
    first: float
    low: float
    high: float
    protected: bool


def protected(columns: Collection[str]) -> list[str]:
    """The columns that are named after a trait by which nobody may be singled out: ``Gender``, ``marital status``."""
    return [name for name in columns if "_".join(re.findall("[a-z]+", name.lower())) in PROTECTED]


def favoured(score: FloatArray, columns: Mapping[str, Sequence[str]], guarded: Collection[str] = ()) -> list[Group]:
    """The groups of people, those that the ranking leaves out most first; ``guarded`` are the protected columns."""
    first = np.zeros(len(score), dtype=bool)
    first[np.argsort(-score, kind="stable")[: round(FIRST * len(score))]] = True
    found = [
        _group(name, label, first[rows], name in guarded)
        for name, cells in columns.items()
        for label, rows in _groups(cells).items()
        if len(rows) >= FEW
    ]
    return sorted(found, key=lambda one: (one.first, one.column, one.group))


def left_out(groups: Sequence[Group]) -> list[str]:
    """What to warn of: protected groups that are among the first far less often than others of their column."""
    said = []
    for column in dict.fromkeys(one.column for one in groups if one.protected):
        mine = [one for one in groups if one.column == column]
        least, most = mine[0], mine[-1]
        if least.first < FIFTHS * most.first and least.high < most.low:
            said.append(
                f"of {column} {least.group!r} {least.first:.0%} are among the first half, of {most.group!r} "
                f"{most.first:.0%}: other columns stand in for it; leave them out, or look at who decided so"
            )
    return said


def _group(column: str, label: str, first: np.ndarray, guarded: bool) -> Group:
    n, share = len(first), float(first.mean())
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    reach = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return Group(column, label, n, share, middle - reach, middle + reach, guarded)


def _groups(cells: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each group of a column: its words, or stretches of its numbers."""
    there = [cell for cell in cells if not missing(cell)]
    numbers = [value for cell in there if (value := number(cell)) is not None]
    counts = Counter(there)
    out: dict[str, list[int]] = {}
    if len(counts) > GROUPS and len(numbers) == len(there):
        edges = np.unique(np.quantile(numbers, CUTS))
        names = [f"{low:g} to {high:g}" for low, high in pairwise(edges.tolist())]
        for row, cell in enumerate(cells):
            if not missing(cell):
                at = int(np.searchsorted(edges[1:-1], float(cell), side="right"))
                out.setdefault(names[at], []).append(row)
        return out
    known = {word for word, _ in counts.most_common(GROUPS)}
    for row, cell in enumerate(cells):
        if not missing(cell):
            out.setdefault(cell if cell in known else "others", []).append(row)
    return out
