"""A backtest finds what a policy would have earned, from a log that another wrote."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from micromoments.learn import backtest, logged
from micromoments.learn.logged import Action, Logged
from micromoments.policy import make

CLICKS = {"a": 0.1, "b": 0.3, "c": 0.6}


def world(seed: int, n: int) -> list[Logged]:
    """A log of evenly drawn actions whose rewards depend on the action, and for ``c`` on the hour."""
    rng = np.random.default_rng(seed)
    out = []
    for at in range(n):
        hour = "day" if rng.random() < 0.5 else "night"
        chosen = "abc"[rng.integers(3)]
        means = CLICKS | {"c": 0.9 if hour == "day" else 0.3}
        actions = [Action(id, {"length": 1.0}) for id in "abc"]
        out.append(Logged(f"d{at}", actions, chosen, 1 / 3, float(rng.random() < means[chosen]), at, {"hour": hour}))
    return out


def line(**changes: Any) -> bytes:
    """One record as a line."""
    return json.dumps(msgspec.to_builtins(world(1, 1)[0]) | changes).encode()


def test_given_probabilities_are_estimated_rightly() -> None:
    """For given probabilities all three estimators are close to the truth, and DR's interval beats that of IPS."""
    records = world(1, 6_000)
    p = {str(record.decision_id): {"b": 0.5, "c": 0.5} for record in records}
    got = backtest.given(records, p)
    for estimate in got.estimates:
        assert estimate.low < 0.45 < estimate.high
        assert estimate.high - estimate.low < 0.06
    one, _, three = (estimate.high - estimate.low for estimate in got.estimates)
    assert three < one
    assert got.logged_value == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize("name", ["thompson", "squarecb", "epsilon"])
def test_a_learner_is_worth_more_than_the_log(name: str) -> None:
    """A learning policy finds the best action in the log, and the estimates say so; the same seed says the same."""
    records = world(2, 1_500)
    got = backtest.policy(records, make(name))
    assert all(estimate.low > got.logged_value for estimate in got.estimates)
    assert all(estimate.value > 0.45 for estimate in got.estimates)
    assert backtest.policy(records, make(name)) == got


def test_unusable_records_are_set_aside_with_reasons() -> None:
    """What is no record, or has no true propensity, reward or choice, is told by line; the rest is read."""
    lines = [
        line(),
        b"",
        b"{",
        line(propensity=0),
        line(reward=1e999),
        line(chosen="z"),
        line(ts=-5, decision_id="early"),
    ]
    records, wrong = logged.read(lines)
    assert [record.decision_id for record in records] == ["early", "d0"]
    assert [reason.split(":")[0] for reason in wrong] == ["line 3", "line 4", "line 5", "line 6"]
    assert "wanted above 0" in wrong[1]


def test_a_mark_before_the_first_line_is_no_mistake() -> None:
    """Files that begin with a byte order mark, as Excel and Windows write them, lose no line of log or target."""
    mark = b"\xef\xbb\xbf"
    records, wrong = logged.read([mark + line(), line(decision_id="d1"), mark + line(decision_id="d2")])
    assert [record.decision_id for record in records] == ["d0", "d1"]
    assert [reason.split(":")[0] for reason in wrong] == ["line 3"]
    assert logged.read([mark.decode() + line().decode()])[1] == []
    assert logged.read_given([mark + b'{"decision_id": "d0", "probabilities": {"a": 1}}']) == {"d0": {"a": 1.0}}


def test_targets_that_are_no_distribution_are_set_aside() -> None:
    """Decisions without a target distribution over their own actions are counted, and the first told."""
    records = world(3, 4)
    p = {"d0": {"a": 1.0}, "d1": {"a": 0.4}, "d2": {"z": 1.0}}
    got = backtest.given(records, p)
    assert (got.n, got.set_aside) == (1, 3)
    assert "d1" in got.why[0]
    with pytest.raises(ValueError, match="no usable decision"):
        backtest.given(records, {})


def test_features_are_bounded_and_tell_actions_apart() -> None:
    """Every kind of feature is taken, values lie in [-1, 1], and actions that differ have rows that differ."""
    actions = [
        Action("a", {"price": 1e9, "red": True, "brand": "x", "none": None}),
        Action("b", [0.5, -2.0]),
        Action("c"),
    ]
    x = logged.encode(Logged("d", actions, "a", 0.5, 1.0, 0, {"hour": 3, "deep": {"no": 1}}))
    assert x.shape == (3, logged.DIM)
    assert np.abs(x).max() <= 1.0
    assert len({row.tobytes() for row in x}) == 3


def test_open_bandit_log(shared: Path) -> None:
    """On the shared log of evenly shown items, the even policy is worth exactly the log's mean."""
    with gzip.open(shared / "data" / "offers" / "open_bandit_random_men.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))[:3_000]
    arms = sorted({row["item_id"] for row in rows})
    records = [
        Logged(str(n), [Action(arm) for arm in arms], row["item_id"], 1 / len(arms), float(row["click"]), n)
        for n, row in enumerate(rows)
    ]
    got = backtest.policy(records, make("random"))
    assert got.estimates[0].value == pytest.approx(got.logged_value)
    assert got.estimates[0].effective == pytest.approx(3_000)


def test_whole_numbers_of_hundreds_of_digits_are_features_like_others() -> None:
    """No floating number holds them; they are as large as a feature can be."""
    for features in ({"x": 10**400, "y": -(10**400)}, [10**400] * logged.DIM):
        found, wrong = logged.read([line(actions=[{"id": id, "features": features} for id in "abc"])])
        assert not wrong
        assert np.abs(logged.encode(found[0])).max() == 1.0
        assert logged.engine_rows(found[0]) is None
