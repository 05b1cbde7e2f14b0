# ruff: noqa: S608 every fragment of SQL is written here; what people send goes in as parameters
"""What serving was worth: per goal and slot, experiment or measured rule, one group of people against another.

A person counts from their first decision in the slot in the stretch, in the arm of that decision, with every goal that
they reach from then on, net of refunds and of what redeemed offers cost. People who were in two arms are left out,
counted, and warned about above 1 %. One goal is primary; the others are explored, and corrected for their number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from micromoments.core.settings import DAY, Experiment
from micromoments.learn.lift import Lift, Ratio, Sums, lift, paced, sample_ratio
from micromoments.learn.planning import bayes, fading, plan
from micromoments.learn.say import Metric, faded, guard_sentence, mismatch, mixed, not_proof, sentence
from micromoments.learn.sequence import ALPHA, Size
from micromoments.report import lift_sums, switchback
from micromoments.report.ask import COUNTED, Ask
from micromoments.report.lift_sums import BEFORE, METRICS, Arms, Counted, Exposures, Watch
from micromoments.report.parts import share

__all__ = ["BEFORE", "COUNTING", "lifts"]

COUNTING = (
    "People by their first decision in the stretch, served or held out; goals that they reached from then until its "
    "end, net of refunds and of what redeemed offers cost, without bots, own people and tests. Intervals hold however "
    "often one looks (5 % in all for the primary goal, 5 % for all explored ones together)."
)
MOST_CROSSED = 0.01
NOVELTY_DAYS = 7
"""The first days of a person, against as many that follow: whether a lift was for its novelty."""


class Split(NamedTuple):
    """One comparison of two arms of people: what it is of, what was counted of everybody, the intended shares, the
    primary goal (``declared`` where the settings name it), and about how many people it is planned for (0: no plan).
    """

    about: Mapping[str, str]
    counted: Counted
    arms: tuple[str, str]
    shares: Mapping[str, float]
    goal: str
    declared: bool
    planned: float

    @property
    def size(self) -> Size:
        """What is known of how many people come."""
        return msgspec.structs.replace(self.counted.size, planned=self.planned)

    @property
    def counts(self) -> list[int]:
        """How many people are in each arm."""
        return [self.counted.people.get(arm, 0) for arm in self.arms]

    @property
    def ratio(self) -> Ratio | None:
        """How the arms' sizes agree with what was meant; None where nobody was meant to be in one of them."""
        wanted = [self.shares.get(arm, 0.0) for arm in self.arms]
        return sample_ratio(self.counts, wanted) if min(wanted) > 0 else None

    def lift(self, treated: Sums, control: Sums, alpha: float = ALPHA) -> Lift:
        """The lift of the first arm over the second; nothing is claimed where the arms' sizes are off."""
        result = lift(treated, control, alpha=alpha, sequence=paced(treated, control, self.size, alpha))
        off = self.ratio is not None and self.ratio.mismatch
        return msgspec.structs.replace(result, verdict="doubtful") if off and result.verdict != "early" else result


def lifts(asked: Ask) -> dict[str, Any]:
    """A row for each slot, experiment or measured rule and goal, each with its comparisons, split and sentences."""
    rows: list[dict[str, Any]] = []
    for slot in _slots(asked):
        rows += _slot(asked, slot)
    for key, experiment in sorted(asked.settings.experiments.items()):
        if asked.slot in {"", experiment.slot}:
            of = switchback.rows if experiment.switchback is not None else _experiment
            rows += of(asked, key, experiment)
    for name, rule in sorted(asked.settings.rules.items()):
        if rule.measure > 0:
            rows += _rule(asked, name, rule.measure)
    notes = [note for row in rows for note in dict.fromkeys((row["sentence"], *_worth(row), *row.get("warnings", ())))]
    return {"figures": [], "rows": rows, "notes": notes}


def _worth(row: Mapping[str, Any]) -> list[str]:
    """What a row says of money, where it can say something and the goal is the one that was declared."""
    told = [one for one in row.get("comparisons", ()) if one["metric"] == "value" and one["currency"]]
    return [one["sentence"] for one in told if row["primary"] and one["verdict"] not in ("early", "doubtful")]


def _slots(asked: Ask) -> list[str]:
    sql = (
        f"SELECT DISTINCT slot FROM {asked.source('decided')} AS decided WHERE received_at >= ? AND received_at < ? "
        f"AND mode = 'live' AND {COUNTED} ORDER BY slot"
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
    exposures = Exposures(
        "SELECT surrogate, received_at AS decided, CASE WHEN holdout THEN 'held out' ELSE 'served' END AS arm, "
        f"moment_type AS kind FROM {asked.source('decided')} AS decided WHERE slot = ? AND mode = 'live' AND {COUNTED} "
        "AND received_at >= ? AND received_at < ?",
        (slot, asked.start, asked.stop),
    )
    configured = asked.settings.slot(slot)
    goal = configured.goal or next(iter(_goals(asked, "")), "")
    found = _counted(asked, exposures, goal)
    about = {"of": "slot", "slot": slot, "experiment": ""}
    if not found.people.get("held out"):
        base = {**about, "goal": asked.goal or configured.goal, "proof": False}
        said = not_proof(slot, configured.holdout)
        return [{**base, "people": dict(found.people), "sentence": said, "comparisons": []}]
    shares = {"served": 1 - configured.holdout, "held out": configured.holdout}
    declared = bool(configured.goal)
    return _rows(asked, Split(about, found, ("served", "held out"), shares, goal, declared, configured.people))


def _counted(asked: Ask, exposures: Exposures, primary: str) -> Counted:
    """What all rows of a comparison need: each goal, and of the primary one the novelty and the guard-rails."""
    goals = _goals(asked, primary)
    watches = [Watch(goal) for goal in goals]
    if primary in goals:
        watches += [_novel(primary), *(Watch(f"!{name}") for name in asked.settings.guards)]
    return lift_sums.count(asked, exposures, watches)


def _novel(goal: str) -> Watch:
    return lift_sums.halves(goal, NOVELTY_DAYS * DAY)


def _given(asked: Ask, key: str) -> Exposures:
    """Everybody's arm in what stands among a decision's experiments under a key."""
    return Exposures(
        "SELECT surrogate, received_at AS decided, arm, moment_type AS kind "
        f"FROM {asked.source('assigned')} AS assigned WHERE mode = 'live' AND {COUNTED} AND received_at >= ? "
        "AND received_at < ? AND experiment = ?",
        (asked.start, asked.stop, key),
    )


def _experiment(asked: Ask, key: str, experiment: Experiment) -> list[dict[str, Any]]:
    """Each variant against the first, which is the control."""
    control, *others = experiment.variants
    goal = experiment.goal or asked.settings.slot(experiment.slot).goal
    primary = goal or next(iter(_goals(asked, "")), "")
    found = _counted(asked, _given(asked, key), primary)
    about = {"of": "experiment", "slot": experiment.slot, "experiment": key}
    rows: list[dict[str, Any]] = []
    for variant in others:
        if found.people.get(control) and found.people.get(variant):
            arms = (variant, control)
            split = Split(about, found, arms, experiment.variants, primary, bool(goal), experiment.people)
            rows += _rows(asked, split)
    return rows


def _rule(asked: Ask, name: str, measure: float) -> list[dict[str, Any]]:
    """People with a merchandiser's rule against the share without it."""
    goal = next(iter(_goals(asked, "")), "")
    found = _counted(asked, _given(asked, f"rule:{name}"), goal)
    if not found.people.get("with") or not found.people.get("without"):
        return []
    about = {"of": "rule", "slot": "", "experiment": name}
    shares = {"with": 1 - measure, "without": measure}
    return _rows(asked, Split(about, found, ("with", "without"), shares, goal, False, 0))


def _rows(asked: Ask, split: Split) -> list[dict[str, Any]]:
    goals = _goals(asked, split.goal)
    explored = max(1, len(asked.settings.goals) - 1)
    return [_row(asked, split, goal, ALPHA if goal == split.goal else ALPHA / explored) for goal in goals]


def _row(asked: Ask, split: Split, goal: str, alpha: float) -> dict[str, Any]:
    primary, people, days = goal == split.goal, split.counted.people, split.counted.days
    parts = split.counted.parts[Watch(goal)]
    found, currencies = lift_sums.whole(parts.values()), lift_sums.currencies(asked, goal)
    treated, control = (found.get(arm, dict.fromkeys(METRICS, lift_sums.NONE)) for arm in split.arms)
    comparisons = _comparisons(split, goal, treated, control, currencies, alpha)
    counts, ratio = split.counts, split.ratio
    crossed = people.get("crossed", 0)
    warnings = _warnings(split, ratio, counts, crossed, currencies, primary=primary)
    ahead = plan(treated["people"], control["people"], days, split.size, alpha)
    off = ratio is not None and ratio.mismatch
    row = {
        **split.about,
        "goal": goal,
        "primary": primary,
        "exploratory": not primary,
        "proof": True,
        "arms": list(split.arms),
        "people": dict(people),
        "crossed": share("crossed", "People in more than one arm, left out", crossed, sum(counts) + crossed),
        "split": msgspec.to_builtins(ratio) if ratio is not None else None,
        "comparisons": comparisons,
        "plan": msgspec.to_builtins(ahead),
        "warnings": warnings,
        "sentence": warnings[0] if off else comparisons[0]["sentence"],
    }
    if primary:
        row |= {"segments": _segments(split, goal, parts), "novelty": _novelty(split, goal)}
        row["guards"] = _guards(asked, split)
        row["warnings"] = [*warnings, *(g["sentence"] for g in row["guards"] if g["verdict"] == "higher")]
    return row


def _comparisons(
    split: Split,
    goal: str,
    treated: Mapping[Metric, Sums],
    control: Mapping[Metric, Sums],
    currencies: Sequence[str],
    alpha: float,
) -> list[dict[str, Any]]:
    currency = currencies[0] if len(currencies) == 1 else ""
    out = []
    for metric in METRICS:
        if metric == "value" and len(currencies) > 1:
            continue  # amounts of different currencies don't add up
        result = split.lift(treated[metric], control[metric], alpha)
        said = sentence(
            result, goal=goal, metric=metric, currency=currency, slot=split.about["slot"], arms=_named(split)
        )
        if goal != split.goal:
            said = f"Explored, beside the goal that was declared: {said}"
        seen = msgspec.to_builtins(bayes(result)) if result.verdict != "doubtful" else None
        out.append(
            {"metric": metric, **msgspec.to_builtins(result), "bayes": seen, "currency": currency, "sentence": said}
        )
    return out


def _named(split: Split) -> tuple[str, str] | None:
    """What the arms are called: variants, with and without a rule; nothing where people are held out."""
    name = split.about["experiment"]
    if split.about["of"] == "rule":
        return f"the rule {name}", f"no rule {name}"
    return split.arms if split.about["of"] == "experiment" else None


def _warnings(
    split: Split, ratio: Ratio | None, counts: Sequence[int], crossed: int, currencies: Sequence[str], *, primary: bool
) -> list[str]:
    out = []
    if ratio is not None and ratio.mismatch:
        out.append(mismatch(ratio))
    if crossed > MOST_CROSSED * (sum(counts) + crossed):
        out.append(f"{crossed:,} people were in more than one arm and are left out: more than 1 % is a fault.")
    if len(currencies) > 1:
        out.append(mixed(currencies))
    if primary and not split.declared and split.about["of"] != "rule":
        out.append(
            f"No primary goal was declared, so {split.goal or 'none'} is taken; declare it beforehand: "
            f"goal = {split.goal!r} in micromoments.toml."
        )
    return out


def _segments(split: Split, goal: str, parts: Mapping[str, Arms]) -> list[dict[str, Any]]:
    """The lift of people by the type of moment of their first decision: explored, corrected for how many there are."""
    out = []
    for kind, arms in sorted(parts.items()):
        treated, control = (arms.get(arm, {}).get("people", lift_sums.NONE) for arm in split.arms)
        result = split.lift(treated, control, ALPHA / max(1, len(parts)))
        said = sentence(result, goal=goal, metric="people", slot=split.about["slot"], arms=_named(split))
        out.append({"type": kind, "exploratory": True, **_short(result), "sentence": f"In moments of {kind}: {said}"})
    return out


def _short(result: Lift) -> dict[str, Any]:
    names = ("treated", "control", "treated_mean", "control_mean", "difference", "low", "high", "p", "alpha", "verdict")
    return {name: getattr(result, name) for name in names}


def _novelty(split: Split, goal: str) -> dict[str, Any]:
    """Whether the lift of people's second week differs from that of their first."""
    found = lift_sums.whole(split.counted.parts[_novel(goal)].values())
    treated, control = (found.get(arm, {}).get("times", lift_sums.NONE) for arm in split.arms)
    result = fading(treated, control, Size(planned=split.planned))
    return {"days": NOVELTY_DAYS, **_short(result), "sentence": faded(result, NOVELTY_DAYS)}


def _guards(asked: Ask, split: Split) -> list[dict[str, Any]]:
    """What must not rise, by guard-rail."""
    out = []
    for name in asked.settings.guards:
        found = lift_sums.whole(split.counted.parts[Watch(f"!{name}")].values())
        treated, control = (found.get(arm, {}).get("people", lift_sums.NONE) for arm in split.arms)
        result = split.lift(treated, control)
        out.append({"guard": name, **_short(result), "sentence": guard_sentence(result, name)})
    return out
