"""Scorecards and needs equal the same questions answered by plain loops over random facts."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from micromoments.core.event import BOT
from micromoments.core.fact import EventFact, Fact, MomentFact, OutcomeFact
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, counted, event, moment, outcome

ZONE = "America/New_York"


def history(seed: int) -> list[Fact]:
    """Forty people over five days: moments, what came of them, goals; some of it bots'."""
    rng = random.Random(seed)
    facts: list[Fact] = []
    for n in range(400):
        person, at, marks = rng.randrange(40), NOW + rng.randrange(5 * DAY), BOT if rng.random() < 0.1 else 0
        served = at + rng.randrange(60, 500) if rng.random() < 0.6 else 0
        ended = rng.choice(["", "fulfilled", "expired", "abandoned"])
        more: dict[str, Any] = {"channels": rng.choice(["web", "app", "web,app"]), "marks": marks}
        more |= {"query": rng.choice(["shoes", "Coffee", "tent", ""]), "ended": ended, "served_at": served}
        facts.append(moment(f"m{n}", person, at, rng.choice(["know", "go", "do", "buy"]), **more))
        if served and rng.random() < 0.4:
            what = rng.choice(["seen", "clicked", "goal", "ignored"])
            facts.append(outcome(f"o{n}", person, at + HOUR, f"d{n}", what, moment=f"m{n}"))
        goal = rng.choice(["", "order", "visit", "order,visit"])
        refund = goal != "" and rng.random() < 0.1
        more = {"goal": goal, "value": -5 if refund else 5, "channel": rng.choice(["web", "app"]), "marks": marks}
        facts.append(event(f"e{n}", person, NOW + rng.randrange(5 * DAY), **more))
    return facts


def day(at: int) -> str:
    """The date of an instant in the zone."""
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(ZONE)).date().isoformat()


def by_hand(facts: list[Fact], goal: str) -> dict[str, dict[str, tuple[int, int]]]:
    """Counts and denominators by local day."""
    acted = {o.moment for o in facts if isinstance(o, OutcomeFact) and o.what in {"clicked", "goal"}}
    moments = [m for m in facts if isinstance(m, MomentFact) and not m.marks]
    events = [e for e in facts if isinstance(e, EventFact) and not e.marks]
    groups: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one in moments:
        group = groups[day(one.opened_at)]
        group["be_there"].append(one.served_at > 0)
        if one.served_at:
            group["acted_on"].append(one.id in acted)
            group["useful"].append(one.id in acted and one.ended == "fulfilled")
        group["crossed"].append("," in one.channels)
    for win in events:
        if goal not in win.goal.split(",") or win.value < 0:
            continue
        before = [m for m in moments if m.surrogate == win.surrogate and m.served_at]
        groups[day(win.at)]["goals_preceded"].append(any(win.at - DAY <= m.served_at <= win.at for m in before))
    return {part: {name: (sum(found), len(found)) for name, found in group.items()} for part, group in groups.items()}


@pytest.mark.parametrize("seed", [1, 2])
def test_scorecards_by_another_route(seed: int) -> None:
    """Every share of every local day, by SQL and by loops."""
    facts = history(seed)
    reply = run(Facts(*facts).query, "scorecards", {"by": "day", "tz": ZONE, "goal": "order"}, SETTINGS)
    wanted = by_hand(facts, "order")
    assert {row["part"] for row in reply["rows"]} == set(wanted)
    for row in reply["rows"]:
        for name, share in wanted[row["part"]].items():
            assert counted(row, name) == [share], (row["part"], name)


def test_needs_by_another_route() -> None:
    """People and moments of each need and type, by SQL and by loops."""
    facts = history(3)
    reply = run(Facts(*facts).query, "needs", {}, SETTINGS)
    people: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in facts:
        if isinstance(one, MomentFact) and one.query and not one.marks:
            people[one.query.lower(), one.type].append(one.surrogate)
    wanted = {(*key, len(set(found)), len(found)) for key, found in people.items() if len(set(found)) >= 10}
    assert {(row["need"], row["type"], row["people"], row["moments"]) for row in reply["rows"]} == wanted
