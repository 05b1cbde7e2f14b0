# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What became of each item and offer that was served; and what people of one kind want more than others do."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, figure, moments, share

ITEMS = (
    f"Items of live decisions made in the stretch, the {MOST_ROWS} most served, and the outcomes of the stretch that "
    "name them (decisions in which they were seen, clicked, dismissed; goals, what those were worth, what redeemed "
    "offers cost). Without bots, own people and tests."
)
PREFERENCES = (
    "Moments of the stretch by the category of their need, else its words: the share that it has in each part, against "
    f"its share in all. Without bots, own people and tests; only what at least {MIN_PEOPLE} people of a part share."
)
_SEEN = ("seen", "clicked", "dismissed")
_WANTED = "lower(trim(CASE WHEN category <> '' THEN category ELSE query END))"


def items(asked: Ask) -> dict[str, Any]:
    """A row an item: served in how many decisions, of how many people, how often first, and what came of it."""
    where, stretch = f"received_at >= ? AND received_at < ? AND {COUNTED}", [asked.start, asked.stop]
    slot, more = (" AND slot = ?", [asked.slot]) if asked.slot else ("", [])
    # Whoever clicked it saw it, whether or not the page said so.
    came = ", ".join(
        f"count(DISTINCT CASE WHEN what IN ({', '.join(map(repr, whats))}) THEN decision END) AS {name}"
        for name, whats in (("seen", _SEEN), ("clicked", _SEEN[1:2]), ("dismissed", _SEEN[2:]))
    )
    rows = asked.rows(
        "WITH given AS (SELECT surrogate, items[1] AS head, unnest(items) AS item, unnest(kinds) AS kind "
        f"FROM decisions WHERE {where} AND mode = 'live'{slot}), "
        "served AS (SELECT item, min(kind) AS kind, count(*) AS served, count(DISTINCT surrogate) AS people, "
        "count(CASE WHEN head = item THEN 1 END) AS first FROM given GROUP BY item), "
        f"came AS (SELECT item, {came}, "
        "count(CASE WHEN what = 'goal' AND value >= 0 THEN 1 END) AS goals, "
        "CAST(sum(CASE WHEN what = 'goal' THEN value ELSE 0 END) AS BIGINT) AS value, "
        "CAST(sum(cost) AS BIGINT) AS cost, max(CASE WHEN value <> 0 THEN currency ELSE '' END) AS currency "
        f"FROM outcomes WHERE {where} AND item <> ''{slot} GROUP BY item) "
        "SELECT served.item, served.kind, served.served, served.people, served.first, coalesce(came.seen, 0) AS seen, "
        "coalesce(came.clicked, 0) AS clicked, coalesce(came.dismissed, 0) AS dismissed, coalesce(came.goals, 0) AS "
        "goals, coalesce(came.value, 0) AS value, coalesce(came.cost, 0) AS cost, coalesce(came.currency, '') AS "
        "currency FROM served LEFT JOIN came ON came.item = served.item "
        f"ORDER BY served.served DESC, served.item LIMIT {MOST_ROWS}",
        *stretch,
        *more,
        *stretch,
        *more,
    )
    total = asked.one(
        f"SELECT count(*) AS served, count(DISTINCT item) AS items FROM (SELECT unnest(items) AS item FROM decisions "
        f"WHERE {where} AND mode = 'live'{slot}) AS given",
        *stretch,
        *more,
    )
    for row in rows:
        row["click_share"] = int(row["clicked"]) / int(row["seen"]) if row["seen"] else None
    shown = sum(int(row["served"]) for row in rows)
    figures = [
        figure("items", "Items served", int(total["items"]), None, "items"),
        share("shown", "Places in decisions, of the items shown", shown, int(total["served"])),
        share("clicked", "Clicked, of those seen", *_sums(rows, "clicked", "seen")),
    ]
    return {"figures": figures, "rows": rows}


def _sums(rows: list[dict[str, Any]], *names: str) -> tuple[int, ...]:
    return tuple(sum(int(row[name]) for row in rows) for name in names)


def preferences(asked: Ask) -> dict[str, Any]:
    """A row a part and what is wanted there, by channel unless another break-down is asked: ``index`` is its share of
    the part's moments over its share of all; 1 is as everywhere.
    """
    asked = asked if asked.by else asked._replace(by="channel")
    base, params = moments(asked)
    named = f"WITH base AS ({base}), named AS (SELECT part, surrogate, {_WANTED} AS wanted FROM base)"
    rows = asked.rows(
        f"{named}, of_part AS (SELECT part, count(*) AS every FROM named WHERE wanted <> '' GROUP BY part), "
        "overall AS (SELECT wanted, count(*) AS moments, sum(count(*)) OVER () AS every FROM named WHERE wanted <> '' "
        "GROUP BY wanted), "
        "each_one AS (SELECT part, wanted, count(*) AS moments, count(DISTINCT surrogate) AS people FROM named "
        f"WHERE wanted <> '' GROUP BY part, wanted HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE}) "
        "SELECT each_one.part, each_one.wanted, each_one.people, each_one.moments, "
        "CAST(each_one.moments AS DOUBLE PRECISION) / of_part.every AS share, "
        "CAST(overall.moments AS DOUBLE PRECISION) / CAST(overall.every AS DOUBLE PRECISION) AS share_of_all "
        "FROM each_one JOIN of_part ON of_part.part = each_one.part JOIN overall ON overall.wanted = each_one.wanted "
        f"ORDER BY each_one.people DESC, each_one.part, each_one.wanted LIMIT {MOST_ROWS}",
        *params,
    )
    total = asked.one(
        f"{named} SELECT count(*) AS moments, count(CASE WHEN wanted <> '' THEN 1 END) AS named FROM named", *params
    )
    for row in rows:
        row["part"] = asked.label(row["part"])
        row["index"] = row["share"] / row["share_of_all"]
    shown = sum(int(row["moments"]) for row in rows)
    figures = [
        share("named", "Moments whose need has a category or words", int(total["named"]), int(total["moments"])),
        share("shown", "Of those, in the rows shown", shown, int(total["named"])),
    ]
    return {"figures": figures, "rows": rows}
