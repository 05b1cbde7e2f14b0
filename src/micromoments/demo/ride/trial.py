"""How a day is tried, pure: on every other one the whole town switches by the hour, on the others a test parts people.

Riders share cars: what one is suggested, another lacks. So a test by person claims too much, which only a comparison
beside it can show. Both run on the same slots, on days of their own.
"""

from __future__ import annotations

from typing import Any

from micromoments.demo.fulfil.order import Millis

DAY = 86_400_000
SLOTS = ("ride_destinations", "ride_kinds", "ride_home")
_TRIALS = """
[experiments.{slot}_by_hour]
slot = "{slot}"
variants = {{ same = 1, chosen = 1 }}
policies = {{ same = "rules" }}
goal = "ride_order"
condition = {{ trial = "hours" }}
switchback = {{ zone = "town", block_minutes = 60, washout_minutes = 10 }}

[experiments.{slot}_by_person]
slot = "{slot}"
variants = {{ same = 1, chosen = 1 }}
policies = {{ same = "rules" }}
goal = "ride_order"
condition = {{ trial = "people" }}
people = 300
"""
TABLES = "".join(_TRIALS.format(slot=slot) for slot in SLOTS)
"""The experiments, in TOML: ``same`` is what the app would show everybody without an engine, by the places' own order;
``chosen`` what the engine chooses for somebody.
"""


def context(at: Millis) -> dict[str, Any]:
    """What every question of an instant says: how its day is tried, and in which town.

    >>> context(0)["trial"], context(DAY)["trial"]
    ('hours', 'people')
    """
    return {"trial": "people" if at // DAY % 2 else "hours", "town": "alderhaven"}


def is_same(said: dict[str, Any] | None) -> bool:
    """Whether a decision was one that everybody would get, in either trial."""
    return any(one["variant"] == "same" for one in (said or {}).get("experiments") or ())
