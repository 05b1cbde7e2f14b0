"""What suggestions are worth, as the engine's report says it: by hours of the whole town, beside a test by person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from micromoments.demo.ride.trial import SLOTS

_METRICS = {"hours": "goals", "people": "times"}
"""What is compared: rides a decision, and rides a person."""


def of(report: Mapping[str, Any] | None, truth: Mapping[str, float]) -> dict[str, Any]:
    """What the ``lift`` report of rides says of each slot, relative to what the app shows without an engine.

    0.1 is a tenth more. ``truth`` is what the simulated riders' own rules make of each slot; what nobody knows isn't
    there.
    """
    rows = {row.get("experiment"): row for row in (report or {}).get("rows", ())}
    slots = []
    for slot in SLOTS:
        said = {
            "hours": _claim(rows.get(f"{slot}_by_hour"), "hours"),
            "people": _claim(rows.get(f"{slot}_by_person"), "people"),
        }
        slots.append({"slot": slot, **said, "truth": truth.get(slot)})
    return {"slots": slots, "away": report is None}


def _claim(row: Mapping[str, Any] | None, trial: str) -> dict[str, Any] | None:
    """A comparison as shares of what is without an engine; ``None`` where it is too early to tell."""
    found = next((one for one in (row or {}).get("comparisons", ()) if one["metric"] == _METRICS[trial]), None)
    if found is None or found["low"] is None or not found["control_mean"]:
        return None
    base = found["control_mean"]
    claim = {name: found[key] / base for name, key in (("by", "difference"), ("low", "low"), ("high", "high"))}
    return {**claim, "verdict": found["verdict"]}
