"""Merchandisers' rules: they hold whatever the policy says, propensities stay true, and the cost is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from micromoments.core.decision import Decision
from micromoments.core.settings import Rule, Settings, Slot
from micromoments.decide.decider import decide
from micromoments.policy import make
from micromoments.policy.base import FloatArray
from micromoments.policy.features import SCORE
from micromoments.retrieve.ask import Candidate
from tests.decide.build import Fixed, candidate, person, request, some

SHOES = [candidate(f"s{n}", category="shoes", score=0.9 - n / 10) for n in range(2)]
HATS = [candidate(f"h{n}", category="hats", score=0.5 - n / 10) for n in range(3)]


class Keen(Fixed):
    """Takes the first row, and holds of each what retrieval does."""

    def score(self, x: FloatArray) -> FloatArray:
        """The retrieval score."""
        return np.asarray(x[:, SCORE], dtype=np.float64)


def decided(rules: dict[str, Rule], candidates: list[Candidate], seed: int = 1, **more: Any) -> Decision:
    """A decision under rules; ``slot`` fields by name."""
    key = more.pop("key", "anon:a1")
    given = {"limit": 3, "floor": 0.1} | more
    return decide(
        person(),
        (),
        request(key=key, context=given.pop("context", {})),
        candidates,
        slot=Slot(**given),
        settings=Settings(rules=rules),
        policy=Keen(always=0),
        default_policy=make("popular"),
        config_version="c",
        seed=seed,
        budgets_left={},
    )[0]


def ids(decision: Decision) -> list[str]:
    """The ids served."""
    return [item.id for item in decision.items]


@pytest.mark.parametrize("name", ["colour", "attributes.colour", "item.colour"])
def test_a_rule_names_an_attribute_as_people_do(name: str) -> None:
    """By itself, among the attributes, or as the item's."""
    red = candidate("red", attributes={"colour": "red"})
    got = decided({"no_red": Rule(action="exclude", where={name: "red"})}, [red, *HATS])
    assert [one.id for one in got.refused] == ["red"]


def test_a_pin_stands_at_its_position_with_propensity_one() -> None:
    """A pinned item is at its position in every draw, never before it, and its propensity is 1."""
    rules = {"launch": Rule(action="pin", where={"id": "h2"}, position=2)}
    for seed in range(40):
        got = decided(rules, SHOES + HATS, seed)
        assert ids(got)[1] == "h2"
        assert got.items[1].propensity == 1.0
        assert 0.0 < got.items[0].propensity < 1.0
        assert got.rules == ("launch",)


def test_a_pin_past_the_end_comes_last() -> None:
    """A position beyond the items is the last."""
    rules = {"launch": Rule(action="pin", where={"id": "s0"}, position=9)}
    assert ids(decided(rules, SHOES, limit=5))[-1] == "s0"


def test_buried_items_come_after_everything_else() -> None:
    """What is buried is served only when nothing else is left, also against the policy."""
    rules = {"old": Rule(action="bury", where={"category": "shoes"})}
    for seed in range(20):
        got = ids(decided(rules, SHOES + HATS, seed, limit=5))
        assert {*got[:3]} == {"h0", "h1", "h2"}
        assert {*got[3:]} == {"s0", "s1"}


def test_excluded_items_are_refused_with_the_rule_and_its_owner() -> None:
    """The funnel says which rule left an item out, whose it is and why."""
    rule = Rule(action="exclude", where={"category": {"$in": ["shoes"]}}, owner="ben", reason="recall")
    got = decided({"recall": rule}, SHOES + HATS)
    assert {r.id: (r.code, r.detail) for r in got.refused}["s1"] == (
        "rule",
        "excluded by the rule recall (of ben): recall",
    )
    assert not {*ids(got)} & {"s0", "s1"}
    assert got.rule_cost > 0  # the policy wanted a shoe first, and scores it highest


def test_a_boost_multiplies_the_odds() -> None:
    """Under an even policy an item that is boosted by 3 has three times the others' chance."""
    got = decide(
        person(),
        (),
        request(),
        some(4),
        slot=Slot(limit=1, floor=0.0),
        settings=Settings(rules={"push": Rule(action="boost", where={"id": "p3"}, factor=3.0)}),
        policy=make("random"),
        default_policy=make("popular"),
        config_version="c",
        seed=2,
        budgets_left={},
    )[0]
    assert {s.id: round(s.propensity, 9) for s in got.scored} == {
        "p0": pytest.approx(1 / 6),
        "p1": pytest.approx(1 / 6),
        "p2": pytest.approx(1 / 6),
        "p3": 0.5,
    }


@pytest.mark.parametrize(
    "rule",
    [
        Rule(action="exclude", where={"category": "shoes"}, slots=("push",)),
        Rule(action="exclude", where={"category": "shoes"}, starts="2100-01-01T00:00:00Z"),
        Rule(action="exclude", where={"category": "shoes"}, ends="2020-01-01T00:00:00Z"),
        Rule(action="exclude", where={"category": "shoes"}, condition={"country": "FI"}),
        Rule(action="exclude", where={"category": "boots"}),
    ],
)
def test_a_rule_holds_only_where_it_is_meant(rule: Rule) -> None:
    """Another slot, before its start, after its end, for other people, about other items: nothing happens."""
    got = decided({"r": rule}, SHOES + HATS, context={"country": "SE"})
    assert got.rules == ()
    assert not [r for r in got.refused if r.code == "rule"]


def test_a_measured_rule_leaves_its_share_of_people_without_it() -> None:
    """About the share asked for goes without the rule; both arms are experiments, and the same person stays."""
    rules = {"r": Rule(action="pin", where={"id": "h2"}, measure=0.3)}
    arms = {}
    for n in range(400):
        got = decided(rules, SHOES + HATS, key=f"anon:{n}")
        (given,) = [a for a in got.experiments if a.key == "rule:r"]
        arms[f"anon:{n}"] = given.variant
        assert (given.variant == "with") == (got.rules == ("r",))
    assert 0.22 < list(arms.values()).count("without") / 400 < 0.38
    assert decided(rules, SHOES + HATS, key="anon:7", seed=9).experiments[0].variant == arms["anon:7"]


def test_priorities_go_first() -> None:
    """With priorities on, a higher one is served before, against the policy; with them off it is not."""
    items = [candidate("low", priority=0), candidate("high", priority=5)]
    assert all(ids(decided({}, items, seed, priorities=True))[0] == "high" for seed in range(20))
    assert any(ids(decided({}, items, seed))[0] == "low" for seed in range(20))


def test_business_value_tilts_the_distribution() -> None:
    """A weight on value makes what is worth more likelier, and what is logged is what was drawn from."""
    items = [candidate("cheap", value=0), candidate("dear", value=10_000_000)]
    got = decide(
        person(),
        (),
        request(),
        items,
        slot=Slot(limit=1, floor=0.0, value_weight=1.0),
        settings=Settings(),
        policy=make("random"),
        default_policy=make("popular"),
        config_version="c",
        seed=2,
        budgets_left={},
    )[0]
    assert {s.id: s.propensity for s in got.scored}["dear"] == pytest.approx(2.718281828 / 3.718281828)


def test_rules_hold_for_held_out_people_too() -> None:
    """The default that a held-out person gets minds a recall as well."""
    rules = {"recall": Rule(action="exclude", where={"category": "shoes"})}
    got = decided(rules, SHOES + HATS, holdout=0.999)
    assert got.holdout
    assert not {*ids(got)} & {"s0", "s1"}
