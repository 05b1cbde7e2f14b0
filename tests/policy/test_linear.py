"""The regression under the learners, against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.policy.linear import NOISE_SHAPE, NOISE_VARIANCE, REFRESH, Regression, factor


def closed_form(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, prior: np.ndarray, precision: float
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and covariance (of unit noise) of weighted ridge regression around a prior."""
    inverse = precision * np.eye(len(prior)) + (x.T * w) @ x
    return np.linalg.solve(inverse, precision * prior + x.T @ (w * y)), np.linalg.inv(inverse)


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 600))
def test_online_equals_closed_form(seed: int, dim: int, n: int) -> None:
    """One outcome at a time, across re-factorisations, gives the posterior that all at once give."""
    rng = np.random.default_rng(seed)
    x, y, w = rng.uniform(-1, 1, (n, dim)), rng.random(n), rng.uniform(0.1, 4.0, n)
    prior = rng.normal(0.0, 0.2, dim)
    model = Regression(dim, prior=prior, precision=2.0)
    for row, reward, weight in zip(x, y, w, strict=True):
        model.update(row, float(reward), float(weight))
    mean, covariance = closed_form(x, y, w, prior, 2.0)
    np.testing.assert_allclose(model.mean, mean, atol=1e-9)
    np.testing.assert_allclose(model.root @ model.root.T, covariance, atol=1e-9)


def test_covariance_stays_sound_over_many_outcomes() -> None:
    """After 20,000 outcomes along almost the same direction the covariance is still finite and positive definite."""
    rng = np.random.default_rng(3)
    model = Regression(32, half_life=0.0)
    along = rng.normal(size=32)
    for _ in range(20_000):
        model.update(along + 1e-9 * rng.normal(size=32), 1.0, 100.0)
    covariance = model.root @ model.root.T
    assert np.isfinite(covariance).all()
    assert np.linalg.eigvalsh(covariance).min() > 0.0


def test_noise_follows_the_rewards() -> None:
    """The noise variance moves from its prior to what the rewards show."""
    rng = np.random.default_rng(4)
    model = Regression(3)
    assert model.noise == NOISE_VARIANCE
    for _ in range(5_000):
        model.update(np.array([1.0, 0.0, 0.0]), float(rng.random() < 0.02), 1.0)
    assert model.noise == pytest.approx(0.02 * 0.98, rel=0.35)


def test_forgetting_follows_a_world_that_turns() -> None:
    """With a half-life the weights follow a change that a model without one averages away, and uncertainty comes
    back.
    """
    forgetting, remembering = Regression(2, half_life=300.0), Regression(2)
    row = np.array([1.0, 0.5])
    for n in range(12 * REFRESH):
        for model in (forgetting, remembering):
            model.update(row, 1.0 if n < 6 * REFRESH else 0.0, 1.0)
    assert float(forgetting.predict(row[None])[0]) < 0.1
    assert float(remembering.predict(row[None])[0]) > 0.4
    assert np.trace(forgetting.root @ forgetting.root.T) > np.trace(remembering.root @ remembering.root.T)
    assert forgetting.a < NOISE_SHAPE + 6 * REFRESH


def test_factor_repairs_what_rounding_bent() -> None:
    """A covariance with a slightly negative eigenvalue is factored with as little added as it takes; NaN is refused."""
    bent = np.array([[1.0, 1.0 + 1e-13], [1.0 + 1e-13, 1.0]])
    root = factor(bent)
    np.testing.assert_allclose(root @ root.T, bent, atol=1e-9)
    with pytest.raises(ValueError, match="not finite"):
        factor(np.full((2, 2), np.nan))


def test_wrong_parameters_say_what_was_wanted() -> None:
    """Dimensions, priors and states that don't fit are refused with what was got and wanted."""
    with pytest.raises(ValueError, match="wanted dim from 1"):
        Regression(0)
    with pytest.raises(ValueError, match="wanted \\(3,\\)"):
        Regression(3, prior=np.zeros(2))
    with pytest.raises(ValueError, match="wanted 5 and 3"):
        Regression.restore(3, (1.0,), ())
