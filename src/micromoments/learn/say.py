"""A lift in one plain sentence, for people who decide with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from micromoments.core.money import DIGITS
from micromoments.learn.clusters import Clustered
from micromoments.learn.lift import Lift, Ratio

Metric = Literal["people", "times", "value"]
"""What is compared per person: whether they reached the goal, how often, or its worth net of refunds (minor units)."""


def sentence(
    result: Lift, *, goal: str, metric: Metric, currency: str = "", slot: str = "", arms: tuple[str, str] | None = None
) -> str:
    """What the numbers say and no more: how much, between what, and whether that is sure.

    Args:
        result: the lift.
        goal: the goal's name.
        metric: what was compared.
        currency: of the values, for ``value``.
        slot: where it was served.
        arms: the names of an experiment's two variants, the control second; people served and held out without.
    """
    where = f" in {slot}" if slot else ""
    subject = f"{arms[0]}{where}" if arms else f"serving{where}"
    needed, one, other = result.needed, "where served", "where held out"
    if arms:
        one, other = f"with {arms[0]}", f"with {arms[1]}"
        needed = needed.replace("people served", f"people {one}").replace("people held out", f"people {other}")
    if result.verdict == "early" or result.low is None or result.high is None:
        return f"Too early to tell what {subject} does for {goal}: it needs {needed} first."
    what = {
        "people": f"the share of people who reach {goal}",
        "times": f"{goal} per person",
        "value": f"the net value of {goal} per person",
    }[metric]
    served, held = (_amount(mean, metric, currency) for mean in (result.treated_mean, result.control_mean))
    if result.verdict == "doubtful":
        return f"Not to be believed while the split is off: {what} is {served} {one}, {held} {other}."
    low, high = (_change(bound, metric, currency) for bound in (result.low, result.high))
    size = _change(abs(result.difference), metric, currency, sign=False)
    if result.verdict == "unclear":
        return (
            f"Not clear yet whether {subject} changes {what}: {served} {one}, {held} {other}; "
            f"the difference may be anything between {low} and {high}."
        )
    verb, who = "raised" if result.verdict == "higher" else "lowered", subject if arms else f"Serving{where}"
    return (
        f"{who} {verb} {what} by {size}{_relative(result)}, from {held} to {served}; "
        f"between {low} and {high}, sure enough however often one looks."
    )


def guard_sentence(result: Lift, guard: str) -> str:
    """What a guard-rail says: whether people do more of what they must not."""
    name = guard.replace("_", " ")
    if result.verdict == "higher":
        change = f"{result.treated_mean:.2%} against {result.control_mean:.2%}"
        return f"Guard-rail broken: more people {name} where served ({change}). Find out why before going on."
    if result.verdict == "early" or result.low is None or result.high is None:
        return f"Guard-rail {name}: too early to tell ({result.treated_mean:.2%} against {result.control_mean:.2%})."
    bounds = f"between {result.low * 100:+.2f} and {result.high * 100:+.2f} points"
    return f"Guard-rail {name}: {'lower' if result.verdict == 'lower' else 'no rise shown'}, {bounds}."


def faded(result: Lift, days: int) -> str:
    """Whether the lift of people's later days differs from that of their first days."""
    if result.verdict == "early" or result.low is None or result.high is None:
        return f"Novelty: too early to tell; it takes people who were there for {2 * days} days."
    bounds = f"the change is between {result.low:+.3f} and {result.high:+.3f} a person"
    if result.verdict == "lower":
        return f"Novelty: the effect of people's first {days} days is smaller in the {days} that follow; {bounds}."
    if result.verdict == "higher":
        return f"Novelty: the effect grew after people's first {days} days; {bounds}."
    return f"Novelty: no fading shown after people's first {days} days; {bounds}."


def block_sentence(result: Clustered, *, goal: str, metric: str, slot: str, currency: str = "") -> str:
    """What a switchback says, per decision: shares of decisions by their goals, or net values in their currency."""
    if result.low is None or result.high is None:
        return f"Too early to tell what this does for {goal} in {slot}: it needs {result.needed} first."
    of: Metric = "people" if metric == "goals" else "value"
    what = f"{goal} a decision" if metric == "goals" else f"the net value of {goal} a decision"
    treated, control = (_amount(mean, of, currency) for mean in (result.treated_mean, result.control_mean))
    bounds = f"between {_change(result.low, of, currency)} and {_change(result.high, of, currency)}"
    told = f"{what} in {slot}: {treated} against {control}; the difference is {bounds}"
    verb = {"higher": "raised", "lower": "lowered"}.get(result.verdict)
    if verb is None:
        return f"Not clear yet whether this changes {told}."
    return f"This {verb} {told}, by blocks of zone and time."


def mixed(currencies: Sequence[str]) -> str:
    """What to say of values that don't add up."""
    return f"Values are in {', '.join(currencies)}: they are not compared; give the goal one currency."


def not_proof(slot: str, holdout: float) -> str:
    """What to say where nobody is held out, by the slot's configured share of holdouts, and how to get proof."""
    if holdout > 0:
        return (
            f"Not proof yet: {holdout:.0%} of people are to be held out in {slot}, but none of those who came was one "
            "of them. Wait for more people."
        )
    return (
        f"Not proof: nobody is held out in {slot}, so nobody knows what would have happened anyway. "
        f"Set holdout = 0.05 under [slots.{slot}] in micromoments.toml; people who come from then on are compared."
    )


def mismatch(ratio: Ratio) -> str:
    """What to say where the arms' sizes are not what they were meant to be."""
    counts = ", ".join(f"{count:,} people where {want:,.0f} were meant" for count, want in _pairs(ratio))
    return (
        f"Don't believe this lift before the cause is found: the split is off ({counts}; chance {ratio.p:.2g}). "
        "Usual causes: the share was changed on the way, bots in one arm, or decisions lost in one arm."
    )


def _pairs(ratio: Ratio) -> list[tuple[int, float]]:
    return list(zip(ratio.counts, ratio.expected, strict=True))


def _relative(result: Lift) -> str:
    if result.relative is None or result.relative_low is None or result.relative_high is None:
        return ""
    size, low, high = (abs(result.relative), result.relative_low, result.relative_high)
    return f" ({size:.1%} of what it was, between {low:+.1%} and {high:+.1%})"


def _amount(value: float, metric: Metric, currency: str) -> str:
    if metric == "people":
        return f"{value:.2%}"
    return _money(value, currency) if metric == "value" else f"{value:.3f}"


def _change(value: float, metric: Metric, currency: str, *, sign: bool = True) -> str:
    plus = "+" if sign and value >= 0 else ""
    if metric == "people":
        return f"{plus}{value * 100:.2f} points"
    return plus + (_money(value, currency) if metric == "value" else f"{value:.3f}")


def _money(minor: float, currency: str) -> str:
    """A mean of minor units as major units: with the currency's digits, and its code."""
    digits = DIGITS.get(currency, 2)
    return f"{minor / 10**digits:,.{digits}f} {currency}".rstrip()
