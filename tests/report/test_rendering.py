"""How long people waited, by SQL and by hand."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from micromoments.core.event import BOT
from micromoments.core.fact import EventFact
from micromoments.report.reports import run
from tests.report.world import DAY, NOW, SETTINGS, Facts, event, figures


def rendered(n: int, shown: str, took: int, **fields: Any) -> EventFact:
    """A choice that was painted."""
    told: dict[str, Any] = {
        "shown": shown,
        "milliseconds": took,
        "slot": "home",
        "device": "mobile",
        "network": "4g",
        **fields,
    }
    return event(f"e{n}", n, NOW + n, "Decision Rendered", **told)


def test_rendering_by_another_route() -> None:
    """Percentiles and shares, over all and by device and network, equal those worked out by numpy."""
    draw = random.Random(5)
    devices, networks = ["mobile", "desktop"], ["4g", "3g", ""]
    facts = [
        rendered(
            n,
            draw.choice(["decision", "decision", "late", "offline"]),
            draw.randrange(50, 2000),
            device=draw.choice(devices),
            network=draw.choice(networks),
        )
        for n in range(500)
    ]
    reply = run(Facts(*facts).query, "rendering", {}, SETTINGS)
    took = [f.milliseconds for f in facts]
    for p in (50, 75, 95):
        assert figures(reply)[f"visible_p{p}"]["value"] == pytest.approx(np.percentile(took, p))
    late = sum(f.shown == "late" for f in facts)
    assert (figures(reply)["late"]["count"], figures(reply)["late"]["of"]) == (late, 500)
    assert figures(reply)["default"]["count"] == sum(f.shown != "decision" for f in facts)
    assert len(reply["rows"]) == 6
    for row in reply["rows"]:
        theirs = [f for f in facts if (f.device, f.network or "unknown") == (row["device"], row["network"])]
        assert row["rendered"] == len(theirs)
        assert row["p95"] == pytest.approx(np.percentile([f.milliseconds for f in theirs], 95))
        assert row["late_share"] == sum(f.shown == "late" for f in theirs) / len(theirs)


def test_what_is_not_counted() -> None:
    """Bots, other events, other slots and times that can't be are left out; no time is no percentile."""
    facts = [
        rendered(1, "decision", 0),
        rendered(2, "decision", 90, marks=BOT),
        rendered(3, "late", 400, slot="search"),
        event("e4", 4, NOW),
    ]
    reply = run(Facts(*facts).query, "rendering", {"slot": "home"}, SETTINGS)
    assert figures(reply)["visible_p50"]["value"] is None
    assert (figures(reply)["late"]["count"], figures(reply)["late"]["of"]) == (0, 1)
    by_day = run(Facts(rendered(1, "late", 10), rendered(DAY, "late", 20)).query, "rendering", {"by": "day"}, SETTINGS)
    assert [row["part"] for row in by_day["rows"]] == ["2026-01-01", "2026-01-02"]
