"""Who may be served when: quiet hours in the person's zone, caps by channel, campaigns that exclude each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.core.person import Served, Stamp, Trait
from micromoments.core.settings import Cap, Settings, Slot
from micromoments.core.when import gone, instant, minutes, quiet, within, zone_of
from micromoments.decide import slate
from micromoments.decide.chance import Chance
from micromoments.decide.eligibility import CODES, eligible
from micromoments.policy import make
from micromoments.policy.features import DIM
from tests.decide.build import DAY, NOW, candidate, person, request

HOUR = 3_600_000
NIGHT = instant("2026-06-01T21:30:00Z")
"""23:30 in Berlin, 17:30 in New York, 06:30 in Tokyo."""


def refusals(slot: Slot, settings: Settings | None = None, at: int = NOW, **more: Any) -> dict[str, str]:
    """The codes of refusals by item; ``served`` and ``traits`` of the person, ``context`` of the request."""
    who = person(**{name: more.pop(name) for name in ("served", "traits") if name in more})
    items = more.pop("items", [candidate("p1", campaign="spring"), candidate("p2", campaign="fall")])
    asked = request(at=at, context=more.pop("context", {}))
    _, refused = eligible(items, who, slot, settings or Settings(), asked, at, {})
    assert {r.code for r in refused} <= set(CODES)
    return {r.id: r.code for r in refused}


@pytest.mark.parametrize(
    ("context", "traits", "timezone", "silent"),
    [
        ({"timezone": "Europe/Berlin"}, {}, "UTC", True),
        ({"timezone": "America/New_York"}, {}, "Europe/Berlin", False),
        ({"location": {"timezone": "Asia/Tokyo"}}, {}, "UTC", True),
        ({}, {"timezone": "America/New_York"}, "Europe/Berlin", False),
        ({"timezone": "nonsense"}, {}, "Europe/Berlin", True),
        ({}, {}, "America/New_York", False),
    ],
)
def test_quiet_hours_are_the_persons(
    context: dict[str, Any], traits: dict[str, str], timezone: str, silent: bool
) -> None:
    """The request's zone, else the person's trait, else the project's; every candidate is refused with the reason."""
    known = {name: Trait(Stamp(1, 1), value) for name, value in traits.items()}
    settings = Settings(timezone=timezone)
    got = refusals(Slot(quiet_hours="22:00-07:00"), settings, NIGHT, context=context, traits=known)
    assert got == (dict.fromkeys(("p1", "p2"), "quiet_hours") if silent else {})


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 10_000))
def test_quiet_hours_split_the_day(start: int, end: int, minute: int) -> None:
    """Every minute is in the hours or in those from their end to their start, and in one of them only."""
    if start == end:
        return
    said = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in ((start, end), (end, start))]
    utc = zone_of("UTC")
    assert utc is not None
    assert quiet(said[0], utc, NIGHT + minute * 60_000) != quiet(said[1], utc, NIGHT + minute * 60_000)


@pytest.mark.parametrize("wrong", ["22:00", "25:00-07:00", "07:00-07:00", "22:00-24:30", ""])
def test_hours_that_are_none_are_refused(wrong: str) -> None:
    """With what was got and wanted."""
    with pytest.raises(ValueError, match="wanted HH:MM-HH:MM"):
        minutes(wrong)


def test_instants_and_stretches() -> None:
    """Half-open, open-ended where empty; the share that has gone by is bounded."""
    start, end = "2026-01-01T00:00:00Z", "2026-01-03T00:00:00+00:00"
    assert [within(start, end, instant(at)) for at in ("2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03")] == [
        False,
        True,
        True,
        False,
    ]
    assert within("", "", 5)
    assert [gone(start, end, instant(at)) for at in ("2025-12-31", "2026-01-02", "2026-02-01")] == [0.0, 0.5, 1.0]


def test_caps_by_channel_count_all_slots_of_the_channel() -> None:
    """What was pushed from another slot counts for the channel; another channel doesn't; by person all do."""
    served = tuple(
        Served(at=NOW - HOUR, item="x", slot=slot, campaign="", decision=f"d-{slot}", channel=channel)
        for slot, channel in (("alerts", "push"), ("news", "push"), ("home", ""))
    )

    def capped(by: Any, times: int, channel: str) -> bool:
        return bool(refusals(Slot(channel=channel, caps=(Cap(times=times, by=by),)), served=served))

    assert [capped("channel", n, "push") for n in (2, 3)] == [True, False]
    assert [capped("channel", n, "email") for n in (1, 2)] == [False, False]
    assert [capped("channel", n, "") for n in (1, 2)] == [True, False]  # the slot is its own channel
    assert [capped("person", n, "email") for n in (3, 4)] == [True, False]
    assert [capped("all", n, "email") for n in (3, 4)] == [True, False]


def test_campaigns_of_a_group_exclude_each_other() -> None:
    """Who had one doesn't get the other for thirty days; the same one again they may."""
    settings = Settings(exclusive=(("spring", "fall"),))
    had = (Served(at=NOW - 10 * DAY, item="x", slot="home", campaign="spring", decision="d"),)
    assert refusals(Slot(), settings, served=had) == {"p2": "exclusive"}
    long_ago = (Served(at=NOW - 31 * DAY, item="x", slot="home", campaign="spring", decision="d"),)
    assert refusals(Slot(), settings, served=long_ago) == {}


def test_a_slate_holds_one_campaign_of_a_group() -> None:
    """Whatever is drawn first keeps the others of its group out; campaigns beside the group stay."""
    campaigns = ["spring", "fall", "spring", "", "other"]
    mind = slate.Mind(campaigns=campaigns, exclusive=(("spring", "fall"),))
    for seed in range(60):
        rows, given, _ = slate.draw(
            make("random"),
            np.ones((5, DIM)),
            limit=5,
            floor=0.1,
            rng=Chance(seed),
            groups=[""] * 5,
            mind=mind,
        )
        taken = {campaigns[row] for row in rows}
        assert not {"spring", "fall"} <= taken
        assert {"", "other"} <= taken
        assert all(0.0 < one <= 1.0 for one in given)
