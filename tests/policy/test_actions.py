"""What a policy sees of actions that come with a request."""

from __future__ import annotations

from math import asinh

import numpy as np
import pytest

from micromoments.policy.actions import KNOWN, MAX_FEATURES, WIDTH, flat, rows
from micromoments.policy.adaptive import Adaptive


def test_a_number_is_shared_between_the_orders_around_it() -> None:
    """Beside the squashed number stand the two whole values of asinh(2 x) around it, together of 1."""
    for x in (0.0, 3.0, -3.0, 40, 1e9, -1e-9):
        _, (below, low), (above, high) = flat({"age": x})
        lower, upper = (int(name.partition("~")[2]) for name in (below, above))
        assert lower <= asinh(2.0 * x) <= upper == lower + 1
        assert low + high == pytest.approx(1.0)
        assert lower * low + upper * high == pytest.approx(asinh(2.0 * x))
    assert flat({"plan": "gold", "on": True}) == [("plan=gold", 1.0), ("on=True", 1.0)]


def test_what_is_no_number_or_too_much_is_left_out() -> None:
    """NaN, infinity and what has no end in sight are left out; of many values the first count."""
    assert flat({"a": float("nan"), "b": float("inf"), "c": None, "d": 10**400}) == []
    assert len(flat(["x"] * 1_000)) == MAX_FEATURES
    x = rows([("a", [{"f": -1e308}]), ("b", [{"f" * 10_000: "long"}])], [{f"n{n}": 1e5 * n for n in range(200)}])
    assert x.shape == (2, WIDTH)
    assert float(np.abs(x).max()) <= 1.0


def test_rows_are_the_same_for_the_same_however_much_came_between() -> None:
    """What is kept at hand changes nothing."""
    asked = ([("a", [{"k": 1}]), ("b", [{"k": 2}])], [{"hour": 13, "device": "phone"}])
    first = rows(*asked)
    rows([("a", [])], [{f"n{n}": str(n)} for n in range(MAX_FEATURES)])
    for start in range(0, KNOWN + MAX_FEATURES, MAX_FEATURES):
        rows([("a", [])], [f"w{start + n}" for n in range(MAX_FEATURES)])
    np.testing.assert_array_equal(rows(*asked), first)


@pytest.mark.parametrize("unit", [0.01, 1.0, 1_000.0])
def test_what_bends_is_learned_in_any_unit(unit: float) -> None:
    """Of three actions one is right for low, one for middling and one for high values; the policy finds out, whether
    they are hundredths or thousands.
    """
    rng, policy, right = np.random.default_rng(11), Adaptive(WIDTH), 0.0
    actions: list[tuple[str, list[str]]] = [("low", []), ("middle", []), ("high", [])]
    for n in range(500):
        order = int(rng.integers(3))
        x = rows(actions, [{"size": unit * 30.0**order * float(rng.uniform(0.7, 1.4))}])
        p = policy.pmf(x, rng)
        right += float(p[order]) * (n >= 250)
        chosen = int(rng.choice(3, p=p))
        policy.learn(x[chosen], float(chosen == order))
    assert right > 0.8 * 250
