"""Proof end to end: guard-rails and offers' costs from events to the report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import micromoments as mm
from micromoments.core.decision import Decision, Request

CONFIG = """
consent = ["measure", "personalise"]
[slots.home]
goal = "order"
holdout = 0.5
assume_seen = true
"""


def test_opt_outs_and_costs_come_from_events_to_the_lift_report(tmp_path: Path) -> None:
    """A consent event, however it is written, an unsubscribing and a complaint count in their arm; an offer's cost is
    taken off.
    """
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "micromoments.toml").write_text(CONFIG)
    with mm.open(tmp_path / "shop") as engine:
        offer = mm.Item(id="o", kind="offer", title="Free coffee", attributes={"cost": 250})
        engine.catalog.put([offer])
        arms: dict[bool, list[str]] = {True: [], False: []}
        for n in range(40):
            arms[engine.decide(f"u{n}", "home").holdout].append(f"u{n}")
        served, held = arms[False], arms[True]
        engine.track(served[0], "Consent Updated", {"personalise": False})
        engine.collect(
            [
                {
                    "type": "track",
                    "userId": served[1],
                    "event": "Preferences Saved",
                    "context": {"consent": {"categoryPreferences": {"personalise": False}}},
                }
            ]
        )
        engine.track(held[0], "Unsubscribed")
        engine.track(served[2], "Complaint Received")
        engine.track(served[3], "Order Completed", {"revenue": 10})
        row: dict[str, Any] = engine.report("lift", goal="order")["rows"][0]
    guards = {g["guard"]: (g["treated_mean"] * len(served), g["control_mean"] * len(held)) for g in row["guards"]}
    assert {name: (round(a), round(b)) for name, (a, b) in guards.items()} == {
        "opt_out": (2, 0),
        "unsubscribe": (0, 1),
        "complaint": (1, 0),
    }
    value = next(c for c in row["comparisons"] if c["metric"] == "value")
    assert round(value["treated_mean"] * len(served)) == 1000 - 250
    assert row["primary"] is True


def test_a_newcomer_who_is_decided_for_twice_at_once_is_one_person(tmp_path: Path) -> None:
    """Facts know somebody new by one number, though two slots were asked for before either answer was folded: else
    their order would be missing in the lift of one of the slots.
    """
    with mm.open(tmp_path / "shop") as engine:
        engine.catalog.put([mm.Item(id="shoe", kind="product", title="Shoe")])

        async def both(who: int) -> list[Decision]:
            """Ask for both slots at one time; the decisions as they are kept."""
            asked = [Request(id=f"{slot}{who}", slot=slot, key=f"user:u{who}", at=1) for slot in ("home", "search")]
            await asyncio.gather(*(engine.service.decide(one) for one in asked))
            await engine.service.settled()
            return [decided for one in asked if (decided := engine.service.decision(one.id)) is not None]

        for who in range(5):
            at_home, at_search = engine.run(both(who))
            assert at_home.surrogate == at_search.surrogate
            engine.track(f"u{who}", "Order Completed", {"revenue": 10})
        rows = engine.report("lift", goal="order")["rows"]
        assert {row["slot"]: row["people"] for row in rows if row["of"] == "slot"} == {
            "home": {"served": 5},
            "search": {"served": 5},
        }
