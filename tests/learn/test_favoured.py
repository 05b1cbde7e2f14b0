"""Whom a ranking leaves out, by group; protected traits are known by their names."""

from __future__ import annotations

import numpy as np
import pytest

from micromoments.learn.favoured import FEW, favoured, left_out, protected


def test_protected_columns_are_known_however_they_are_written() -> None:
    """Capitals, spaces and dashes don't matter; what only contains such a word is no such trait."""
    assert protected(["Gender", "marital status", "skin-colour", "account_age", "plan"]) == [
        "Gender",
        "marital status",
        "skin-colour",
    ]


def test_groups_are_counted_among_those_ranked_first() -> None:
    """Words are groups, rarer ones together, numbers stretches of as many each; gaps and tiny groups are left out."""
    n = 800
    score = np.arange(n, dtype=np.float64)
    columns = {
        "half": ["low"] * (n // 2) + ["high"] * (n // 2),
        "number": [str(at) for at in range(n)],
        "words": [f"w{at % 9}" for at in range(n)],
        "gaps": ["x"] * (FEW - 1) + [""] * (n - FEW + 1),
    }
    found = {(one.column, one.group): one for one in favoured(score, columns, ["half"])}
    assert (found["half", "low"].first, found["half", "high"].first) == (0.0, 1.0)
    assert found["half", "high"].protected
    assert [found["number", name].first for name in ("0 to 199.75", "599.25 to 799")] == [0.0, 1.0]
    assert found["words", "others"].people == sum(at % 9 > 5 for at in range(n))
    assert found["words", "w0"].low < 0.5 < found["words", "w0"].high
    assert not any(column == "gaps" for column, _ in found)


@pytest.mark.parametrize(("share", "warned"), [(0.9, True), (0.52, False)])
def test_a_protected_group_that_is_left_out_is_warned_of(share: float, warned: bool) -> None:
    """Where one is among the first far less often than another that is said, and differences of chance are not."""
    rng = np.random.default_rng(1)
    sex = rng.choice(["f", "m"], 2_000)
    score = np.where(rng.random(2_000) < share, sex == "m", sex == "f") + 0.1 * rng.random(2_000)
    columns = {"sex": sex.tolist(), "plan": sex.tolist()}
    said = left_out(favoured(score, columns, ["sex"]))
    assert len(said) == warned
    assert not said or said[0].startswith("of sex 'f' ")
