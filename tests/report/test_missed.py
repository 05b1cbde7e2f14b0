"""Why moments were missed, and which follows which."""

from __future__ import annotations

import base64
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from micromoments.core.event import BOT
from micromoments.core.fact import Fact, MomentFact
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, counted, decision, event, figures, moment

NOTHING: dict[str, Any] = {"items": [], "kinds": [], "propensities": []}


def test_every_missed_moment_has_one_cause() -> None:
    """Held out, consent, cap, no item, too late, not asked: each by its own decision; served and open ones aren't."""
    over: dict[str, Any] = {"ended": "expired", "ended_at": NOW + HOUR, "expires_at": NOW + HOUR}
    causes: dict[str, dict[str, Any]] = {
        "held out": {"holdout": True, **NOTHING},
        "consent": {"refused": ["no_consent", "cap"], **NOTHING},
        "cap": {"refused": ["cap"], **NOTHING},
        "no item": {"refused": ["closed"], **NOTHING},
    }
    facts: list[Fact] = [moment("served", 8, NOW, served_at=NOW + 60, **over)]
    facts.append(moment("open", 9, NOW + DAY, expires_at=NOW + 9 * DAY))
    for person, (cause, more) in enumerate(causes.items()):
        facts.append(moment(cause, person, NOW, **over))
        facts.append(decision(f"d{person}", person, NOW + 50, moment=cause, **more))
    facts += [moment("late", 5, NOW, **over), decision("after", 5, NOW + 2 * HOUR, moment="")]
    facts.append(moment("alone", 6, NOW, **over))
    facts.append(event("g", 7, NOW, goal="order", value=1))
    reply = run(Facts(*facts).query, "missed", {}, SETTINGS)
    told = {row["cause"]: row["count"] for row in reply["rows"]}
    assert told == dict.fromkeys([*causes, "too late", "not asked", "not recognised"], 1)
    assert counted(reply, "missed", "no_item", "not_recognised") == [(6, 7), (1, 6), (1, 1)]


def test_a_goal_that_a_moment_preceded_is_not_unrecognised() -> None:
    """The moment opened before the goal and ended within a day before it, at the latest."""
    facts: list[Fact] = [moment("m", 1, NOW, ended="expired", ended_at=NOW + HOUR)]
    facts += [event(f"g{n}", 1, NOW + at, goal="order", value=1) for n, at in enumerate((0, HOUR, DAY + HOUR, 2 * DAY))]
    assert counted(run(Facts(*facts).query, "missed", {}, SETTINGS), "not_recognised") == [(2, 4)]


def walks(moments: list[MomentFact]) -> Counter[tuple[str, str]]:
    """Links by plain loops, as (source, target)."""
    found: Counter[tuple[str, str]] = Counter()
    for person in {one.surrogate for one in moments}:
        mine = sorted((one for one in moments if one.surrogate == person), key=lambda one: (one.opened_at, one.id))
        step = 1
        for one, after in pairwise([*mine, None]):
            assert one is not None
            goes = after is not None and after.opened_at - one.opened_at <= DAY
            name = f"{step} {one.type} {one.channels.split(',')[0]}"
            if not goes or after is None:
                target = "fulfilled" if one.ended == "fulfilled" else "left"
            else:
                target = "went on" if step == 5 else f"{step + 1} {after.type} {after.channels.split(',')[0]}"
            if step <= 5:
                found[name, target] += 1
            step = step + 1 if goes else 1
    return found


def test_journeys_are_what_plain_loops_walk() -> None:
    """Links, their counts and where people stop equal the same walk by hand, as far as ten people share them."""
    rng = random.Random(3)
    moments = [
        moment(
            f"m{n:04}", rng.randrange(90), NOW + rng.randrange(9 * DAY), rng.choice(["go", "buy"]),
            channels=rng.choice(["web", "app,web"]), ended=rng.choice(["fulfilled", "expired"]),
        )
        for n in range(1200)
    ]  # fmt: skip
    reply = run(Facts(*moments).query, "journeys", {}, SETTINGS)
    links = [row for row in reply["rows"] if row["of"] == "link"]
    wanted = walks(moments)
    assert links
    assert all(wanted[row["source"], row["target"]] == row["count"] and row["people"] >= 10 for row in links)
    first = sum(count for (source, _), count in wanted.items() if source.startswith("1 "))
    assert figures(reply)["journeys"]["count"] == first
    assert figures(reply)["shown"]["of"] == sum(wanted.values())
    names = {row["id"] for row in reply["rows"] if row["of"] == "node"}
    assert {row["source"] for row in links} <= names


def test_every_row_behind_a_number_can_be_reached() -> None:
    """Page after page by the cursor, each moment and goal comes once, the newest first, also within one instant."""
    rng = random.Random(5)
    facts: list[Fact] = [moment(f"m{n}", n, NOW + rng.randrange(40)) for n in range(250)]
    facts += [event(f"g{n}", n, NOW + rng.randrange(40), goal="order", value=1) for n in range(120)]
    query, params, pages = Facts(*facts).query, dict[str, str](), list[list[dict[str, Any]]]()
    while not pages or params["cursor"]:
        reply = run(query, "behind", params, SETTINGS)
        pages.append(reply["rows"])
        params["cursor"] = reply["cursor"] or ""
    assert [len(page) for page in pages] == [200, 120, 50]
    for kind, count in (("moment", 250), ("goal", 120)):
        rows = [row for page in pages for row in page if row["of"] == kind]
        assert len({row["id"] for row in rows}) == len(rows) == count
        assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)


@pytest.mark.parametrize(
    "read", ['{"moment":[1e999,"x"]}', '{"moment":[Infinity,"x"]}', '{"moment":[9e30,"x"]}', "[1]", "[" * 99]
)
def test_a_cursor_that_was_made_up_is_refused(read: str) -> None:
    """No place in time is beyond what is kept."""
    cursor = base64.urlsafe_b64encode(read.encode()).decode()
    with pytest.raises(ValueError, match="wanted one that this report gave"):
        run(Facts().query, "behind", {"cursor": cursor}, SETTINGS)


def test_a_cursor_that_no_report_gave_is_refused() -> None:
    """Got, wanted, what to do."""
    with pytest.raises(ValueError, match=r"got cursor='nonsense'; wanted one that this report gave; leave it out"):
        run(Facts().query, "behind", {"cursor": "nonsense"}, SETTINGS)


def test_what_is_behind_is_narrowed_to_one_kind() -> None:
    """``only`` lists the rows that a number counts, and counts all of them; what it can't ask for is refused."""
    facts = Facts(
        moment("m1", 1, NOW, served_at=NOW + 5, ended="fulfilled", channels="web,app", confidence=0.93),
        moment("m2", 2, NOW + 1, ended="abandoned", category="tents", confidence=0.35),
        moment("m3", 3, NOW + 2, ended="expired", category="tents", confidence=0.31),
        decision("d1", 1, NOW, refused=["cap"], experiments=["holdout:home"], holdout=True),
        decision("d2", 2, NOW + 1, items=[], degraded="no_answer"),
        event("e1", 1, NOW, "Rage Click"),
        event("e2", 2, NOW, "Rage Click", marks=BOT),
        event("e3", 3, NOW, "Order Completed", received_at=NOW + HOUR),
    )
    wanted = {
        "served:yes": ["m1"], "served:no": ["m2", "m3"], "crossed:yes": ["m1"], "ended:gone": ["m2", "m3"],
        "ended:open": [], "sure:9": ["m1"], "sure:3": ["m2"], "refused:cap": ["d1"], "experiment:holdout:home": ["d1"],
        "held:no": ["d2"], "empty:yes": ["d2"], "degraded:yes": ["d2"], "event:Rage Click": ["e1", "e2"],
        "click:rage": ["e1"], "mark:bot": ["e2"], "late:yes": ["e3"],
    }  # fmt: skip
    for only, ids in wanted.items():
        reply = run(facts.query, "behind", {"only": only}, SETTINGS)
        assert sorted(row["id"] for row in reply["rows"]) == ids, only
        assert reply["figures"][0]["value"] == len(ids), only
    for wrong in ("served:maybe", "sure:10", "rain", "wanted:", "wanted:tents", "ended:well"):
        with pytest.raises(ValueError, match="wanted"):
            run(facts.query, "behind", {"only": wrong}, SETTINGS)
    many = Facts(*(moment(f"m{n}", n, NOW + n, category="tents") for n in range(10)))
    assert len(run(many.query, "behind", {"only": "wanted:tents"}, SETTINGS)["rows"]) == 10
