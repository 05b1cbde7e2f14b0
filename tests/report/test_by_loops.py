"""Journeys, calibration, what went unmet, who did what, and a lift's people, answered again by plain loops."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

from micromoments.core.event import BOT
from micromoments.core.fact import DecisionFact, EventFact, Fact, MomentFact
from micromoments.report.reports import run
from tests.report.world import DAY, HOUR, NOW, SETTINGS, Facts, counted, decision, event, figures, moment


def history(seed: int) -> list[Fact]:
    """Sixty people over six days, who search, have moments, are decided for and buy; some are bots."""
    rng = random.Random(seed)
    facts: list[Fact] = []
    for n in range(900):
        person, at, marks = rng.randrange(60), NOW + rng.randrange(6 * DAY), BOT if rng.random() < 0.1 else 0
        words = rng.choice(["Tent", "stove", "map", ""])
        facts.append(
            event(f"s{n}", person, at, "Products Searched", query=words, results=rng.choice([-1, 0, 4]), marks=marks)
        )
        about: dict[str, Any] = {"query": words.lower(), "confidence": rng.random(), "marks": marks}
        about |= {
            "channels": rng.choice(["web", "app", "web,app"]),
            "ended": rng.choice(["", "fulfilled", "abandoned"]),
        }
        about["served_at"] = at + 50 if rng.random() < 0.5 else 0
        facts.append(moment(f"m{n}", person, at, rng.choice(["know", "go", "do", "buy"]), **about))
        held = person % 3 == 0
        items: dict[str, Any] = {"items": [], "kinds": [], "propensities": []} if rng.random() < 0.2 else {}
        facts.append(decision(f"d{n}", person, at + 60, holdout=held, marks=marks, **items))
        if rng.random() < 0.3:
            bought = at + rng.randrange(2 * HOUR)
            facts.append(event(f"o{n}", person, bought, "Order Completed", goal="order", value=1000, marks=marks))
    return facts


def moments(facts: list[Fact]) -> list[MomentFact]:
    """The counted ones, in order."""
    found = [m for m in facts if isinstance(m, MomentFact) and not m.marks]
    return sorted(found, key=lambda m: (m.opened_at, m.id))


def journeys(facts: list[Fact]) -> list[list[MomentFact]]:
    """Each person's moments, cut where more than a day lies between two."""
    by: dict[int, list[MomentFact]] = defaultdict(list)
    for one in moments(facts):
        by[one.surrogate].append(one)
    found: list[list[MomentFact]] = []
    for mine in by.values():
        found.append([mine[0]])
        for before, one in pairwise(mine):
            if one.opened_at - before.opened_at > DAY:
                found.append([])
            found[-1].append(one)
    return found


def test_journeys_by_loops() -> None:
    """Figures, every node and every link with its people and median time, where ten people share it."""
    facts = history(1)
    reply = run(Facts(*facts).query, "journeys", {}, SETTINGS)
    links: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    nodes: dict[tuple[int, str], list[int]] = defaultdict(list)
    for journey in journeys(facts):
        names = [f"{m.type} {m.channels.split(',')[0]}" for m in journey]
        for n, one in enumerate(journey[:5]):
            nodes[n + 1, names[n]].append(one.surrogate)
            after, target = 0, "fulfilled" if one.ended == "fulfilled" else "left"
            if n + 1 < len(journey):
                after = journey[n + 1].opened_at - one.opened_at
                target = "went on" if n == 4 else f"{n + 2} {names[n + 1]}"
            links[f"{n + 1} {names[n]}", target].append((one.surrogate, after))
    n = len(journeys(facts))
    assert counted(reply, "journeys", "longer") == [(n, None), (sum(len(j) > 1 for j in journeys(facts)), n)]
    told = {(row["step"], row["name"]): (row["moments"], row["people"]) for row in reply["rows"] if row["of"] == "node"}
    assert told == {key: (len(who), len(set(who))) for key, who in nodes.items() if len(set(who)) >= 10}
    shared = {key: found for key, found in links.items() if len({who for who, _ in found}) >= 10}
    rows = {(row["source"], row["target"]): row for row in reply["rows"] if row["of"] == "link"}
    most = sorted((len(found) for found in shared.values()), reverse=True)[:100]
    assert sorted((row["count"] for row in rows.values()), reverse=True) == most
    for key, row in rows.items():
        times = sorted(after for _, after in shared[key])
        middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2
        assert (row["count"], row["people"]) == (len(times), len({who for who, _ in shared[key]}))
        if row["target"] in {"fulfilled", "left"}:
            assert row["median_hours"] is None
        else:
            assert abs(row["median_hours"] - middle / HOUR) < 1e-9


def test_calibration_by_loops() -> None:
    """Each tenth's moments, mean and share, and the error over all."""
    facts = history(2)
    tenths: dict[int, list[MomentFact]] = defaultdict(list)
    for one in moments(facts):
        if one.ended in {"fulfilled", "abandoned"}:
            tenths[min(9, int(one.confidence * 10))].append(one)
    reply = run(Facts(*facts).query, "calibration", {}, SETTINGS)
    gap = n = 0.0
    for row, (_, some) in zip(reply["rows"], sorted(tenths.items()), strict=True):
        said = sum(m.confidence for m in some) / len(some)
        right = sum(m.ended == "fulfilled" for m in some)
        assert (row["moments"], row["fulfilled"]) == (len(some), right)
        assert abs(row["said"] - said) < 1e-9
        gap, n = gap + abs(said * len(some) - right), n + len(some)
    assert abs(figures(reply)["ece"]["value"] - gap / n) < 1e-5


def test_unmet_by_loops() -> None:
    """Needs unserved, decisions that had nothing, and searches in vain."""
    facts = history(3)
    reply = run(Facts(*facts).query, "unmet", {}, SETTINGS)
    unserved: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in moments(facts):
        if one.query and not one.served_at:
            unserved[one.query, one.type].append(one.surrogate)
    wanted = {(*key, len(set(who)), len(who)) for key, who in unserved.items() if len(set(who)) >= 10}
    rows = [row for row in reply["rows"] if row["of"] == "moment"]
    assert {(row["need"], row["type"], row["people"], row["count"]) for row in rows} == wanted
    decided = [d for d in facts if isinstance(d, DecisionFact) and not d.marks and not d.holdout]
    searches = [e for e in facts if isinstance(e, EventFact) and e.query and not e.marks]
    assert counted(reply, "unserved", "empty", "no_results") == [
        (sum(not m.served_at for m in moments(facts)), len(moments(facts))),
        (sum(not d.items for d in decided), len(decided)),
        (sum(e.results == 0 for e in searches), sum(e.results >= 0 for e in searches)),
    ]
    vain: dict[str, set[int]] = defaultdict(set)
    for e in searches:
        if e.results == 0:
            vain[e.query.lower()].add(e.surrogate)
    told = {(row["need"], row["people"]) for row in reply["rows"] if row["of"] == "search"}
    assert told == {(need, len(who)) for need, who in vain.items() if len(who) >= 10}


def test_who_did_what_by_loops() -> None:
    """Events and people by name, bots too, over all and over a stretch within."""
    facts = history(4)
    sent = [e for e in facts if isinstance(e, EventFact)]
    for start, stop in ((0, 2**42), (NOW + DAY, NOW + 2 * DAY)):
        reply = run(Facts(*facts).query, "quality", {"from": str(start), "to": str(stop)}, SETTINGS)
        within = [e for e in sent if start <= e.received_at < stop]
        names = Counter(e.name for e in within)
        people = {name: len({e.surrogate for e in within if e.name == name}) for name in names}
        assert {row["name"]: (row["count"], row["people"]) for row in reply["rows"]} == {
            name: (count, people[name]) for name, count in names.items()
        }


def test_a_lifts_people_by_loops() -> None:
    """Who was served and who was held out, since when, and how many of them reached the goal after that."""
    facts = history(5)
    reply = run(Facts(*facts).query, "lift", {"goal": "order"}, SETTINGS)
    first: dict[int, int] = {}
    for one in facts:
        if isinstance(one, DecisionFact) and not one.marks:
            first[one.surrogate] = min(one.received_at, first.get(one.surrogate, 2**62))
    won = dict.fromkeys(first, 0)
    for e in facts:
        if isinstance(e, EventFact) and e.goal == "order" and not e.marks and e.at >= first.get(e.surrogate, 2**62):
            won[e.surrogate] += 1
    (row,) = [row for row in reply["rows"] if row["of"] == "slot" and row["slot"] == "home"]
    arms = {arm: [who for who in first if (who % 3 == 0) == (arm == "held out")] for arm in ("served", "held out")}
    assert {arm: row["people"][arm] for arm in arms} == {arm: len(who) for arm, who in arms.items()}
    times = next(one for one in row["comparisons"] if one["metric"] == "times")
    assert (times["treated"], times["control"]) == (len(arms["served"]), len(arms["held out"]))
    for name, arm in (("treated_mean", "served"), ("control_mean", "held out")):
        assert abs(times[name] - sum(won[who] for who in arms[arm]) / len(arms[arm])) < 1e-9
