"""The lift report against the same sums over people in plain Python, and what it says where there is no proof."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.event import TEST
from micromoments.core.fact import DecisionFact, EventFact
from micromoments.core.settings import Experiment, Settings
from micromoments.learn.lift import Sums, lift, paced
from micromoments.learn.sequence import DAYS, Size
from micromoments.report.lift import BEFORE
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, decision, event

FROM, TO = NOW, NOW + 14 * DAY


def history(seed: int) -> tuple[list[DecisionFact], list[EventFact]]:
    """700 people, half held out; orders before and after their first decision, some refunded; some in both arms."""
    rng = random.Random(seed)
    decisions, events = [], []
    for person in range(700):
        held = person % 2 == 0
        first = FROM + rng.randrange(10 * DAY)
        for n in range(rng.randrange(1, 4)):
            arm = not held if person % 50 == 3 and n else held
            decisions.append(decision(f"d{person}.{n}", person, first + n * HOUR, holdout=arm))
        for n in range(rng.choice([0, 0, 1, 2])):
            at = first + rng.randrange(-40 * DAY, 12 * DAY)
            value = rng.randrange(500, 9000)
            events.append(event(f"e{person}.{n}", person, at, "Order Completed", goal="order,visit", value=value))
            if rng.random() < 0.2:
                events.append(event(f"r{person}.{n}", person, at + HOUR, "Order Refunded", goal="order", value=-value))
        if person % 9 == 0:
            bad = event(f"t{person}", person, first + HOUR, "Order Completed", goal="order", value=10**6, marks=TEST)
            events.append(bad)
    return decisions, events


def by_hand(decisions: list[DecisionFact], events: list[EventFact], metric: str) -> dict[str, Sums]:
    """One pass over people, without SQL."""
    arms: dict[int, set[bool]] = {}
    since: dict[int, int] = {}
    for one in decisions:
        arms.setdefault(one.surrogate, set()).add(one.holdout)
        since[one.surrogate] = min(since.get(one.surrogate, one.received_at), one.received_at)
    values: dict[bool, tuple[list[float], list[float]]] = {True: ([], []), False: ([], [])}
    for person, held in arms.items():
        if len(held) > 1:
            continue
        now, before = [
            [e for e in events if e.surrogate == person and not e.marks and low <= e.at < high]
            for low, high in ((since[person], TO), (since[person] - BEFORE, since[person]))
        ]
        for stretch, column in zip((now, before), values[next(iter(held))], strict=True):
            wins = sum(e.value >= 0 for e in stretch)
            column.append({"people": min(wins, 1), "times": wins, "value": sum(e.value for e in stretch)}[metric])
    return {"served": Sums.of(*values[False]), "held out": Sums.of(*values[True])}


@pytest.mark.parametrize("metric", ["people", "times", "value"])
def test_lift_equals_the_same_sums_by_hand(metric: str) -> None:
    """Per person from the first decision on, net of refunds, CUPED by the 28 days before, without tests."""
    decisions, events = history(5)
    facts = Facts(*decisions, *events)
    reply = run(facts.query, "lift", {"from": str(FROM), "to": str(TO), "goal": "order"}, SETTINGS)
    (row,) = reply["rows"]
    arms = by_hand(decisions, events, metric)
    came = {d.surrogate: min(o.received_at for o in decisions if o.surrogate == d.surrogate) for d in decisions}
    soon = sum(at < min(came.values()) + DAYS * DAY for at in came.values())
    sides = arms["served"], arms["held out"]
    wanted = lift(*sides, sequence=paced(*sides, Size(grown=len(came) / soon)))
    (got,) = [one for one in row["comparisons"] if one["metric"] == metric]
    for name in ("treated", "control", "treated_mean", "control_mean", "difference", "low", "high", "p", "relative"):
        assert got[name] == pytest.approx(getattr(wanted, name)), name
    assert got["variance_kept"] < 1
    assert got["verdict"] == wanted.verdict


def test_people_in_both_arms_are_left_out_and_warned_about() -> None:
    """They are counted, and above 1 % the report says that something is wrong."""
    decisions, events = history(5)
    both = {d.surrogate for d in decisions if not d.holdout} & {d.surrogate for d in decisions if d.holdout}
    (row,) = run(Facts(*decisions, *events).query, "lift", {"goal": "order"}, SETTINGS)["rows"]
    assert row["crossed"]["count"] == len(both) > 7
    assert row["people"]["served"] + row["people"]["held out"] + len(both) == 700
    assert "more than one arm" in row["warnings"][0]


def test_without_a_holdout_it_is_not_proof() -> None:
    """Nobody held out: no number at all, but how to get one."""
    reply = run(Facts(decision("d1", 1, NOW)).query, "lift", {}, SETTINGS)
    (row,) = reply["rows"]
    assert row["proof"] is False
    assert row["comparisons"] == []
    assert row["sentence"].startswith("Not proof yet: ")
    assert reply["notes"] == [row["sentence"]]
    reply = run(Facts(decision("d1", 1, NOW)).query, "lift", {}, Settings())
    assert "[slots.home]" in reply["notes"][0]


def test_a_split_that_is_off_is_said_first() -> None:
    """A mismatch takes the sentence's place: 200 served and 100 held out where half and half was meant."""
    decisions = [decision(f"d{n}", n, NOW, holdout=n % 3 == 0) for n in range(300)]
    rows = run(Facts(*decisions).query, "lift", {}, SETTINGS)["rows"]
    assert [row["goal"] for row in rows] == ["order", "visit"]
    assert [row["primary"] for row in rows] == [True, False]
    assert rows[0]["split"]["mismatch"] is True
    assert rows[0]["sentence"].startswith("Don't believe")


def test_nothing_is_claimed_while_the_split_is_off() -> None:
    """However clear a difference is, no comparison, segment or note calls it sure where the arms' sizes are off."""
    decisions = [decision(f"d{n}", n, NOW, holdout=n % 3 == 0) for n in range(600)]
    orders = [event(f"e{n}", n, NOW + HOUR, goal="order", value=100, currency="EUR") for n in range(600) if n % 3]
    orders += [event(f"h{n}", n, NOW + HOUR, goal="order", value=100, currency="EUR") for n in range(0, 90, 3)]
    reply = run(Facts(*decisions, *orders).query, "lift", {"goal": "order"}, SETTINGS)
    (row,) = reply["rows"]
    assert {one["verdict"] for one in (*row["comparisons"], *row["segments"])} == {"doubtful"}
    assert all(one["low"] > 0 and one["bayes"] is None for one in row["comparisons"])
    assert "sure enough" not in str(row)
    assert "sure enough" not in str(reply["notes"])
    even = [replace(one, holdout=n % 2 == 0) for n, one in enumerate(decisions)]
    (row,) = run(Facts(*even, *orders).query, "lift", {"goal": "order"}, SETTINGS)["rows"]
    assert "doubtful" not in str(row)


def test_two_currencies_are_not_added_up() -> None:
    """Values in euros and dollars aren't compared; people and times are."""
    decisions = [decision(f"d{n}", n, NOW, holdout=n % 2 == 0) for n in range(10)]
    orders = [
        event(f"e{n}", n, NOW + HOUR, goal="order", value=100, currency=code) for n, code in ((1, "EUR"), (2, "USD"))
    ]
    (row,) = run(Facts(*decisions, *orders).query, "lift", {"goal": "order"}, SETTINGS)["rows"]
    assert [one["metric"] for one in row["comparisons"]] == ["people", "times"]
    assert "EUR, USD" in row["warnings"][-1]


def test_experiments_compare_each_variant_with_the_first() -> None:
    """The first variant is the control; people count in the variant of their decisions."""
    settings = replace(SETTINGS, experiments={"new": Experiment(slot="home", variants={"old": 0.5, "new": 0.5})})

    def given(n: int) -> dict[str, Any]:
        return {"experiments": ["holdout:home", "new"], "variants": ["served", "new" if n % 2 else "old"]}

    decisions = [decision(f"d{n}", n, NOW, **given(n)) for n in range(240)]
    orders = [event(f"e{n}", n, NOW + HOUR, goal="order", value=100) for n in range(240) if n % 2 or n % 3 == 0]
    rows = run(Facts(*decisions, *orders).query, "lift", {"goal": "order"}, settings)["rows"]
    row = next(row for row in rows if row["of"] == "experiment")
    assert (row["experiment"], row["arms"], row["people"]) == ("new", ["new", "old"], {"new": 120, "old": 120})
    people = row["comparisons"][0]
    assert (people["treated_mean"], people["control_mean"]) == (1.0, pytest.approx(1 / 3))
    assert people["verdict"] == "higher"
    assert row["sentence"].startswith("new in home raised the share of people who reach order")
    assert rows[0]["of"] == "slot"
    assert rows[0]["proof"] is False


def test_one_slot_may_be_asked_for() -> None:
    """``slot`` looks at one slot only."""
    facts = Facts(decision("d1", 1, NOW), decision("d2", 1, NOW, slot="push"))
    assert [row["slot"] for row in run(facts.query, "lift", {"slot": "push"}, SETTINGS)["rows"]] == ["push"]
    assert [row["slot"] for row in run(facts.query, "lift", {}, SETTINGS)["rows"]] == ["home", "push"]
