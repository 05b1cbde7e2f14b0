"""Outcomes find their decision, pay once, and late ones count once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.event import BOT, INTERNAL, SIMULATED, TEST, TRUSTED
from micromoments.core.outcome import Outcome
from micromoments.core.person import MAX_PENDING, MAX_SERVED, Person
from micromoments.core.settings import DAY, HOUR, MINUTE, Goal, Settings, Slot
from micromoments.learn.attribution import attribute, windows
from micromoments.learn.credit import credit
from micromoments.learn.servings import MAX_ASSIGNMENTS, remember
from tests.learn.worlds import ANA, NOW, SETTINGS, decision, event, variant

HOME = SETTINGS.slots["home"]
PUSH = SETTINGS.slots["push"]


def seen(person: Person = ANA, id: str = "d1", *items: str, at: int = NOW, slot: str = "home") -> Person:
    """A person who was served a decision and saw it."""
    person = remember(person, decision(id, *items, at=at, slot=slot), SETTINGS.slot(slot), SETTINGS)
    return attribute(person, event("Decision Seen", at + 1, decision_id=id), SETTINGS)[0]


def only(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The one outcome there is."""
    (one,) = outcomes
    return one


def rewards(outcomes: list[Outcome]) -> float:
    """What a policy learned in all."""
    return sum(o.reward for o in outcomes if o.reward is not None)


def test_an_event_that_is_no_outcome_gives_the_same_person() -> None:
    """Nothing is copied for the events that make up nearly all of the stream."""
    person = seen()
    after, outcomes = attribute(person, event("Product Viewed", product_id="a"), SETTINGS)
    assert after is person
    assert outcomes == ()


def test_seen_teaches_nothing_and_opens_the_window_for_ignored() -> None:
    """Seen has no reward; a decision that was seen and not acted on is ignored, with reward 0, when its window ends."""
    person = remember(ANA, decision(), HOME, SETTINGS)
    person, outcomes = attribute(person, event("Decision Seen", decision_id="d1"), SETTINGS)
    assert (only(outcomes).what, only(outcomes).reward, only(outcomes).slot) == ("seen", None, "home")
    person, outcomes = windows(person, NOW + 30 * MINUTE - 1, SETTINGS)
    assert outcomes == ()
    person, outcomes = windows(person, NOW + 30 * MINUTE, SETTINGS)
    ignored = only(outcomes)
    assert (ignored.what, ignored.reward, ignored.at, ignored.item) == ("ignored", 0.0, NOW + 30 * MINUTE, "")
    assert windows(person, NOW + 31 * MINUTE, SETTINGS) == (person, ())


def test_unseen_decisions_are_never_reward_0() -> None:
    """What nobody saw teaches nothing when its window ends."""
    person = remember(ANA, decision(), HOME, SETTINGS)
    assert windows(person, NOW + 2 * DAY, SETTINGS) == (replace(person, pending=()), ())


def test_a_slot_may_assume_that_it_is_seen() -> None:
    """A push is ignored at its window's end without a seen event."""
    person = remember(ANA, decision(slot="push"), PUSH, SETTINGS)
    assert only(windows(person, NOW + 10 * MINUTE, SETTINGS)[1]).reward == 0.0


def test_a_click_pays_at_once_and_the_goal_pays_the_rest() -> None:
    """A click is 0.3, the order after it 0.7: in all the larger reward, at the item that was clicked."""
    person, clicks = attribute(seen(), event("Decision Clicked", decision_id="d1", item_id="b"), SETTINGS)
    person, goals = attribute(person, event("Order Completed", NOW + HOUR, decision_id="d1", revenue=89.9), SETTINGS)
    click, goal = only(clicks), only(goals)
    assert (click.item, click.reward) == ("b", 0.3)
    assert (goal.item, goal.reward, goal.goal, goal.value, goal.currency) == ("b", 0.7, "order", 8990, "USD")
    assert goal.via == "id"
    assert windows(person, NOW + DAY, SETTINGS)[1] == ()


def test_a_goal_without_a_click_pays_whole() -> None:
    """An order straight from a decision has the whole reward, and a click that is told later adds nothing."""
    person, goals = attribute(seen(), event("Order Completed", decision_id="d1", revenue=1), SETTINGS)
    assert only(goals).reward == 1.0
    _, clicks = attribute(person, event("Decision Clicked", NOW + 5000, decision_id="d1", item_id="a"), SETTINGS)
    assert only(clicks).reward is None


@pytest.mark.parametrize("name", ["Decision Seen", "Decision Clicked", "Decision Dismissed", "Order Completed"])
def test_the_second_of_a_kind_has_no_effect(name: str) -> None:
    """The same outcome told twice, by two messages, is one."""
    person = remember(ANA, decision(), HOME, SETTINGS)
    once, first = attribute(person, event(name, decision_id="d1", item_id="a", revenue=5), SETTINGS)
    twice, second = attribute(once, event(name, NOW + 9000, decision_id="d1", item_id="a", revenue=5), SETTINGS)
    assert len(first) == 1
    assert second == ()
    assert twice == once


def test_a_late_goal_counts_once_after_ignored() -> None:
    """Ignored after half an hour, an order the next morning still pays, once, and then the decision is let go."""
    person, outcomes = windows(seen(), NOW + HOUR, SETTINGS)
    assert only(outcomes).what == "ignored"
    person, goals = attribute(person, event("Order Completed", NOW + 20 * HOUR, revenue=5), SETTINGS)
    assert (only(goals).reward, only(goals).via) == (1.0, "window")
    assert attribute(person, event("Order Completed", NOW + 21 * HOUR, revenue=5), SETTINGS)[1] == ()
    assert windows(person, NOW + DAY, SETTINGS) == (replace(person, pending=()), ())


def test_dismissed_is_reward_0_and_then_not_ignored_too() -> None:
    """A dismissal teaches 0 at once; the end of the window doesn't teach it again."""
    person, outcomes = attribute(seen(), event("Decision Dismissed", decision_id="d1", item_id="a"), SETTINGS)
    assert (only(outcomes).reward, only(outcomes).item) == (0.0, "a")
    assert windows(person, NOW + HOUR, SETTINGS)[1] == ()


def test_by_window_the_decision_that_served_the_product_wins_over_a_later_one() -> None:
    """An order of b goes to the decision that served b; an order of something else to the latest seen."""
    person = seen(seen(ANA, "d1", "a", "b"), "d2", "c", at=NOW + MINUTE)
    bought = event("Order Completed", NOW + HOUR, revenue=9, products=[{"product_id": "x"}, {"product_id": "b"}])
    assert (only(attribute(person, bought, SETTINGS)[1]).decision) == "d1"
    assert only(attribute(person, bought, SETTINGS)[1]).item == "b"
    other = event("Order Completed", NOW + HOUR, revenue=9, product_id="zzz")
    assert only(attribute(person, other, SETTINGS)[1]).decision == "d2"


def test_by_window_needs_seen_the_wanted_goal_and_an_open_window() -> None:
    """Unseen decisions, those after another goal and those too long ago get nothing without an id."""
    unseen = remember(ANA, decision(), HOME, SETTINGS)
    assert attribute(unseen, event("Order Completed", revenue=9), SETTINGS)[1] == ()
    assert attribute(seen(), event("Signed Up"), SETTINGS)[1] == ()
    pushed = seen(slot="push")
    assert only(attribute(pushed, event("Signed Up", NOW + HOUR - 1), SETTINGS)[1]).value == 250
    assert attribute(pushed, event("Signed Up", NOW + HOUR + 1), SETTINGS)[1] == ()
    assert attribute(pushed, event("Signed Up", NOW - HOUR), SETTINGS)[1] == ()


def test_a_goal_that_the_slot_is_not_after_is_kept_but_not_learned() -> None:
    """By its id the outcome is recorded; the policy of a slot after orders learns nothing of a sign-up."""
    person, outcomes = attribute(seen(), event("Signed Up", decision_id="d1"), SETTINGS)
    assert (only(outcomes).goal, only(outcomes).reward) == ("signup", None)
    assert only(windows(person, NOW + HOUR, SETTINGS)[1]).what == "ignored"


@pytest.mark.parametrize("mark", [BOT, INTERNAL, TEST])
def test_uncounted_events_are_no_outcomes(mark: int) -> None:
    """Bots, own people and test orders neither pay nor use up what a true outcome would."""
    person = seen()
    assert attribute(person, event("Order Completed", decision_id="d1", marks=mark), SETTINGS) == (person, ())
    assert remember(ANA, decision(marks=mark), HOME, SETTINGS) is ANA


def test_simulated_outcomes_count_and_say_so() -> None:
    """The simulator's people teach as others do, and carry their mark."""
    click = event("Decision Clicked", decision_id="d1", item_id="a", marks=SIMULATED)
    outcome = only(attribute(seen(), click, SETTINGS)[1])
    assert (outcome.reward, outcome.marks) == (0.3, SIMULATED)


def test_a_trusted_goal_counts_only_under_the_secret_key() -> None:
    """Under a write key anyone could claim an order."""
    settings = Settings(goals={"order": Goal(event="Order Completed", value="revenue", trusted=True)})
    order = event("Order Completed", decision_id="d1", revenue=3)
    assert attribute(seen(), order, settings)[1] == ()
    assert only(attribute(seen(), replace(order, marks=TRUSTED), settings)[1]).value == 300


def test_someone_elses_decision_is_unmatched_and_never_learned() -> None:
    """An outcome of a decision that this person doesn't have open has no slot, no reward, and an id of its own."""
    true = only(attribute(seen(), event("Decision Clicked", decision_id="d1", item_id="a"), SETTINGS)[1])
    claimed = only(attribute(ANA, event("Decision Clicked", decision_id="d1", item_id="a"), SETTINGS)[1])
    assert (claimed.slot, claimed.reward, claimed.decision) == ("", None, "d1")
    assert claimed.id != true.id


def test_a_refund_takes_the_value_back_and_no_reward() -> None:
    """A refund is negative value of the goal at the decision that earned it, each message once."""
    person, _ = attribute(seen(), event("Order Completed", decision_id="d1", revenue="89.90"), SETTINGS)
    person, refunds = attribute(person, event("Order Refunded", NOW + HOUR, revenue=20), SETTINGS)
    assert (only(refunds).value, only(refunds).reward, only(refunds).goal) == (-2000, None, "order")
    _, again = attribute(person, event("Order Refunded", NOW + 2 * HOUR, revenue=20), SETTINGS)
    assert only(again).id != only(refunds).id
    assert attribute(seen(), event("Order Refunded", NOW + HOUR, revenue=20), SETTINGS)[1] == ()


def test_remembering_is_bounded_deterministic_and_idempotent() -> None:
    """What a person keeps of decisions has a bound, drops what is settled first, and a second call changes nothing."""
    person = ANA
    for n in range(40):
        person = remember(person, decision(f"d{n:02}", at=NOW + n), HOME, SETTINGS)
    assert len(person.pending) == MAX_PENDING
    assert len(person.served) == MAX_SERVED
    assert person.pending[-1].id == "d39"
    assert remember(person, decision("d39", at=NOW + 39), HOME, SETTINGS) == person
    person = seen(ANA, "old", at=NOW - MINUTE)
    for n in range(MAX_PENDING + 3):
        person = remember(person, decision(f"d{n:02}", at=NOW + n), HOME, SETTINGS)
    assert person.pending[0].id == "old", "a decision that was seen outlives those that weren't"


def test_only_what_was_put_before_the_person_is_remembered() -> None:
    """In shadow a window opens and no cap fills; empty decisions and those switched off open none; assignments hold."""
    shadow = decision(mode="shadow", experiments=(variant("exp", "b"),))
    person = remember(ANA, shadow, HOME, SETTINGS)
    assert ([one.shadow for one in person.pending], person.served) == ([True], ())
    assert person.assignments["exp"].variant == "b"
    assert remember(ANA, decision(items=()), HOME, SETTINGS).pending == ()
    assert remember(ANA, decision(mode="off"), HOME, SETTINGS).pending == ()


def test_a_goal_without_a_name_goes_to_a_live_decision_first() -> None:
    """What a slot in shadow showed later takes no goal from what a live one showed."""
    person = remember(ANA, decision("live"), HOME, SETTINGS)
    person = remember(person, decision("beside", at=NOW + 1, mode="shadow"), HOME, SETTINGS)
    for id in ("live", "beside"):
        person, _ = attribute(person, event("Decision Seen", NOW + 2, decision_id=id), SETTINGS)
    assert only(attribute(person, event("Order Completed", NOW + 3, revenue=1), SETTINGS)[1]).decision == "live"


def test_the_first_exposure_wins() -> None:
    """An assignment is kept as it was first made, and their number has a bound."""
    person = remember(ANA, decision("d1", experiments=(variant("exp", "b"),)), HOME, SETTINGS)
    person = remember(person, decision("d2", experiments=(variant("exp", "a", NOW + 1),)), HOME, SETTINGS)
    assert person.assignments["exp"].variant == "b"
    many = tuple(variant(f"e{n:02}", "a", NOW + n) for n in range(50))
    assert len(remember(person, decision("d3", experiments=many), HOME, SETTINGS).assignments) == MAX_ASSIGNMENTS


def test_a_slots_unknown_goal_is_any_goal() -> None:
    """A slot whose goal the settings don't have learns from every goal instead of from none."""
    person = remember(ANA, decision(), Slot(goal="gone"), SETTINGS)
    assert only(attribute(person, event("Signed Up", decision_id="d1"), SETTINGS)[1]).reward == 1.0


def test_credit_follows_the_cascade() -> None:
    """Above the item acted on is 0, below it nothing is known, ignored is 0 for all, an increment stands alone."""
    made = decision("d1", "a", "b", "c")

    def taught(**fields: object) -> list[tuple[str, float]]:
        base = {"id": "o", "decision": "d1", "slot": "home", "item": "", "what": "goal", "at": NOW, "reward": 1.0}
        found = credit(made, Outcome(**(base | fields)))  # type: ignore[arg-type]
        return [(item.id, round(reward, 9)) for item, reward, _ in found]

    assert taught(what="clicked", item="b", reward=0.3) == [("a", 0.0), ("b", 0.3)]
    assert taught(item="b", reward=0.7, before=0.3) == [("b", 1.0)]
    assert taught(item="b", reward=0.7) == [("b", 0.7)]
    assert taught(item="c") == [("a", 0.0), ("b", 0.0), ("c", 1.0)]
    assert taught() == [("a", 1.0)]
    assert taught(what="ignored", reward=0.0) == [("a", 0.0), ("b", 0.0), ("c", 0.0)]
    assert taught(what="dismissed", item="b", reward=0.0) == [("b", 0.0)]
    assert taught(what="seen", reward=None) == []
    assert taught(marks=BOT) == []


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Decision Seen", "Decision Clicked", "Decision Dismissed", "Order Completed", "Order Refunded"]
        ),
        st.sampled_from(["", "a", "b", "z"]),
        st.booleans(),
        st.integers(1, 30 * 60),
    ),
    max_size=25,
)


@given(STEPS)
def test_a_decision_never_pays_more_than_its_deepest_outcome(steps: list[tuple[str, str, bool, int]]) -> None:
    """Whatever is told, in whatever order and however often: the rewards sum to the deepest, and ids never repeat."""
    person = remember(ANA, decision(), HOME, SETTINGS)
    at, told = NOW, list[Outcome]()
    for name, item, named, seconds in steps:
        at += seconds * 1000
        person, ended = windows(person, at, SETTINGS)
        properties: dict[str, Any] = {"item_id": item, "revenue": 5} | ({"decision_id": "d1"} if named else {})
        person, outcomes = attribute(person, event(name, at, **properties), SETTINGS)
        told += [*ended, *outcomes]
    told += windows(person, at + 2 * DAY, SETTINGS)[1]
    mine = [outcome for outcome in told if outcome.slot]
    paid = [o for o in mine if o.reward]
    deepest = max(({"clicked": 0.3, "goal": 1.0}[o.what] for o in paid), default=0.0)
    assert rewards(mine) == pytest.approx(deepest)
    assert len({o.id for o in told}) == len(told)
    assert sum(o.reward == 0.0 for o in mine) <= 1
