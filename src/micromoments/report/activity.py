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
    total = asked.one(f"WITH base AS ({base}) SELECT {measures} FROM base", *params)
    opened = int(total["opened"])
    figures = [figure("opened", "Moments opened", opened, None, "moments")]
    figures += [
        share(name, title, int(total[name]), opened)
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
    served = "coalesce(array_length(items, 1), 0) > 0"
    good = f"{served} AND propensity > 0 AND propensity <= 1"
    measures = (
        "count(*) AS decisions, count(DISTINCT surrogate) AS people, "
        f"count(CASE WHEN NOT ({served}) THEN 1 END) AS empty, count(CASE WHEN holdout THEN 1 END) AS held_out, "
        f"count(CASE WHEN degraded <> '' THEN 1 END) AS degraded, "
        f"count(CASE WHEN {served} AND NOT ({good}) THEN 1 END) AS bad_propensities, "
        f"min(CASE WHEN {good} THEN propensity END) AS least_propensity, "
        f"percentile_cont(0.5) WITHIN GROUP (ORDER BY CASE WHEN {good} THEN propensity END) AS median_propensity, "
        "avg(considered) AS considered"
    )
    rows = asked.rows(
        f"SELECT 'decisions' AS of, {part}slot, policy, mode, max(policy_version) AS policy_version, {measures} "
        f"FROM decisions WHERE {where} GROUP BY {group} ORDER BY {group}",
        *params,
    )
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
    refusals = asked.rows(
        "SELECT 'refusals' AS of, code, count(*) AS count FROM (SELECT unnest(refused) AS code FROM decisions "
        f"WHERE {where}) AS r GROUP BY code ORDER BY count(*) DESC, code LIMIT {MOST_ROWS}",
        *params,
    )
    total = asked.one(f"SELECT {measures} FROM decisions WHERE {where}", *params)
    n = int(total["decisions"])
    figures = [
        figure("decisions", "Decisions", n, None, "decisions"),
        share("empty", "With nothing to serve", int(total["empty"]), n),
        share("held_out", "To people held out", int(total["held_out"]), n),
        share("degraded", "Degraded", int(total["degraded"]), n),
        share("bad_propensities", "With a propensity outside (0, 1]", int(total["bad_propensities"]), n),
    ]
    return {"figures": figures, "rows": [*rows, *refusals]}


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
        f"WITH came AS (SELECT decision, {came} FROM outcomes WHERE {COUNTED} GROUP BY decision) "
        "SELECT trigger, destination, channel, status, CASE WHEN status = 'held' THEN detail ELSE '' END AS reason, "
        f"{measures}, {summed} FROM deliveries LEFT JOIN came ON came.decision = deliveries.decision "
        f"WHERE {where} GROUP BY {names} ORDER BY {names} LIMIT {MOST_ROWS}",
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
