"""Every report over hand-made facts whose right answers are worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from micromoments.core.event import BOT, INTERNAL, SIMULATED, TEST
from micromoments.report.reports import REPORTS, run
from tests.report.world import (
    DAY,
    HOUR,
    NOW,
    SECOND,
    SETTINGS,
    Facts,
    counted,
    decision,
    event,
    figures,
    moment,
    outcome,
)


def small() -> Facts:
    """Five people's moments: three served (one acted on and fulfilled), one a bot's; three goals."""
    return Facts(
        moment("m1", 1, NOW, served_at=NOW + 150, ended="fulfilled", ended_at=NOW + HOUR, channels="web,app"),
        moment("m2", 1, NOW + DAY, "go", served_at=NOW + DAY + 90, ended="expired", channels="app"),
        moment("m3", 2, NOW, served_at=NOW + 250, ended="fulfilled", ended_at=NOW + 10 * SECOND),
        moment("m4", 3, NOW + HOUR, "know", ended="abandoned", channels="web,app"),
        moment("m5", 9, NOW, served_at=NOW + 100, ended="fulfilled", marks=BOT),
        decision("d1", 1, NOW + 150, moment="m1"),
        decision("d2", 1, NOW + DAY + 90, moment="m2"),
        decision("d3", 2, NOW + 250, moment="m3"),
        outcome("o1", 1, NOW + 5 * SECOND, "d1", "clicked", moment="m1", reward=0.3),
        outcome("o2", 2, NOW + 5 * SECOND, "d3", "seen", moment="m3"),
        event("e1", 1, NOW, device="phone"),
        event("e2", 1, NOW + HOUR, "Order Completed", goal="order", value=5000, channel="app", device="phone"),
        event("e3", 2, NOW, device="desktop"),
        event("e4", 2, NOW + 3 * DAY, "Order Completed", goal="order,visit", value=100, device="desktop"),
        event("e5", 3, NOW + HOUR, "Visited", goal="visit", device="phone"),
        event("e6", 9, NOW, "Order Completed", goal="order", value=99, marks=BOT),
        event("e7", 1, NOW + 2 * HOUR, "Order Refunded", goal="order", value=-1000, channel="app", device="phone"),
    )


def test_scorecards_by_hand() -> None:
    """Of four counted moments three were served, one was acted on, two fulfilled, one of them acted on; two crossed."""
    reply = run(small().query, "scorecards", {}, SETTINGS)
    assert counted(reply, "be_there", "acted_on", "fulfilled", "useful") == [(3, 4), (1, 3), (2, 3), (1, 3)]
    assert counted(reply, "crossed", "crossed_fulfilled", "single_fulfilled") == [(2, 4), (1, 2), (1, 2)]
    quick = figures(reply)
    assert (quick["event_to_moment"]["p50"], quick["event_to_moment"]["count"]) == (50, 4)
    assert quick["moment_to_decision"]["p50"] == 100
    assert quick["moment_to_decision"]["p95"] == pytest.approx(190)
    assert quick["decision_to_fulfilment"]["p50"] == ((HOUR - 150) + (10 * SECOND - 250)) / 2


def test_the_anchored_figures_stand_beside_them() -> None:
    """Three goals reached by three people: one within a day of a served moment, one by someone on two channels."""
    reply = run(small().query, "scorecards", {}, SETTINGS)
    assert counted(reply, "goals_preceded", "goals_per_person", "goals_across") == [(1, 3), (3, 3), (1, 3)]
    assert figures(reply)["to_goal"]["p50"] == HOUR - 150
    assert all(figures(reply)[name]["anchored"] for name in ("goals_preceded", "goals_per_person", "to_goal"))
    orders = run(small().query, "scorecards", {"goal": "order"}, SETTINGS)
    assert counted(orders, "goals_preceded") == [(1, 2)]


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("type", {"buy": (2, 2), "go": (1, 1), "know": (0, 1)}),
        ("channel", {"web": (2, 3), "app": (1, 1)}),
        ("device", {"phone": (1, 2), "desktop": (1, 1), "unknown": (1, 1)}),
        ("hour", {"00": (3, 3), "01": (0, 1)}),
        ("day", {"2026-01-01": (2, 3), "2026-01-02": (1, 1)}),
    ],
)
def test_scorecards_by_part(by: str, wanted: dict[str, tuple[int, int]]) -> None:
    """Each part has the same figures, and the parts add up."""
    reply = run(small().query, "scorecards", {"by": by}, SETTINGS)
    assert {row["part"]: counted(row, "be_there")[0] for row in reply["rows"]} == wanted
    assert ("goals_preceded" in figures(reply["rows"][0])) == (by != "type")


@pytest.mark.parametrize(
    ("segment", "wanted"),
    [
        ("type:buy", (2, 2)),
        ("channel:app", (1, 1)),
        ("device:phone", (1, 2)),
        ("hour:01", (0, 1)),
        ("day:2026-01-02", (1, 1)),
        ("type:buy,channel:app", (0, 0)),
    ],
)
def test_segments_filter(segment: str, wanted: tuple[int, int]) -> None:
    """A segment looks at its moments only; several narrow further; nothing there is null, not a number."""
    reply = run(small().query, "scorecards", {"segment": segment}, SETTINGS)
    assert counted(reply, "be_there") == [wanted]
    if wanted[1] == 0:
        assert figures(reply)["be_there"]["value"] is None


@pytest.mark.parametrize("start", ["1975-01-01", "1980-01-01", "0001-01-01"])
def test_a_stretch_that_begins_long_before_all_facts_has_the_same_days(start: str) -> None:
    """However early a stretch begins, days and hours are those of the zone when things happened."""
    noon = 1_783_072_800_000  # 3 July 2026, 12:00 in Berlin (UTC+2)
    facts = Facts(moment("m1", 1, noon), moment("m2", 1, noon + 12 * HOUR - 1), moment("m3", 1, noon + 12 * HOUR))
    for by, wanted in (("day", {"2026-07-03", "2026-07-04"}), ("hour", {"12", "23", "00"})):
        reply = run(facts.query, "moments", {"by": by, "tz": "Europe/Berlin", "from": start}, SETTINGS)
        assert {row["part"] for row in reply["rows"]} == wanted


def test_a_stretch_from_the_year_1_is_taken_in_every_zone() -> None:
    """East of Greenwich the year 1 begins before what can be written in UTC."""
    reply = run(small().query, "moments", {"from": "0001-01-01", "tz": "Asia/Tokyo"}, SETTINGS)
    assert reply["from"] == "0001-01-01T00:00:00.000Z"


def test_local_days_follow_the_zone_and_its_summer_time() -> None:
    """Days are those of the zone, also across the change of the clocks: Berlin, 29 March 2026, 02:00 to 03:00."""
    sunday = 1_774_738_800_000  # 29 March 2026, 00:00 in Berlin (UTC+1)
    facts = Facts(
        moment("m1", 1, sunday - 1),
        moment("m2", 1, sunday),
        moment("m3", 1, sunday + 23 * HOUR - 1),
        moment("m4", 1, sunday + 23 * HOUR),
        moment("m5", 1, sunday + 2 * HOUR),
    )
    days = run(facts.query, "scorecards", {"by": "day", "tz": "Europe/Berlin"}, SETTINGS)["rows"]
    got = [(row["part"], counted(row, "be_there")[0][1]) for row in days]
    assert got == [("2026-03-28", 1), ("2026-03-29", 3), ("2026-03-30", 1)]
    hours = run(facts.query, "scorecards", {"by": "hour", "tz": "Europe/Berlin"}, SETTINGS)["rows"]
    assert [row["part"] for row in hours] == ["00", "03", "23"]


def test_the_stretch_is_half_open_and_said() -> None:
    """``from`` counts, ``to`` doesn't; the reply says both, how fresh it is and what is counted."""
    params = {"from": "2026-01-01", "to": "2026-01-02T00:00:00Z"}
    reply = run(small().query, "scorecards", params, SETTINGS)
    assert counted(reply, "be_there") == [(2, 3)]
    assert (reply["from"], reply["to"]) == ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
    assert reply["as_of"] == "2026-01-04T00:00:01.000Z"
    assert reply["counting"].startswith("Moments opened in the stretch")
    assert run(small().query, "scorecards", {"from": str(NOW), "to": str(NOW + 1)}, SETTINGS)["from"] == reply["from"]


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("score", {}, "got report 'score'; wanted one of scorecards, missed"),
        ("needs", {"form": "1"}, "got parameter 'form'; wanted one of from, to"),
        ("needs", {"tz": "Mars"}, "wanted an IANA name"),
        ("needs", {"by": "shoe"}, "got by='shoe'; wanted one of type, channel, device, place, hour, day"),
        ("lift", {"by": "day"}, "wanted none for this report"),
        ("needs", {"from": "yesterday"}, "wanted RFC 3339"),
        ("needs", {"from": "2026-01-02", "to": "2026-01-01"}, "swap them"),
        ("needs", {"segment": "type"}, "wanted NAME:VALUE"),
        ("needs", {"segment": "hour:27"}, "wanted hour:0 to hour:23"),
        ("needs", {"segment": "day:x"}, "wanted a date"),
        ("needs", {"goal": "sale"}, "wanted a configured goal"),
        ("quality", {"duplicates": "-1"}, "wanted a whole number"),
    ],
)
def test_a_wrong_parameter_says_what_was_wanted(name: str, params: dict[str, str], message: str) -> None:
    """Got, wanted, what to do."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        run(small().query, name, params, SETTINGS)


def test_needs_show_only_what_ten_people_share() -> None:
    """Ten people's words are shown, with how they fared; what nine share stays hidden but is counted."""
    shared = [moment(f"a{n}", n, NOW, query="Trail shoes", served_at=NOW + 60 if n < 4 else 0) for n in range(10)]
    again = moment("again", 1, NOW + HOUR, query="trail shoes ", ended="fulfilled")
    hidden = [moment(f"b{n}", n, NOW, query="rash cream") for n in range(9)]
    facts = Facts(*shared, again, *hidden, *(moment(f"c{n}", n, NOW, "know") for n in range(10)))
    reply = run(facts.query, "needs", {}, SETTINGS)
    (row,) = reply["rows"]
    assert (row["need"], row["people"], row["moments"], row["served"], row["fulfilled"]) == (
        "trail shoes",
        10,
        11,
        4,
        1,
    )
    assert counted(reply, "named", "shown") == [(20, 30), (11, 20)]
    assert "rash" not in json.dumps(reply)


def test_unmet_has_moments_decisions_and_searches() -> None:
    """Unserved needs, decisions with nothing to serve and searches without results; held-out people don't count."""
    facts = Facts(
        *(moment(f"m{n}", n, NOW, query="kayak") for n in range(12)),
        moment("served", 1, NOW, query="kayak", served_at=NOW + 51),
        decision("d1", 1, NOW, items=[], kinds=[], propensities=[], propensity=1.0),
        decision("d2", 2, NOW),
        decision("d3", 3, NOW, items=[], holdout=True),
        *(event(f"e{n}", n, NOW, "Products Searched", query="Kayak", results=0) for n in range(11)),
        event("found", 1, NOW, "Products Searched", query="shoes", results=7),
        event("unsaid", 1, NOW, "Products Searched", query="boats"),
        *(event(f"few{n}", n, NOW, "Products Searched", query="tent", results=0) for n in range(3)),
    )
    reply = run(facts.query, "unmet", {}, SETTINGS)
    assert [(row["of"], row.get("need", row.get("slot")), row["people"]) for row in reply["rows"]] == [
        ("moment", "kayak", 12),
        ("decision", "home", 1),
        ("search", "kayak", 11),
    ]
    assert counted(reply, "unserved", "empty", "no_results") == [(12, 13), (1, 2), (14, 15)]


def test_moments_over_time() -> None:
    """By type and day, with how they ended."""
    reply = run(small().query, "moments", {}, SETTINGS)
    rows = [(row["part"], row["type"], row["opened"], row["fulfilled"], row["abandoned"]) for row in reply["rows"]]
    assert rows == [("2026-01-01", "buy", 2, 2, 0), ("2026-01-01", "know", 1, 0, 1), ("2026-01-02", "go", 1, 0, 0)]
    assert counted(reply, "fulfilled", "abandoned", "expired", "open") == [(2, 4), (1, 4), (1, 4), (0, 4)]


def test_decisions_by_slot_and_policy() -> None:
    """Counts, propensities' health, and refusals by code."""
    facts = Facts(
        decision("d1", 1, NOW, refused=["cap", "cap", "closed"], policy_version=3),
        decision("d2", 2, NOW, propensity=1.5, policy_version=8),
        decision("d3", 3, NOW, propensity=float("nan")),
        decision("d4", 4, NOW, items=[], propensity=1.0, refused=["closed"], degraded="no_consent"),
        decision("d5", 5, NOW, policy="popular", holdout=True),
        decision("d6", 6, NOW, marks=BOT),
    )
    reply = run(facts.query, "decisions", {}, SETTINGS)
    assert counted(reply, "empty", "held_out", "degraded", "bad_propensities") == [(1, 5), (1, 5), (1, 5), (2, 5)]
    assert json.dumps(reply, allow_nan=False)
    by = {row["policy"]: row for row in reply["rows"] if row["of"] == "decisions"}
    assert (by["thompson"]["decisions"], by["thompson"]["policy_version"]) == (4, 8)
    codes = [(row["code"], row["count"]) for row in reply["rows"] if row["of"] == "refusals"]
    assert codes == [("cap", 2), ("closed", 2)]
    day = run(facts.query, "decisions", {"by": "day", "segment": "hour:0", "slot": "home"}, SETTINGS)
    assert {row["part"] for row in day["rows"] if row["of"] == "decisions"} == {"2026-01-01"}


def test_quality_sees_what_others_leave_out() -> None:
    """Bots, own people and tests as rates, late arrivals, outcomes without a decision, refunds without an amount."""
    facts = Facts(
        event("e1", 1, NOW),
        event("e2", 2, NOW, marks=BOT),
        event("e3", 3, NOW, marks=INTERNAL | TEST),
        event("e4", 4, NOW, received_at=NOW + HOUR),
        event("e5", 5, NOW, "Order Refunded"),
        outcome("o1", 1, NOW, "dx", "clicked", slot=""),
        outcome("o2", 1, NOW, "d1", "clicked"),
        outcome("o3", 1, NOW, "d1", "ignored"),
    )
    reply = run(facts.query, "quality", {"duplicates": "5"}, SETTINGS)
    assert counted(reply, "bots", "internal", "test", "uncounted", "late") == [(1, 5), (1, 5), (1, 5), (2, 5), (1, 5)]
    assert counted(reply, "unmatched", "unpriced", "duplicates") == [(1, 2), (1, 1), (5, 10)]
    assert [(row["name"], row["count"]) for row in reply["rows"]] == [("Product Viewed", 4), ("Order Refunded", 1)]


def test_calibration_sets_what_was_said_beside_what_was_seen() -> None:
    """A row a tenth of confidence over moments fulfilled or given up; the gap weighs them; expired ones don't count."""
    facts = Facts(
        *(moment(f"a{i}", i, NOW, confidence=0.95, ended="fulfilled" if i < 3 else "abandoned") for i in range(4)),
        *(moment(f"b{i}", 10 + i, NOW, confidence=0.65, ended="fulfilled" if i else "abandoned") for i in range(2)),
        moment("c", 20, NOW, confidence=1.0, ended="expired"),
        moment("d", 21, NOW, confidence=0.95, ended="fulfilled", marks=BOT),
    )
    reply = run(facts.query, "calibration", {}, SETTINGS)
    rows = [(row["confidence"], row["moments"], round(row["said"], 2), row["seen"]) for row in reply["rows"]]
    assert rows == [("0.6 to 0.7", 2, 0.65, 0.5), ("0.9 to 1.0", 4, 0.95, 0.75)]
    assert figures(reply)["ece"]["value"] == pytest.approx((2 * 0.15 + 4 * 0.2) / 6)
    assert counted(reply, "fulfilled") == [(4, 6)]


def test_freshness_says_how_far_each_table_reaches() -> None:
    """Oldest and newest arrival by table, null where there is nothing."""
    rows = {row["table"]: row for row in run(small().query, "freshness", {}, SETTINGS)["rows"]}
    assert rows["events"]["newest"] == "2026-01-04T00:00:01.000Z"
    assert rows["decisions"]["count"] == 3


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_an_empty_project_has_reports_too(name: str) -> None:
    """Without a single fact every report answers, as JSON, and makes no number up."""
    reply = run(Facts().query, name, {}, SETTINGS)
    assert reply["as_of"] is None
    assert reply["simulated"] is False
    assert json.loads(json.dumps(reply, allow_nan=False))["name"] == name
    assert all(one["value"] is None for one in reply["figures"] if one["of"] is not None)


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_every_reply_is_plain_json(name: str) -> None:
    """No NaN, no decimals, nothing that JSON can't hold."""
    reply = run(small().query, name, {}, SETTINGS)
    assert json.loads(json.dumps(reply, allow_nan=False)) == reply
    assert {"name", "title", "as_of", "from", "to", "tz", "counting", "simulated", "figures", "rows"} <= reply.keys()


@pytest.mark.parametrize("name", sorted(REPORTS))
def test_sums_past_64_bits_fail_no_report(name: str) -> None:
    """Amounts that are whole numbers of 64 bits each: their sum isn't one, and is said as the most there is."""
    facts, most = Facts(), 9 * 10**18
    for n in range(12):
        won: dict[str, Any] = {"goal": "order", "value": most, "currency": "CLF"}
        facts.add(
            [
                moment(f"m{n}", n, NOW, query="shoes", ended="expired", ended_at=NOW + HOUR, expires_at=NOW + HOUR),
                event(f"e{n}", n, NOW + HOUR // 2, "Order Completed", **won),
                decision(f"d{n}", n, NOW + 5, holdout=n % 2 == 0),
                outcome(f"o{n}", n, NOW + 9, f"d{n}", "goal", item="a", **won),
            ]
        )
    reply = run(facts.query, name, {"decision": "d1"} if name == "receipt" else {}, SETTINGS)
    assert json.loads(json.dumps(reply, allow_nan=False))["name"] == name
    if name in ("items", "worth"):
        assert reply["rows"][0]["value"] == 2**63 - 1


def test_the_simulated_says_so() -> None:
    """What the simulator made counts, and the reply says that it is there."""
    facts = Facts(moment("m1", 1, NOW, marks=SIMULATED))
    reply = run(facts.query, "moments", {}, SETTINGS)
    assert (reply["simulated"], figures(reply)["opened"]["count"]) == (True, 1)
    assert run(small().query, "moments", {}, SETTINGS)["simulated"] is False


def test_behind_a_number_stand_as_many_as_it_counts() -> None:
    """The moments listed are those that the scorecards count, filtered alike, the newest first."""
    for segment in ("", "type:buy"):
        counted = figures(run(small().query, "scorecards", {"segment": segment}, SETTINGS))["be_there"]["of"]
        rows = [r for r in run(small().query, "behind", {"segment": segment}, SETTINGS)["rows"] if r["of"] == "moment"]
        assert len(rows) == counted
        assert [r["at"] for r in rows] == sorted((r["at"] for r in rows), reverse=True)
