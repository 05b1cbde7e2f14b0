# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Why moments were missed: every one that nothing was served in has one cause, and so has a goal that none preceded."""

from __future__ import annotations

from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import COUNTED, Ask, has_goal
from micromoments.report.parts import events, figure, moments, share

COUNTING = (
    "Moments opened in the stretch that are over and in which nothing was served, without bots, own people and tests, "
    "each under the first cause that fits; and goals of the stretch that no moment preceded by at most 24 hours."
)
CAUSES: dict[str, str] = {
    "held out": "the person was held out, or the slot wasn't live",
    "consent": "nothing was left without the person's consent",
    "cap": "a cap, a budget, quiet hours or a campaign that excludes others refused what was left",
    "no item": "a decision found nothing to serve",
    "too late": "it was recognised after it was over, or the first decision came within a day after its end",
    "not asked": "nobody asked for a decision while it lasted",
    "not recognised": "a goal was reached that no moment preceded",
}
"""Causes in the order in which they are looked for; the last is of goals, as there is no moment to name."""
_CAPS = ("cap", "budget", "quiet_hours", "exclusive")


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
    base, params = moments(asked)
    caps = " OR ".join(f"'{code}' = ANY(refused)" for code in _CAPS)
    empty = "coalesce(array_length(items, 1), 0) = 0"
    first = (
        "CASE WHEN asked.held = 1 THEN 'held out' WHEN asked.refused = 1 THEN 'consent' WHEN asked.capped = 1 THEN "
        "'cap' WHEN asked.nothing = 1 THEN 'no item' WHEN recognised_at > stopped THEN 'too late' ELSE '' END"
    )
    sql = (
        f"WITH base AS ({base}), spans AS (SELECT id, surrogate, type, part, opened_at, served_at, "
        "recognised_at, ended, "
        "CASE WHEN ended_at > 0 THEN ended_at ELSE expires_at END AS stopped FROM base), "
        "passed AS (SELECT * FROM spans WHERE ended <> '' OR stopped < ?), "
        "gone AS (SELECT * FROM passed WHERE served_at = 0), "
        "asked AS (SELECT moment, max(CASE WHEN holdout OR mode <> 'live' THEN 1 ELSE 0 END) AS held, "
        f"max(CASE WHEN {empty} AND 'no_consent' = ANY(refused) THEN 1 ELSE 0 END) AS refused, "
        f"max(CASE WHEN {empty} AND ({caps}) THEN 1 ELSE 0 END) AS capped, "
        f"max(CASE WHEN {empty} THEN 1 ELSE 0 END) AS nothing "
        "FROM decisions WHERE moment IN (SELECT id FROM gone) GROUP BY moment), "
        f"first_cause AS (SELECT gone.*, {first} AS found FROM gone LEFT JOIN asked ON asked.moment = gone.id), "
        # Whoever has a cause already isn't looked for among later decisions: that is the slow part.
        "after AS (SELECT DISTINCT g.id AS moment FROM first_cause AS g JOIN decisions ON "
        "decisions.surrogate = g.surrogate AND decisions.received_at > g.stopped "
        f"AND decisions.received_at <= g.stopped + {DAY} WHERE g.found = ''), "
        "each_one AS (SELECT first_cause.id AS id, part, type, surrogate, CASE WHEN found <> '' THEN found "
        "WHEN after.moment IS NULL THEN 'not asked' ELSE 'too late' END AS cause FROM first_cause "
        "LEFT JOIN after ON after.moment = first_cause.id "
        "UNION ALL SELECT id, part, type, surrogate, 'served' AS cause FROM passed WHERE served_at > 0) "
    )
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
        "led AS (SELECT DISTINCT goals.id AS goal FROM goals JOIN moments ON moments.surrogate = goals.surrogate "
        "AND moments.opened_at < goals.happened "
        f"AND CASE WHEN ended_at > 0 THEN ended_at ELSE expires_at END + {DAY} >= goals.happened WHERE {COUNTED}) "
        "SELECT count(*) AS goals, count(CASE WHEN led.goal IS NULL THEN 1 END) AS n, "
        "count(DISTINCT CASE WHEN led.goal IS NULL THEN goals.surrogate END) AS people "
        "FROM goals LEFT JOIN led ON led.goal = goals.id",
        *params,
        *more,
    )
    return {"count": int(one["n"]), "people": int(one["people"])}, int(one["goals"])
