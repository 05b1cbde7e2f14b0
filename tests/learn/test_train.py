"""Fitting weights to what was done next, and telling whether they are better."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.core.moment import TYPES
from micromoments.learn.train import Design, FloatArray, compare, fit, probabilities, score


def world(n: int, seed: int = 3) -> tuple[Design, FloatArray]:
    """Examples drawn from known weights: two events and an intercept, over four intents and none."""
    rng = np.random.default_rng(seed)
    truth = np.array([[1.0, 0.0, 0.0, 0.5], [0.0, -1.0, 0.0, 2.0], [-2.0, -2.0, -2.0, -1.0]])
    x = np.stack([np.column_stack([rng.integers(0, 3, n), rng.random(n), np.ones(n)])] * 4).astype(float)
    offset = rng.normal(0, 0.3, (n, 4))
    p = probabilities(x, offset, truth)
    y = np.array([rng.choice(5, p=row) for row in p])
    return Design(x, offset, y, np.arange(n)), truth


def test_known_weights_are_found_again() -> None:
    """With enough examples and a wide prior the fit is near the weights that made the labels."""
    design, truth = world(8000)

    assert np.abs(fit(design, np.zeros((3, 4)), spread=10.0) - truth).max() < 0.35


def test_few_examples_stay_near_the_shipped_weights() -> None:
    """A handful of examples moves the weights little: early on, the shipped ones carry."""
    design, _ = world(8000)
    few = Design(design.x[:, :5], design.offset[:5], design.y[:5], design.who[:5])
    centre = np.full((3, 4), 0.5)

    assert np.abs(fit(few, centre, spread=0.2) - centre).max() < 0.2


def test_the_same_examples_give_the_same_weights() -> None:
    """Fitting draws nothing: twice is the same to the bit."""
    design, _ = world(500)

    assert np.array_equal(fit(design, np.zeros((3, 4))), fit(design, np.zeros((3, 4))))


def test_better_needs_more_than_luck() -> None:
    """The truth is told better than the base rates; the same against itself, or a few people's luck, is not."""
    design, truth = world(3000)
    p = probabilities(design.x, design.offset, truth)
    rates = np.bincount(design.y, minlength=5) / len(design.y)
    flat = np.tile(rates, (len(p), 1))

    told = compare(flat, p, design.y, design.who, rates, TYPES)
    assert told.better
    assert 0 < told.low < told.gain < told.high
    assert told.labels["none"] == int((design.y == 4).sum())
    assert not compare(p, p, design.y, design.who, rates, TYPES).better
    assert not compare(flat[:4], p[:4], design.y[:4], np.zeros(4, dtype=int), rates, TYPES).better


def test_an_interval_is_over_people_not_events() -> None:
    """The same examples told a hundred times by the same people are no surer."""
    design, truth = world(60)
    p = probabilities(design.x, design.offset, truth)
    flat = np.full_like(p, 0.2)
    rates = np.full(5, 0.2)
    once = compare(flat, p, design.y, design.who, rates, TYPES)
    flat, p = np.repeat(flat, 100, axis=0), np.repeat(p, 100, axis=0)
    often = compare(flat, p, np.repeat(design.y, 100), np.repeat(design.who, 100), rates, TYPES)

    assert often.high - often.low == pytest.approx(once.high - once.low, rel=1e-3)


def test_calibration_error_is_what_confidence_lacks() -> None:
    """Always 0.8 sure and right half the time is off by 0.3."""
    p = np.tile([0.8, 0.05, 0.05, 0.05, 0.05], (10, 1))

    assert score(p, np.array([0, 1] * 5)).calibration_error == pytest.approx(0.3)
