"""A slate: items drawn one after the other, without replacement, each with its exact probability given those above it.

At every position the policy is asked for its distribution over what may still be shown there, the floor is mixed in,
and one is drawn from the mixture. Diversity and budgets act between positions, by what may still be shown; so an
item's propensity remains right, and the slate's is the product (Swaminathan et al., "Off-policy evaluation for slate
recommendation", 2017, write the same chain).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import fsum
from types import MappingProxyType
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from micromoments.decide.chance import Chance
from micromoments.policy.base import Drawing, FloatArray, Policy, one_hot

ENOUGH = 0.5
"""While so much of the last distribution's mass is left, it is renormalised, which costs less than asking again."""
IN_A_ROW = 2
"""At most so many of one group follow each other, for as long as there are others."""


def distribution(policy: Policy, x: FloatArray, rng: Chance) -> list[float]:
    """The policy's distribution over rows (n, d): n probabilities, summing to 1.

    Raises:
        ValueError: the policy gave no distribution. Its draw would have no propensity, so nothing is drawn.
    """
    n = len(x)
    if not n:
        return []
    given = policy.pmf(x, rng.generator)
    p: list[float] = given.tolist()
    total = fsum(p) if given.shape == (n,) else -1.0
    if not (abs(total - 1.0) <= 1e-6 and min(p) >= 0.0):
        raise ValueError(
            f"policy {policy.name!r} gave {given.shape} probabilities summing to {total}; wanted ({n},), none below 0, "
            "summing to 1; run micromoments.testing.check_policy on it"
        )
    return p if total == 1.0 else [one / total for one in p]


def mixture(policy: Policy, x: FloatArray, floor: float, rng: Chance) -> FloatArray:
    """The policy's distribution over rows (n, d), with ``floor`` of the mass spread evenly: (n,), summing to 1."""
    return (1.0 - floor) * np.array(distribution(policy, x, rng)) + floor / max(1, len(x))


def pick(p: Sequence[float], rng: Chance) -> int:
    """An index drawn from n probabilities; never one whose probability is 0."""
    cumulative = list(accumulate(p))
    index = bisect_right(cumulative, rng.random() * cumulative[-1])
    # Rounding may have let the draw reach the very end.
    return index if index < len(p) else max(i for i, one in enumerate(p) if one > 0.0)


class Mind(NamedTuple):
    """What a draw minds beside the policy, by row: how much likelier, in which tier (the highest goes first), which
    campaign in which group of those that exclude each other; by position, the row pinned there.
    """

    weights: Sequence[float] = ()
    tiers: Sequence[int] = ()
    pins: Mapping[int, int] = MappingProxyType({})
    campaigns: Sequence[str] = ()
    exclusive: Sequence[Sequence[str]] = ()


FREE = Mind()


@lru_cache(maxsize=64)
def _counts(kind: type) -> bool:
    """Whether a class of policies is ``Drawing``, and no class below gave it another ``pmf``."""
    of = [next((n for n, one in enumerate(kind.__mro__) if name in vars(one)), -1) for name in ("draws", "pmf")]
    return 0 <= of[0] <= of[1]


class Source:
    """What a policy says of some of a slate's rows ``x`` (n, d), position by position; asked with one chance.

    What it counts over draws of what it believes is counted anew among what is left: a position's distribution is then
    that of being the best of those, under the same draws as the positions above.
    """

    __slots__ = ("_draws", "_gone", "_n", "_policy", "_rng", "_x", "counts")

    def __init__(self, policy: Policy, x: FloatArray, rng: Chance) -> None:
        self._policy, self._x, self._rng, self._n, self._gone = policy, x, rng, len(x), 0
        self._draws = cast(Drawing, policy).draws(x, rng.word()) if _counts(type(policy)) else None
        self.counts = self._draws is not None

    def of(self, rows: list[int], mind: Mind) -> list[float]:
        """The probabilities of some rows, times their weights, summing to 1."""
        if self._draws is None:
            x = self._x if len(rows) == self._n else self._x.take(rows, axis=0)
            p = distribution(self._policy, x, self._rng)
        else:
            wins = self._draws.take(rows, axis=1).argmax(axis=1)
            p = (np.bincount(wins, minlength=len(rows)) / len(wins)).tolist()
        if not mind.weights:
            return p
        out = [one * mind.weights[row] for one, row in zip(p, rows, strict=True)]
        total = fsum(out)
        return [one / total for one in out] if total > 0.0 else p

    def best(self, rows: list[int]) -> NDArray[np.intp]:
        """Which of some rows is the best under each draw (s,), where they are counted."""
        draws = cast("NDArray[np.float32]", self._draws)
        if len(rows) + self._gone == self._n:
            return np.asarray(draws.argmax(axis=1), dtype=np.intp)
        return np.asarray(np.array(rows)[draws.take(rows, axis=1).argmax(axis=1)], dtype=np.intp)

    def take(self, row: int) -> None:
        """No later position may have a row, where they are counted."""
        cast("NDArray[np.float32]", self._draws)[:, row] = -np.inf
        self._gone += 1


class Beside:
    """Another policy that a slate may come from: with probability ``share`` the whole slate is its own.

    Drawn position by position, that is a mixture whose share moves with how likely each policy was to draw what stands
    above (Bayes), so that every item's propensity is exact. ``main`` and ``beside`` are the importance weights of what
    is drawn so far: how likely the slate's own policy and this one were to draw it, over its propensity.
    """

    def __init__(self, policy: Policy, share: float, floor: float, rng: Chance) -> None:
        self.policy, self._share, self._floor, self._rng = policy, share, floor, rng
        self.main = self.beside = 1.0
        self._source: Source | None = None
        self._p: list[float] = []
        self._q: list[float] = []
        self._mixed: list[float] = []

    def mixed(self, p: list[float], x: FloatArray, rows: list[int], mind: Mind) -> list[float]:
        """The mixture of the slate's own probabilities of some rows of ``x`` with the other policy's."""
        even, here = self._floor / len(rows), min(1.0, self._share * self.beside)
        if self._source is None:
            self._source = Source(self.policy, x, self._rng)
        self._p, self._q = p, [(1.0 - self._floor) * one + even for one in self._source.of(rows, mind)]
        self._mixed = [(1.0 - here) * a + here * b for a, b in zip(self._p, self._q, strict=True)]
        return self._mixed

    def drew(self, at: int) -> None:
        """Take in which of the mixture's rows was drawn."""
        self.main *= self._p[at] / self._mixed[at]
        self.beside *= self._q[at] / self._mixed[at]


class _Places:
    """Draws a row for one position after the other. ``first`` (n,) is the first drawn position's distribution."""

    def __init__(
        self,
        policy: Policy,
        x: FloatArray,
        floor: float,
        rng: Chance,
        mind: Mind,
        beside: Beside | None,
    ) -> None:
        self._x, self._floor, self._rng, self._mind, self._beside = x, floor, rng, mind, beside
        self._source = Source(policy, x, rng)
        self._straight = self._source.counts and beside is None and not mind.weights
        self._known: list[float] = []
        self.first: FloatArray | None = None

    def draw(self, may: list[int], *, whole: bool) -> tuple[int, float]:
        """One of the rows that may be shown, and its propensity; ``whole`` says that they are all that are left."""
        return self._counted(may) if self._straight else self._picked(may, whole)

    def _counted(self, may: list[int]) -> tuple[int, float]:
        """The floor's share of chance falls on any of them, the rest on whoever is the best under one of the draws: the
        same mixture, without working out what nobody asks for.
        """
        floor, even, best = self._floor, self._floor / len(may), self._source.best(may)
        u = self._rng.random()
        among, part = (may, u / floor) if u < floor else (best, (u - floor) / (1.0 - floor))
        # Rounding may let the part reach the very end.
        row = int(among[min(int(part * len(among)), len(among) - 1)])
        share = (1.0 - floor) / len(best)
        if self.first is None:
            first: FloatArray = np.bincount(best, minlength=len(self._x)).astype(np.float64) * share
            first[may if len(may) < len(first) else slice(None)] += even
            self.first = first
        self._source.take(row)
        return row, int(np.count_nonzero(best == row)) * share + even

    def _picked(self, may: list[int], whole: bool) -> tuple[int, float]:
        n, known, beside = len(self._x), self._known, self._beside
        p = [known[i] for i in may] if known else []
        mass = fsum(p)
        if mass < ENOUGH:
            p, mass = self._source.of(may, self._mind), 1.0
            self._known = _spread(may, p, n) if whole else known
        # Few numbers at a time: plain ones are drawn from faster than arrays.
        share, even = (1.0 - self._floor) / mass, self._floor / len(may)
        p = [one * share + even for one in p]
        if beside is not None:
            p = beside.mixed(p, self._x, may, self._mind)
        at = pick(p, self._rng)
        if beside is not None:
            beside.drew(at)
        if self.first is None:
            self.first = np.array(_spread(may, p, n))
        return may[at], p[at]


def draw(  # noqa: PLR0913 what a slate depends on, by name
    policy: Policy,
    x: FloatArray,
    *,
    limit: int,
    floor: float,
    rng: Chance,
    groups: Sequence[str],
    takes: Sequence[tuple[str, int]] = (),
    left: Mapping[str, int] | None = None,
    mind: Mind | None = None,
    beside: Beside | None = None,
) -> tuple[list[int], list[float], FloatArray]:
    """Draw at most ``limit`` of the rows of ``x`` (n, d).

    ``groups`` (n) are what diversity looks at (the category; empty: none). ``takes`` (n, or empty) are each item's
    budget and the units that serving it takes, ``left`` the units left: a slate never takes more than there is.
    ``mind`` is what rules and priorities ask, ``beside`` another policy that the slate may come from.

    Returns:
        The rows drawn, by position; each one's propensity given those above it; the first position's distribution (n,).
    """
    n = len(x)
    if len(groups) != n or (takes and len(takes) != n) or not 0.0 <= floor <= 1.0:
        raise ValueError(
            f"got {n} rows, {len(groups)} groups, {len(takes)} takes, floor {floor}; wanted one group a row, one take "
            "a row or none, and a floor from 0 to 1; build them from the same candidates"
        )
    mind = mind or FREE
    pinned = set(mind.pins.values())
    rest = [row for row in range(n) if row not in pinned]
    purse = dict(left or {})
    chosen: list[int] = []
    propensities: list[float] = []
    places: _Places | None = None
    first: FloatArray | None = None
    while len(chosen) < limit:
        may = _pinned(mind, chosen, rest, takes, purse)
        if may:
            row, given = may[0], 1.0
            first = one_hot(n, row) if first is None else first
        else:
            may = _varied(_minded(_affordable(rest, takes, purse), chosen, mind), chosen, groups)
            if not may:
                break
            places = places or _Places(policy, x, floor, rng, mind, beside)
            row, given = places.draw(may, whole=len(may) == len(rest))
            first = places.first if first is None else first
        chosen.append(row)
        propensities.append(given)
        if row in pinned:
            pinned.remove(row)
        else:
            rest.remove(row)
        if takes and takes[row][0]:
            purse[takes[row][0]] = purse.get(takes[row][0], 0) - takes[row][1]
    return chosen, propensities, np.zeros(n) if first is None else first


def _spread(may: list[int], p: list[float], n: int) -> list[float]:
    """Probabilities of some of n rows as those of all; 0 for the others."""
    if len(may) == n:
        return p
    out = [0.0] * n
    for i, one in zip(may, p, strict=True):
        out[i] = one
    return out


def _pinned(
    mind: Mind,
    chosen: list[int],
    rest: list[int],
    takes: Sequence[tuple[str, int]],
    purse: Mapping[str, int],
) -> list[int]:
    """The row that is pinned to the next position, or that still has to come when nothing else is left."""
    if not mind.pins:
        return []
    waiting = _affordable([row for _, row in sorted(mind.pins.items()) if row not in chosen], takes, purse)
    here = mind.pins.get(len(chosen))
    if here in waiting:
        return [here] if here is not None else []
    return [] if rest else waiting[:1]


def _minded(may: list[int], chosen: list[int], mind: Mind) -> list[int]:
    """Of the rows that may be shown, those of the highest tier, without campaigns that a chosen one excludes."""
    if mind.exclusive and chosen:
        taken = {mind.campaigns[row] for row in chosen}
        for group in mind.exclusive:
            if inside := taken.intersection(group):
                may = [row for row in may if mind.campaigns[row] not in group or mind.campaigns[row] in inside]
    if mind.tiers and may:
        highest = max(mind.tiers[row] for row in may)
        may = [row for row in may if mind.tiers[row] == highest]
    return may


def _affordable(rest: list[int], takes: Sequence[tuple[str, int]], purse: Mapping[str, int]) -> list[int]:
    """The rows whose budgets have what serving them takes, in their order."""
    return [i for i in rest if not takes[i][0] or purse.get(takes[i][0], 0) >= takes[i][1]] if takes else rest


def _varied(may: list[int], chosen: list[int], groups: Sequence[str]) -> list[int]:
    """The rows that don't make one group follow itself too often, for as long as there are others."""
    run = {groups[i] for i in chosen[-IN_A_ROW:]}
    if len(chosen) < IN_A_ROW or len(run) > 1 or "" in run:
        return may
    return [i for i in may if groups[i] not in run] or may
