"""What comes after and before each item, and how strongly: decayed by distance and by age, the strongest only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from micromoments.retrieve.nextitem.past import Past, starts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micromoments.retrieve.nextitem.past import Floats, Ints
    from micromoments.retrieve.nextitem.vectors import Singles

REACH = 5
"""Clicks apart that two items are still tied by."""
AFTER, BEFORE = 80, 40
"""Ties kept for an item, in each direction."""
PRIOR = 2.0
"""Weight that an item needs before half of its say is believed."""


AT_ONCE = 2000
"""Items whose ties are added up at once: some 60 MB."""


class Table(NamedTuple):
    """Item i's others, ``ids[starts[i]: starts[i + 1]]``, strongest first, with a weight below 1 each."""

    starts: Ints
    ids: Ints
    weights: Floats


def tables(past: Past, fresh: Floats) -> tuple[Table, Table]:
    """What follows each item, and what goes before it; ``fresh`` (S,) is what a session counts."""
    n, flat, session = past.items, past.flat, past.session_of
    keys: list[Ints] = []
    weights: list[Floats] = []
    for gap in range(1, REACH + 1):
        first, second = flat[:-gap], flat[gap:]
        together = (session[:-gap] == session[gap:]) & (first != second)
        keys.append(first[together] * n + second[together])
        weights.append(fresh[session[:-gap][together]] / gap)
    key, weight = np.concatenate(keys), np.concatenate(weights)
    if not len(key):
        nothing = Table(np.zeros(n + 1, np.int64), key, weight)
        return nothing, nothing
    order = np.argsort(key, kind="stable")
    key, weight = key[order], weight[order]
    begins = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    first, second, weight = key[begins] // n, key[begins] % n, np.add.reduceat(weight, begins)
    return _strongest(first, second, weight, n, AFTER), _strongest(second, first, weight, n, BEFORE)


def _strongest(items: Ints, others: Ints, weights: Floats, n: int, most: int) -> Table:
    """The strongest ties of each item, as shares of all of its weight."""
    shares = weights / (np.bincount(items, weights, minlength=n)[items] + PRIOR)
    order = np.lexsort((others, -shares, items))
    items, others, shares = items[order], others[order], shares[order]
    starts = starts_of(np.bincount(items, minlength=n))
    kept = np.arange(len(items)) - starts[items] < most
    return Table(starts_of(np.bincount(items[kept], minlength=n)), others[kept], shares[kept])


def spread(told: Sequence[Table], rows: Singles, times: int) -> Singles:
    """Vectors (I, d) drawn to those of their ties, as strongly as they are tied, ``times`` over; length 1, or 0.

    What few sessions had gets a place from its company, and theirs: the layers of LightGCN (He, Deng, Wang, Li, Zhang,
    Wang 2020, "LightGCN: simplifying and powering graph convolution network for recommendation"), over vectors that
    are learned already.
    """
    for _ in range(times):
        whole = rows.copy()
        for table in told:
            tied = np.flatnonzero(np.diff(table.starts))
            for begin in range(0, len(tied), AT_ONCE):
                some = tied[begin : begin + AT_ONCE]
                start, end = table.starts[some[0]], table.starts[some[-1] + 1]
                weighed = rows[table.ids[start:end]] * table.weights[start:end, None].astype(np.float32)
                whole[some] += np.add.reduceat(weighed, table.starts[some] - start, axis=0)
        rows = whole / (np.linalg.norm(whole, axis=1, keepdims=True) + np.float32(1e-6))
    return rows
