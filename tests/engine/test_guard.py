"""A guarded slot serves its default and, as far as it has proved itself, its policy; what was weighed survives."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.settings import Settings, Slot
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from tests.engine.shop import ITEMS


def settings(**slot: object) -> Settings:
    """One slot of one item, whose decisions count as seen and whose windows end at once."""
    fields = {"assume_seen": True, "limit": 1, "window_minutes": 0.0005, "policy": "random", **slot}
    return Settings(slots={"home": Slot(**fields)}, consent=("measure", "personalise"))  # type: ignore[arg-type]


def serve(engine: mm.Engine, times: int, start: int = 0) -> list[mm.Decision]:
    """So many people are served, and click what they got."""
    out = []
    for n in range(start, start + times):
        decided = engine.decide(f"p{n}", slot="home")
        engine.track(f"p{n}", "Decision Clicked", {"decision_id": decided.id, "item_id": decided.items[0].id})
        out.append(decided)
    return out


def test_a_guarded_slot_draws_from_both_and_says_so(tmp_path: Path) -> None:
    """At first the policy has the guard's share; the mixture's propensities are those of its parts."""
    with mm.open(tmp_path / "shop", settings(guard=0.2)) as engine:
        engine.catalog.put(ITEMS)
        for decided in serve(engine, 20):
            limit, share, own, other = decided.guard
            assert (limit, share) == (0.2, 0.2)
            p = decided.propensity
            assert own * p == pytest.approx(1 / len(decided.scored))
            assert 0.2 * own + 0.8 * other == pytest.approx(1.0)
            assert sum(one.propensity for one in decided.scored) == pytest.approx(1.0)
        (told,) = engine.policies.guards()
        assert (told["slot"], told["policy"], told["default"], told["share"]) == ("home", "random", "popular", 0.2)
        assert told["sentence"]


def test_an_unguarded_slot_says_nothing_of_a_default(tmp_path: Path) -> None:
    """Without a guard the policy alone decides, and nothing is weighed."""
    with mm.open(tmp_path / "shop", settings()) as engine:
        engine.catalog.put(ITEMS)
        assert all(decided.guard == () for decided in serve(engine, 3))
        assert list(engine.policies.guards()) == []


def test_in_shadow_the_policy_is_weighed_as_an_apprentice(tmp_path: Path) -> None:
    """The default is served; how likely the policy was to do the same is told, and that no more can be known."""
    with mm.open(tmp_path / "shop", settings(mode="shadow", window_minutes=30.0)) as engine:
        engine.catalog.put(ITEMS)
        for decided in serve(engine, 5):
            assert decided.propensity == 1.0
            _, share, own, other = decided.guard
            assert (share, other) == (0.0, 1.0)
            assert own == pytest.approx(1 / len(decided.scored))
        told = engine.policies.guards()[0]
        assert (told["high"], told["share"]) == (None, 0.0)


def test_what_was_weighed_survives_a_restart_and_a_replay(tmp_path: Path) -> None:
    """The evidence is the same after the folder is opened again, and the log folds to it; a rollback drops it."""
    shop = tmp_path / "shop"
    with mm.open(shop, settings(guard=0.2, policy="thompson", window_minutes=0.05)) as engine:
        engine.catalog.put(ITEMS)
        serve(engine, 12)
        assert engine.policies.keep("home:thompson") >= 10
        serve(engine, 12, start=20)
        before = engine.policies.guards()
    with mm.open(shop, settings(guard=0.2, policy="thompson", window_minutes=0.05)) as engine:
        assert engine.policies.guards() == before
        engine.policies.rollback("home:thompson")
        (told,) = engine.policies.guards()
        assert (told["rewarded"], told["turns"]) == (0, 1)
    stores = open_stores(shop, settings(guard=0.2, policy="thompson", window_minutes=0.05))
    try:
        assert verify(stores).differences == []
    finally:
        stores.close()
