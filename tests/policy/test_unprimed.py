"""The regression without a prior, against its closed form, and in other units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.policy.adaptive import Adaptive
from micromoments.policy.linear import REFRESH, SPARSE
from micromoments.policy.unprimed import SHARE, Unprimed


def learned(x: np.ndarray, y: np.ndarray, half_life: float = 0.0) -> Unprimed:
    """A model of these outcomes."""
    model = Unprimed(x.shape[1], half_life=half_life)
    for row, reward in zip(x, y.tolist(), strict=True):
        model.update(row, reward, 1.0)
    return model


def closed_form(x: np.ndarray, y: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, float]:
    """The weights and the level of a ridge regression, the level known by one outcome of a half."""
    wide = np.hstack([x, np.ones((len(x), 1))])
    solved = np.linalg.solve(np.diag([*precision, 1.0]) + wide.T @ wide, wide.T @ y + [*precision * 0.0, 0.5])
    return solved[:-1], float(solved[-1])


@given(st.integers(0, 2**32), st.sampled_from([1, 3, 12, SPARSE + 2]), st.integers(1, 2 * REFRESH))
def test_level_and_weights_are_those_of_all_at_once(seed: int, dim: int, n: int) -> None:
    """One outcome at a time gives the level and the weights of a regression over all, under the prior as it is now."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, dim)) * (rng.random((n, dim)) < 4.0 / dim)
    y = rng.random(n)
    model = learned(x, y)
    if not x[0].any():
        return  # What no row's length is known for starts as it may.
    weights, level = closed_form(x, y, np.full(dim, model.precision))
    np.testing.assert_allclose(model.weights, weights, atol=1e-8)
    assert model.level == pytest.approx(level, abs=1e-8)
    assert model.expected(x[0]) == pytest.approx(float(model.predict(x[:1])[0]), abs=1e-12)


@pytest.mark.parametrize("dim", [3, SPARSE])
def test_a_unit_that_grows_is_as_if_it_had_been_so(dim: int) -> None:
    """A feature told in a larger unit from now on leaves what would have been learned in that unit throughout."""
    rng = np.random.default_rng(dim)
    x, y = rng.uniform(0.2, 1.0, (30, dim)) * (np.arange(dim) < 3), rng.random(30)
    before = learned(x, y)
    before.grew(1, 4.0)
    after = x / np.where(np.arange(dim) == 1, 4.0, 1.0)
    weights, level = closed_form(after, y, np.full(dim, before.precision))
    np.testing.assert_allclose(before.weights, weights, atol=1e-9)
    assert before.level == pytest.approx(level)


def test_the_prior_is_as_firm_as_rows_are_long() -> None:
    """Rows ten times as long start from a precision a hundred times as large; longer ones later make it firmer."""
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-1, 1, (1, 8)), np.ones(1)
    short, long = learned(0.1 * x, y), learned(x, y)
    assert short.precision == pytest.approx(SHARE * 0.01 * float(x[0] @ x[0]))
    assert long.precision == pytest.approx(100.0 * short.precision)
    more = learned(np.vstack([0.1 * x, *[x] * 7]), np.ones(8))
    assert more.precision > 50.0 * short.precision


def test_what_nobody_tried_is_held_to_be_usual() -> None:
    """Where seven of ten of many kinds succeed, a row that shares nothing with them is expected to more often than not:
    the level is shared with what each kind has for itself.
    """
    x = np.tile(np.eye(12)[:10], (10, 1))
    model = learned(x, (np.arange(100) % 10 < 7).astype(float))
    assert float(model.predict(np.eye(12)[11:])[0]) == pytest.approx(0.6, abs=0.1)
    assert float(model.predict(np.eye(12)[:1])[0]) == pytest.approx(1.0, abs=0.05)


def test_the_level_forgets_too() -> None:
    """With a half-life the level follows a world in which nothing succeeds any more."""
    rng = np.random.default_rng(6)
    x = rng.uniform(-1, 1, (12 * REFRESH, 3))
    y = (np.arange(len(x)) < 6 * REFRESH).astype(float)
    forgetting, remembering = learned(x, y, half_life=300.0), learned(x, y)
    assert forgetting.level < 0.1
    assert remembering.level > 0.4


@pytest.mark.parametrize("dim", [6, SPARSE + 4])
@pytest.mark.parametrize("unit", [1.0, 40.0, 1e5])
def test_adaptive_learns_in_any_unit(dim: int, unit: float) -> None:
    """A feature counted in tens or in hundreds of thousands leaves the default policy able to find out what is good."""
    rng, policy, right = np.random.default_rng(7), Adaptive(dim), 0.0
    units = np.array([1.0, 1.0, unit] * 2)
    for n in range(300):
        seen = rng.uniform(-1.0, 1.0, 2)
        x = np.zeros((2, dim))
        for one in range(2):
            x[one, 3 * one : 3 * one + 3] = 1.0, *seen
        x[:, :6] *= units
        p, good = policy.pmf(x, rng), int(seen[1] > 0.0)
        right += float(p[good]) * (n >= 100)
        chosen = int(rng.random() < p[1])
        policy.learn(x[chosen], float(chosen == good))
    assert right > 0.85 * 200


def test_adaptive_comes_back_as_it_was() -> None:
    """Its state holds level, lengths and units: what is decoded decides, scores and goes on learning alike."""
    rng = np.random.default_rng(8)
    x = rng.normal(0.0, 30.0, (80, 5))
    one = Adaptive(5)
    for row in x[:40]:
        one.learn(row, float(row[0] > 0.0))
    other = Adaptive.decode(one.encode())
    for row in x[40:]:
        one.learn(row, float(row[0] > 0.0))
        other.learn(row, float(row[0] > 0.0))
    assert one.encode() == other.encode()
    np.testing.assert_array_equal(one.score(x), other.score(x))


def test_what_an_earlier_release_learned_is_read() -> None:
    """A state of the first form, without level and lengths, decides and learns as it did."""
    rng = np.random.default_rng(9)
    old = Adaptive(5, precision=0.5)
    for row in rng.uniform(-1.0, 1.0, (20, 5)):
        old.learn(row, float(row[0] > 0.0))
    body = old.encode()
    assert body[1] == 1, "the first form"
    again = Adaptive.decode(body)
    again.learn(np.ones(5), 1.0)
    old.learn(np.ones(5), 1.0)
    assert again.encode() == old.encode()
