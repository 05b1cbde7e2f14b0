# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Pain points: where people looked in vain, tried again, clicked in anger or into nothing, and gave moments up."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import Ask
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, events, figure, moments, share

COUNTING = (
    "Searches of the stretch, by their words; words searched three times or more by one person within an hour; clicks "
    "in anger and into nothing, as trackers call them; moments given up or run out, by how far they had come. "
    f"Without bots, own people and tests; words and places only where at least {MIN_PEOPLE} people share them."
)
AGAIN = 3
"""Searches of the same words by one person within an hour that are an attempt repeated."""
STAGES = ("not told", "discovering", "considering", "choosing", "committing", "done")
"""How far a moment had come, by its number in the facts."""


def pain(asked: Ask) -> dict[str, Any]:
    """Rows ``search`` and ``again`` (words), ``click`` (rage and dead clicks by item), ``abandoned`` (type, channel,
    stage).
    """
    words, total = _words(asked)
    clicks, clicked = _clicks(asked)
    left, opened, gone = _left(asked)
    figures = [
        share("no_results", "Searches without a result, of those that say", total["vain"], total["searches"]),
        share("again", "People who searched the same words again and again", total["again"], total["people"]),
        figure("angry", "Clicks in anger", clicked.get("rage", 0), None, "clicks"),
        figure("dead", "Clicks into nothing", clicked.get("dead", 0), None, "clicks"),
        share("given_up", "Moments given up or run out", gone, opened),
    ]
    return {"figures": figures, "rows": [*words, *clicks, *left]}


def _words(asked: Ask) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Words searched in vain, and those tried again and again; of all searches the people, and what came of them."""
    searched, params = events(asked, "searches")
    tried = (
        f"WITH base AS ({searched}), tried AS MATERIALIZED (SELECT need, surrogate, sum(count) AS times FROM base "
        f"GROUP BY need, surrogate, hour HAVING sum(count) >= {AGAIN}), "
    )
    told = (
        "CAST(coalesce(sum(CASE WHEN found = 0 THEN count END), 0) AS BIGINT) AS vain, "
        "CAST(coalesce(sum(CASE WHEN found >= 0 THEN count END), 0) AS BIGINT) AS searches"
    )
    vain = (
        f"SELECT 'search' AS of, need, {told}, count(DISTINCT CASE WHEN found = 0 THEN surrogate END) AS people "
        f"FROM base GROUP BY need HAVING count(DISTINCT CASE WHEN found = 0 THEN surrogate END) >= {MIN_PEOPLE} "
        f"ORDER BY people DESC, vain DESC, need LIMIT {MOST_ROWS}"
    )
    again = (
        "SELECT 'again' AS of, need, CAST(NULL AS BIGINT) AS vain, CAST(sum(times) AS BIGINT) AS searches, "
        "count(DISTINCT surrogate) AS people FROM tried GROUP BY need "
        f"HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} ORDER BY people DESC, searches DESC, need LIMIT {MOST_ROWS}"
    )
    total = f"SELECT 'total' AS of, '' AS need, {told}, count(DISTINCT surrogate) AS people FROM base"
    often = (
        "SELECT 'often' AS of, '' AS need, CAST(NULL AS BIGINT) AS vain, CAST(NULL AS BIGINT) AS searches, "
        "count(DISTINCT surrogate) AS people FROM tried"
    )
    found = asked.rows(
        f"{tried}vain AS ({vain}), again AS ({again}), total AS ({total}), often AS ({often}) SELECT * FROM vain "
        "UNION ALL SELECT * FROM again UNION ALL SELECT * FROM total UNION ALL SELECT * FROM often",
        *params,
    )
    of = {kind: [row for row in found if row["of"] == kind] for kind in ("search", "again", "total", "often")}
    of["search"].sort(key=lambda row: (-row["people"], -row["vain"], row["need"]))
    of["again"].sort(key=lambda row: (-row["people"], -row["searches"], row["need"]))
    for row in of["again"]:
        del row["vain"]
    counts = {name: int(of["total"][0][name]) for name in ("people", "vain", "searches")}
    return [*of["search"], *of["again"]], counts | {"again": int(of["often"][0]["people"])}


def _clicks(asked: Ask) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Rage and dead clicks by what was clicked, and how many of each there were."""
    base, params = events(asked, "clicks")
    rows = asked.rows(
        f"WITH base AS ({base}) SELECT 'click' AS of, what, item, channel, count(DISTINCT surrogate) AS people, "
        "count(*) AS count FROM base GROUP BY what, item, channel "
        f"HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE} ORDER BY people DESC, count DESC, what, item, channel "
        f"LIMIT {MOST_ROWS}",
        *params,
    )
    totals = asked.rows(f"WITH base AS ({base}) SELECT what, count(*) AS count FROM base GROUP BY what", *params)
    return rows, {str(row["what"]): int(row["count"]) for row in totals}


def _left(asked: Ask) -> tuple[list[dict[str, Any]], int, int]:
    """Moments given up or run out, by type, channel and stage, among those opened there; all opened, and all gone."""
    base, params = moments(asked)
    rows = asked.rows(
        f"WITH base AS ({base}) SELECT 'abandoned' AS of, type, channel, stage, "
        "count(CASE WHEN ended = 'abandoned' THEN 1 END) AS abandoned, count(CASE WHEN ended = 'expired' THEN 1 END) "
        "AS expired, count(*) AS opened, count(DISTINCT CASE WHEN ended IN ('abandoned', 'expired') THEN surrogate "
        "END) AS people FROM base GROUP BY type, channel, stage ORDER BY type, channel, stage",
        *params,
    )
    gone = sum(int(row["abandoned"]) + int(row["expired"]) for row in rows)
    opened = sum(int(row["opened"]) for row in rows)
    shown = [_row(row) for row in rows if int(row["people"]) >= MIN_PEOPLE]
    shown.sort(key=lambda row: (-row["count"], row["type"], row["channel"], row["stage"]))
    return shown[:MOST_ROWS], opened, gone


def _row(row: dict[str, Any]) -> dict[str, Any]:
    count, stage = int(row["abandoned"]) + int(row["expired"]), int(row["stage"])
    where = STAGES[stage] if 0 <= stage < len(STAGES) else str(stage)
    return {**row, "stage": where, "count": count, "share": count / int(row["opened"])}
