"""Every report says the same on DuckDB and on Postgres, over the same facts."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from micromoments.core.fact import Fact
from micromoments.report.reports import REPORTS, run
from tests.report.postgres import Postgres, binaries, running
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, decision, event, moment, outcome

ASKED: list[tuple[str, dict[str, str]]] = [
    *((name, {"decision": "d3"} if name == "receipt" else {}) for name in REPORTS),
    ("behind", {"item": "a"}),
    ("behind", {"need": "Tent"}),
    ("behind", {"cause": "too late"}),
    *(("behind", {"only": only}) for only in ("sure:4", "refused:cap", "event:Order Completed", "wanted:tent")),
    *(
        (name, {"by": part, "tz": "America/New_York"})
        for name, report in REPORTS.items()
        for part in report.segments
        if part in ("device", "day")
    ),
]


def history() -> list[Fact]:
    """A hundred people over four days: what they did, the moments they had, what was decided, what came of it."""
    rng = random.Random(7)
    facts: list[Fact] = []
    words = ["tent", "Shoes", "it's raining", ""]
    for n in range(600):
        person, at = rng.randrange(100), NOW + rng.randrange(4 * DAY)
        device, channel = rng.choice(["phone", "desktop", ""]), rng.choice(["web", "app"])
        name = rng.choice(["Product Viewed", "Products Searched", "Email Delivered", "Order Completed", "Rage Click"])
        more: dict[str, Any] = {"device": device, "channel": channel, "marks": rng.choice([0, 0, 0, 1])}
        if name == "Products Searched":
            more |= {"query": rng.choice(words), "results": rng.choice([-1, 0, 3])}
        if name == "Order Completed":
            more |= {"goal": "order", "value": rng.choice([-300, 1000, 2500])}
        facts.append(event(f"e{n}", person, at, name, **more))
        ended, served = rng.choice(["", "fulfilled", "abandoned"]), rng.random() < 0.5
        about: dict[str, Any] = {
            "channels": channel,
            "query": rng.choice(words),
            "confidence": rng.random(),
            "ended": ended,
        }
        about |= {"expires_at": at + HOUR, "ended_at": at + rng.choice([0, HOUR // 2]) if ended else 0}
        about |= {"served_at": at + 60 if served else 0, "ended": ended}
        facts.append(moment(f"m{n}", person, at, rng.choice(["know", "go", "do", "buy"]), **about))
        empty = rng.random() < 0.2
        chosen: dict[str, Any] = {"items": [], "kinds": [], "propensities": []} if empty else {}
        refused = rng.choice([[], ["cap"], ["no_consent", "cap"], ["out_of_stock"]])
        facts.append(
            decision(
                f"d{n}", person, at + 50, moment=f"m{n}" if served or empty else "", refused=refused,
                holdout=rng.random() < 0.2, experiments=["x"], variants=[rng.choice("ab")], units=[f"u{person}"],
                **chosen,
            )
        )  # fmt: skip
        what = rng.choice(["seen", "clicked", "goal"])
        facts.append(outcome(f"o{n}", person, at + HOUR, f"d{n}", what, moment=f"m{n}", item="a", reward=1.0))
    return facts


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[Facts, Postgres]]:
    """The same facts in both."""
    tools = binaries()
    if tools is None:
        pytest.skip("Postgres isn't installed (Debian's package postgresql); reports are compared where it is")
    facts = history()
    # Not pytest's own folder: that is private, and Postgres runs as another user where the tests run as root.
    with tempfile.TemporaryDirectory(prefix="mm-pg-") as folder:
        Path(folder).chmod(0o711)
        with running(Path(folder) / "pg", tools) as postgres:
            postgres.load(facts)
            yield Facts(*facts), postgres


@pytest.mark.parametrize(("name", "params"), ASKED, ids=lambda value: value if isinstance(value, str) else str(value))
def test_a_report_says_the_same_on_both(engines: tuple[Facts, Postgres], name: str, params: dict[str, str]) -> None:
    """Figures, rows and sentences are equal; real numbers within a billionth."""
    duck, postgres = engines
    here, there = run(duck.query, name, params, SETTINGS), run(postgres.query, name, params, SETTINGS)
    assert same(here, there), (here, there)
    assert here["rows"] or here["figures"]


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are equal, numbers within a billionth."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def test_a_difference_is_noticed() -> None:
    """The comparison isn't blind."""
    assert not same({"a": [1, 2.0]}, {"a": [1, 2.1]})
    assert not same({"a": 1}, {"b": 1})
