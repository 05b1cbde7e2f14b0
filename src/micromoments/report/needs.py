# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What people look for, and where nothing was there for them. Words that fewer than ten people share stay hidden."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask
from micromoments.report.parts import HIDDEN, MIN_PEOPLE, MOST_ROWS, events, moments, share

NEEDS = (
    "Moments opened in the stretch by their words, else category, else item; "
    f"only what at least {MIN_PEOPLE} people share."
)
UNMET = (
    "Moments of the stretch that nothing was served in, by need; questions that no text answers; decisions without an "
    "item; searches without a result. "
    f"Words only where at least {MIN_PEOPLE} people share them."
)


def needs(asked: Ask) -> dict[str, Any]:
    """The top needs: people, moments, how many were served and fulfilled."""
    base, params = moments(asked)
    part = ", part" if asked.by else ""
    grouped = (
        f"WITH base AS ({base}) "
        f"SELECT need, type{part}, count(DISTINCT surrogate) AS people, count(*) AS moments, "
        "count(*) FILTER (WHERE served_at > 0) AS served, count(*) FILTER (WHERE ended = 'fulfilled') AS fulfilled "
        f"FROM base WHERE need <> '' GROUP BY need, type{part}"
    )
    shown = (
        f"SELECT * FROM ({grouped}) AS g WHERE people >= {MIN_PEOPLE} "
        f"ORDER BY people DESC, moments DESC, need, type{part} LIMIT {MOST_ROWS}"
    )
    rows = asked.rows(shown, *params)
    totals = asked.one(
        f"WITH base AS ({base}) SELECT count(*) AS moments, count(CASE WHEN need <> '' THEN 1 END) AS named FROM base",
        *params,
    )
    in_rows = sum(int(row["moments"]) for row in rows)
    figures = [
        share("named", "Moments whose need has words", int(totals["named"]), int(totals["moments"])),
        share("shown", "Of those, in the needs shown", in_rows, int(totals["named"]), how=HIDDEN),
    ]
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
        row["served_share"] = row["served"] / row["moments"]
        row["fulfilled_share"] = row["fulfilled"] / row["moments"]
    return {"figures": figures, "rows": rows}


def unmet(asked: Ask) -> dict[str, Any]:
    """Demand without supply, in four kinds of rows: ``moment``, ``answer``, ``decision`` and ``search``."""
    base, params = moments(asked)
    unserved = asked.rows(
        f"WITH base AS ({base}) "
        "SELECT 'moment' AS of, need, type, count(DISTINCT surrogate) AS people, count(*) AS count FROM base "
        f"WHERE served_at = 0 AND need <> '' GROUP BY need, type HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY people DESC, count DESC, need, type LIMIT {MOST_ROWS}",
        *params,
    )
    stretch: tuple[object, ...] = (asked.start, asked.stop)
    live = f"received_at >= ? AND received_at < ? AND {COUNTED} AND mode = 'live'"
    questions = asked.rows(
        f"WITH base AS ({base}), "
        f"asked AS (SELECT moment FROM {asked.source('decided')} AS decided WHERE {live} "
        "AND degraded LIKE '%no_answer%') "
        "SELECT 'answer' AS of, need, type, count(DISTINCT surrogate) AS people, count(*) AS count "
        "FROM base JOIN asked ON asked.moment = base.id WHERE need <> '' GROUP BY need, type "
        f"HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY people DESC, count DESC, need, type LIMIT {MOST_ROWS}",
        *params,
        *stretch,
    )
    empty = asked.rows(
        "SELECT 'decision' AS of, slot, moment_type AS type, count(DISTINCT surrogate) AS people, count(*) AS count, "
        f"sum(considered) AS considered FROM {asked.source('decided')} AS decided WHERE {live} AND shown = 0 "
        f"AND NOT holdout GROUP BY slot, moment_type ORDER BY count(*) DESC, slot, moment_type LIMIT {MOST_ROWS}",
        *stretch,
    )
    searched, more = events(asked, "searches")
    searches = asked.rows(
        f"WITH base AS ({searched}) SELECT 'search' AS of, need, "
        "count(DISTINCT surrogate) AS people, sum(count) AS count FROM base WHERE found = 0 "
        f"GROUP BY need HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} "
        f"ORDER BY people DESC, count DESC, need LIMIT {MOST_ROWS}",
        *more,
    )
    return {"figures": _unmet_figures(asked, live), "rows": [*unserved, *questions, *empty, *searches]}


def _unmet_figures(asked: Ask, live: str) -> list[dict[str, Any]]:
    base, params = moments(asked)
    seen = asked.one(
        f"WITH base AS ({base}) SELECT count(*) AS n, count(*) FILTER (WHERE served_at = 0) AS unserved FROM base",
        *params,
    )
    decided = asked.one(
        "SELECT count(*) AS n, count(CASE WHEN shown = 0 THEN 1 END) AS empty, "
        "count(CASE WHEN degraded LIKE '%no_answer%' THEN 1 END) AS unanswered "
        f"FROM {asked.source('decided')} AS decided WHERE {live} AND NOT holdout",
        asked.start,
        asked.stop,
    )
    searched, more = events(asked, "searches")
    found = asked.one(
        f"WITH base AS ({searched}) SELECT coalesce(sum(count), 0) AS n, "
        "coalesce(sum(CASE WHEN found = 0 THEN count END), 0) AS nothing FROM base WHERE found >= 0",
        *more,
    )
    return [
        share("unserved", "Moments in which nothing was served", int(seen["unserved"]), int(seen["n"])),
        share("empty", "Decisions that had nothing to serve", int(decided["empty"]), int(decided["n"])),
        share(
            "unanswered", "Decisions for a question that no text answers", int(decided["unanswered"]), int(decided["n"])
        ),
        share("no_results", "Searches without a result, of those that say", int(found["nothing"]), int(found["n"])),
    ]
