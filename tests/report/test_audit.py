"""The audit: what became of each moment, whose goals they were, and the range."""

from __future__ import annotations

import random
from typing import Any

import pytest

from micromoments.core.fact import EventFact, Fact, MomentFact
from micromoments.report.parts import money
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, event, figures, moment

MINUTE = 60_000


def audited(*facts: Fact, **params: str) -> dict[str, Any]:
    """The audit of some facts."""
    return run(Facts(*facts).query, "history", params, SETTINGS)


def causes(reply: dict[str, Any]) -> dict[str, int]:
    """Moments by what became of them."""
    found: dict[str, int] = {}
    for row in reply["rows"]:
        if row["of"] == "causes":
            found[row["cause"]] = found.get(row["cause"], 0) + row["moments"]
    return found


def test_every_moment_has_one_cause() -> None:
    """Served, refused, nothing found, too late, too early or nothing shown: each by its own sign in the log."""
    facts: list[Fact] = []
    signs: list[tuple[str, int, dict[str, Any]]] = [
        ("Promotion Viewed", MINUTE, {}),
        ("Consent Updated", -HOUR, {"goal": "!opt_out"}),
        ("Products Searched", MINUTE, {"query": "tent", "results": 0}),
        ("Email Delivered", 2 * HOUR, {}),
        ("Push Notification Received", -HOUR, {}),
        ("Product Viewed", MINUTE, {}),
    ]
    for person, (name, at, more) in enumerate(signs):
        facts.append(moment(f"m{person}", person, NOW, expires_at=NOW + HOUR, ended="expired", ended_at=NOW + HOUR))
        facts.append(event(f"e{person}", person, NOW + at, name, **more))
    facts.append(moment("blink", 9, NOW, ended="fulfilled", ended_at=NOW))
    wanted = {"served": 1, "consent": 1, "no item": 1, "too late": 2, "too early": 1, "nothing shown": 1}
    assert causes(audited(*facts)) == wanted


def test_a_log_without_showings_says_so() -> None:
    """Where no event says that anything was shown, no share of served moments is made up."""
    reply = audited(moment("m", 1, NOW, expires_at=NOW + HOUR), event("e", 1, NOW))
    assert causes(reply) == {"not said": 1}
    assert figures(reply)["served"]["value"] is None
    assert "whether a moment was served" in [row["what"] for row in reply["rows"] if row["of"] == "cannot"]


def test_a_goal_counts_once() -> None:
    """Goals, the moment each follows, and what was too late are what plain loops count."""
    rng = random.Random(4)
    moments, goals = [], []
    for n in range(300):
        at = NOW + rng.randrange(5 * DAY)
        end = at + rng.choice([0, HOUR, 2 * HOUR])
        moments.append(moment(f"m{n:03}", rng.randrange(30), at, ended="expired", ended_at=end))
        when = rng.choice([NOW + rng.randrange(6 * DAY), at])
        goals.append(event(f"g{n}", rng.randrange(40), when, goal="order", value=1000 * rng.randrange(9)))
    reply = audited(*moments, *goals)
    told = {row["goal"]: row["goals"] for row in reply["rows"] if row["of"] == "goals"}
    wanted: dict[str, int] = {}
    value = 0
    for goal in goals:
        led = by_hand(goal, moments)
        how = "not recognised" if led is None else "too late" if led.opened_at == goal.at else "recognised, not served"
        wanted[how] = wanted.get(how, 0) + 1
        value += goal.value if led is not None and led.opened_at < goal.at and led.ended_at - led.opened_at else 0
    assert told == wanted
    (row,) = [row for row in reply["rows"] if row["of"] == "worth"]
    assert row["value"] == money(value, "USD")


def by_hand(goal: EventFact, moments: list[MomentFact]) -> MomentFact | None:
    """The moment that a goal counts for."""
    mine = [m for m in moments if m.surrogate == goal.surrogate and m.opened_at <= goal.at <= m.ended_at + DAY]
    return max(mine, key=lambda m: (m.opened_at < goal.at, m.opened_at), default=None)


def test_the_range_follows_the_assumption() -> None:
    """Low is the low lift of the least likely value, high the high lift of the most."""
    facts: list[Fact] = []
    for n in range(100):
        facts.append(moment(f"m{n}", n, NOW, ended="expired", ended_at=NOW + HOUR))
        facts.append(event(f"g{n}", n, NOW + MINUTE, goal="order", value=10_000))
    (row,) = [row for row in audited(*facts, lift="0.1-0.2")["rows"] if row["of"] == "worth"]
    # 100 people of 100 USD: 10,000 USD, give or take 1.96 x 100 x sqrt(100) = 1,960 USD.
    assert (row["from"], row["to"]) == ("804.00 USD", "2,392 USD")
    with pytest.raises(ValueError, match=r"got lift='5'; wanted FROM-TO as shares"):
        audited(lift="5")


def test_goals_without_a_price_have_the_worth_that_is_said() -> None:
    """Without values there is no money in the answer, until somebody says what a goal is worth."""
    facts: list[Fact] = [
        moment("m", 1, NOW, ended="expired", ended_at=NOW + HOUR),
        event("g", 1, NOW + MINUTE, goal="order", value=0),
    ]
    (row,) = [row for row in audited(*facts)["rows"] if row["of"] == "worth"]
    assert row["from"] is None
    (row,) = [row for row in audited(*facts, worth="4000")["rows"] if row["of"] == "worth"]
    assert row["value"] == "40.00 USD"


def test_orders_alone_hold_no_moment() -> None:
    """A log in which nobody looks at anything is told so, in the first sentences, with what to export."""
    orders = Facts(*(event(f"o{n}", n, NOW + n, "Order Completed", goal="order", value=900) for n in range(12)))
    said = run(orders.query, "history", {}, SETTINGS)["notes"]
    assert "0 moments" in said[0]
    assert said[1].startswith("No moment was recognised")
