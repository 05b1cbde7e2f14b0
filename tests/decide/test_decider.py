"""The whole decision: what is in it, and that it follows from its inputs alone."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.decision import Assignment, Decision
from micromoments.core.effect import Reserve
from micromoments.core.event import BOT, SIMULATED, TEST, TRUSTED
from micromoments.core.item import Money
from micromoments.core.moment import MomentView
from micromoments.core.person import Person
from micromoments.core.settings import Budget, Experiment, Settings, Slot
from micromoments.decide.decider import decide, pick, policy_for
from micromoments.policy import Policy, make
from micromoments.policy.features import dense, matrix
from micromoments.retrieve.ask import Candidate
from tests.decide.build import NOW, candidate, moment, person, request, settings, some


def decided(
    candidates: Sequence[Candidate] = (),
    *,
    who: Person | None = None,
    moments: Sequence[MomentView] = (),
    slot: Slot | None = None,
    project: Settings | None = None,
    policy: Policy | None = None,
    seed: int = 1,
    left: dict[str, int] | None = None,
    **asked: Any,
) -> tuple[Decision, tuple[Reserve, ...]]:
    """A decision with defaults."""
    return decide(
        who or person(),
        moments,
        request(**asked),
        candidates,
        slot=slot or Slot(),
        settings=project or settings(),
        policy=policy or make("thompson"),
        default_policy=make("popular"),
        config_version="c1",
        seed=seed,
        budgets_left=left or {},
    )


def test_a_decision_is_whole() -> None:
    """It carries the question, what was considered, refused, scored and chosen, by which policy, and until when."""
    made = [*some(5), candidate("gone", stock=0)]
    got, effects = decided(made, moments=[moment()], slot=Slot(window_minutes=10, goal="order"), digest="x", limit=2)
    assert (got.id, got.slot, got.key, got.person, got.surrogate) == ("d1", "home", "anon:a1", "user:ana", 7)
    assert (got.at, got.until, got.digest, got.goal, got.config_version) == (NOW, NOW + 600_000, "x", "order", "c1")
    assert (got.policy.name, got.policy.version, got.mode, got.holdout, got.unit) == (
        "thompson",
        0,
        "live",
        False,
        "anon:a1",
    )
    assert got.moment == moment()
    assert got.moments == ("m-buy",)
    assert got.considered == 6
    assert [(r.id, r.code) for r in got.refused] == [("gone", "out_of_stock")]
    assert {s.id for s in got.scored} == {f"p{n}" for n in range(5)}
    assert sum(s.propensity for s in got.scored) == pytest.approx(1.0)
    assert len(got.items) == 2
    assert got.propensity == pytest.approx(prod(i.propensity for i in got.items))
    first = next(s for s in got.scored if s.id == got.items[0].id)
    assert first.propensity == got.items[0].propensity
    assert first.score == pytest.approx(got.items[0].score)
    assert effects == ()


@given(seed=st.integers(0, 2**63), n=st.integers(0, 20), limit=st.integers(0, 6))
def test_the_same_inputs_decide_the_same(seed: int, n: int, limit: int) -> None:
    """Same arguments, same bytes; and never an item twice, nor more than asked for."""
    first, _ = decided(some(n), seed=seed, limit=limit)
    again, _ = decided(some(n), seed=seed, limit=limit)
    assert msgspec.msgpack.encode(first) == msgspec.msgpack.encode(again)
    assert len({i.id for i in first.items}) == len(first.items) == min(n, limit or 3)


def test_seeds_explore() -> None:
    """Different seeds lead to different choices between equals."""
    assert len({decided(some(5), seed=n, limit=1)[0].items[0].id for n in range(40)}) > 1


def test_features_of_served_items_are_what_the_policy_saw() -> None:
    """An item's sparse features are its row, so that learning needs nothing else."""
    made = some(4)
    got, _ = decided(made, moments=[moment()])
    for item in got.items:
        one = next(c for c in made if c.item.id == item.id)
        assert (dense(item.features) == matrix([one], moment(), {"timezone": "UTC"}, NOW)[0]).all()


def test_reasons_are_retrievals_first() -> None:
    """Reasons begin with why it was found, then why the policy likes it, each once and in words."""
    found = candidate(
        reasons=("popular near you",), score=0.9, via=("search",), price=Money(500, "EUR"), url="/x", metres=80
    )
    got, _ = decided([found], moments=[moment()])
    item = got.items[0]
    assert item.reasons[0] == "popular near you"
    assert "something to buy now" in item.reasons
    assert item.attributes == {"url": "/x", "price": {"amount": 500, "currency": "EUR"}, "metres": 80}


def test_the_business_own_attributes_win() -> None:
    """What a page needs is added to the item's attributes, never written over them."""
    got, _ = decided([candidate(url="/x", attributes={"url": "/mine", "steps": ["a"]})])
    assert got.items[0].attributes == {"url": "/mine", "steps": ["a"]}


def test_the_moment_suits_the_slot() -> None:
    """Of open moments whose type suits the slot, the most probable and urgent; ended, expired, unsuited never."""
    urgent = moment("go", 0.6, urgency=0.9)
    sure = moment("buy", 0.9, urgency=0.3)
    over = [moment("do", 0.99, urgency=1.0, ended="expired"), moment("know", 0.99, urgency=1.0, expires_at=NOW)]
    every = [sure, urgent, *over]
    assert pick(every, Slot(), request()) == urgent
    assert pick(every, Slot(kinds=("product",)), request()) == sure
    assert pick(every, Slot(kinds=("guide", "article")), request()) is None
    assert decided(some(2), moments=every)[0].moments == tuple(m.id for m in every)


def test_without_consent_the_decision_says_so() -> None:
    """Without consent to personalise history and traits are left out, and the decision is marked degraded."""
    made = [*some(2), candidate("like", category="z", via=("similar",))]
    got, _ = decided(made, who=person(consent=()), moments=[moment()])
    assert got.degraded == ("no_consent",)
    assert [(r.id, r.code) for r in got.refused] == [("like", "no_consent")]
    assert decided(made, moments=[moment()])[0].degraded == ()


def test_held_out_gets_the_default_for_certain() -> None:
    """Who is held out gets the popular list without chance or floor, and is in no experiment but the holdout."""
    project = settings(experiments={"t": Experiment(slot="home", variants={"a": 1.0})})
    made = [candidate(f"p{n}", category=f"c{n}", via=("popular",), score=0.1 * n) for n in range(5)]
    got, _ = decided(made, slot=Slot(holdout=0.9999), project=project)
    assert got.holdout
    assert (got.policy.name, got.propensity) == ("popular", 1.0)
    assert [i.id for i in got.items] == ["p4", "p3", "p2"]
    assert got.experiments == (Assignment("holdout:home", "held", "anon:a1", NOW),)
    treated, _ = decided(made, slot=Slot(holdout=1e-9), project=project)
    assert [(a.key, a.variant) for a in treated.experiments] == [("t", "a"), ("holdout:home", "served")]
    assert not treated.holdout


@pytest.mark.parametrize(("default", "items"), [("first", ["p0", "p1", "p2"]), ("nothing", [])])
def test_other_defaults(default: Any, items: list[str]) -> None:
    """The default may be retrieval's own order, or nothing; both are certain and named."""
    got, _ = decided(some(5), slot=Slot(holdout=0.9999, default=default))
    assert [i.id for i in got.items] == items
    assert (got.policy.name, got.policy.version, got.propensity) == (default, 0, 1.0)


@pytest.mark.parametrize("mode", ["observe", "shadow"])
def test_observe_and_shadow_serve_the_default_and_log_the_policy(mode: Any) -> None:
    """The default is served, nobody is assigned, and the scores and probabilities are those of the learned policy."""
    project = settings(experiments={"t": Experiment(slot="home", variants={"a": 1.0})})
    got, _ = decided(some(5), slot=Slot(mode=mode, holdout=0.5), project=project)
    assert (got.mode, got.policy.name, got.propensity, got.holdout, got.experiments) == (
        mode,
        "popular",
        1.0,
        False,
        (),
    )
    assert sum(s.propensity for s in got.scored) == pytest.approx(1.0)
    assert all(0.0 < s.propensity < 1.0 for s in got.scored)


def test_off_serves_nothing() -> None:
    """A slot that is off serves nothing and says so; the decision still stands."""
    got, effects = decided(some(5), slot=Slot(mode="off"))
    assert (got.items, got.scored, got.refused, effects) == ((), (), (), ())
    assert (got.mode, got.policy.name, got.considered, got.propensity) == ("off", "off", 5, 1.0)


def test_budgets_are_reserved_by_deterministic_ids() -> None:
    """Each served item of a budget asks for its units until its hold ends, under an id made of decision and item."""
    project = settings(budgets={"b": Budget(units=10, hold_minutes=5)})
    made = [candidate("p1", budget="b", category="x", attributes={"budget_units": 2}), candidate("p2", category="y")]
    got, effects = decided(made, project=project)
    assert effects == (Reserve(id="d1:p1", budget="b", units=2, decision="d1", until=NOW + 300_000),)
    assert decided(made, project=project, left={"b": 1})[0].refused[0].code == "budget"
    assert len(got.items) == 2


def test_marks_are_carried() -> None:
    """Simulated, bot and test marks of person and request are the decision's; *trusted* is an event's own."""
    got, _ = decided(some(1), who=person(marks=SIMULATED | BOT | TRUSTED), marks=TEST)
    assert got.marks == SIMULATED | BOT | TEST


def test_the_variant_names_the_policy() -> None:
    """The shell is told which policy to hand in: the variant's where an experiment names one, else the slot's."""
    project = settings(experiments={"t": Experiment(slot="home", variants={"b": 1.0}, policies={"b": "squarecb"})})
    assert policy_for(person(), request(), Slot(), project) == "squarecb"
    assert policy_for(person(), request(slot="other"), Slot(policy="epsilon"), project) == "epsilon"


def test_an_experiment_may_concern_a_need() -> None:
    """Its condition speaks of the moment that is served; in another moment, or none, nobody is in it, and the slot's
    policy decides.
    """
    need = {"moment.type": "buy", "moment.need.query": "oat milk"}
    only = Experiment(slot="home", variants={"b": 1.0}, policies={"b": "squarecb"}, condition=need)
    project, slot = settings(experiments={"t": only}), Slot(policy="epsilon")
    for moments, policy in (
        ([moment(need={"query": "oat milk"})], "squarecb"),
        ([moment(need={"query": "shoes"})], "epsilon"),
        ([], "epsilon"),
    ):
        assert policy_for(person(), request(), slot, project, moments) == policy
        got, _ = decided(some(2), moments=moments, project=project, slot=slot)
        assert [one.key for one in got.experiments if one.key == "t"] == ["t"] * (policy == "squarecb")


def test_nothing_to_serve_is_an_answer() -> None:
    """Without candidates there are no items, and the propensity of nothing is 1."""
    got, _ = decided(())
    assert (got.items, got.propensity, got.considered) == ((), 1.0, 0)
