# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Need to content visible, as browsers saw it, and how often the default was shown because we were late."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import Ask
from micromoments.report.parts import MOST_ROWS, events, figure, share

COUNTING = (
    "What pages said of each choice that was painted (`Decision Rendered`), decisions and defaults alike, without "
    "bots, own people and tests; milliseconds from the need (the page's beginning, or the search) to the frame with "
    "the content."
)
BY = ("channel", "device", "hour", "day")
_TIMED = "CASE WHEN milliseconds > 0 THEN milliseconds END"
_MEASURES = (
    "count(*) AS rendered, count(CASE WHEN shown = 'late' THEN 1 END) AS late, "
    f"count(CASE WHEN shown <> 'decision' THEN 1 END) AS defaults, count({_TIMED}) AS timed, "
    + ", ".join(f"percentile_cont({p / 100}) WITHIN GROUP (ORDER BY {_TIMED}) AS p{p}" for p in (50, 75, 95))
)


def rendering(asked: Ask) -> dict[str, Any]:
    """Percentiles and shares over all, and a row each device and network (and part, with ``by``)."""
    base, params = events(asked, "rendered")
    where = ""
    if asked.slot:
        where, params = " WHERE slot = ?", [*params, asked.slot]
    base = f"WITH base AS (SELECT * FROM ({base}) AS every{where})"
    total = asked.one(f"{base} SELECT {_MEASURES} FROM base", *params)
    groups = "part, device, network" if asked.by else "device, network"
    rows = asked.rows(
        f"{base} SELECT {groups}, {_MEASURES} FROM base GROUP BY {groups} "
        f"ORDER BY count(*) DESC, {groups} LIMIT {MOST_ROWS}",
        *params,
    )
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
        row |= {name: row[name] or "unknown" for name in ("device", "network")}
        row["late_share"] = int(row["late"]) / int(row["rendered"])
    n, timed = int(total["rendered"]), int(total["timed"])
    return {
        "figures": [
            *(
                {**figure(f"visible_p{p}", f"Need to content visible, {words}", timed, None, "milliseconds")}
                | {"value": total[f"p{p}"]}
                for p, words in ((50, "median"), (75, "75th percentile"), (95, "95th percentile"))
            ),
            share("late", "Default shown because the decision was late", int(total["late"]), n),
            share("default", "Default shown, for any reason", int(total["defaults"]), n),
        ],
        "rows": rows,
    }
