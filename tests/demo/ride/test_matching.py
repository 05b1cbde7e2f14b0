"""Matching: exact, never worse than the nearest driver, and fair to those who wait."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from micromoments.demo.ride.matching import Floats, nearest, together, weigh

SIZES = st.tuples(st.integers(0, 9), st.integers(0, 9))
COSTS = SIZES.flatmap(lambda size: arrays(float, size, elements=st.one_of(st.floats(-300, 600), st.just(np.inf))))


def total(costs: Floats, pairs: list[tuple[int, int]]) -> float:
    """The sum of the costs of these matches."""
    return float(sum(costs[pair] for pair in pairs))


@given(COSTS)
@settings(max_examples=200, deadline=None)
def test_as_good_as_scipys_solver(costs: Floats) -> None:
    """As many matches, and as cheap ones, as SciPy's assignment finds; each rider and driver once; only what can be."""
    found = together(costs)
    assert len({row for row, _ in found}) == len({column for _, column in found}) == len(found)
    assert all(np.isfinite(costs[pair]) for pair in found)
    if costs.size:
        rows, columns = linear_sum_assignment(np.where(np.isfinite(costs), costs, 1e7))
        best = [(r, c) for r, c in zip(rows, columns, strict=True) if np.isfinite(costs[r, c])]
        assert len(found) == len(best)
        assert abs(total(costs, found) - total(costs, best)) < 1e-4


@given(COSTS)
@settings(max_examples=100, deadline=None)
def test_never_worse_than_the_nearest_driver(costs: Floats) -> None:
    """Together serves at least as many as one after another; where it is as many, the sum of waits is no longer."""
    ours, theirs = together(costs), nearest(costs)
    assert len(ours) >= len(theirs)
    if len(ours) == len(theirs):
        assert total(costs, ours) <= total(costs, theirs) + 1e-6


def test_the_nearest_would_leave_somebody_out() -> None:
    """Two riders and two drivers, of whom one reaches only the first rider: both are served, not one."""
    costs = np.array([[60.0, 90.0], [70.0, np.inf]])
    assert nearest(costs) == [(0, 0)]
    assert together(costs) == [(0, 1), (1, 0)]


def test_who_has_waited_goes_first() -> None:
    """One driver and two riders: who has waited long gets them, even from a little farther away."""
    seconds = np.array([[100.0], [150.0]])
    assert together(weigh(seconds, [0, 0])) == [(0, 0)]
    assert together(weigh(seconds, [0, 180])) == [(1, 0)]
    assert together(weigh(np.array([[601.0]]), [0])) == []
