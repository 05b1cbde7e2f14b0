# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What serving was worth: per goal and slot or experiment, people served against people held out.

A person counts from their first decision in the slot in the stretch, in the arm of that decision, with every goal that
they reach from then on, net of refunds. People who were in two arms are left out, counted, and warned about above 1 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from micromoments.core.settings import DAY, Experiment
from micromoments.learn.lift import Sums, lift, sample_ratio
from micromoments.learn.say import Metric, mismatch, not_proof, sentence
from micromoments.report.ask import COUNTED, Ask, has_goal
from micromoments.report.parts import share

COUNTING = (
    "People by their first decision in the stretch, served or held out; goals that they reached from then until its "
    "end, net of refunds, without bots, own people and tests. Intervals hold however often one looks (5 % in all)."
)
BEFORE = 28 * DAY
"""How long before the first decision the covariate looks back: the same goal, by the same person."""
MOST_CROSSED = 0.01
METRICS: tuple[Metric, ...] = ("people", "times", "value")


def lifts(asked: Ask) -> dict[str, Any]:
    """A row for each slot or experiment and goal, each with its three comparisons, its split and its sentences."""
    rows: list[dict[str, Any]] = []
    for slot in _slots(asked):
        rows += _slot(asked, slot)
    for key, experiment in sorted(asked.settings.experiments.items()):
        if asked.slot in {"", experiment.slot}:
            rows += _experiment(asked, key, experiment)
    return {"figures": [], "rows": rows, "notes": [row["sentence"] for row in rows]}


def _slots(asked: Ask) -> list[str]:
    sql = (
        "SELECT DISTINCT slot FROM decisions WHERE received_at >= ? AND received_at < ? AND mode = 'live' "
        f"AND {COUNTED} ORDER BY slot"
    )
    found = [str(row["slot"]) for row in asked.rows(sql, asked.start, asked.stop)]
    return [slot for slot in found if asked.slot in {"", slot}]


def _goals(asked: Ask, preferred: str) -> list[str]:
    """The goal asked for, else the slot's or experiment's own first and the others after it."""
    if asked.goal:
        return [asked.goal]
    return sorted(asked.settings.goals, key=lambda goal: (goal != preferred, goal))


def _slot(asked: Ask, slot: str) -> list[dict[str, Any]]:
    """Served against held out. Without a holdout: the one row that says so."""
    exposures = (
        "SELECT surrogate, received_at AS decided, CASE WHEN holdout THEN 'held out' ELSE 'served' END AS arm "
        f"FROM decisions WHERE slot = ? AND mode = 'live' AND {COUNTED} AND received_at >= ? AND received_at < ?"
    )
    params: list[object] = [slot, asked.start, asked.stop]
    configured = asked.settings.slot(slot)
    shares = {"served": 1 - configured.holdout, "held out": configured.holdout}
    people = _people(asked, exposures, params)
    if not people.get("held out"):
        base = {"of": "slot", "slot": slot, "experiment": "", "goal": asked.goal or configured.goal, "proof": False}
        return [{**base, "people": people, "sentence": not_proof(slot, configured.holdout), "comparisons": []}]
    about = {"of": "slot", "slot": slot, "experiment": ""}
    arms = ("served", "held out")
    goals = _goals(asked, configured.goal)
    return [_row(asked, about, goal, configured.goal or goals[0], exposures, params, arms, shares) for goal in goals]


def _experiment(asked: Ask, key: str, experiment: Experiment) -> list[dict[str, Any]]:
    """Each variant against the first, which is the control."""
    exposures = (
        "SELECT surrogate, decided, arm FROM (SELECT surrogate, received_at AS decided, "
        "unnest(experiments) AS experiment, "
        f"unnest(variants) AS arm FROM decisions WHERE mode = 'live' AND {COUNTED} AND received_at >= ? "
        "AND received_at < ?) AS given WHERE experiment = ?"
    )
    params: list[object] = [asked.start, asked.stop, key]
    people = _people(asked, exposures, params)
    control, *others = experiment.variants
    rows = []
    for variant in others:
        if not people.get(control) or not people.get(variant):
            continue
        about = {"of": "experiment", "slot": experiment.slot, "experiment": key}
        goals = _goals(asked, experiment.goal)
        rows += [
            _row(
                asked,
                about,
                goal,
                experiment.goal or goals[0],
                exposures,
                params,
                (variant, control),
                experiment.variants,
            )
            for goal in goals
        ]
    return rows


_ARMS = (
    "exposures AS ({exposures}), arms AS (SELECT surrogate, min(decided) AS since, min(arm) AS arm, "
    "count(DISTINCT arm) AS arms FROM exposures GROUP BY surrogate)"
)


def _people(asked: Ask, exposures: str, params: Sequence[object]) -> dict[str, int]:
    """People by arm, and those in more than one under ``crossed``."""
    sql = (
        f"WITH {_ARMS.format(exposures=exposures)} SELECT CASE WHEN arms > 1 THEN 'crossed' ELSE arm END AS arm, "
        "count(*) AS people FROM arms GROUP BY CASE WHEN arms > 1 THEN 'crossed' ELSE arm END"
    )
    return {str(row["arm"]): int(row["people"]) for row in asked.rows(sql, *params)}


def _row(
    asked: Ask,
    about: Mapping[str, str],
    goal: str,
    primary: str,
    exposures: str,
    params: Sequence[object],
    arms: tuple[str, str],
    shares: Mapping[str, float],
) -> dict[str, Any]:
    found, currencies = _sums(asked, goal, exposures, params)
    people = _people(asked, exposures, params)
    empty = {metric: Sums(n=0, y=0.0, yy=0.0) for metric in METRICS}
    treated, control = (found.get(arm, empty) for arm in arms)
    currency = currencies[0] if len(currencies) == 1 else ""
    comparisons = []
    for metric in METRICS:
        if metric == "value" and len(currencies) > 1:
            continue  # amounts of different currencies don't add up
        result = lift(treated[metric], control[metric])
        said = sentence(result, goal=goal, metric=metric, currency=currency, slot=about["slot"])
        comparisons.append({"metric": metric, **msgspec.to_builtins(result), "currency": currency, "sentence": said})
    crossed = people.get("crossed", 0)
    counts = [people.get(arm, 0) for arm in arms]
    warnings = []
    wanted = [shares.get(arm, 0.0) for arm in arms]
    split = sample_ratio(counts, wanted) if min(wanted) > 0 else None
    if split is not None and split.mismatch:
        warnings.append(mismatch(split))
    if crossed > MOST_CROSSED * (sum(counts) + crossed):
        warnings.append(f"{crossed:,} people were in more than one arm and are left out: more than 1 % is a fault.")
    if len(currencies) > 1:
        warnings.append(f"Values are in {', '.join(currencies)}: they are not compared; give the goal one currency.")
    return {
        **about,
        "goal": goal,
        "primary": goal == primary,
        "proof": True,
        "arms": list(arms),
        "people": people,
        "crossed": share("crossed", "People in more than one arm, left out", crossed, sum(counts) + crossed),
        "split": msgspec.to_builtins(split) if split is not None else None,
        "comparisons": comparisons,
        "warnings": warnings,
        "sentence": warnings[0] if split is not None and split.mismatch else comparisons[0]["sentence"],
    }


def _sums(
    asked: Ask, goal: str, exposures: str, params: Sequence[object]
) -> tuple[dict[str, dict[Metric, Sums]], list[str]]:
    """By arm and metric, the sums over people; and the currencies of the values."""
    wanted, more = has_goal(goal)
    after = "goals.happened >= arms.since AND goals.happened < ?"
    before = f"goals.happened < arms.since AND goals.happened >= arms.since - {BEFORE}"
    sums: list[str] = []
    for metric, column in zip(METRICS, ("least(won, 1)", "won", "worth"), strict=True):
        then = column.replace("won", "won_before").replace("worth", "worth_before")
        for name, what in (
            ("y", column),
            ("yy", f"{column} * {column}"),
            ("x", then),
            ("xx", f"{then} * {then}"),
            ("xy", f"{column} * {then}"),
        ):
            sums.append(f"sum(CAST({what} AS DOUBLE PRECISION)) AS {metric}_{name}")
    sql = (
        f"WITH {_ARMS.format(exposures=exposures)}, "
        f"goals AS (SELECT surrogate, events.at AS happened, value FROM events WHERE {wanted} AND {COUNTED}), "
        "each AS (SELECT arms.surrogate, arms.arm, "
        f"count(CASE WHEN {after} AND goals.value >= 0 THEN 1 END) AS won, "
        f"coalesce(sum(CASE WHEN {after} THEN goals.value END), 0) AS worth, "
        f"count(CASE WHEN {before} AND goals.value >= 0 THEN 1 END) AS won_before, "
        f"coalesce(sum(CASE WHEN {before} THEN goals.value END), 0) AS worth_before "
        "FROM arms LEFT JOIN goals ON goals.surrogate = arms.surrogate WHERE arms.arms = 1 "
        "GROUP BY arms.surrogate, arms.arm), "
        "typed AS (SELECT arm, CAST(won AS DOUBLE PRECISION) AS won, CAST(worth AS DOUBLE PRECISION) AS worth, "
        "CAST(won_before AS DOUBLE PRECISION) AS won_before, CAST(worth_before AS DOUBLE PRECISION) AS worth_before "
        f"FROM each) SELECT arm, count(*) AS n, {', '.join(sums)} FROM typed GROUP BY arm"
    )
    rows = asked.rows(sql, *params, *more, asked.stop, asked.stop)
    money = (
        f"SELECT DISTINCT currency FROM events WHERE {wanted} AND {COUNTED} AND value <> 0 "
        "AND events.at >= ? AND events.at < ? "
        "ORDER BY currency"
    )
    currencies = [str(row["currency"]) for row in asked.rows(money, *more, asked.start, asked.stop)]
    found = {str(row["arm"]): {metric: _arm(row, metric) for metric in METRICS} for row in rows}
    return found, currencies


def _arm(row: Mapping[str, Any], metric: Metric) -> Sums:
    y, yy, x, xx, xy = (float(row[f"{metric}_{name}"]) for name in ("y", "yy", "x", "xx", "xy"))
    return Sums(n=int(row["n"]), y=y, yy=yy, x=x, xx=xx, xy=xy)
