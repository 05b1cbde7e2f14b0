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
    # Who was active is gathered once, nothing is compared as text, and a goal is held against the moments of its day
    # and the one before: over five million rows each of these saves a good part of a second.
    day = f"{{0}} - mod({{0}}, {DAY})"
    where, on = asked.apart("channel"), f"CASE WHEN device <> '' THEN {asked.apart('device')} END"
    sql = (
        f"WITH base AS ({base}), active AS MATERIALIZED (SELECT part, surrogate, min({where}) AS low, "
        f"max({where}) AS high, min({on}) AS least, max({on}) AS most FROM base GROUP BY part, surrogate), "
        "across AS (SELECT surrogate, min(low) <> max(high) OR coalesce(min(least) <> max(most), false) AS several "
        "FROM active GROUP BY surrogate), "
        f"goals AS (SELECT part, surrogate, won.at AS happened, {day.format('won.at')} AS day FROM ({won}) AS won "
        f"WHERE {wanted} AND value >= 0), "
        f"served AS (SELECT surrogate, served_at, {day.format('served_at')} AS day FROM {asked.judged(whole=False)} "
        f"AS moments WHERE served_at > 0 AND served_at >= ? AND served_at < ? AND {COUNTED}), "
        f"about AS (SELECT surrogate, happened, day FROM goals UNION ALL SELECT surrogate, happened, day - {DAY} "
        "FROM goals), "
        "preceded AS (SELECT about.surrogate, happened, max(served.served_at) AS served_at FROM about JOIN served "
        "ON served.surrogate = about.surrogate AND served.day = about.day AND served.served_at <= happened "
        f"AND served.served_at >= happened - {DAY} GROUP BY about.surrogate, happened), "
        "reached AS (SELECT goals.part, count(*) AS goals, count(preceded.served_at) AS preceded, "
        "count(*) FILTER (WHERE across.several) AS across, "
        "percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY goals.happened - preceded.served_at) AS to_goal "
        "FROM goals LEFT JOIN preceded ON preceded.surrogate = goals.surrogate "
        "AND preceded.happened = goals.happened "
        "LEFT JOIN across ON across.surrogate = goals.surrogate GROUP BY goals.part) "
        "SELECT every.part, people, coalesce(goals, 0) AS goals, coalesce(preceded, 0) AS preceded, "
        "coalesce(across, 0) AS across, to_goal FROM (SELECT part, count(*) AS people FROM active GROUP BY part) "
        "AS every LEFT JOIN reached ON reached.part = every.part"
    )
    rows = asked.rows(sql, *params, *won_params, *more, asked.start - DAY, asked.stop)
    return {row["part"]: row for row in rows}


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
