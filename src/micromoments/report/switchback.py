# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Switchback experiments: decisions in blocks of a zone's time, one variant a block, compared with clustered errors."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.core.settings import Experiment
from micromoments.learn.clusters import Blocks, clustered
from micromoments.learn.say import block_sentence
from micromoments.report.ask import COUNTED, Ask, has_goal


def rows(asked: Ask, key: str, experiment: Experiment) -> list[dict[str, Any]]:
    """Each variant against the first, by goal: goals reached a decision, and their worth. A block whose decisions were
    all in its wash-out counts nothing.
    """
    control, *others = experiment.variants
    preferred = experiment.goal or asked.settings.slot(experiment.slot).goal
    goals = [asked.goal] if asked.goal else sorted(asked.settings.goals, key=lambda g: (g != preferred, g))
    primary = preferred or (goals[0] if goals else "")
    return [
        row
        for variant in others
        for goal in goals
        if (row := _row(asked, key, experiment, (variant, control), goal, primary=goal == primary)) is not None
    ]


def _row(
    asked: Ask, key: str, experiment: Experiment, arms: tuple[str, str], goal: str, *, primary: bool
) -> dict[str, Any] | None:
    found = blocks(asked, key, goal)
    treated, control = (found.get(arm, Blocks()) for arm in arms)
    if not treated.n or not control.n:
        return None
    comparisons = []
    for metric in ("goals", "value"):
        result = clustered(treated, control, value=metric == "value")
        said = block_sentence(result, goal=goal, metric=metric, slot=experiment.slot)
        comparisons.append({"metric": metric, **msgspec.to_builtins(result), "sentence": said})
    return {
        "of": "switchback",
        "slot": experiment.slot,
        "experiment": key,
        "goal": goal,
        "primary": primary,
        "exploratory": not primary,
        "proof": True,
        "arms": list(arms),
        "people": {},
        "blocks": {arms[0]: len(treated.n), arms[1]: len(control.n)},
        "decisions": {arms[0]: int(sum(treated.n)), arms[1]: int(sum(control.n))},
        "comparisons": comparisons,
        "warnings": [],
        "sentence": comparisons[0]["sentence"],
    }


def blocks(asked: Ask, key: str, goal: str) -> dict[str, Blocks]:
    """By variant: each block's decisions, how many of them reached the goal, and the worth net of offers' cost."""
    wanted, more = has_goal(goal)
    sql = (
        "WITH given AS (SELECT id, arm, unit FROM (SELECT id, unnest(experiments) AS experiment, "
        "unnest(variants) AS arm, unnest(units) AS unit FROM decisions "
        f"WHERE mode = 'live' AND {COUNTED} AND received_at >= ? AND received_at < ?) AS every WHERE experiment = ?), "
        "won AS (SELECT decision, max(CASE WHEN value >= 0 THEN 1 ELSE 0 END) AS reached, "
        f"sum(value - cost) AS worth FROM outcomes WHERE what = 'goal' AND {wanted} AND {COUNTED} "
        "AND received_at < ? GROUP BY decision) "
        "SELECT arm, unit, count(*) AS n, CAST(coalesce(sum(reached), 0) AS DOUBLE PRECISION) AS reached, "
        "CAST(coalesce(sum(worth), 0) AS DOUBLE PRECISION) AS worth "
        "FROM given LEFT JOIN won ON won.decision = given.id GROUP BY arm, unit ORDER BY arm, unit"
    )
    out: dict[str, Blocks] = {}
    for row in asked.rows(sql, asked.start, asked.stop, key, *more, asked.stop):
        one = out.setdefault(str(row["arm"]), Blocks())
        one.n.append(float(row["n"]))
        one.reached.append(float(row["reached"]))
        one.worth.append(float(row["worth"]))
    return out
