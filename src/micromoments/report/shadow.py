# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What a policy would have served beside what was, in slots that observe or shadow; and what rules took of it."""

from __future__ import annotations

from typing import Any

from micromoments.report.ask import COUNTED, Ask
from micromoments.report.parts import MOST_ROWS, share

COUNTING = (
    "Decisions in shadow or observe, without bots, own people and tests: what was served (the default, or what the "
    "request said under theirs) against what the policy would have served; and decisions that a rule touched."
)


def shadow(asked: Ask) -> dict[str, Any]:
    """How often the first item and the whole slate agree, by slot; the items that gain and lose most; rules' cost."""
    where = f"received_at >= ? AND received_at < ? AND {COUNTED}"
    params: list[object] = [asked.start, asked.stop]
    if asked.slot:
        where, params = f"{where} AND slot = ?", [*params, asked.slot]
    seen = f"{where} AND mode IN ('shadow', 'observe')"
    slots = asked.rows(
        "SELECT slot, policy AS served_by, count(*) AS decisions, count(DISTINCT surrogate) AS people, "
        "count(CASE WHEN items[1] = would[1] THEN 1 END) AS same_first, "
        "count(CASE WHEN items = would THEN 1 END) AS same_slate "
        f"FROM decisions WHERE {seen} GROUP BY slot, policy ORDER BY slot, policy",
        *params,
    )
    moved = asked.rows(
        "SELECT slot, item, sum(served) AS served, sum(would) AS would FROM ("
        f"SELECT slot, unnest(items) AS item, 1 AS served, 0 AS would FROM decisions WHERE {seen} UNION ALL "
        f"SELECT slot, unnest(would) AS item, 0 AS served, 1 AS would FROM decisions WHERE {seen}) AS every "
        f"GROUP BY slot, item ORDER BY abs(sum(would) - sum(served)) DESC, slot, item LIMIT {MOST_ROWS}",
        *params,
        *params,
    )
    rules = asked.rows(
        "SELECT slot, rule, count(*) AS decisions, avg(rule_cost) AS cost FROM ("
        f"SELECT slot, unnest(rules) AS rule, rule_cost FROM decisions WHERE {where}) AS every "
        "GROUP BY slot, rule ORDER BY slot, rule",
        *params,
    )
    total = sum(int(row["decisions"]) for row in slots)
    same = sum(int(row["same_first"]) for row in slots)
    return {
        "figures": [share("same_first", "Decisions whose first item is the policy's, too", same, total)],
        "rows": [
            *({"of": "slot", **row} for row in slots),
            *({"of": "item", **row, "change": int(row["would"]) - int(row["served"])} for row in moved),
            *({"of": "rule", **row} for row in rules),
        ],
    }
