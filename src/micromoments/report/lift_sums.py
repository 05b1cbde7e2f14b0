# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""A lift's people, counted in SQL: who was in which arm since when, and what they did after and before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from micromoments.core.settings import DAY
from micromoments.learn.lift import Sums
from micromoments.learn.say import Metric
from micromoments.learn.sequence import DAYS, Size
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
        """SQL of each person's arm: since when, whether in one arm or more (2), the first decision's kind of moment."""
        return (
            f"exposures AS ({self.sql}), firsts AS (SELECT surrogate, min(decided) AS since, min(arm) AS arm, "
            "CASE WHEN min(arm) = max(arm) THEN 1 ELSE 2 END AS arms FROM exposures GROUP BY surrogate), "
            "arms AS MATERIALIZED (SELECT firsts.surrogate, since, firsts.arm, arms, min(kind) AS kind FROM firsts "
            "JOIN exposures ON exposures.surrogate = firsts.surrogate AND exposures.decided = firsts.since "
            "GROUP BY firsts.surrogate, since, firsts.arm, arms)"
        )


class Watch(NamedTuple):
    """A goal that is summed: ``y`` from ``after`` on until ``until``, the covariate ``x`` from ``before`` on until
    ``then``, all milliseconds from a person's first decision; only people who were watched for ``watched``.
    """

    goal: str
    after: int = 0
    until: int = 100 * 366 * DAY
    before: int = -BEFORE
    then: int = 0
    watched: int = 0


def halves(goal: str, length: int) -> Watch:
    """Of people who were watched for twice ``length``: y in the second stretch of it, x in the first."""
    return Watch(goal, after=length, until=2 * length, before=0, then=length, watched=2 * length)


class Counted(NamedTuple):
    """People by arm, and those in more than one under ``crossed``; days from the first exposure to the end of the
    stretch, and how people grew since its first days; and of each watch, by kind of moment, arm and metric, the sums
    over people, net of refunds and of what redeemed offers cost.
    """

    people: Mapping[str, int]
    days: float
    size: Size
    parts: Mapping[Watch, Mapping[str, Arms]]


def count(asked: Ask, exposures: Exposures, watches: Sequence[Watch]) -> Counted:
    """All of it in one question, as finding everybody's arm is the slow part."""
    sources, params = [], list[object](exposures.params)
    for n, watch in enumerate(watches):
        sql, more = _reached(asked, n, watch)
        sources.append(sql)
        params += more
    after = "happened >= since + y_from AND happened < since + y_to AND happened < ?"
    before = "happened >= since + x_from AND happened < since + x_to"
    nothing = ", ".join(f"CAST(NULL AS DOUBLE PRECISION) AS {name}" for name, _ in _columns())
    lengths = sorted({0, *(watch.watched for watch in watches)})
    counts = " UNION ALL ".join(
        f"SELECT -1 AS watch, arm, kind, arms, {length} AS watched, count(*) AS n, min(since) AS first, "
        f"count(CASE WHEN since < (SELECT min(since) FROM arms) + {DAYS * DAY} THEN 1 END) AS soon, {nothing} "
        f"FROM arms WHERE since + {length} <= {asked.stop} GROUP BY arm, kind, arms"
        for length in lengths
    )
    sql = (
        f"WITH {exposures.arms}, goals AS ({' UNION ALL '.join(sources)}), "
        "each_one AS (SELECT watch, arms.surrogate, arms.arm, arms.kind, "
        f"count(CASE WHEN {after} AND value >= 0 THEN 1 END) AS won, "
        f"coalesce(sum(CASE WHEN {after} THEN value END), 0) AS worth, "
        f"count(CASE WHEN {before} AND value >= 0 THEN 1 END) AS won_before, "
        f"coalesce(sum(CASE WHEN {before} THEN value END), 0) AS worth_before "
        "FROM arms JOIN goals ON goals.surrogate = arms.surrogate WHERE arms.arms = 1 "
        f"AND since + watched <= {asked.stop} GROUP BY watch, arms.surrogate, arms.arm, arms.kind), "
        "typed AS (SELECT watch, arm, kind, CAST(won AS DOUBLE PRECISION) AS won, CAST(worth AS DOUBLE PRECISION) AS "
        "worth, CAST(won_before AS DOUBLE PRECISION) AS won_before, CAST(worth_before AS DOUBLE PRECISION) AS "
        f"worth_before FROM each_one) {counts} UNION ALL SELECT watch, arm, kind, 1 AS arms, 0 AS watched, "
        f"count(*) AS n, 0 AS first, 0 AS soon, {', '.join(f'{what} AS {name}' for name, what in _columns())} "
        "FROM typed GROUP BY watch, arm, kind"
    )
    rows = asked.rows(sql, *params, asked.stop, asked.stop)
    told = [row for row in rows if row["watch"] < 0]
    everyone = [row for row in told if not row["watched"]]
    people: dict[str, int] = {}
    for row in everyone:
        arm = str(row["arm"]) if row["arms"] == 1 else "crossed"
        people[arm] = people.get(arm, 0) + int(row["n"])
    first = min((int(row["first"]) for row in everyone), default=asked.stop)
    parts = {watch: _parts(told, [row for row in rows if row["watch"] == n], watch) for n, watch in enumerate(watches)}
    # A stretch may end later than what is known does.
    end = asked.stop if asked.as_of is None else min(asked.stop, asked.as_of + 1)
    soon, days = sum(int(row["soon"]) for row in everyone), max(0, end - first) / DAY
    return Counted(people, days, Size(grown=sum(people.values()) / max(1, soon), lasting=days < DAYS), parts)


def _reached(asked: Ask, n: int, watch: Watch) -> tuple[str, list[object]]:
    """SQL and parameters of a watch's goals, and of what redeemed offers cost, with its stretches beside them."""
    wanted, more = has_goal(watch.goal)
    names = {"y_from": watch.after, "y_to": watch.until, "x_from": watch.before, "x_to": watch.then}
    stretches = names | {"watched": watch.watched}
    about = f"{n} AS watch, " + ", ".join(f"CAST({at} AS BIGINT) AS {name}" for name, at in stretches.items())
    sql = (
        f"SELECT {about}, surrogate, events.at AS happened, value FROM {asked.source('goals')} AS events "
        f"WHERE {wanted} AND {COUNTED} "
        f"UNION ALL SELECT {about}, surrogate, received_at AS happened, -cost AS value FROM outcomes "
        f"WHERE what = 'goal' AND cost > 0 AND {wanted} AND {COUNTED}"
    )
    return sql, [*more, *more]


def _parts(told: Sequence[Mapping[str, Any]], summed: Sequence[Mapping[str, Any]], watch: Watch) -> dict[str, Arms]:
    """Sums by kind and arm: of everybody who is counted, whether or not they reached the goal."""
    sums = {(row["kind"], row["arm"]): row for row in summed}
    out: dict[str, dict[str, dict[Metric, Sums]]] = {}
    for row in told:
        if row["watched"] == watch.watched and row["arms"] == 1:
            found, n = sums.get((row["kind"], row["arm"])), int(row["n"])
            arms = out.setdefault(str(row["kind"] or "none"), {})
            arms[str(row["arm"])] = {metric: _arm(found, metric, n) for metric in METRICS}
    return dict(out)


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


def _columns() -> list[tuple[str, str]]:
    """The name and the SQL of each sum."""
    out: list[tuple[str, str]] = []
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
            out.append((f"{metric}_{name}", f"sum(CAST({what} AS DOUBLE PRECISION))"))
    return out


def _arm(row: Mapping[str, Any] | None, metric: Metric, n: int) -> Sums:
    if row is None:
        return Sums(n=n, y=0.0, yy=0.0)
    y, yy, x, xx, xy = (float(row[f"{metric}_{name}"]) for name in ("y", "yy", "x", "xx", "xy"))
    return Sums(n=n, y=y, yy=yy, x=x, xx=xx, xy=xy)


def _add(a: Sums, b: Sums) -> Sums:
    return Sums(n=a.n + b.n, y=a.y + b.y, yy=a.yy + b.yy, x=a.x + b.x, xx=a.xx + b.xx, xy=a.xy + b.xy)
