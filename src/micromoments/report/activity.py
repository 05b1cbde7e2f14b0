# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What happened: moments by type over time, how they ended; decisions by slot and policy, why items were refused."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask
from micromoments.report.parts import MOST_ROWS, figure, moments, segment_value, share

MOMENTS = (
    "Moments opened in the stretch, without bots, own people and tests; those withdrawn by late events never were."
)
DECISIONS = "Decisions of the stretch, without bots, own people and tests. A propensity is healthy in (0, 1]."


def moments_report(asked: Ask) -> dict[str, Any]:
    """By type, and by day unless another break-down is asked: how many, how sure, how they ended."""
    asked = asked if asked.by else asked._replace(by="day")
    base, params = moments(asked)
    measures = (
        "count(*) AS opened, count(DISTINCT surrogate) AS people, avg(confidence) AS confidence, "
        "count(*) FILTER (WHERE ended = 'fulfilled') AS fulfilled, "
        "count(*) FILTER (WHERE ended = 'abandoned') AS abandoned, "
        "count(*) FILTER (WHERE ended = 'expired') AS expired, count(*) FILTER (WHERE ended = '') AS open, "
        "count(*) FILTER (WHERE served_at > 0) AS served"
    )
    rows = asked.rows(
        f"WITH base AS ({base}) SELECT part, type, {measures} FROM base GROUP BY part, type ORDER BY part, type",
        *params,
    )
    for row in rows:
        row["part"] = asked.label(row["part"])
    names = ("opened", "fulfilled", "abandoned", "expired", "open", "served")
    total = {name: sum(int(row[name]) for row in rows) for name in names}
    opened = total["opened"]
    figures = [figure("opened", "Moments opened", opened, None, "moments")]
    figures += [
        share(name, title, total[name], opened)
        for name, title in (
            ("fulfilled", "Fulfilled"),
            ("abandoned", "Abandoned"),
            ("expired", "Expired"),
            ("open", "Still open"),
            ("served", "Served"),
        )
    ]
    return {"figures": figures, "rows": rows}


def decisions(asked: Ask) -> dict[str, Any]:
    """By slot and policy, with the health of their propensities; then refusals by code."""
    names = {"type": "moment_type", "hour": asked.hour("received_at"), "day": asked.day("received_at")}
    where = f"received_at >= ? AND received_at < ? AND {COUNTED}"
    params: list[object] = [asked.start, asked.stop]
    if asked.slot:
        where, params = f"{where} AND slot = ?", [*params, asked.slot]
    for name, value in asked.segment:
        where, params = f"{where} AND CAST({names[name]} AS VARCHAR) = ?", [*params, segment_value(name, value)]
    part = f"{names[asked.by]} AS part, " if asked.by else ""
    group = "slot, policy, mode" + (f", {names[asked.by]}" if asked.by else "")
    good = "shown > 0 AND propensity > 0 AND propensity <= 1"
    measures = (
        "count(*) AS decisions, count(DISTINCT surrogate) AS people, "
        "count(CASE WHEN shown = 0 THEN 1 END) AS empty, count(CASE WHEN holdout THEN 1 END) AS held_out, "
        "count(CASE WHEN degraded <> '' THEN 1 END) AS degraded, "
        f"count(CASE WHEN shown > 0 AND NOT ({good}) THEN 1 END) AS bad_propensities, "
        f"min(CASE WHEN {good} THEN propensity END) AS least_propensity, "
        f"percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN {good} THEN propensity END) AS median_propensity, "
        "avg(considered) AS considered"
    )
    rows = asked.rows(
        f"SELECT 'decisions' AS of, {part}slot, policy, mode, max(policy_version) AS policy_version, {measures} "
        f"FROM {asked.source('decided')} AS decided WHERE {where} GROUP BY {group} ORDER BY {group}",
        *params,
    )
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
    summed = ("decisions", "empty", "held_out", "degraded", "bad_propensities")
    total = {name: sum(int(row[name]) for row in rows) for name in summed}
    n = total["decisions"]
    figures = [
        figure("decisions", "Decisions", n, None, "decisions"),
        share("empty", "With nothing to serve", total["empty"], n),
        share("held_out", "To people held out", total["held_out"], n),
        share("degraded", "With something left out, or fallen back", total["degraded"], n),
        share("bad_propensities", "With an impossible chance", total["bad_propensities"], n),
    ]
    return {"figures": figures, "rows": [*rows, *_refusals(asked)]}


def _refusals(asked: Ask) -> list[dict[str, Any]]:
    """How often candidates were refused, by code, the most frequent first."""
    base, params = asked.hours("refusals")
    names = {"type": "moment_type", "hour": asked.hour("hour"), "day": asked.day("hour")}
    where = [COUNTED, *(f"CAST({names[name]} AS VARCHAR) = ?" for name, _ in asked.segment)]
    params += [segment_value(name, value) for name, value in asked.segment]
    if asked.slot:
        where.append("slot = ?")
        params.append(asked.slot)
    return asked.rows(
        f"SELECT 'refusals' AS of, code, CAST(sum(count) AS BIGINT) AS count FROM ({base}) AS base "
        f"WHERE {' AND '.join(where)} GROUP BY code ORDER BY count DESC, code LIMIT {MOST_ROWS}",
        *params,
    )


DELIVERIES = (
    "Deliveries that ended in the stretch: sent, held on purpose, or given up; without bots and tests. What came of "
    "them is what was told of their decisions until now."
)
CAME = {"seen": "opened", "clicked": "clicked", "unsubscribed": "unsubscribed", "complained": "complained"}
CAME |= {"bounced": "bounced"}
"""What came of a delivery, by the outcome that says it."""


def deliveries(asked: Ask) -> dict[str, Any]:
    """By trigger, destination and how they ended, with the reasons of those held, tries, and the seconds to arrival."""
    where = f"received_at >= ? AND received_at < ? AND {COUNTED}"
    params: list[object] = [asked.start, asked.stop]
    seconds = "percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN status = 'sent' THEN received_at - due_at END)"
    measures = (
        "count(*) AS deliveries, count(DISTINCT surrogate) AS people, sum(tries) AS tries, "
        f"{seconds} / 1000.0 AS median_seconds"
    )
    names = "trigger, destination, channel, status, CASE WHEN status = 'held' THEN detail ELSE '' END"
    came = ", ".join(f"max(CASE WHEN what = '{what}' THEN 1 ELSE 0 END) AS {name}" for what, name in CAME.items())
    summed = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in CAME.values())
    rows = asked.rows(
        f"WITH came AS (SELECT decision, {came} FROM outcomes WHERE {COUNTED} AND decision IN "
        f"(SELECT decision FROM deliveries WHERE {where}) GROUP BY decision) "
        "SELECT trigger, destination, channel, status, CASE WHEN status = 'held' THEN detail ELSE '' END AS reason, "
        f"{measures}, {summed} FROM deliveries LEFT JOIN came ON came.decision = deliveries.decision "
        f"WHERE {where} GROUP BY {names} ORDER BY {names} LIMIT {MOST_ROWS}",
        *params,
        *params,
    )
    ends = ", ".join(f"count(CASE WHEN status = '{s}' THEN 1 END) AS {s}" for s in ("sent", "held", "dead"))
    total = asked.one(f"SELECT count(*) AS n, {ends} FROM deliveries WHERE {where}", *params)
    n = int(total["n"])
    figures = [figure("deliveries", "Deliveries", n, None, "deliveries")]
    figures += [
        share(name, title, int(total[name]), n)
        for name, title in (("sent", "Sent"), ("held", "Held"), ("dead", "Given up"))
    ]
    return {"figures": figures, "rows": rows}
