"""A slate: items drawn one after the other, without replacement, each with its exact probability given those above it.

At every position the policy is asked for its distribution over what may still be shown there, the floor is mixed in,
and one is drawn from the mixture. Diversity and budgets act between positions, by what may still be shown; so an
item's propensity remains right, and the slate's is the product (Swaminathan et al., "Off-policy evaluation for slate
recommendation", 2017, write the same chain).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from micromoments.policy.base import FloatArray, Policy

Rows = NDArray[np.intp]
ENOUGH = 0.5
"""While so much of the last distribution's mass is left, it is renormalised; asking again costs ten times as much."""
IN_A_ROW = 2
"""At most so many of one group follow each other, for as long as there are others."""


def distribution(policy: Policy, x: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The policy's distribution over rows (n, d): (n,), summing to 1.

    Raises:
        ValueError: the policy gave no distribution. Its draw would have no propensity, so nothing is drawn.
    """
    n = len(x)
    if not n:
        return np.zeros(0)
    p = policy.pmf(x, rng)
    total = float(p.sum()) if p.shape == (n,) else -1.0
    if not (abs(total - 1.0) <= 1e-6 and float(p.min()) >= 0.0):
        raise ValueError(
            f"policy {policy.name!r} gave {p.shape} probabilities summing to {total}; wanted ({n},), none below 0, "
            "summing to 1; run micromoments.testing.check_policy on it"
        )
    return p / total


def mixture(policy: Policy, x: FloatArray, floor: float, rng: np.random.Generator) -> FloatArray:
    """The policy's distribution over rows (n, d), with ``floor`` of the mass spread evenly: (n,), summing to 1."""
    return (1.0 - floor) * distribution(policy, x, rng) + floor / max(1, len(x))


def pick(p: FloatArray, rng: np.random.Generator) -> int:
    """An index drawn from probabilities (n,); never one whose probability is 0."""
    cumulative = p.cumsum()
    index = int(cumulative.searchsorted(rng.random() * float(cumulative[-1]), side="right"))
    return index if index < len(p) else int(np.flatnonzero(p)[-1])


def draw(
    policy: Policy,
    x: FloatArray,
    *,
    limit: int,
    floor: float,
    rng: np.random.Generator,
    groups: Sequence[str],
    takes: Sequence[tuple[str, int]] = (),
    left: Mapping[str, int] | None = None,
) -> tuple[list[int], list[float], FloatArray]:
    """Draw at most ``limit`` of the rows of ``x`` (n, d).

    ``groups`` (n) are what diversity looks at (the category; empty: none). ``takes`` (n, or empty) are each item's
    budget and the units that serving it takes, ``left`` the units left: a slate never takes more than there is.

    Returns:
        The rows drawn, by position; each one's propensity given those above it; the first position's distribution (n,).
    """
    n = len(x)
    if len(groups) != n or (takes and len(takes) != n) or not 0.0 <= floor <= 1.0:
        raise ValueError(
            f"got {n} rows, {len(groups)} groups, {len(takes)} takes, floor {floor}; wanted one group a row, one take "
            "a row or none, and a floor from 0 to 1; build them from the same candidates"
        )
    rest = np.arange(n)
    purse = dict(left or {})
    chosen: list[int] = []
    propensities: list[float] = []
    first: FloatArray = np.zeros(n)
    known: FloatArray = np.zeros(n)
    while len(chosen) < limit:
        may = _allowed(rest, chosen, groups, takes, purse)
        if not len(may):
            break
        p = known[may]
        mass = float(p.sum())
        if mass < ENOUGH:
            p, mass = distribution(policy, x if len(may) == n else x[may], rng), 1.0
            if len(may) == len(rest):
                known[may] = p
        p = p * ((1.0 - floor) / mass) + floor / len(may)
        if not chosen:
            first[may] = p
        at = pick(p, rng)
        row = int(may[at])
        chosen.append(row)
        propensities.append(float(p[at]))
        rest = rest[rest != row]
        if takes and takes[row][0]:
            purse[takes[row][0]] = purse.get(takes[row][0], 0) - takes[row][1]
    return chosen, propensities, first


def _allowed(
    rest: Rows, chosen: list[int], groups: Sequence[str], takes: Sequence[tuple[str, int]], purse: Mapping[str, int]
) -> Rows:
    """The rows that may be shown next, in their order."""
    if takes:
        paid = [not takes[i][0] or purse.get(takes[i][0], 0) >= takes[i][1] for i in rest.tolist()]
        rest = rest[np.array(paid, dtype=bool)]
    run = {groups[i] for i in chosen[-IN_A_ROW:]}
    if len(chosen) < IN_A_ROW or len(run) > 1 or "" in run:
        return rest
    others = np.array([i for i in rest.tolist() if groups[i] not in run], dtype=np.intp)
    return others if len(others) else rest
