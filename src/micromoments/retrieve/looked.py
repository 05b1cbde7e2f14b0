"""What is asked of a shelf for a page of an answer, and what it gives."""

from __future__ import annotations

from collections import Counter
from typing import Literal, NamedTuple

from micromoments.retrieve.narrow import Facet, Narrow

Order = Literal["", "price", "-price"]
"""Best first, or by price, the lowest or the highest first."""


class Wanted(NamedTuple):
    """What ``look`` is asked: groups of words of which an item must hold ``least``, each group a word's forms."""

    groups: tuple[tuple[str, ...], ...]
    least: int
    narrow: Narrow
    limit: int
    order: Order = ""
    facets: bool = False


class Row(NamedTuple):
    """A found item: its id, what it is ordered by (a score, or a price), and its place among the shelf's items."""

    id: str
    key: float
    ord: int


class Counts(NamedTuple):
    """How many items of each value there are, by facet, and the lowest and highest price, -1 for none."""

    values: dict[Facet, Counter[str]]
    low: int
    high: int


class Looked(NamedTuple):
    """The best rows, how many there are in all, and what they are."""

    rows: list[Row]
    total: int
    counts: Counts


class Query(NamedTuple):
    """A query read: groups of words each with its forms, those surely meant, and what mistyped words may mean."""

    groups: tuple[tuple[str, ...], ...]
    sure: tuple[tuple[str, ...], ...]
    meant: dict[str, tuple[str, ...]]
