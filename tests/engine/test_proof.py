"""Proof end to end: guard-rails and offers' costs from events to the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import micromoments as mm

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
