"""Are the values of the settings possible, and do they fit together? Shape is checked before this."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from zoneinfo import ZoneInfo

from micromoments.config import offers, outward
from micromoments.config.conditions import unreadable
from micromoments.config.mistakes import Found, Place, meant, shown
from micromoments.config.numbers import above_zero as _above_zero
from micromoments.config.numbers import number as _number
from micromoments.config.numbers import span
from micromoments.core.person import MAX_SERVED
from micromoments.core.settings import POLICIES, POLICY_POINTS, Experiment, Goal, Settings, Slot
from micromoments.core.when import minutes

TYPES = ("know", "go", "do", "buy")
MAX_ITEMS = 100
MOST_WORTH = 1e9
"""Of one goal, in major units: what is worth less than nothing would be a refund."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/?#\s]+")


def impossible(settings: Settings) -> Iterator[Found]:
    """Finds values outside of their range, and names that nothing bears.

    Args:
        settings: settings of the right shape.

    Yields:
        One finding a mistake.
    """
    yield from _project(settings)
    for name, slot in settings.slots.items():
        yield from _slot(slot, ("slots", name), settings)
    for name, goal in settings.goals.items():
        yield from _goal(goal, ("goals", name))
    for name, experiment in settings.experiments.items():
        yield from _experiment(experiment, ("experiments", name), settings)
    for name, guard in settings.guards.items():
        yield from _goal(guard, ("guards", name))
    yield from offers.impossible(settings)
    yield from outward.impossible(settings)
    yield from _recognition(settings)
    yield from _intake(settings)
    for key in ("log_days", "facts_days", "people_days"):
        yield from span(getattr(settings.retention, key), ("retention", key), "days")
    place = ("recommend", "train_hours")
    if settings.recommend.train_hours < 0:
        yield Found(place, shown(settings.recommend.train_hours), "0 (never) or more hours", "write 24, for example")
    elif settings.recommend.train_hours:
        yield from span(settings.recommend.train_hours, place, "hours")
    yield from _above_zero(settings.recommend.least_sessions, ("recommend", "least_sessions"))


def _currency(value: str, place: Place) -> Iterator[Found]:
    if value and not _CURRENCY.fullmatch(value):
        yield Found(place, shown(value), "an ISO 4217 code of three capital letters", 'write "EUR", for example')


def _is_goal(name: str, place: Place, settings: Settings) -> Iterator[Found]:
    if name and name not in settings.goals:
        known = ", ".join(settings.goals) or "none"
        yield Found(
            place, shown(name), f"the name of a goal; there is {known}", f"add [goals.{name}] or use one of these"
        )


def _is_policy(name: str, place: Place) -> Iterator[Found]:
    if name in POLICIES:
        return
    known = (*POLICIES, *sorted(entry_points(group=POLICY_POINTS).names))
    if name not in known:
        todo = meant(name, known) or "correct it, or install the package that brings it"
        yield Found(place, shown(name), f"one of {', '.join(known)}", todo)


def _project(settings: Settings) -> Iterator[Found]:
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError):
        yield Found(("timezone",), shown(settings.timezone), "an IANA time zone", 'write "Europe/Berlin", for example')
    yield from _currency(settings.currency or "-", ("currency",))
    for at, origin in enumerate(settings.origins):
        if not _ORIGIN.fullmatch(origin):
            wanted = "a scheme and a host without a path, or *"
            yield Found(("origins", str(at)), shown(origin), wanted, 'write "https://shop.example", for example')


def _slot(slot: Slot, place: Place, settings: Settings) -> Iterator[Found]:
    if not slot.kinds:
        yield Found((*place, "kinds"), "an empty list", "at least one kind", "leave it out to allow all")
    yield from _is_policy(slot.policy, (*place, "policy"))
    yield from _is_goal(slot.goal, (*place, "goal"), settings)
    yield from unreadable(slot.condition, (*place, "condition"))
    yield from _number(slot.limit, (*place, "limit"), least=1, most=MAX_ITEMS)
    yield from _number(slot.holdout, (*place, "holdout"), least=0, most=1, below=True)
    yield from _number(slot.floor, (*place, "floor"), least=0, most=1)
    yield from span(slot.window_minutes, (*place, "window_minutes"), "minutes")
    yield from _number(slot.ramp, (*place, "ramp"), least=0, most=1)
    yield from _number(slot.value_weight, (*place, "value_weight"), least=0, most=100)
    if slot.people:
        yield from _number(slot.people, (*place, "people"), least=100)
    yield from _number(slot.guard, (*place, "guard"), least=0, most=0.5)
    if slot.guard and slot.default == "nothing":
        wanted = "popular or first: a guard holds the policy against what is served instead"
        yield Found((*place, "default"), shown(slot.default), wanted, "name another default, or leave the guard out")
    if slot.quiet_hours:
        try:
            minutes(slot.quiet_hours)
        except ValueError:
            wanted = "HH:MM-HH:MM with two different times"
            yield Found((*place, "quiet_hours"), shown(slot.quiet_hours), wanted, 'write "22:00-08:00", for example')
    for at, cap in enumerate(slot.caps):
        yield from _number(cap.times, (*place, "caps", str(at), "times"), least=1)
        yield from span(cap.hours, (*place, "caps", str(at), "hours"), "hours")
        most = MAX_SERVED if cap.by == "item" else MAX_SERVED // slot.limit
        if cap.times > most and slot.limit >= 1:
            wanted = f"at most {most}: the newest {MAX_SERVED} items put before a person are counted"
            yield Found((*place, "caps", str(at), "times"), f"{cap.times}", wanted, "lower it, or the slot's limit")


def _goal(goal: Goal, place: Place) -> Iterator[Found]:
    if not goal.event:
        yield Found((*place, "event"), "an empty text", "the name of an event", 'write "Order Completed", for example')
    yield from _currency(goal.currency, (*place, "currency"))
    yield from span(goal.window_hours, (*place, "window_hours"), "hours")
    if not isinstance(goal.value, str):
        yield from _number(goal.value, (*place, "value"), least=0, most=MOST_WORTH)
    if not isinstance(goal.margin, str):
        yield from _number(goal.margin, (*place, "margin"), least=0, most=1)


def _experiment(experiment: Experiment, place: Place, settings: Settings) -> Iterator[Found]:
    weights = experiment.variants
    if len(weights) < 2 or min(weights.values()) < 0 or sum(weights.values()) <= 0:
        wanted = "two or more variants, each with a weight of at least 0, not all 0"
        yield Found((*place, "variants"), str(weights), wanted, "write { control = 1, treatment = 1 }, for example")
    for variant, policy in experiment.policies.items():
        yield from _is_policy(policy, (*place, "policies", variant))
        if variant not in weights:
            yield Found((*place, "policies", variant), shown(variant), f"one of the variants {', '.join(weights)}")
    yield from _is_goal(experiment.goal, (*place, "goal"), settings)
    yield from unreadable(experiment.condition, (*place, "condition"))
    yield from _number(experiment.coverage, (*place, "coverage"), least=0, most=1)
    if experiment.people:
        yield from _number(experiment.people, (*place, "people"), least=100)
    yield from _dealt(experiment, place)


def _dealt(experiment: Experiment, place: Place) -> Iterator[Found]:
    """Versions, the part of a namespace, the blocks of a switchback."""
    if experiment.min_bucket_version > experiment.bucket_version:
        got, wanted = f"{experiment.min_bucket_version}", f"at most bucket_version, {experiment.bucket_version}"
        yield Found((*place, "min_bucket_version"), got, wanted)
    if experiment.namespace is not None:
        part = experiment.namespace
        yield from _number(part.start, (*place, "namespace", "start"), least=0, most=1)
        if not part.start < part.end <= 1:
            wanted = f"more than start, {part.start:g}, and at most 1"
            yield Found((*place, "namespace", "end"), f"{part.end:g}", wanted)
    if experiment.switchback is not None:
        plan = experiment.switchback
        yield from span(plan.block_minutes, (*place, "switchback", "block_minutes"), "minutes")
        least = (*place, "switchback", "washout_minutes")
        yield from _number(plan.washout_minutes, least, least=0, most=plan.block_minutes, below=True)


def _recognition(settings: Settings) -> Iterator[Found]:
    for key in ("half_life", "lifetime"):
        minutes: dict[str, float] = getattr(settings.recognition, key)
        for kind, value in minutes.items():
            if kind not in TYPES:
                yield Found(("recognition", key, kind), shown(kind), f"one of {', '.join(TYPES)}")
            yield from span(value, ("recognition", key, kind), "minutes")
    if not 0 < settings.recognition.threshold < 1:
        yield Found(("recognition", "threshold"), f"{settings.recognition.threshold:g}", "more than 0 and less than 1")
    for category in settings.recognition.sensitive:
        if not category.isidentifier():
            yield Found(("recognition", "sensitive", category), shown(category), "letters, digits and _ only")


def _intake(settings: Settings) -> Iterator[Found]:
    for at, address in enumerate(settings.intake.internal_ips):
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            wanted = "an IP address or a network"
            yield Found(
                ("intake", "internal_ips", str(at)), shown(address), wanted, 'write "192.0.2.0/24", for example'
            )
    yield from _number(settings.intake.max_events_per_minute, ("intake", "max_events_per_minute"), least=1)
