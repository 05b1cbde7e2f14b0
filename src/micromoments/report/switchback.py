# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""Switchback experiments: decisions in blocks of a zone's time, one variant a block, compared with clustered errors."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.core.settings import Experiment
from micromoments.learn.clusters import Blocks, clustered
from micromoments.learn.say import block_sentence, mixed
from micromoments.report.ask import COUNTED, Ask, has_goal

GIVEN = (
    "given AS (SELECT id, arm, unit FROM (SELECT id, unnest(experiments) AS experiment, "
    "unnest(variants) AS arm, unnest(units) AS unit FROM decisions "
    f"WHERE mode = 'live' AND {COUNTED} AND received_at >= ? AND received_at < ?) AS every WHERE experiment = ?)"
)
"""The decisions of an experiment in the stretch, with the variant and the block of each; from, to, the experiment."""


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
    comparisons, money = [], _currencies(asked, key, goal)
    currency = money[0] if len(money) == 1 else ""
    # Amounts of different currencies don't add up.
    for metric in ("goals", "value") if len(money) < 2 else ("goals",):
        result = clustered(treated, control, value=metric == "value")
        said = block_sentence(result, goal=goal, metric=metric, slot=experiment.slot, currency=currency)
        comparisons.append({"metric": metric, **msgspec.to_builtins(result), "currency": currency, "sentence": said})
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
        "warnings": [mixed(money)] if len(money) > 1 else [],
        "sentence": comparisons[0]["sentence"],
    }


def blocks(asked: Ask, key: str, goal: str) -> dict[str, Blocks]:
    """By variant: each block's decisions, how many of them reached the goal, and the worth net of offers' cost."""
    wanted, more = has_goal(goal)
    sql = (
        f"WITH {GIVEN}, "
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


def _currencies(asked: Ask, key: str, goal: str) -> list[str]:
    """The currencies of what the experiment's decisions brought."""
    wanted, more = has_goal(goal)
    sql = (
        f"WITH {GIVEN} SELECT DISTINCT currency FROM outcomes JOIN given ON outcomes.decision = given.id "
        f"WHERE what = 'goal' AND {wanted} AND {COUNTED} AND value <> 0 AND received_at < ? ORDER BY currency"
    )
    return [str(row["currency"]) for row in asked.rows(sql, asked.start, asked.stop, key, *more, asked.stop)]
