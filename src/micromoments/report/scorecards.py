# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""The four scorecards, and beside each a figure that the recogniser can't move.

A moment counts as judged when it was served and is never relabelled: its fact's latest version says what it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import COUNTED, Ask, has_goal
from micromoments.report.parts import events, figure, moments, share

COUNTING = (
    "Moments opened in the stretch and goals reached in it, without bots, own people and tests; a moment precedes a "
    "goal if it was served to the person in the 24 hours before."
)

NO_GOALS = {"goals": 0, "preceded": 0, "across": 0, "to_goal": None}


def scorecards(asked: Ask) -> dict[str, Any]:
    """Figures over all, and a row of the same for each part where ``by`` is given."""
    totals, parts = _moments(asked, ""), _moments(asked, "part") if asked.by else []
    anchors = _anchors(asked._replace(by="")).get("", {**NO_GOALS, "people": 0})
    by_part = _anchors(asked) if asked.by not in {"", "type", "place"} else {}
    rows = [
        {"part": asked.label(row["part"]), "figures": _figures(row, by_part.get(row["part"]))}
        for row in sorted(parts, key=lambda row: str(asked.label(row["part"])))
    ]
    return {"figures": _figures(totals[0], anchors), "rows": rows}


def _moments(asked: Ask, part: str) -> list[dict[str, Any]]:
    """Counts of moments and the quickness of serving, over all or by part. Milliseconds; a negative time is 0."""
    base, params = moments(asked, whole=True)
    group, select = (f" GROUP BY {part}", f"{part}, ") if part else ("", "")
    to_moment = "CASE WHEN recognised_at > opened_at THEN recognised_at - opened_at ELSE 0 END"
    to_decision = "CASE WHEN served_at > recognised_at THEN served_at - recognised_at ELSE 0 END"
    fulfilled = "served_at > 0 AND ended = 'fulfilled'"
    quick = {
        "event_to_moment": (to_moment, "recognised_at > 0"),
        "moment_to_decision": (to_decision, "served_at > 0"),
        "decision_to_fulfilment": ("CASE WHEN ended_at > served_at THEN ended_at - served_at ELSE 0 END", fulfilled),
    }
    columns = [f"count(*) FILTER (WHERE {when}) AS {name}_n" for name, (_, when) in quick.items()]
    columns += [
        f"percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY CASE WHEN {when} THEN {what} END) AS {name}"
        for name, (what, when) in quick.items()
    ]
    crossed = "position(',' in channels) > 0"
    sql = (
        f"WITH base AS ({base}) "
        f"SELECT {select}count(*) AS opened, count(*) FILTER (WHERE served_at > 0) AS served, "
        "count(*) FILTER (WHERE served_at > 0 AND acted) AS acted, "
        f"count(*) FILTER (WHERE {fulfilled}) AS fulfilled, "
        f"count(*) FILTER (WHERE {fulfilled} AND acted) AS useful, "
        f"count(*) FILTER (WHERE {crossed}) AS crossed, "
        f"count(*) FILTER (WHERE {crossed} AND ended = 'fulfilled') AS crossed_fulfilled, "
        f"count(*) FILTER (WHERE NOT ({crossed}) AND ended = 'fulfilled') AS single_fulfilled, "
        f"{', '.join(columns)} FROM base{group}"
    )
    return asked.rows(sql, *params)


def _anchors(asked: Ask) -> dict[Any, dict[str, Any]]:
    """By part (``''`` without a break-down): active people, goals reached, and how they came about."""
    wanted, more = has_goal(asked.goal)
    (base, params), (won, won_params) = events(asked, "activity"), events(asked, "goals")
    active = asked.rows(
        f"WITH base AS ({base}) SELECT part, count(DISTINCT surrogate) AS people FROM base GROUP BY part", *params
    )
    sql = (
        f"WITH base AS ({base}), goals AS (SELECT * FROM ({won}) AS won WHERE {wanted} AND value >= 0), "
        f"served AS (SELECT surrogate, served_at FROM {asked.judged(whole=False)} AS moments WHERE served_at > 0 "
        f"AND served_at >= ? AND served_at < ? AND {COUNTED}), "
        "preceded AS (SELECT goals.id AS id, max(served.served_at) AS served_at FROM goals JOIN served "
        "ON served.surrogate = goals.surrogate AND served.served_at <= goals.at "
        f"AND served.served_at >= goals.at - {DAY} GROUP BY goals.id), "
        "across AS (SELECT surrogate, min(channel) <> max(channel) OR "
        "coalesce(min(nullif(device, '')) <> max(nullif(device, '')), false) AS several "
        "FROM base WHERE surrogate IN (SELECT surrogate FROM goals) GROUP BY surrogate) "
        "SELECT goals.part, count(*) AS goals, count(preceded.id) AS preceded, "
        "count(*) FILTER (WHERE across.several) AS across, "
        "percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY goals.at - preceded.served_at) AS to_goal "
        "FROM goals LEFT JOIN preceded ON preceded.id = goals.id "
        "LEFT JOIN across ON across.surrogate = goals.surrogate GROUP BY goals.part"
    )
    asking = [*params, *won_params, *more, asked.start - DAY, asked.stop]
    reached = {row["part"]: row for row in asked.rows(sql, *asking)}
    return {row["part"]: {**NO_GOALS, **row, **reached.get(row["part"], {})} for row in active}


def _figures(row: dict[str, Any], anchor: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The scorecards, each followed by its anchored figure where there is one for the part."""
    opened, served = int(row["opened"]), int(row["served"])
    crossed = int(row["crossed"])
    cards: list[dict[str, Any]] = [
        share("be_there", "Moments served", int(row["served"]), opened, card="be there"),
        share("acted_on", "Served moments acted on", int(row["acted"]), served, card="be useful"),
        share("fulfilled", "Served moments fulfilled", int(row["fulfilled"]), served, card="be useful"),
        share("useful", "Served moments acted on and fulfilled", int(row["useful"]), served, card="be useful"),
    ]
    for name, title in (
        ("event_to_moment", "From event to moment"),
        ("moment_to_decision", "From moment to decision"),
        ("decision_to_fulfilment", "From decision to fulfilment"),
    ):
        cards.append(_quick(name, title, int(row[f"{name}_n"]), row[name]))
    cards += [
        share("crossed", "Moments that crossed channels", crossed, opened, card="connect the dots"),
        share(
            "crossed_fulfilled", "Of those, fulfilled", int(row["crossed_fulfilled"]), crossed, card="connect the dots"
        ),
        share(
            "single_fulfilled",
            "Of moments on one channel, fulfilled",
            int(row["single_fulfilled"]),
            opened - crossed,
            card="connect the dots",
        ),
    ]
    return cards + (_anchored(anchor) if anchor is not None else [])


def _anchored(row: dict[str, Any]) -> list[dict[str, Any]]:
    goals, people = int(row["goals"]), int(row["people"])
    seen = int(row["preceded"])
    return [
        share("goals_preceded", "Goals that a served moment preceded", seen, goals, card="be there", anchored=True),
        figure(
            "goals_per_person", "Goals per active person", goals, people, "per person", card="be useful", anchored=True
        ),
        {
            **_quick("to_goal", "From served moment to goal", seen, row["to_goal"]),
            "anchored": True,
        },
        share(
            "goals_across",
            "Goals of people on more than one channel or device",
            int(row["across"]),
            goals,
            card="connect the dots",
            anchored=True,
        ),
    ]


def _quick(name: str, title: str, count: int, times: Sequence[float | None] | None) -> dict[str, Any]:
    """A time in milliseconds: its median and 95th percentile over ``count`` cases."""
    p50, p95 = times if count and times else (None, None)
    return {
        "name": name,
        "title": title,
        "value": p50,
        "p50": p50,
        "p95": p95,
        "count": count,
        "of": None,
        "unit": "milliseconds",
        "card": "be quick",
    }
