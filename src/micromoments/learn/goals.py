"""Which goals an event reaches, or takes back, and what that is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from micromoments.core.event import TRUSTED
from micromoments.core.money import minor
from micromoments.core.settings import HOUR
from micromoments.learn.delivered import GUARDS, came

if TYPE_CHECKING:
    from collections.abc import Mapping

    from micromoments.core.record import EventRecord
    from micromoments.core.settings import Goal, Settings

_SPENT = {"Order": ("Refunded", "Cancelled", "Canceled")}


class Reached(NamedTuple):
    """What an event is worth: the goals it reaches (by name, configuration's order), in minor units of ``currency``.

    A refund has a negative ``value``: it nets the goal's worth and is no second success. ``margin`` is what is left of
    the value, all of it where the event doesn't say.
    """

    goals: tuple[str, ...] = ()
    value: int = 0
    currency: str = ""
    margin: int = 0

    @property
    def goal(self) -> str:
        """The goals as the event's fact holds them: names joined by commas."""
        return ",".join(self.goals)


NOTHING = Reached()


class Index:
    """The goals by the names of events that reach them, and by those that take them back."""

    def __init__(self, goals: Mapping[str, Goal]) -> None:
        self.goals = goals
        self.window = max((round(goal.window_hours * HOUR) for goal in goals.values()), default=0)
        self.wins: dict[str, list[tuple[str, Goal]]] = {}
        self.losses: dict[str, list[tuple[str, Goal]]] = {}
        for name, goal in goals.items():
            self.wins.setdefault(goal.event, []).append((name, goal))
            for event in _reversals(goal.event):
                self.losses.setdefault(event, []).append((name, goal))


def _reversals(event: str) -> tuple[str, ...]:
    """``Order Refunded``, ``Order Cancelled`` for ``Order Completed``; ``Booking Refunded`` for ``Booking Completed``.

    A cancellation takes back only orders: a ride or a booking may be cancelled before it was ever reached.
    """
    thing, _, verb = event.rpartition(" ")
    return tuple(f"{thing} {back}" for back in _SPENT.get(thing, ("Refunded",)) if thing and back != verb)


_memo: Index = Index({})


def index(settings: Settings) -> Index:
    """The index of these settings' goals; the last one made is kept, since settings rarely change."""
    global _memo  # noqa: PLW0603 a memo of one: it never changes a result
    if _memo.goals is not settings.goals:
        _memo = Index(settings.goals)
    return _memo


def reached(record: EventRecord, settings: Settings) -> Reached:
    """Which goals an event reaches or takes back, and what it is worth. The value is that of the first goal.

    A goal marked *trusted* needs an event under the secret key. A refund whose worth isn't given is nothing: there is
    no amount to take back. A win whose worth can't be read is still a win, of value 0.
    """
    known, event = index(settings), record.event
    name = event.event or event.label
    wins, losses = known.wins.get(name), known.losses.get(name)
    if wins is None and losses is None:
        return NOTHING
    goals: list[str] = []
    worth: tuple[int, str, int] | None = None
    for label, goal in wins or losses or ():
        if goal.trusted and not record.marks & TRUSTED:
            continue
        if any(event.properties.get(key) != wanted for key, wanted in goal.where.items()):
            continue
        amount, currency = _worth(goal, event.properties, settings)
        if wins is None:
            if not amount:
                continue
            amount = -abs(amount)
        goals.append(label)
        worth = worth or (amount or 0, currency, _margin(goal, event.properties, amount or 0, currency))
    return Reached(tuple(goals), *worth) if worth else NOTHING


_guards: Index = Index({})


def guarded(record: EventRecord, settings: Settings) -> tuple[str, ...]:
    """The guard-rails that an event touches, by name; an unsubscribing and a complaint by whatever name they came."""
    global _guards  # noqa: PLW0603 a memo of one: it never changes a result
    if _guards.goals is not settings.guards:
        _guards = Index(settings.guards)
    event = record.event
    found = _guards.wins.get(event.event or event.label)
    if found is None and (told := came(event)) is not None:
        found = _guards.wins.get(GUARDS.get(told.what, ""))
    if found is None:
        return ()
    properties = event.properties
    return tuple([name for name, goal in found if all(properties.get(k) == v for k, v in goal.where.items())])


def _margin(goal: Goal, properties: Mapping[str, Any], value: int, currency: str) -> int:
    """What is left of a value, with its sign; all of it where the property isn't there."""
    if not isinstance(goal.margin, str):
        return max(-abs(value), min(round(value * goal.margin), abs(value)))  # a share is no more than the whole
    said = minor(properties.get(goal.margin), currency)
    return value if said is None else -abs(said) if value < 0 else said


def _worth(goal: Goal, properties: Mapping[str, Any], settings: Settings) -> tuple[int | None, str]:
    said = properties.get("currency")
    currency = said.upper() if isinstance(said, str) and len(said) == 3 else goal.currency or settings.currency
    amount = properties.get(goal.value) if isinstance(goal.value, str) else goal.value
    return minor(amount, currency), currency
