"""An apprentice learns beside what is served, in any slot, and says when it would win; money is a reward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import micromoments as mm
from micromoments.core.decision import PolicyRef
from micromoments.core.settings import Settings, Slot
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from tests.engine.shop import ITEMS


def settings(**slot: Any) -> Settings:
    """One slot of one item whose decisions count as seen."""
    fields = {"assume_seen": True, "limit": 1, "goal": "order", "mode": "shadow", **slot}
    return Settings(slots={"home": Slot(**fields)}, consent=("measure", "personalise"))


def buy(engine: mm.Engine, person: str, revenue: float, **context: Any) -> mm.Decision:
    """Somebody is served and buys what they got."""
    decided = engine.decide(person, slot="home", context=context)
    bought = {"decision_id": decided.id, "revenue": revenue, "products": [{"product_id": decided.items[0].id}]}
    engine.track(person, "Order Completed", bought)
    return decided


def test_in_shadow_the_slots_policy_learns_what_the_default_earned(tmp_path: Path) -> None:
    """The default serves and the named policy learns from it; live, its first decision already knows."""
    shop = tmp_path / "shop"
    with mm.open(shop, settings()) as engine:
        engine.catalog.put(ITEMS)
        decided = [buy(engine, f"p{n}", 40) for n in range(12)]
        assert {(one.policy.name, one.apprentice, one.mode) for one in decided} == {("popular", "adaptive", "shadow")}
        (told,) = [one for one in engine.policies.list() if one["policy"] == "home:adaptive"]
        assert told["version"] == 12
        best = decided[-1].items[0].id
    with mm.open(shop, settings(mode="live")) as engine:
        first = engine.decide("new", slot="home")
        assert first.policy == PolicyRef("adaptive", 12)
        assert max(first.scored, key=lambda one: one.score).id == best
    stores = open_stores(shop, settings(mode="live"))
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()


def test_who_refuses_personalisation_teaches_no_apprentice(tmp_path: Path) -> None:
    """They get the default, and no policy learns beside it."""
    with mm.open(tmp_path / "shop", settings()) as engine:
        engine.catalog.put(ITEMS)
        engine.identify("ana")
        engine.track("ana", "Consent Updated", {"personalise": False})
        assert buy(engine, "ana", 40).apprentice == ""


def test_an_apprentice_beside_a_system_that_draws_can_say_that_it_would_win(tmp_path: Path) -> None:
    """Where the business's own system says how likely its choice was, what it earned speaks for the apprentice."""
    with mm.open(tmp_path / "shop", settings(policy="first", window_minutes=0.0005)) as engine:
        engine.catalog.put(ITEMS)
        for n in range(60):
            first = engine.preview("home", f"p{n}").scored
            mine = max(first, key=lambda one: one.propensity).id
            other = next(one.id for one in first if one.id != mine)
            if n % 2:
                theirs = [{"id": mine, "propensity": 0.5}]
                decided = buy(engine, f"p{n}", 40, theirs=theirs)
                assert decided.guard[2] == pytest.approx(decided.scored[0].propensity / 0.5, abs=0.5)
            else:
                engine.decide(f"p{n}", slot="home", context={"theirs": [{"id": other, "propensity": 0.5}]})
        (told,) = engine.policies.guards()
        assert told["low"] >= 1.0
        assert "first would beat" in told["sentence"]
        assert told["high"] is None


def test_under_revenue_a_dear_order_weighs_more_and_survives_a_replay(tmp_path: Path) -> None:
    """The order of ten times the value moves the policy more, within bounds; state and replay agree."""
    shop = tmp_path / "shop"
    fields = {"mode": "live", "policy": "epsilon", "reward": "revenue"}
    with mm.open(shop, settings(**fields)) as engine:
        engine.catalog.put(ITEMS)
        for n in range(30):
            decided = engine.decide(f"p{n}", slot="home", items=["p1" if n % 2 else "p2"])
            assert decided.items
            bought = {"decision_id": decided.id, "revenue": 10 if n % 2 else 100}
            engine.track(f"p{n}", "Order Completed", bought)
        scored = {one.id: one.score for one in engine.preview("home").scored}
        assert scored["p2"] > scored["p1"]
    stores = open_stores(shop, settings(**fields))
    try:
        assert verify(stores).differences == []
        assert "worth:home" in stores.policies.load()
    finally:
        stores.close()
