# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Journeys: which moment follows which, over which channels, after how long, and where people stop.

A journey is one person's moments, each within a day of the one before. Its steps are counted from its first moment, so
links never go round and a Sankey diagram can be drawn from the rows as they stand.
"""

from __future__ import annotations

from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import Ask
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, figure, moments, share

STEPS = 5
"""Steps that are told apart; what follows the last of them is where people ``went on``."""
COUNTING = (
    "Journeys of moments opened in the stretch, without bots, own people and tests: one person's, each within 24 hours "
    f"of the one before. The first {STEPS} steps; a step is a moment's type on the channel that opened it; only links "
    f"that at least {MIN_PEOPLE} people share, the {MOST_ROWS} most frequent."
)
ENDS = ("fulfilled", "left", "went on")
"""Where a journey's last link goes: its last moment was fulfilled, or it wasn't, or it has more than ``STEPS`` "
"steps."""


def journeys(asked: Ask) -> dict[str, Any]:
    """Rows ``node`` (step, name, moments, people, stopped) and ``link`` (from a node to a node of the next "
    "step or to an
    end, people, count, median hours between).
    """
    base, params = moments(asked)
    walked = (
        f"WITH base AS ({base}), placed AS (SELECT id, surrogate, opened_at, ended, "
        "type || ' ' || split_part(channels, ',', 1) AS name, "
        "lag(opened_at) OVER (PARTITION BY surrogate ORDER BY opened_at, id) AS before FROM base), "
        f"begun AS (SELECT *, sum(CASE WHEN before IS NULL OR opened_at - before > {DAY} THEN 1 ELSE 0 END) "
        "OVER (PARTITION BY surrogate ORDER BY opened_at, id) AS journey FROM placed), "
        "steps AS (SELECT *, row_number() OVER w AS step, lead(name) OVER w AS next_name, "
        "lead(opened_at) OVER w AS next_at FROM begun "
        "WINDOW w AS (PARTITION BY surrogate, journey ORDER BY opened_at, id)), "
        f"walked AS (SELECT *, CASE WHEN next_name IS NULL AND ended = 'fulfilled' THEN 'fulfilled' "
        f"WHEN next_name IS NULL THEN 'left' WHEN step = {STEPS} THEN 'went on' ELSE next_name END AS target "
        f"FROM steps WHERE step <= {STEPS}) "
    )
    links = asked.rows(
        f"{walked} SELECT 'link' AS of, step, name AS source, target, count(*) AS count, "
        "count(DISTINCT surrogate) AS people, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY next_at - opened_at) / 3600000.0 AS median_hours FROM walked "
        f"GROUP BY step, name, target HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY count(*) DESC, step, name, target LIMIT {MOST_ROWS}",
        *params,
    )
    nodes = asked.rows(
        f"{walked} SELECT 'node' AS of, step, name, count(*) AS moments, count(DISTINCT surrogate) AS people, "
        "count(CASE WHEN target = 'fulfilled' THEN 1 END) AS fulfilled, count(CASE WHEN target = 'left' THEN 1 "
        "END) AS left_ "
        f"FROM walked GROUP BY step, name HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY step, count(*) DESC, name LIMIT {MOST_ROWS}",
        *params,
    )
    total = asked.one(
        f"{walked} SELECT count(*) AS moments, count(CASE WHEN step = 1 THEN 1 END) AS journeys, "
        "count(CASE WHEN step = 1 AND next_name IS NOT NULL THEN 1 END) AS longer, "
        "count(CASE WHEN target = 'fulfilled' THEN 1 END) AS fulfilled FROM walked",
        *params,
    )
    return {"figures": _figures(total, links), "rows": [*(_node(row) for row in nodes), *(_link(row) for row in links)]}


def _figures(total: dict[str, Any], links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    n, shown = int(total["journeys"]), sum(int(row["count"]) for row in links)
    return [
        figure("journeys", "Journeys", n, None, "journeys"),
        share("longer", "Of more than one moment", int(total["longer"]), n),
        share("ended_fulfilled", "That ended fulfilled", int(total["fulfilled"]), n),
        share("shown", "Steps in the links shown", shown, int(total["moments"])),
    ]


def _node(row: dict[str, Any]) -> dict[str, Any]:
    """A node under the name that links use; what share of its moments nothing followed."""
    left = int(row.pop("left_"))
    return {**row, "id": f"{row['step']} {row['name']}", "left": left, "drop_off": left / row["moments"]}


def _link(row: dict[str, Any]) -> dict[str, Any]:
    step, target = row["step"], row["target"]
    to = target if target in ENDS else f"{step + 1} {target}"
    return {**row, "source": f"{step} {row['source']}", "target": to}
