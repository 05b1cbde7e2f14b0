# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""A lift's people, counted in SQL: who was in which arm since when, and what they did after and before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from micromoments.core.settings import DAY
from micromoments.learn.lift import Sums
from micromoments.learn.say import Metric
from micromoments.report.ask import COUNTED, Ask, has_goal

BEFORE = 28 * DAY
"""How long before the first decision the covariate looks back: the same goal, by the same person."""
METRICS: tuple[Metric, ...] = ("people", "times", "value")
NONE = Sums(n=0, y=0.0, yy=0.0)
Arms = Mapping[str, Mapping[Metric, Sums]]


class Exposures(NamedTuple):
    """SQL of (surrogate, decided, arm, kind) with its parameters: every decision that put a person into an arm."""

    sql: str
    params: tuple[object, ...]

    @property
    def arms(self) -> str:
        """SQL of each person's arm: since when, how many arms, the kind of moment of the first decision."""
        return (
            f"exposures AS ({self.sql}), placed AS (SELECT surrogate, decided, arm, kind, "
            "row_number() OVER (PARTITION BY surrogate ORDER BY decided, kind) AS place FROM exposures), "
            "arms AS (SELECT surrogate, min(decided) AS since, min(arm) AS arm, count(DISTINCT arm) AS arms, "
            "max(CASE WHEN place = 1 THEN kind END) AS kind FROM placed GROUP BY surrogate)"
        )


def people(asked: Ask, exposures: Exposures) -> dict[str, int]:
    """People by arm, and those in more than one under ``crossed``."""
    sql = (
        f"WITH {exposures.arms} SELECT CASE WHEN arms > 1 THEN 'crossed' ELSE arm END AS arm, "
        "count(*) AS people FROM arms GROUP BY CASE WHEN arms > 1 THEN 'crossed' ELSE arm END"
    )
    return {str(row["arm"]): int(row["people"]) for row in asked.rows(sql, *exposures.params)}


def days(asked: Ask, exposures: Exposures) -> float:
    """Days from the first exposure to the end of the stretch."""
    row = asked.one(f"SELECT min(decided) AS first FROM ({exposures.sql}) AS given", *exposures.params)
    return max(0, asked.stop - int(row["first"])) / DAY if row["first"] is not None else 0.0


def sums(asked: Ask, goal: str, exposures: Exposures) -> dict[str, Arms]:
    """By kind of moment, arm and metric: the sums over people from their first decision on, net of refunds and of what
    redeemed offers cost, with the 28 days before as the covariate.
    """
    after = "goals.happened >= arms.since AND goals.happened < ?"
    before = f"goals.happened < arms.since AND goals.happened >= arms.since - {BEFORE}"
    return _sums(asked, goal, exposures, after, before, [asked.stop], [])


def halves(asked: Ask, goal: str, exposures: Exposures, length: int) -> Arms:
    """As ``sums``, over people who were watched for twice ``length``: y in the second stretch of it, x in the first."""
    later = f"goals.happened >= arms.since + {length} AND goals.happened < arms.since + {2 * length}"
    first = f"goals.happened >= arms.since AND goals.happened < arms.since + {length}"
    found = _sums(asked, goal, exposures, later, first, [], [], watched=2 * length)
    return whole(found.values())


def whole(parts: Iterable[Arms]) -> Arms:
    """The sums of parts that share nobody."""
    out: dict[str, dict[Metric, Sums]] = {}
    for part in parts:
        for arm, by in part.items():
            mine = out.setdefault(arm, dict.fromkeys(METRICS, NONE))
            out[arm] = {metric: _add(mine[metric], by[metric]) for metric in METRICS}
    return out


def currencies(asked: Ask, goal: str) -> list[str]:
    """The currencies of a goal's values in the stretch."""
    wanted, more = has_goal(goal)
    sql = (
        f"SELECT DISTINCT currency FROM {asked.source('goals')} AS events WHERE {wanted} AND {COUNTED} AND value <> 0 "
        "AND events.at >= ? AND events.at < ? ORDER BY currency"
    )
    return [str(row["currency"]) for row in asked.rows(sql, *more, asked.start, asked.stop)]


def _sums(
    asked: Ask,
    goal: str,
    exposures: Exposures,
    after: str,
    before: str,
    after_params: Sequence[object],
    before_params: Sequence[object],
    watched: int = 0,
) -> dict[str, Arms]:
    wanted, more = has_goal(goal)
    # The same instants four times: two of what happened after, two of what happened before.
    instants = [*after_params, *after_params, *before_params, *before_params]
    enough = f" AND arms.since + {watched} <= {asked.stop}" if watched else ""
    sql = (
        f"WITH {exposures.arms}, "
        f"goals AS (SELECT surrogate, events.at AS happened, value FROM {asked.source('goals')} AS events "
        f"WHERE {wanted} AND {COUNTED} "
        "UNION ALL SELECT surrogate, received_at AS happened, -cost AS value FROM outcomes "
        f"WHERE what = 'goal' AND cost > 0 AND {wanted} AND {COUNTED}), "
        "each AS (SELECT arms.surrogate, arms.arm, arms.kind, "
        f"count(CASE WHEN {after} AND goals.value >= 0 THEN 1 END) AS won, "
        f"coalesce(sum(CASE WHEN {after} THEN goals.value END), 0) AS worth, "
        f"count(CASE WHEN {before} AND goals.value >= 0 THEN 1 END) AS won_before, "
        f"coalesce(sum(CASE WHEN {before} THEN goals.value END), 0) AS worth_before "
        f"FROM arms LEFT JOIN goals ON goals.surrogate = arms.surrogate WHERE arms.arms = 1{enough} "
        "GROUP BY arms.surrogate, arms.arm, arms.kind), "
        "typed AS (SELECT arm, kind, CAST(won AS DOUBLE PRECISION) AS won, CAST(worth AS DOUBLE PRECISION) AS worth, "
        "CAST(won_before AS DOUBLE PRECISION) AS won_before, CAST(worth_before AS DOUBLE PRECISION) AS worth_before "
        f"FROM each) SELECT arm, kind, count(*) AS n, {', '.join(_columns())} FROM typed GROUP BY arm, kind"
    )
    out: dict[str, dict[str, dict[Metric, Sums]]] = {}
    for row in asked.rows(sql, *exposures.params, *more, *more, *instants):
        arms = out.setdefault(str(row["kind"] or "none"), {})
        arms[str(row["arm"])] = {metric: _arm(row, metric) for metric in METRICS}
    return dict(out)


def _columns() -> list[str]:
    out: list[str] = []
    columns = (
        ("least(won, 1)", "least(won_before, 1)"),
        ("won", "won_before"),
        ("worth", "worth_before"),
    )
    for metric, (column, then) in zip(METRICS, columns, strict=True):
        for name, what in (
            ("y", column),
            ("yy", f"{column} * {column}"),
            ("x", then),
            ("xx", f"{then} * {then}"),
            ("xy", f"{column} * {then}"),
        ):
            out.append(f"sum(CAST({what} AS DOUBLE PRECISION)) AS {metric}_{name}")
    return out


def _arm(row: Mapping[str, Any], metric: Metric) -> Sums:
    y, yy, x, xx, xy = (float(row[f"{metric}_{name}"]) for name in ("y", "yy", "x", "xx", "xy"))
    return Sums(n=int(row["n"]), y=y, yy=yy, x=x, xx=xx, xy=xy)


def _add(a: Sums, b: Sums) -> Sums:
    return Sums(n=a.n + b.n, y=a.y + b.y, yy=a.yy + b.yy, x=a.x + b.x, xx=a.xx + b.xx, xy=a.xy + b.xy)
