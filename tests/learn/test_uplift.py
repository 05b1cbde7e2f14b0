"""Uplift: who is changed by a treatment is found, and how well is measured rightly."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.learn.columns import Encoder, FloatArray, giveaways
from micromoments.learn.forest import Forest
from micromoments.learn.uplift import Model, imbalance, rank


def experiment(n: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Five features; treatment lifts the outcome's rate of 0.2 by 0.2 where the first is above 0, else by nothing."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(n, 5)), (rng.random(n) < 0.5).astype(np.float64)
    return x, t, (rng.random(n) < 0.2 + 0.2 * t * (x[:, 0] > 0.0)).astype(np.float64)


def test_finds_whom_it_changes() -> None:
    """On rows never seen, those ranked first gain most, and the Qini coefficient is well above chance."""
    model, (x, t, y) = Model(*experiment(6_000, 1)), experiment(6_000, 2)
    found = rank(model.predict(x), t, y)
    assert found.qini > 0.05
    assert found.uplift[4].uplift > 0.15
    assert found.effect.low < 0.1 < found.effect.high
    assert [at.share for at in found.uplift] == list(range(10, 101, 10))


def test_the_scale_of_qini() -> None:
    """A ranking by what came of it is 1, one that says the same of everybody 0, the reverse of a good one below 0."""
    x, t, y = experiment(4_000, 3)
    assert rank(y * (2.0 * t - 1.0), t, y).qini == pytest.approx(1.0)
    assert rank(np.zeros(4_000), t, y).qini == 0.0
    assert rank(-x[:, 0], t, y).qini < 0.0 < rank(x[:, 0], t, y).qini


def test_without_differences_nobody_is_singled_out() -> None:
    """Where the effect is the same for all, predictions hardly differ."""
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(4_000, 5)), (rng.random(4_000) < 0.3).astype(np.float64)
    model = Model(x, t, (rng.random(4_000) < 0.2 + 0.1 * t).astype(np.float64))
    assert model.predict(x).std() < 0.03
    assert abs(model.predict(x).mean() - 0.1) < 0.03


def test_finds_effects_that_come_in_steps() -> None:
    """A forest finds an effect of those in the middle of a range, which no line through the range has."""
    rng = np.random.default_rng(7)
    x = rng.uniform(-1.0, 1.0, (6_000, 3))
    y = np.where(np.abs(x[:, 1]) < 0.35, 1.0, 0.0) + rng.normal(0.0, 0.5, 6_000)
    forest = Forest(x, y)
    got = forest.predict(np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, -0.9, 0.0]]))
    assert got[0] > got[1:].max() + 0.2
    assert np.array_equal(forest.predict(x[:50]), Forest(x, y).predict(x[:50]))
    assert Forest(np.zeros((5, 0)), np.arange(5.0)).predict(np.zeros((2, 0))).tolist() == [2.0, 2.0]


def test_refuses_one_arm_and_sees_what_chance_does_not_do() -> None:
    """Rows of one arm are refused; a column that goes with the treatment is far from balance."""
    x, t, y = experiment(500, 5)
    with pytest.raises(ValueError, match="one arm only"):
        rank(x[:, 0], np.ones(500), y)
    assert imbalance(x, t) < 4.5
    assert imbalance(x + t[:, None], t) > 5.0


def test_columns_become_numbers() -> None:
    """Numbers are scaled, words spread, gaps are told, and a table with other words is encoded alike."""
    size = ["3", "5", "", "7"] * 25
    encoder = Encoder({"size": size, "colour": ["red", "blue"] * 50, "same": ["x"] * 100})
    x = encoder.encode({"size": ["5", "", "900"], "colour": ["red", "green", "red"], "same": ["x", "x", "y"]})
    assert x.shape == (3, 5)
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 6.0
    with pytest.raises(ValueError, match="got no column 'colour'"):
        encoder.encode({"size": ["5"], "same": ["x"]})
    with pytest.raises(ValueError, match="wanted a number, as in --train"):
        encoder.encode({"size": ["big"], "colour": ["red"], "same": ["x"]})


def test_what_gives_the_answer_away_is_left_out() -> None:
    """Columns that follow from the outcome or name the arm are found; those known before are not."""
    rng = np.random.default_rng(6)
    arm = ["mail" if one else "none" for one in rng.random(3_000) < 0.5]
    visit = (rng.random(3_000) < 0.15).astype(np.float64)
    spend = visit * (rng.random(3_000) < 0.3) * rng.gamma(1.0, 50.0, 3_000)
    columns = {
        "spend": [f"{one:.2f}" for one in spend],
        "bought": [str(int(one > 0.0)) for one in spend],
        "treated": ["1" if one == "mail" else "0" for one in arm],
        "recency": [str(one) for one in rng.integers(1, 13, 3_000)],
        "newbie": [str(one) for one in rng.integers(0, 2, 3_000)],
    }
    found = giveaways(columns, visit, arm)
    assert sorted(found) == ["bought", "spend", "treated"]
    assert "which arm" in found["treated"]
