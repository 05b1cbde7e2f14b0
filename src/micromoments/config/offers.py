"""Are budgets, merchandisers' rules and campaigns possible, and fair?"""

from __future__ import annotations

from collections.abc import Iterator

from micromoments.config.conditions import unreadable
from micromoments.config.mistakes import Found, Place, shown
from micromoments.config.numbers import number, span
from micromoments.core.fairness import protected_in
from micromoments.core.settings import Budget, Rule, Settings
from micromoments.core.when import instant

MOST_FACTOR = 1000
"""A boost beyond it is a pin; the odds of many together must stay numbers."""


def impossible(settings: Settings) -> Iterator[Found]:
    """Finds values outside of their range; instants that are none; rules that go by a protected trait.

    Args:
        settings: settings of the right shape.

    Yields:
        One finding a mistake.
    """
    for name, budget in settings.budgets.items():
        yield from _budget(budget, ("budgets", name))
    for name, rule in settings.rules.items():
        yield from _rule(rule, ("rules", name))
    for at, group in enumerate(settings.exclusive):
        if len(group) < 2:
            yield Found(("exclusive", str(at)), f"{len(group)} campaigns", "two or more that exclude each other")


def _budget(budget: Budget, place: Place) -> Iterator[Found]:
    yield from number(budget.units, (*place, "units"), least=0)
    yield from span(budget.hold_minutes, (*place, "hold_minutes"), "minutes")
    yield from _stretch(budget.starts, budget.ends, place)
    if budget.pacing == "even" and not (budget.starts and budget.ends):
        yield Found((*place, "pacing"), "even without a stretch of time", "starts and ends", "add both")


def _rule(rule: Rule, place: Place) -> Iterator[Found]:
    yield from number(rule.position, (*place, "position"), least=1, most=100)
    yield from number(rule.measure, (*place, "measure"), least=0, most=1, below=True)
    yield from number(rule.factor, (*place, "factor"), least=1 / MOST_FACTOR, most=MOST_FACTOR)
    yield from _stretch(rule.starts, rule.ends, place)
    if not rule.where:
        yield Found((*place, "where"), "an empty condition", "which items it is about", 'write { category = "shoes" }')
    yield from unreadable(rule.where, (*place, "where"))
    yield from unreadable(rule.condition, (*place, "condition"))
    if rule.condition is not None and (found := protected_in(rule.condition)):
        yield Found((*place, "condition"), f"a rule by {found}", "none by a protected trait", "leave it out")


def _stretch(starts: str, ends: str, place: Place) -> Iterator[Found]:
    sound = True
    for name, text in (("starts", starts), ("ends", ends)):
        try:
            instant(text)
        except ValueError:
            sound = False
            todo = 'write "2026-11-27T00:00:00Z", for example'
            yield Found((*place, name), shown(text), "an RFC 3339 instant or a date", todo)
    if sound and starts and ends and instant(starts) >= instant(ends):
        yield Found((*place, "ends"), shown(ends), f"an instant after starts, {starts}")
