"""What the lift report says beside the lift: cost, guards, explored goals, segments, novelty, switchbacks, shadow."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.fact import DecisionFact, EventFact, OutcomeFact
from micromoments.core.settings import Experiment, Rule, Slot, Switchback
from micromoments.report.flat import cards, tables
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, decision, event, outcome


def lift_of(*facts: DecisionFact | EventFact | OutcomeFact, settings: Any = SETTINGS, **params: str) -> dict[str, Any]:
    """The first row of the lift report until sixty days from now."""
    asked = {"from": str(NOW), "to": str(NOW + 60 * DAY)} | params
    rows: list[dict[str, Any]] = run(Facts(*facts).query, "lift", asked, settings)["rows"]
    return rows[0]


def shop(rate: float = 0.3, lifted: float = 0.3, people: int = 600) -> list[Any]:
    """People, half held out, who order an hour after their first decision with these chances."""
    rng = random.Random(1)
    facts: list[Any] = []
    for n in range(people):
        held = n % 2 == 0
        facts.append(decision(f"d{n}", n, NOW + n * 1000, holdout=held, moment_type="buy" if n % 3 else "go"))
        if rng.random() < (rate if held else lifted):
            facts.append(event(f"e{n}", n, NOW + HOUR, "Order Completed", goal="order", value=1000))
    return facts


def by_metric(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A row's comparisons by metric."""
    return {one["metric"]: one for one in row["comparisons"]}


def test_figures_are_told_by_scorecard_and_of_parts() -> None:
    """A table of figures stands under each scorecard with what it counts, and a break-down has them for each part."""
    served = {"title": "Moments served", "value": 0.25, "unit": "share", "count": 1, "of": 4, "card": "be there"}
    spent = {"title": "Goals", "value": 3, "unit": "goals", "count": 3, "of": None, "anchored": True}
    assert cards([served, spent]) == {
        "be there": [{"figure": "Moments served", "value": "25.0%", "counted": "1 of 4"}],
        "": [{"figure": "Goals", "value": "3", "counted": "3", "anchored": "the recogniser can't move it"}],
    }
    assert tables([{"part": "buy", "figures": [served]}]) == {"": [{"part": "buy", "Moments served": "25.0%"}]}


def test_value_is_net_of_what_redeemed_offers_cost() -> None:
    """An offer's cost is taken off its person's worth, and is no success less."""
    facts = shop()
    before = by_metric(lift_of(*facts))
    won = [f for f in facts if isinstance(f, EventFact) and f.surrogate % 2]
    costs = [outcome(f"o{e.id}", e.surrogate, NOW + HOUR, "d", "goal", goal="order", cost=400) for e in won]
    after = by_metric(lift_of(*facts, *costs))
    fewer = 400 * len(won) / 300
    assert after["value"]["treated_mean"] == pytest.approx(before["value"]["treated_mean"] - fewer, rel=0.02)
    assert after["people"] == before["people"]


def test_money_is_told_in_its_currency() -> None:
    """The value's sentence is among the notes, and tables have amounts with their currency, where there is one."""
    facts = [one for one in shop() if isinstance(one, DecisionFact | EventFact)]
    reply = run(Facts(*facts).query, "lift", {"goal": "order"}, SETTINGS)
    (row,) = reply["rows"]
    value = by_metric(row)["value"]
    assert reply["notes"][:2] == [row["sentence"], value["sentence"]]
    shown = next(one for one in tables(reply["rows"])["slot"] if one["metric"] == "value")
    assert shown["treated_mean"] == f"{value['treated_mean'] / 100:,.2f} {value['currency']}"
    assert shown["p"] == value["p"]


def test_a_broken_guard_rail_is_warned_about() -> None:
    """People who are served unsubscribe more: the guard-rail says so, the others don't, and goals don't count it."""
    gone = [event(f"u{n}", n, NOW + HOUR, "Unsubscribed", goal="!unsubscribe") for n in range(1, 600, 4)]
    row = lift_of(*shop(), *gone)
    guards = {g["guard"]: g for g in row["guards"]}
    assert guards["unsubscribe"]["verdict"] == "higher"
    assert guards["complaint"]["verdict"] in ("early", "unclear")
    assert any(w.startswith("Guard-rail broken: more people unsubscribe") for w in row["warnings"])
    assert by_metric(row)["people"]["treated_mean"] == by_metric(lift_of(*shop()))["people"]["treated_mean"]


def test_goals_that_were_not_declared_are_explored_and_corrected() -> None:
    """The primary goal has 5 %; two others share 5 %, are marked, and say so."""
    from micromoments.core.settings import Goal

    settings = replace(SETTINGS, goals={**SETTINGS.goals, "read": Goal(event="Article Read")})
    rows = run(Facts(*shop()).query, "lift", {}, settings)["rows"]
    assert [(r["goal"], r["primary"], r["exploratory"]) for r in rows] == [
        ("order", True, False),
        ("read", False, True),
        ("visit", False, True),
    ]
    assert [r["comparisons"][0]["alpha"] for r in rows] == [0.05, 0.025, 0.025]
    assert rows[1]["comparisons"][0]["sentence"].startswith("Explored, beside the goal that was declared: ")
    undeclared = lift_of(*shop(), settings=replace(SETTINGS, slots={"home": Slot(holdout=0.5)}))
    assert "No primary goal was declared" in undeclared["warnings"][-1]


def test_segments_share_the_people_and_are_corrected() -> None:
    """By the type of moment of the first decision: everybody once, each with its part of 5 %."""
    row = lift_of(*shop(rate=0.2, lifted=0.6))
    segments = {one["type"]: one for one in row["segments"]}
    assert {kind: (s["treated"], s["control"]) for kind, s in segments.items()} == {"buy": (200, 200), "go": (100, 100)}
    assert {s["alpha"] for s in segments.values()} == {0.025}
    assert segments["buy"]["verdict"] == "higher"


def test_a_lift_of_the_first_week_only_is_called_novelty() -> None:
    """Orders in the first week by those served, none more in the second: the effect is smaller."""
    facts: list[Any] = shop(0.0, 0.0, 800)
    for n in range(800):
        served = bool(n % 2)
        for week, chance in ((0, 0.6 if served else 0.2), (1, 0.2)):
            if random.Random(f"{n}.{week}").random() < chance:
                at = NOW + n * 1000 + week * 7 * DAY + DAY
                facts.append(event(f"w{n}.{week}", n, at, "Order Completed", goal="order", value=10))
    row = lift_of(*facts)
    assert row["novelty"]["verdict"] == "lower"
    assert "smaller in the 7 that follow" in row["novelty"]["sentence"]


def test_plan_and_posterior_stand_beside_the_lift() -> None:
    """The report says what could be found by now, and what a Bayesian says."""
    row = lift_of(*shop(rate=0.2, lifted=0.5))
    assert row["plan"]["people"] == 600
    assert row["plan"]["mde"] > 0
    assert row["plan"]["days_for_5_percent"] > 0
    assert by_metric(row)["people"]["bayes"]["chance"] > 0.99


def test_a_measured_rule_has_its_own_rows() -> None:
    """People with the rule against the share without it."""
    settings = replace(SETTINGS, rules={"pin": Rule(action="pin", where={"id": "p"}, measure=0.5)})
    facts = [
        decision(f"d{n}", n, NOW, experiments=["rule:pin"], variants=["without" if n % 2 else "with"])
        for n in range(240)
    ]
    rows = run(Facts(*facts).query, "lift", {"goal": "order"}, settings)["rows"]
    row = next(r for r in rows if r["of"] == "rule")
    assert (row["experiment"], row["people"]) == ("pin", {"with": 120, "without": 120})


def test_a_switchback_compares_blocks() -> None:
    """Sixty blocks, ten decisions each, more goals in the treated ones; refunds and costs are netted; people don't
    matter.
    """
    plan = Experiment(slot="home", variants={"old": 1.0, "new": 1.0}, switchback=Switchback(block_minutes=30))
    settings = replace(SETTINGS, experiments={"city": plan})
    facts: list[Any] = []
    for block in range(80):
        for n in range(10):
            id, arm = f"d{block}.{n}", "new" if block % 2 else "old"
            given = {"experiments": ["city"], "variants": [arm], "units": [f"u{block}"]}
            facts.append(decision(id, n, NOW + block * HOUR, **given))
            if n < (6 if block % 2 else 2) + block % 3:
                at = NOW + block * HOUR
                facts.append(outcome(f"o{id}", n, at, id, "goal", goal="order", value=100, cost=10, currency="EUR"))
    rows = run(Facts(*facts).query, "lift", {"goal": "order"}, settings)["rows"]
    row = next(r for r in rows if r["of"] == "switchback")
    assert (row["blocks"], row["decisions"]) == ({"new": 40, "old": 40}, {"new": 400, "old": 400})
    goals, value = row["comparisons"]
    assert (goals["verdict"], goals["difference"] > 0.35) == ("higher", True)
    assert value["treated_mean"] == pytest.approx(90 * goals["treated_mean"])
    assert row["sentence"].startswith("This raised order a decision in home")
    assert " points and +" in row["sentence"]
    assert (value["currency"], " EUR against " in value["sentence"]) == ("EUR", True)
    facts.append(outcome("usd", 1, NOW, "d0.1", "goal", goal="order", value=500, currency="USD"))
    rows = run(Facts(*facts).query, "lift", {"goal": "order"}, settings)["rows"]
    row = next(r for r in rows if r["of"] == "switchback")
    assert [one["metric"] for one in row["comparisons"]] == ["goals"]
    assert "EUR, USD" in row["warnings"][0]


def test_shadow_shows_the_difference() -> None:
    """How often the first item agrees, what gains and loses, and what rules cost."""
    facts = [
        decision(f"d{n}", n, NOW, mode="shadow", items=["a", "b"], would=["a" if n % 4 else "c", "b"], policy="theirs")
        for n in range(8)
    ]
    facts.append(decision("r", 9, NOW, rules=["pin"], rule_cost=0.25))
    reply = run(Facts(*facts).query, "shadow", {}, SETTINGS)
    assert (reply["figures"][0]["count"], reply["figures"][0]["of"]) == (6, 8)
    rows = {(r["of"], r.get("item", r.get("rule", ""))): r for r in reply["rows"]}
    assert (rows["item", "c"]["change"], rows["item", "a"]["change"], rows["item", "b"]["change"]) == (2, -2, 0)
    assert rows["rule", "pin"]["cost"] == 0.25
