"""Money as a reward: robust, the same for the same outcomes, and in place of what was learned before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from micromoments.core.outcome import Outcome
from micromoments.core.settings import Slot
from micromoments.learn.attribution import attribute, windows
from micromoments.learn.credit import credit
from micromoments.learn.servings import remember
from micromoments.learn.worth import TYPICAL, Worth
from tests.learn.worlds import ANA, NOW, SETTINGS, decision, event

MONEY = SETTINGS.__class__(
    slots={"home": Slot(goal="order", reward="revenue"), "shelf": Slot(goal="order", reward="margin")},
    goals=SETTINGS.goals,
)


def goal(worth: int, **more: Any) -> Outcome:
    """A goal of that worth, in minor units."""
    fields: dict[str, Any] = {
        "id": "o",
        "decision": "d1",
        "slot": "home",
        "item": "a",
        "what": "goal",
        "at": NOW,
        "reward": 1.0,
    }
    return Outcome(**(fields | {"worth": worth, "currency": "EUR"} | more))


def taught(*values: int) -> Worth:
    """What is known after goals of these values."""
    worth = Worth()
    for value in values:
        worth.rewarded(goal(value))
    return worth


def reward(worth: Worth, value: int, **more: Any) -> float:
    """The reward of a goal of that value now."""
    found = worth.rewarded(goal(value, **more)).reward
    assert found is not None
    return found


def test_twice_the_value_is_twice_the_reward_under_the_cap() -> None:
    """Rewards are proportional to values up to the cap, and never above 1."""
    worth = taught(*np.random.default_rng(1).lognormal(8.0, 0.7, 500).astype(int).tolist())
    (cap,) = worth.told().values()
    assert reward(worth, int(cap / 4)) == pytest.approx(0.25, abs=0.01)
    assert reward(worth, int(cap / 2)) == pytest.approx(0.5, abs=0.01)
    assert reward(worth, int(cap * 30)) == 1.0


@pytest.mark.parametrize("at", [0, 1, 2, 30, 400])
def test_one_order_out_of_all_proportion_moves_nothing(at: int) -> None:
    """An order of ten thousand times the usual, first of all or late, leaves the usual rewards as they would be."""
    values = np.random.default_rng(2).lognormal(8.0, 0.7, 600).astype(int).tolist()
    plain, hit = taught(*values), taught(*values[:at], 10_000 * 3_000, *values[at:])
    assert reward(hit, 3_000) == pytest.approx(reward(plain, 3_000), rel=0.15)


def test_a_click_is_worth_its_share_of_a_goal_and_gives_way_to_it() -> None:
    """A click's reward is 0.3 of the mean goal's; the order after it is learned in its place, less where it is less."""
    worth = taught(*[4_000] * 40)
    clicked = worth.rewarded(goal(0, what="clicked", reward=0.3, currency=""))
    assert clicked.reward == pytest.approx(0.3 * 0.5, abs=0.02)
    made = decision("d1", "a", "b")
    (lesson,) = credit(made, worth.rewarded(goal(200, reward=0.7, before=0.3)))
    assert lesson.was is not None
    assert lesson.was == clicked.reward
    assert lesson.reward < lesson.was
    assert reward(Worth(), 0) == TYPICAL, "where nothing is known, a goal is a goal"


def test_what_stands_above_the_item_that_was_bought_was_passed_over() -> None:
    """A first outcome in money teaches 0 of what stands above it; a later one doesn't do so again."""
    worth, made = taught(*[4_000] * 40), decision("d1", "a", "b")
    assert [one.item.id for one in credit(made, worth.rewarded(goal(4_000, item="b")))] == ["a", "b"]
    assert [one.item.id for one in credit(made, worth.rewarded(goal(4_000, item="b", before=0.0)))] == ["b"]


def test_currencies_have_a_measure_each() -> None:
    """Thousands of yen are not thousands of euros."""
    worth = taught(*[4_000] * 40)
    for _ in range(40):
        worth.rewarded(goal(600_000, currency="JPY"))
    assert reward(worth, 600_000, currency="JPY") == pytest.approx(reward(worth, 4_000), abs=0.05)


def test_bytes_go_on_where_they_stopped_and_stay_bounded() -> None:
    """Written and read in the middle it gives the same later; its size doesn't grow with what it saw."""
    values = np.random.default_rng(3).lognormal(8.0, 1.0, 9_000).astype(int).tolist()
    straight, broken = taught(*values), taught(*values[:5_000])
    broken = Worth.decode(broken.encode())
    for value in values[5_000:]:
        broken.rewarded(goal(value))
    assert broken.encode() == straight.encode()
    assert len(straight.encode()) < 2_000
    with pytest.raises(ValueError, match="restore a backup"):
        Worth.decode(b"nothing")


def test_an_order_carries_its_money_a_refund_takes_it_back() -> None:
    """Under revenue the goal's outcome carries its value, once; a refund is learned as if it hadn't been."""
    person = remember(ANA, decision(), MONEY.slots["home"], MONEY)
    person, (clicked,) = attribute(person, event("Decision Clicked", decision_id="d1", item_id="b"), MONEY)
    bought: dict[str, Any] = {"decision_id": "d1", "revenue": 40, "products": [{"product_id": "b"}]}
    person, (ordered,) = attribute(person, event("Order Completed", NOW + 9_000, **bought), MONEY)
    person, again = attribute(person, event("Order Completed", NOW + 10_000, **bought), MONEY)
    assert (clicked.worth, clicked.before, ordered.worth, ordered.before, again) == (0, None, 4_000, 0.3, ())
    person, (back,) = attribute(person, event("Order Refunded", NOW + 11_000, decision_id="d1", revenue=40), MONEY)
    assert (back.worth, back.item, back.reward) == (-4_000, "b", None)
    worth = taught(*[4_000] * 9)
    (lesson,) = credit(decision(), worth.rewarded(back))
    assert (lesson.item.id, lesson.reward) == ("b", 0.0)
    assert lesson.was == pytest.approx(reward(worth, 4_000), abs=0.02)


def test_margin_is_what_the_event_says_or_a_share() -> None:
    """Under margin the property counts, all of the value where it is missing; a goal may say a share instead."""
    person = remember(ANA, decision(slot="shelf"), MONEY.slots["shelf"], MONEY)
    said: list[tuple[dict[str, Any], int]] = [({"margin": 12.5}, 1_250), ({}, 4_000)]
    for properties, wanted in said:
        order = event("Order Completed", decision_id="d1", revenue=40, **properties)
        assert attribute(person, order, MONEY)[1][0].worth == wanted
    goals = {"order": SETTINGS.goals["order"].__class__(event="Order Completed", value="revenue", margin=0.3)}
    share = MONEY.__class__(slots=MONEY.slots, goals=goals)
    order = event("Order Completed", decision_id="d1", revenue=40)
    assert attribute(person, order, share)[1][0].worth == 1_200
    whole = replace(share, goals={"order": replace(goals["order"], margin=1.0)})
    most = event("Order Completed", decision_id="d1", revenue="922337203685477.5807", currency="CLF")
    assert attribute(person, most, whole)[1][0].worth == 2**63 - 1, "a share of the most that is held is held, too"


def test_a_late_goal_is_learned_in_place_of_the_ignored_zero() -> None:
    """What was ignored, learned as 0, and bought hours later is one observation of 1, not two."""
    person = remember(ANA, decision(), SETTINGS.slots["home"], SETTINGS)
    person, _ = attribute(person, event("Decision Seen", decision_id="d1"), SETTINGS)
    person, (ignored,) = windows(person, NOW + 3_600_000, SETTINGS)
    order = event("Order Completed", NOW + 7_200_000, decision_id="d1", revenue=40)
    _, (late,) = attribute(person, order, SETTINGS)
    assert (ignored.before, ignored.reward, late.before, late.reward) == (None, 0.0, 0.0, 1.0)
    assert [(one.reward, one.was) for one in credit(decision(), late)] == [(1.0, 0.0)]
