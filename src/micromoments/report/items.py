# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What became of each item and offer that was served; and what people of one kind want more than others do."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask
from micromoments.report.parts import HIDDEN, MIN_PEOPLE, MOST_ROWS, figure, moments, share, total

ITEMS = (
    f"Items of live decisions made in the stretch, the {MOST_ROWS} most served, and the outcomes of the stretch that "
    "name them (decisions in which they were seen, clicked, dismissed; goals, what those were worth, what redeemed "
    "offers cost). Without bots, own people and tests."
)
PREFERENCES = (
    "Moments of the stretch by the category of their need, else its words: the share that it has in each part, against "
    f"its share in all. Without bots, own people and tests; only what at least {MIN_PEOPLE} people of a part share."
)
SHOWN = f"The rest went to items past the {MOST_ROWS} most served."
_SEEN = ("seen", "clicked", "dismissed")


def items(asked: Ask) -> dict[str, Any]:
    """A row an item: served in how many decisions, of how many people, how often first, and what came of it; ``value``
    is null where its goals are worth amounts of several currencies, which don't add up.
    """
    where, stretch = f"received_at >= ? AND received_at < ? AND {COUNTED}", [asked.start, asked.stop]
    slot, more = (" AND slot = ?", [asked.slot]) if asked.slot else ("", [])
    # Whoever clicked it saw it, whether or not the page said so.
    came = ", ".join(
        f"count(DISTINCT CASE WHEN what IN ({', '.join(map(repr, whats))}) THEN decision END) AS {name}"
        for name, whats in (("seen", _SEEN), ("clicked", _SEEN[1:2]), ("dismissed", _SEEN[2:]))
    )
    rows = asked.rows(
        f"WITH served AS (SELECT * FROM {asked.source('given')} AS given WHERE {where} AND mode = 'live'{slot}), "
        "counted AS (SELECT item, min(kind) AS kind, count(*) AS served, CAST(sum(head) AS BIGINT) AS first "
        "FROM served GROUP BY item), "
        "top AS (SELECT *, CAST(sum(served) OVER () AS BIGINT) AS places, count(*) OVER () AS items FROM counted "
        f"ORDER BY served DESC, item LIMIT {MOST_ROWS}), "
        "who AS (SELECT item, count(DISTINCT surrogate) AS people FROM served "
        "WHERE item IN (SELECT item FROM top) GROUP BY item), "
        "told AS (SELECT item, decision, received_at, what, value, currency, cost FROM outcomes "
        f"WHERE {where} AND item IN (SELECT item FROM top) AND item <> ''{slot}), "
        f"came AS (SELECT item, {came}, count(CASE WHEN what = 'goal' AND value >= 0 THEN 1 END) AS goals "
        "FROM told GROUP BY item), "
        # An event that reaches several goals is told with each of them, and a decision's offer is redeemed once.
        "won AS (SELECT DISTINCT item, decision, received_at, value, currency FROM told "
        "WHERE what = 'goal' AND value <> 0), "
        f"brought AS (SELECT item, {total('value')} AS value, max(currency) AS currency, "
        "count(DISTINCT currency) AS currencies FROM won GROUP BY item), "
        "paid AS (SELECT item, decision, max(cost) AS cost FROM told WHERE cost > 0 GROUP BY item, decision), "
        f"spent AS (SELECT item, {total('cost')} AS cost FROM paid GROUP BY item) "
        "SELECT top.item, top.kind, top.served, who.people, top.first, coalesce(came.seen, 0) AS seen, "
        "coalesce(came.clicked, 0) AS clicked, coalesce(came.dismissed, 0) AS dismissed, coalesce(came.goals, 0) AS "
        "goals, CASE WHEN brought.currencies > 1 THEN NULL ELSE coalesce(brought.value, 0) END AS value, "
        "coalesce(spent.cost, 0) AS cost, CASE WHEN brought.currencies > 1 THEN '' ELSE coalesce(brought.currency, '') "
        "END AS currency, top.places, top.items FROM top JOIN who ON who.item = top.item "
        "LEFT JOIN came ON came.item = top.item LEFT JOIN brought ON brought.item = top.item "
        "LEFT JOIN spent ON spent.item = top.item ORDER BY top.served DESC, top.item",
        *stretch,
        *more,
        *stretch,
        *more,
    )
    places, every = (int(rows[0][name]) if rows else 0 for name in ("places", "items"))
    for row in rows:
        del row["places"], row["items"]
        row["click_share"] = int(row["clicked"]) / int(row["seen"]) if row["seen"] else None
    shown = sum(int(row["served"]) for row in rows)
    figures = [
        figure("items", "Items served", every, None, "items"),
        share("shown", "Places in decisions, of the items shown", shown, places, how=SHOWN),
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
    rows = asked.rows(
        f"WITH base AS ({base}), "
        "each_one AS MATERIALIZED (SELECT part, wanted, count(*) AS moments, count(DISTINCT surrogate) AS people "
        "FROM base WHERE wanted <> '' GROUP BY part, wanted), "
        "of_part AS (SELECT part, sum(moments) AS every FROM each_one GROUP BY part), "
        "overall AS (SELECT wanted, sum(moments) AS moments, sum(sum(moments)) OVER () AS every FROM each_one "
        "GROUP BY wanted) "
        "SELECT each_one.part, each_one.wanted, each_one.people, each_one.moments, "
        "CAST(each_one.moments AS DOUBLE PRECISION) / CAST(of_part.every AS DOUBLE PRECISION) AS share, "
        "CAST(overall.moments AS DOUBLE PRECISION) / CAST(overall.every AS DOUBLE PRECISION) AS share_of_all "
        "FROM each_one JOIN of_part ON of_part.part = each_one.part JOIN overall ON overall.wanted = each_one.wanted "
        f"WHERE each_one.people >= {MIN_PEOPLE} "
        f"ORDER BY each_one.people DESC, each_one.part, each_one.wanted LIMIT {MOST_ROWS}",
        *params,
    )
    total = asked.one(
        f"WITH base AS ({base}) SELECT count(*) AS moments, count(CASE WHEN wanted <> '' THEN 1 END) AS named "
        "FROM base",
        *params,
    )
    for row in rows:
        row["part"] = asked.label(row["part"])
        row["index"] = row["share"] / row["share_of_all"]
    shown = sum(int(row["moments"]) for row in rows)
    figures = [
        share("named", "Moments whose need has a category or words", int(total["named"]), int(total["moments"])),
        share("shown", "Of those, in the rows shown", shown, int(total["named"]), how=HIDDEN),
    ]
    return {"figures": figures, "rows": rows}
