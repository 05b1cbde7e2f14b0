# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Can the numbers be trusted: who sends what, how late, what is not counted, and how fresh it all is."""

from __future__ import annotations

from typing import Any

from micromoments.core.event import BOT, INTERNAL, TEST, UNCOUNTED
from micromoments.core.rollup import ROLLUPS
from micromoments.report.ask import Ask, iso
from micromoments.report.parts import MOST_ROWS, figure, moments, share

QUALITY = (
    "All events that arrived in the stretch, those of bots, own people and tests too; late is over 5 minutes after."
)
CALIBRATION = (
    "Moments opened in the stretch that were fulfilled or given up, by how sure their last evidence made the type; "
    "expired ones say nothing either way and are left out. Without bots, own people and tests."
)
ECE = (
    "The mean distance between how sure it said it was and how often it was right, over the tenths below, weighed by "
    "their moments."
)
FRESHNESS = "Every fact kept, by table; the newest arrival is how far the reports see."


def quality(asked: Ask) -> dict[str, Any]:
    """Events by name; the rates of bots, own people and tests; late ones; outcomes that found no decision."""
    where, stretch = "received_at >= ? AND received_at < ?", (asked.start, asked.stop)
    arrived, params = asked.hours("arrivals")
    base = f"WITH base AS ({arrived})"
    marked = {"bots": BOT, "internal": INTERNAL, "test": TEST, "uncounted": UNCOUNTED}
    sums = {name: f"(marks & {mark}) <> 0" for name, mark in marked.items()} | {"late": "late"}
    measures = ", ".join(f"{_sum(f'CASE WHEN {when} THEN count END')} AS {name}" for name, when in sums.items())
    rows = asked.rows(
        f"{base}, delays AS (SELECT type, name, delay, {_sum('count')} AS count FROM base GROUP BY type, name, delay), "
        f"upto AS (SELECT type, name, delay, sum(count) OVER (PARTITION BY type, name ORDER BY delay) AS upto, "
        "sum(count) OVER (PARTITION BY type, name) AS every FROM delays), "
        "p95 AS (SELECT type, name, min(delay) AS delay_p95 FROM upto WHERE upto * 100 >= every * 95 "
        "GROUP BY type, name), "
        f"named AS (SELECT type, name, {_sum('count')} AS count, {measures} FROM base GROUP BY type, name) "
        "SELECT named.*, p95.delay_p95 FROM named JOIN p95 ON p95.type = named.type AND p95.name = named.name "
        f"ORDER BY count DESC, named.type, named.name LIMIT {MOST_ROWS}",
        *params,
    )
    people = _people(asked)
    persons = {(row["type"], row["name"]): row["people"] for row in people}
    total = asked.one(f"{base} SELECT {_sum('count')} AS count, {measures} FROM base", *params)
    told = asked.one(
        "SELECT count(*) AS n, count(CASE WHEN slot = '' THEN 1 END) AS unmatched FROM outcomes "
        f"WHERE {where} AND what <> 'ignored'",
        *stretch,
    )
    unpriced = asked.one(
        f"{base} SELECT {_sum('count')} AS n, {_sum('CASE WHEN goalless THEN count END')} AS unpriced FROM base "
        "WHERE name IN ('Order Refunded', 'Order Cancelled', 'Order Canceled')",
        *params,
    )
    n = int(total["count"])
    figures = [
        figure("events", "Events", n, None, "events"),
        share("bots", "From bots", int(total["bots"]), n),
        share("internal", "From own people", int(total["internal"]), n),
        share("test", "Tests", int(total["test"]), n),
        share("uncounted", "Left out of every other report", int(total["uncounted"]), n),
        share("late", "Late by over 5 minutes", int(total["late"]), n),
        share("unmatched", "Outcomes that name no open decision", int(told["unmatched"]), int(told["n"])),
        share("unpriced", "Refunds without an amount, not netted", int(unpriced["unpriced"]), int(unpriced["n"])),
    ]
    if asked.duplicates is not None:
        figures.append(share("duplicates", "Sent again and dropped", asked.duplicates, n + asked.duplicates))
    return {"figures": figures, "rows": [{**row, "people": persons[row["type"], row["name"]]} for row in rows]}


def _people(asked: Ask) -> list[dict[str, Any]]:
    """How many people each kind of event came from. Where the stretch ends with the facts, who did what
    last tells it.
    """
    if "did" in asked.rollups and asked.stop > (asked.as_of or 0):
        source, params = asked.source("did"), list[object]([asked.start])
    else:
        stretch = "(SELECT * FROM events WHERE received_at >= ? AND received_at < ?)"
        source, params = f"({ROLLUPS['did'].asked(stretch)})", [asked.start, asked.stop, asked.start]
    return asked.rows(
        f"SELECT type, name, count(DISTINCT surrogate) AS people FROM {source} AS did WHERE last >= ? "
        "GROUP BY type, name",
        *params,
    )


def _sum(what: str) -> str:
    """SQL of a sum as a whole number, 0 over nothing."""
    return f"CAST(coalesce(sum({what}), 0) AS BIGINT)"


def calibration(asked: Ask) -> dict[str, Any]:
    """The reliability diagram: a row a tenth of confidence, the mean said beside the share fulfilled; and their gap."""
    base, params = moments(asked)
    part = "part, " if asked.by else ""
    rows = asked.rows(
        f"WITH base AS ({base}) SELECT {part}CAST(least(floor(confidence * 10), 9) AS INTEGER) AS tenth, "
        "count(*) AS moments, avg(confidence) AS said, "
        "count(CASE WHEN ended = 'fulfilled' THEN 1 END) AS fulfilled FROM base "
        f"WHERE ended IN ('fulfilled', 'abandoned') GROUP BY {part}tenth ORDER BY {part}tenth",
        *params,
    )
    total = sum(int(row["moments"]) for row in rows)
    gap = 0.0
    for row in rows:
        if asked.by:
            row["part"] = asked.label(row["part"])
        tenth, n = int(row.pop("tenth")), int(row["moments"])
        row["confidence"] = f"{tenth / 10:.1f} to {tenth / 10 + 0.1:.1f}"
        row["seen"] = int(row["fulfilled"]) / n
        gap += abs(float(row["said"]) * n - int(row["fulfilled"]))
    right = sum(int(row["fulfilled"]) for row in rows)
    return {
        "figures": [
            figure("ece", "Expected calibration error", round(gap, 6), total, "share", how=ECE),
            share("fulfilled", "Fulfilled, of those fulfilled or given up", right, total),
        ],
        "rows": rows,
    }


def freshness(asked: Ask) -> dict[str, Any]:
    """A row a table: how many facts, from when, until when."""
    rows, facts = [], 0
    measures = "count(*) AS n, min(received_at) AS oldest, max(received_at) AS newest"
    arrived = (
        f"SELECT {_sum('count')} AS n, min(oldest) AS oldest, max(newest) AS newest FROM {asked.source('arrivals')}"
    )
    for table in ("events", "moments", "decisions", "outcomes"):
        source = {"moments": asked.judged(whole=False), "decisions": asked.source("decided")}.get(table, table)
        found = asked.one(f"{arrived} AS arrivals" if table == "events" else f"SELECT {measures} FROM {source} AS t")
        oldest, newest = (None if found[name] is None else int(found[name]) for name in ("oldest", "newest"))
        rows.append({"table": table, "count": int(found["n"]), "oldest": iso(oldest), "newest": iso(newest)})
        facts += int(found["n"])
    return {"figures": [figure("facts", "Facts", facts, None, "facts")], "rows": rows}
