"""What a request says of the person's situation is somebody's free text: none of it fails a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import micromoments as mm

HUGE = 10**400
SETTINGS = """
[slots.home]
condition = {"age" = {"$lt" = 18}}
[slots.news]
"""


@pytest.mark.parametrize(
    "context",
    [
        {"age": HUGE},
        {"age": -HUGE},
        {"minutes": HUGE},
        {"lat": HUGE, "lon": 5},
        {"location": {"latitude": 5, "longitude": -HUGE}},
    ],
)
def test_whole_numbers_of_hundreds_of_digits_fail_no_decision(tmp_path: Path, context: dict[str, Any]) -> None:
    """They are compared as numbers; as a place or a stretch of time they say nothing."""
    (tmp_path / "micromoments.toml").write_text(SETTINGS, encoding="utf-8")
    with mm.open(tmp_path) as engine:
        engine.catalog.put([mm.Item(id="p1", kind="product", title="Shoe")])
        served = [bool(engine.decide("ana", slot=slot, context=context).items) for slot in ("home", "news")]
    assert served == [context.get("age", 0) < 0 or "age" not in context, True]
