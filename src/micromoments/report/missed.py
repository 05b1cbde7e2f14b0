# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Why moments were missed: every one that nothing was served in has one cause, and so has a goal that none preceded."""

from __future__ import annotations

from typing import Any

from micromoments.core import judged
from micromoments.core.settings import DAY
from micromoments.report.ask import COUNTED, Ask, has_goal
from micromoments.report.parts import events, figure, moments, share

COUNTING = (
    "Moments opened in the stretch that are over and in which nothing was served, without bots, own people and tests, "
    "each under the first cause that fits; and goals of the stretch that no moment preceded by at most 24 hours."
)
CAUSES: dict[str, str] = judged.CAUSES | {"not recognised": "a goal was reached that no moment preceded"}
"""Causes in the order in which they are looked for; the last is of goals, as there is no moment to name."""


def missed(asked: Ask) -> dict[str, Any]:
    """Figures: missed of all that were over. Rows: cause, type, how many; by another part where ``by`` is given."""
    each, params = causes(asked)
    found = asked.rows(
        f"{each} SELECT part, cause, type, count(*) AS count, count(DISTINCT surrogate) AS people FROM each_one "
        "GROUP BY part, cause, type ORDER BY part, cause, type",
        *params,
    )
    unseen, reached = _unrecognised(asked)
    over = sum(int(row["count"]) for row in found)
    rows = [row for row in found if row["cause"] != "served"]
    gone = sum(int(row["count"]) for row in rows)
    if not asked.by:
        rows.append({"part": "", "cause": "not recognised", "type": "", **unseen})
    order = list(CAUSES)
    rows.sort(key=lambda row: (str(row["part"]), order.index(row["cause"]), row["type"]))
    figures = [
        share("missed", "Moments missed, of those that are over", gone, over),
        *(_cause(name, rows, gone) for name in order[:-1]),
        share("not_recognised", "Goals that no moment preceded", unseen["count"], reached, anchored=True),
        figure("over", "Moments that are over", over, None, "moments"),
    ]
    return {"figures": figures, "rows": [_row(asked, row) for row in rows]}


def causes(asked: Ask) -> tuple[str, list[object]]:
    """``WITH`` and parameters of ``each_one``: a row a moment that is over, with its cause, or ``served``."""
    base, params = moments(asked, whole=True)
    sql = f"WITH each_one AS (SELECT * FROM ({base}) AS base WHERE ended <> '' OR stopped < ?) "
    return sql, [*params, (asked.as_of or 0) + 1]


def _cause(name: str, rows: list[dict[str, Any]], gone: int) -> dict[str, Any]:
    count = sum(int(row["count"]) for row in rows if row["cause"] == name)
    return share(name.replace(" ", "_"), f"Missed: {name}", count, gone)


def _row(asked: Ask, row: dict[str, Any]) -> dict[str, Any]:
    part = {"part": asked.label(row["part"])} if asked.by else {}
    rest = {name: value for name, value in row.items() if name != "part"}
    return {**part, **rest, "meaning": CAUSES[row["cause"]]}


def _unrecognised(asked: Ask) -> tuple[dict[str, int], int]:
    """Goals of the stretch that no moment preceded, with their people; and all goals."""
    base, params = events(asked._replace(by=""), "goals")
    wanted, more = has_goal(asked.goal)
    one = asked.one(
        f"WITH base AS ({base}), goals AS (SELECT id, surrogate, base.at AS happened FROM base WHERE {wanted} "
        "AND value >= 0), "
        "led AS (SELECT DISTINCT goals.id AS goal FROM goals JOIN "
        f"{asked.judged(whole=False)} AS moments ON moments.surrogate = goals.surrogate "
        f"AND moments.opened_at < goals.happened AND stopped + {DAY} >= goals.happened WHERE {COUNTED}) "
        "SELECT count(*) AS goals, count(CASE WHEN led.goal IS NULL THEN 1 END) AS n, "
        "count(DISTINCT CASE WHEN led.goal IS NULL THEN goals.surrogate END) AS people "
        "FROM goals LEFT JOIN led ON led.goal = goals.id",
        *params,
        *more,
    )
    return {"count": int(one["n"]), "people": int(one["people"])}, int(one["goals"])
