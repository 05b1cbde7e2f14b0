# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Unmet moments by what they may be worth: a range, from goals that were counted and a lift that is assumed.

As in an audit of a log (ADR 0033): what followed moments in which nothing was served, times what serving is assumed to
add. The first is counted here, the second is written beside it and can be changed (``lift``).
"""

from __future__ import annotations

from typing import Any

from micromoments.core.settings import DAY
from micromoments.report.ask import Ask, has_goal
from micromoments.report.parts import MIN_PEOPLE, MOST_ROWS, events, figure, moments, money, total

COUNTING = (
    "Moments of the stretch in which nothing was served, by need; the goals that followed each until 24 hours after "
    "its end (a goal counts once, for the newest moment before it), before refunds; worth is their value times the "
    f"assumed lift. Without bots, own people and tests; only needs that at least {MIN_PEOPLE} people share."
)


def worth(asked: Ask) -> dict[str, Any]:
    """A row a need, type and currency, the one that may be worth most first: people, moments, the goals that followed,
    their value, and the range.
    """
    base, params = moments(asked)
    won, won_params = events(asked._replace(by="", segment=(), stop=asked.stop + DAY), "goals")
    wanted, more = has_goal(asked.goal)
    low, high = asked.lift
    rows = asked.rows(
        f"WITH spans AS ({base}), "
        f"goals AS (SELECT id, surrogate, won.at AS happened, value, currency FROM ({won}) AS won WHERE {wanted} "
        "AND value >= 0), "
        "led AS (SELECT * FROM (SELECT spans.need, spans.type, spans.served_at, goals.value AS value, goals.currency "
        "AS currency, row_number() OVER (PARTITION BY goals.id ORDER BY spans.opened_at DESC, spans.id) AS place "
        "FROM goals JOIN spans ON spans.surrogate = goals.surrogate AND spans.opened_at < goals.happened "
        f"AND spans.stopped + {DAY} >= goals.happened) AS every WHERE place = 1), "
        "counted AS (SELECT need, type, count(DISTINCT surrogate) AS people, count(*) AS moments FROM spans "
        f"WHERE served_at = 0 AND need <> '' GROUP BY need, type HAVING count(DISTINCT surrogate) >= {MIN_PEOPLE}), "
        "brought AS (SELECT need, type, currency, count(*) AS goals, "
        f"{total('CASE WHEN value > 0 THEN value ELSE ? END')} AS value "
        "FROM led WHERE served_at = 0 AND need <> '' GROUP BY need, type, currency) "
        "SELECT counted.need, counted.type, counted.people, counted.moments, coalesce(brought.goals, 0) AS goals, "
        "coalesce(brought.value, 0) AS value, coalesce(brought.currency, '') AS currency FROM counted "
        "LEFT JOIN brought ON brought.need = counted.need AND brought.type = counted.type "
        "ORDER BY coalesce(brought.value, 0) DESC, coalesce(brought.goals, 0) DESC, counted.people DESC, counted.need, "
        f"counted.type, currency LIMIT {MOST_ROWS}",
        *params,
        *won_params,
        *more,
        asked.worth,
    )
    for row in rows:
        row["currency"] = row["currency"] or asked.settings.currency
        row["low"], row["high"] = (round(int(row["value"]) * by) for by in (low, high))
    return {"figures": _figures(rows), "rows": rows, "notes": _notes(asked, rows)}


def _figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    needs = {(row["need"], row["type"]): row for row in rows}
    unmet = sum(int(row["moments"]) for row in needs.values())
    return [
        figure("needs", "Needs that weren't met", len(needs), None, "needs"),
        figure("moments", "Moments in which nothing was served, in the needs shown", unmet, None, "moments"),
        figure("goals", "Goals that followed them all the same", sum(int(r["goals"]) for r in rows), None, "goals"),
    ]


def _notes(asked: Ask, rows: list[dict[str, Any]]) -> list[str]:
    """How the range came about, with its numbers; and what it can't say."""
    low, high = asked.lift
    said = []
    for currency in sorted({str(row["currency"]) for row in rows}):
        mine = [row for row in rows if row["currency"] == currency]
        value = sum(int(row["value"]) for row in mine)
        if value:
            said.append(
                f"Goals worth {money(value, currency)} followed these moments though nothing was served in "
                f"them. If serving adds {100 * low:g} % to {100 * high:g} %, that is "
                f"{money(value * low, currency)} to {money(value * high, currency)} in this stretch."
            )
    said.append(
        f"The {100 * low:g} % and {100 * high:g} % are assumed, not measured; lift=0.1-0.3 asks with others. A holdout "
        "measures them; a need that nothing followed may still be worth much, and no log can say how much."
    )
    return said
