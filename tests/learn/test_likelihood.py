"""Empirical likelihood intervals keep their promise where rewards are rare."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.learn.estimate import dr, ips, snips
from micromoments.learn.likelihood import ratio

ARMS = 20


@pytest.mark.parametrize("decisions", [400, 3_000])
def test_rare_rewards_are_covered(decisions: int) -> None:
    """With one click in a hundred and uneven targets, at least 93 % of 300 intervals hold the truth, and none reaches
    below zero; the normal interval would miss every fifth at 400 decisions.
    """
    rng = np.random.default_rng(5)
    means, target = 0.01 * rng.gamma(2.0, 0.5, ARMS), rng.dirichlet(np.full(ARMS, 0.5))
    truth, even = float(means @ target), np.full(decisions, 1.0 / ARMS)
    covered = np.zeros(3)
    for _ in range(300):
        shown = rng.integers(0, ARMS, decisions)
        reward = (rng.random(decisions) < means[shown]).astype(np.float64)
        model = np.full(decisions, reward.mean())
        robust = dr(reward, even, target[shown], model, model)
        got = ips(reward, even, target[shown]), snips(reward, even, target[shown]), robust
        assert min(one.low for one in got[:2]) >= 0.0
        covered += [one.low <= truth <= one.high for one in got]
    assert (covered / 300 >= 0.93).all(), covered


def test_a_log_without_rewards_still_has_an_upper_end() -> None:
    """Where no reward was seen, the interval ends about where one in two effective decisions' thousandth would be."""
    reward, half = np.zeros(1_000), np.full(1_000, 0.5)
    for got in (ips(reward, half, half), snips(reward, half, half), dr(reward, half, half, reward, reward)):
        assert got.value == 0.0
        assert got.low == pytest.approx(0.0, abs=1e-9)
        assert 0.001 < got.high < 0.004


def test_valued_rewards_keep_their_range() -> None:
    """Rewards in money give an interval between the least and the most that was logged."""
    rng = np.random.default_rng(1)
    reward = rng.gamma(1.0, 30.0, 500)
    got = snips(reward, np.full(500, 0.5), rng.choice([0.2, 0.8], 500))
    assert reward.min() < got.low < got.value < got.high < reward.max()


def test_the_ratio_is_that_of_the_chi_square() -> None:
    """At the mean the ratio is 0; one standard error away it is about 1."""
    g = np.random.default_rng(2).normal(size=4_000)
    g -= g.mean()
    assert ratio(g, -9.0, 9.0) == pytest.approx(0.0, abs=1e-12)
    assert ratio(g + g.std() / 4_000**0.5, -9.0, 9.0) == pytest.approx(1.0, rel=0.05)
