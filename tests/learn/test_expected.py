"""The reward model of doubly robust estimates."""

from __future__ import annotations

import numpy as np

from micromoments.learn.expected import expectations
from micromoments.learn.logged import Action, Logged


def log(n: int, rate: dict[str, float], seed: int = 1) -> list[Logged]:
    """Decisions between two actions, whose rewards depend on the action, and on the hour for ``a``."""
    rng = np.random.default_rng(seed)
    out = []
    for at in range(n):
        day, chosen = bool(rng.random() < 0.5), "ab"[rng.integers(2)]
        mean = rate[chosen] * (2.0 if day and chosen == "a" else 1.0)
        actions = [Action(id, {"price": 3.5}) for id in "ab"]
        out.append(Logged(f"d{at}", actions, chosen, 0.5, float(rng.random() < mean), at, {"day": day}))
    return out


def test_finds_what_actions_earn_in_a_context() -> None:
    """The model comes close to each action's rate in each context, from the other folds alone."""
    records = log(4_000, {"a": 0.4, "b": 0.1})
    only_a = [np.array([1.0, 0.0]) for _ in records]
    shown, target = expectations(records, only_a, np.ones(4_000))
    day = np.array([bool(r.context["day"]) for r in records if isinstance(r.context, dict)])
    assert abs(target[day].mean() - 0.8) < 0.05
    assert abs(target[~day].mean() - 0.4) < 0.05
    chosen_b = np.array([r.chosen == "b" for r in records])
    assert abs(shown[chosen_b].mean() - 0.1) < 0.03


def test_where_there_is_nothing_to_find_it_is_the_mean() -> None:
    """Rewards that depend on nothing leave predictions close to the mean, so the estimate isn't made noisier."""
    records = log(3_000, {"a": 0.02, "b": 0.04}, seed=3)
    shown, _ = expectations(records, [np.array([0.5, 0.5])] * 3_000, np.ones(3_000))
    assert shown.std() < 0.02


def test_few_records_have_no_model() -> None:
    """Below two a fold nothing is expected: the estimate is then that of IPS."""
    shown, target = expectations(log(4, {"a": 1.0, "b": 1.0}), [np.array([0.5, 0.5])] * 4, np.ones(4))
    assert not shown.any()
    assert not target.any()
