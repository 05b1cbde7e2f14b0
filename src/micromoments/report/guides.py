# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""How far people come with guides: begun, steps done, finished."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import Ask
from micromoments.report.parts import MOST_ROWS, events, figure, share

COUNTING = (
    "`Guide Started`, `Guide Step Completed` and `Guide Completed` of the stretch, by the guide that they name "
    "(`guide_id`); a person who begins a guide twice counts once. Without bots, own people and tests."
)
BY = ("channel", "device", "hour", "day")
_NAMES = {"started": "guide started", "steps": "guide step completed", "completed": "guide completed"}


def guides(asked: Ask) -> dict[str, Any]:
    """A row a guide (and part, with ``by``), those that most people began first."""
    base, params = events(asked)
    known = ", ".join(f"'{name}'" for name in _NAMES.values())
    base = f"WITH base AS (SELECT * FROM ({base}) AS every WHERE type = 'track' AND lower(name) IN ({known}))"
    people = {
        name: f"count(DISTINCT CASE WHEN lower(name) = '{said}' THEN surrogate END)" for name, said in _NAMES.items()
    }
    steps = f"count(CASE WHEN lower(name) = '{_NAMES['steps']}' THEN 1 END) AS steps"
    # Whoever finished began, whether or not the page said so.
    began = (
        f"count(DISTINCT CASE WHEN lower(name) IN ('{_NAMES['started']}', '{_NAMES['completed']}') THEN surrogate END)"
    )
    part = "part, " if asked.by else ""
    rows = asked.rows(
        f"{base} SELECT {part}item, {began} AS started, {people['steps']} AS stepped, {steps}, "
        f"{people['completed']} AS completed FROM base GROUP BY {part}item "
        f"ORDER BY started DESC, {part}item LIMIT {MOST_ROWS}",
        *params,
    )
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
        row["completed_share"] = int(row["completed"]) / int(row["started"]) if row["started"] else None
    each = f"SELECT item, {began} AS started, {steps}, {people['completed']} AS completed FROM base GROUP BY item"
    total = asked.one(
        f"{base} SELECT count(*) AS guides, CAST(coalesce(sum(started), 0) AS BIGINT) AS started, "
        "CAST(coalesce(sum(steps), 0) AS BIGINT) AS steps, CAST(coalesce(sum(completed), 0) AS BIGINT) AS completed "
        f"FROM ({each}) AS each_one",
        *params,
    )
    return {
        "figures": [
            figure("guides", "Guides that people did something with", int(total["guides"]), None, "guides"),
            figure("steps", "Steps done", int(total["steps"]), None, "steps"),
            share("completed", "Finished, of those begun", int(total["completed"]), int(total["started"])),
        ],
        "rows": rows,
    }
