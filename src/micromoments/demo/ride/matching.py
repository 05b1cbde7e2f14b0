"""Who drives whom, pure: all waiting riders and free drivers are matched together, so that the sum of waits is least.

The assignment is solved exactly, by shortest augmenting paths (Jonker and Volgenant, 1987), each found over all columns
at once. A rider who can't be served at all never keeps another from it: as many as possible are matched first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

REACH = 600.0
"""Seconds that a driver may be away at most."""
PATIENCE = 0.5
"""Seconds of the way that each second of having waited is worth: nobody is passed over for ever."""
_NEVER = 1e7
"""More than any sum of real costs, so that another match is always worth it."""

Floats = NDArray[np.float64]
Pairs = list[tuple[int, int]]


def weigh(seconds: Floats, waited: Sequence[float]) -> Floats:
    """Costs from seconds away, shape (riders, drivers), infinite where it can't be; ``waited`` is seconds by rider."""
    costs = np.where(seconds <= REACH, seconds, np.inf)
    return costs - PATIENCE * np.asarray(waited, dtype=float)[:, None] if costs.size else costs


def together(costs: Floats) -> Pairs:
    """(row, column) of each match: as many as there can be, and of those the cheapest in sum.

    >>> together(np.array([[1.0, 2.0], [1.0, 9.0]]))
    [(0, 1), (1, 0)]
    """
    rows, columns = costs.shape
    if not rows or not columns:
        return []
    if rows > columns:
        return sorted((row, column) for column, row in together(costs.T))
    finite = np.isfinite(costs)
    least = float(costs[finite].min()) if finite.any() else 0.0
    found = _solve(np.where(finite, costs - least, _NEVER))
    return [(row, int(column)) for row, column in enumerate(found) if finite[row, column]]


def nearest(costs: Floats) -> Pairs:
    """Each rider in turn gets the cheapest driver left: what most begin with, and what ``together`` is held against.

    >>> nearest(np.array([[1.0, 2.0], [1.0, 9.0]]))
    [(0, 0), (1, 1)]
    """
    left = np.array(costs, dtype=float)
    pairs: Pairs = []
    for row in range(left.shape[0]):
        if left.shape[1] and np.isfinite(left[row]).any():
            column = int(np.argmin(left[row]))
            pairs.append((row, column))
            left[:, column] = np.inf
    return pairs


def _solve(costs: Floats) -> NDArray[np.int64]:
    """The column of each row, for at least as many columns as rows, all costs finite and not negative."""
    rows, columns = costs.shape
    of_column = np.full(columns, -1)
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    for start in range(rows):
        far = np.full(columns, np.inf)
        came = np.full(columns, -1)
        done = np.zeros(columns, dtype=bool)
        row, lowest, column = start, 0.0, -1
        seen_rows = [start]
        while True:  # grow the tree of shortest paths until it meets a free column
            through = lowest + costs[row] - row_price[row] - column_price
            shorter = ~done & (through < far)
            far[shorter], came[shorter] = through[shorter], row
            column = int(np.argmin(np.where(done, np.inf, far)))
            lowest = float(far[column])
            done[column] = True
            if of_column[column] < 0:
                break
            row = int(of_column[column])
            seen_rows.append(row)
        row_price[start] += lowest
        others = done.copy()
        others[column] = False
        row_price[of_column[others]] += lowest - far[others]
        column_price[others] -= lowest - far[others]
        while column >= 0:  # turn the path around
            row = int(came[column])
            before = int(np.flatnonzero(of_column == row)[0]) if row != start else -1
            of_column[column] = row
            column = before
    found = np.empty(rows, dtype=np.int64)
    taken = of_column >= 0
    found[of_column[taken]] = np.flatnonzero(taken)
    return found
