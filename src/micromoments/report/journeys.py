# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Journeys: which moment follows which, over which channels, after how long, and where people stop.

A journey is one person's moments, each within a day of the one before. Its steps are counted from its first moment, so
links never go round and a Sankey diagram can be drawn from the rows as they stand.
"""

from __future__ import annotations

from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import Ask
from micromoments.report.parts import HIDDEN, MIN_PEOPLE, MOST_ROWS, figure, moments, share

STEPS = 5
"""Steps that are told apart; what follows the last of them is where people ``went on``."""
COUNTING = (
    "Journeys of moments opened in the stretch, without bots, own people and tests: one person's, each within 24 hours "
    f"of the one before. The first {STEPS} steps; a step is a moment's type on the channel that opened it; only links "
    f"that at least {MIN_PEOPLE} people share, the {MOST_ROWS} most frequent."
)
ENDS = ("fulfilled", "left", "went on")
"""Where a journey's last link goes: its last moment was fulfilled, or it wasn't, or it has more than ``STEPS``."""


_ENDED = (
    "count(CASE WHEN target = 'fulfilled' THEN 1 END) AS fulfilled, count(CASE WHEN target = 'left' THEN 1 END) AS gone"
)


def journeys(asked: Ask) -> dict[str, Any]:
    """Rows ``node`` (step, name, moments, people, stopped) and ``link`` (from a node to a node of the next step or to
    an end, people, count, median hours between).
    """
    base, params = moments(asked)
    begins = f"before IS NULL OR opened_at - before > {DAY}"
    goes_on = f"next_at - opened_at <= {DAY}"
    walked = (
        f"WITH base AS ({base}), "
        "placed AS (SELECT surrogate, opened_at, ended, type || ' ' || channel AS name, row_number() OVER w AS place, "
        "lag(opened_at) OVER w AS before, lead(opened_at) OVER w AS next_at, "
        "lead(type || ' ' || channel) OVER w AS next_name FROM base "
        "WINDOW w AS (PARTITION BY surrogate ORDER BY opened_at, id)), "
        f"steps AS (SELECT surrogate, ended, name, place - max(CASE WHEN {begins} THEN place END) "
        f"OVER (PARTITION BY surrogate ORDER BY place) + 1 AS step, CASE WHEN {goes_on} THEN next_name END AS "
        f"next_name, CASE WHEN {goes_on} THEN next_at - opened_at END AS after FROM placed), "
        "walked AS MATERIALIZED (SELECT surrogate, name, step, next_name, after, CASE WHEN next_name IS NULL AND "
        f"ended = 'fulfilled' THEN 'fulfilled' WHEN next_name IS NULL THEN 'left' WHEN step = {STEPS} THEN 'went on' "
        f"ELSE next_name END AS target FROM steps WHERE step <= {STEPS})"
    )
    links = (
        "SELECT 'link' AS of, step, name, target, count(*) AS count, count(DISTINCT surrogate) AS people, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY after) / 3600000.0 AS median_hours, "
        "0 AS fulfilled, 0 AS gone FROM walked "
        f"GROUP BY step, name, target HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY count DESC, step, name, target LIMIT {MOST_ROWS}"
    )
    nodes = (
        "SELECT 'node' AS of, step, name, '' AS target, count(*) AS count, count(DISTINCT surrogate) AS people, "
        f"CAST(NULL AS DOUBLE PRECISION) AS median_hours, {_ENDED} FROM walked GROUP BY step, name "
        f"HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} ORDER BY step, count DESC, name LIMIT {MOST_ROWS}"
    )
    totals = (
        "SELECT 'total' AS of, step, CASE WHEN next_name IS NULL THEN '' ELSE 'longer' END AS name, '' AS target, "
        f"count(*) AS count, 0 AS people, CAST(NULL AS DOUBLE PRECISION) AS median_hours, {_ENDED} "
        "FROM walked GROUP BY step, CASE WHEN next_name IS NULL THEN '' ELSE 'longer' END"
    )
    found = asked.rows(
        f"{walked}, links AS ({links}), nodes AS ({nodes}), totals AS ({totals}) "
        "SELECT * FROM links UNION ALL SELECT * FROM nodes UNION ALL SELECT * FROM totals",
        *params,
    )
    of = {kind: [row for row in found if row["of"] == kind] for kind in ("link", "node", "total")}
    of["link"].sort(key=lambda row: (-row["count"], row["step"], row["name"], row["target"]))
    of["node"].sort(key=lambda row: (row["step"], -row["count"], row["name"]))
    rows = [*map(_node, of["node"]), *map(_link, of["link"])]
    return {"figures": _figures(of["total"], of["link"]), "rows": rows}


def _figures(totals: list[dict[str, Any]], links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    begun = [row for row in totals if row["step"] == 1]
    n, every = (sum(int(row["count"]) for row in rows) for rows in (begun, totals))
    longer = sum(int(row["count"]) for row in begun if row["name"] == "longer")
    return [
        figure("journeys", "Journeys", n, None, "journeys"),
        share("longer", "Of more than one moment", longer, n),
        share("ended_fulfilled", "That ended fulfilled", sum(int(row["fulfilled"]) for row in totals), n),
        share("shown", "Steps in the links shown", sum(int(row["count"]) for row in links), every, how=HIDDEN),
    ]


def _node(row: dict[str, Any]) -> dict[str, Any]:
    """A node under the name that links use; what share of its moments nothing followed."""
    kept = {name: row[name] for name in ("of", "step", "name")}
    counts = {"moments": row["count"], "people": row["people"], "fulfilled": row["fulfilled"]}
    left = int(row["gone"])
    return {**kept, **counts, "id": f"{row['step']} {row['name']}", "left": left, "drop_off": left / row["count"]}


def _link(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("of", "step", "target", "count", "people", "median_hours")}
    step, target = row["step"], row["target"]
    to = target if target in ENDS else f"{step + 1} {target}"
    return {**kept, "source": f"{step} {row['name']}", "target": to}
