"""Off-policy estimates agree with the truth of simulated logs, at the promised rate, and say when they can't know."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.learn.estimate import Estimate, FloatArray, dr, effective, ips, snips

MEANS = np.array([0.1, 0.3, 0.6])
LOGGING = np.array([0.5, 0.3, 0.2])
TARGET = np.array([0.1, 0.2, 0.7])
TRUTH = float(MEANS @ TARGET)


def log(seed: int, n: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Rewards, propensities, target probabilities and the model's expectation of what was shown, of n decisions."""
    rng = np.random.default_rng(seed)
    shown = rng.choice(3, n, p=LOGGING)
    reward = (rng.random(n) < MEANS[shown]).astype(np.float64)
    return reward, LOGGING[shown], TARGET[shown], MEANS[shown] + 0.05


def estimates(seed: int, n: int = 1_500) -> list[Estimate]:
    """All three of one log, DR with a model that is wrong by 0.05 everywhere."""
    reward, propensity, target, expected = log(seed, n)
    model = np.full(n, TRUTH + 0.05)
    return [
        ips(reward, propensity, target),
        snips(reward, propensity, target),
        dr(reward, propensity, target, expected, model),
    ]


def test_intervals_cover_at_the_promised_rate() -> None:
    """Of 600 logs, between 93 and 97 in a hundred 95 % intervals hold the truth, for each estimator."""
    runs = [estimates(seed) for seed in range(600)]
    for at in range(3):
        covered = sum(run[at].low <= TRUTH <= run[at].high for run in runs) / 600
        assert 0.93 <= covered <= 0.97, runs[0][at].method


def test_a_model_narrows_the_interval() -> None:
    """On the same log DR's and SNIPS' intervals are shorter than that of IPS."""
    plain, normalised, robust = (e.high - e.low for e in estimates(7))
    assert max(normalised, robust) < 0.95 * plain


def test_the_logging_policy_is_worth_its_mean() -> None:
    """For the policy that logged, every estimate is the mean reward, and every decision counts."""
    reward, propensity, _, expected = log(1, 500)
    for got in (ips(reward, propensity, propensity), snips(reward, propensity, propensity)):
        assert got.value == pytest.approx(reward.mean())
        assert got.effective == pytest.approx(500)
        assert got.warnings == ()
    assert dr(reward, propensity, propensity, expected, expected).value == pytest.approx(reward.mean())


def test_says_when_the_log_cannot_answer() -> None:
    """Few effective decisions, one that outweighs all, and weights that don't average 1 are each told in words."""
    reward, propensity, target, _ = log(1, 60)
    assert "wanted at least 100" in ips(reward, propensity, target).warnings[0]
    heavy = np.full(400, 0.5)
    heavy[0] = 0.001
    assert any("of the weight" in w for w in ips(np.ones(400), heavy, np.full(400, 0.5)).warnings)
    never = snips(np.ones(400), np.full(400, 0.5), np.zeros(400))
    assert any("what the log never did" in w for w in never.warnings)
    assert (never.value, never.effective, never.matched) == (0.0, 0.0, 0.0)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50))
def test_effective_size_is_bounded(values: list[float]) -> None:
    """The effective size lies between 0 and the number of decisions."""
    weight = np.array(values)
    assert 0.0 <= effective(weight) <= len(values) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("propensity", "target", "words"),
    [([], [], "at least one"), ([0.0], [0.5], "above 0"), ([0.5], [1.5], "wanted 0 to 1"), ([0.5, 0.5], [0.5], "each")],
)
def test_refuses_what_is_no_log(propensity: list[float], target: list[float], words: str) -> None:
    """Logs without rows, true propensities or target probabilities are refused with what was got and wanted."""
    with pytest.raises(ValueError, match=words):
        ips(np.ones(len(propensity)), np.array(propensity), np.array(target))


def test_refuses_rewards_and_models_of_another_length() -> None:
    """Rewards and model predictions must be one a decision."""
    half = np.full(3, 0.5)
    with pytest.raises(ValueError, match="rewards"):
        ips(np.ones(2), half, half)
    with pytest.raises(ValueError, match="predict every"):
        dr(np.ones(3), half, half, np.ones(2), np.ones(3))
