"""How far people come with guides."""

from __future__ import annotations

from typing import Any

from micromoments.core.event import BOT
from micromoments.core.fact import EventFact
from micromoments.report.reports import run
from tests.report.world import NOW, SETTINGS, Facts, event, figures

STARTED, STEP, DONE = "Guide Started", "Guide Step Completed", "Guide Completed"


def told(*said: tuple[int, str, str], **fields: Any) -> list[EventFact]:
    """Events by (person, name, guide)."""
    return [event(f"e{n}", who, NOW + n, name, item=item, **fields) for n, (who, name, item) in enumerate(said)]


def test_how_far_people_come() -> None:
    """People who began and finished count once a guide, steps each; who finished began; other events and bots are left
    out.
    """
    facts = told(
        (1, STARTED, "tube"),
        (1, STEP, "tube"),
        (1, STEP, "tube"),
        (1, STARTED, "tube"),
        (1, DONE, "tube"),
        (2, STARTED, "tube"),
        (2, "guide step completed", "tube"),
        (3, DONE, "tart"),
        (3, "Product Viewed", "tart"),
    )
    bot = event("b", 9, NOW, STARTED, item="tube", marks=BOT)
    reply = run(Facts(*facts, bot).query, "guides", {}, SETTINGS)
    assert reply["rows"] == [
        {"item": "tube", "started": 2, "stepped": 2, "steps": 3, "completed": 1, "completed_share": 0.5},
        {"item": "tart", "started": 1, "stepped": 0, "steps": 0, "completed": 1, "completed_share": 1.0},
    ]
    found = figures(reply)
    assert (found["guides"]["count"], found["steps"]["count"]) == (2, 3)
    assert (found["completed"]["count"], found["completed"]["of"]) == (2, 3)


def test_guides_by_channel() -> None:
    """A break-down has a row a guide and part; without any event there is no row, and no share."""
    facts = [*told((1, STARTED, "tube"), channel="web"), event("x", 2, NOW + 50, DONE, item="tube", channel="app")]
    rows = run(Facts(*facts).query, "guides", {"by": "channel"}, SETTINGS)["rows"]
    assert {(row["part"], row["started"], row["completed"]) for row in rows} == {("web", 1, 0), ("app", 1, 1)}
    nothing = run(Facts().query, "guides", {}, SETTINGS)
    assert nothing["rows"] == []
    assert figures(nothing)["completed"]["value"] is None
