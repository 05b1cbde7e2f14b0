"""What was put before a person, as far as it has to be counted and awaited: bounded, and what a cap counts is kept
longest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from micromoments.core.event import UNCOUNTED, Millis
from micromoments.core.offer import coded, times_of
from micromoments.core.person import MAX_PENDING, MAX_SERVED, Pending, Person, Served
from micromoments.core.settings import HOUR, MINUTE
from micromoments.learn.attribution import ENDED, find

if TYPE_CHECKING:
    from micromoments.core.decision import Decision, Ranked
    from micromoments.core.settings import Cap, Settings, Slot

MAX_ASSIGNMENTS = 32
NEWEST = 6
"""Decisions kept though nobody saw them yet: what was answered just now, a page's slots, is what is acted on next."""


def remember(person: Person, decision: Decision, slot: Slot, settings: Settings) -> Person:
    """Notes a decision that was answered: what was put before the person (for caps), its open window, its experiments.

    A goal that the settings don't have can't be waited for: such a decision wants any goal.

    Caps count what a live decision served; what came of it is awaited in shadow, too, for the apprentice. Nothing of a
    decision with a mark in ``UNCOUNTED`` counts. What passes the bounds goes in this order, the newest few left aside:
    decisions whose window is over, then those never seen, then the oldest. A second call with the same decision changes
    nothing.
    """
    if decision.marks & UNCOUNTED:
        return person
    assignments = dict(person.assignments)
    for assignment in decision.experiments:
        experiment = settings.experiments.get(assignment.key)
        if experiment is not None and experiment.switchback is not None:
            continue  # its unit is a zone's block of time, no person's
        kept = assignments.get(assignment.key)
        if kept is None or kept.version < assignment.version:
            assignments[assignment.key] = assignment
    if len(assignments) > MAX_ASSIGNMENTS:
        newest = sorted(assignments.values(), key=lambda one: (one.at, one.key))[-MAX_ASSIGNMENTS:]
        assignments = {one.key: one for one in newest}
    person = replace(person, assignments=assignments)
    if not decision.items or decision.mode == "off" or find(person, decision.id) is not None:
        return person
    live = decision.mode == "live"
    served = [
        Served(
            at=decision.at,
            item=item.id,
            slot=decision.slot,
            campaign=item.campaign,
            decision=decision.id,
            channel=decision.channel,
            until=_rationed_until(item, decision.at),
        )
        for item in decision.items
        if live
    ]
    goal = decision.goal or slot.goal
    pending = Pending(
        id=decision.id,
        slot=decision.slot,
        at=decision.at,
        until=decision.at + round(slot.window_minutes * MINUTE),
        items=tuple(item.id for item in decision.items),
        moment=decision.moment.id if decision.moment is not None else "",
        goal=goal if goal in settings.goals else "",
        seen=decision.at if slot.assume_seen else 0,
        marks=decision.marks,
        shadow=not live,
        offers=tuple(item.id for item in decision.items if item.kind == "offer" and not coded(item.attributes)),
    )
    return replace(
        person,
        served=still_counted([*person.served, *served], settings, decision.at),
        pending=_bounded((*person.pending, pending)),
    )


def _rationed_until(item: Ranked, at: Millis) -> Millis:
    """Until when an offer that one person is served only so often counts as served; 0 for others."""
    most, hours = times_of(item.attributes) if item.kind == "offer" else (0, 0.0)
    return at + round(hours * HOUR) if most else 0


def _bounded(pending: tuple[Pending, ...]) -> tuple[Pending, ...]:
    every = sorted(pending, key=lambda one: (one.at, one.id))
    if len(every) <= MAX_PENDING:
        return tuple(every)
    before, newest = every[:-NEWEST], every[-NEWEST:]
    kept = sorted(before, key=lambda one: (ENDED not in one.done, one.seen > 0, one.at, one.id))[NEWEST - MAX_PENDING :]
    return (*sorted(kept, key=lambda one: (one.at, one.id)), *newest)


def still_counted(served: list[Served], settings: Settings, now: Millis) -> tuple[Served, ...]:
    """At most ``MAX_SERVED`` servings, in order: what no cap, no offer's own and no group of campaigns counts goes
    first, then what is counted by item alone, then the oldest. So what one slot shows often doesn't push out what
    another has to count, nor many items what a campaign, a channel or a person may have.
    """
    if len(served) > MAX_SERVED:
        caps = [(name, slot, cap) for name, slot in settings.slots.items() for cap in slot.caps]
        groups = {campaign for group in settings.exclusive for campaign in group}

        def counts(one: Served) -> int:
            if one.until > now or one.campaign in groups:
                return 2
            return max(
                (1 if cap.by == "item" else 2 for name, slot, cap in caps if _counts(one, name, slot, cap, now)),
                default=0,
            )

        served = sorted(served, key=lambda one: (counts(one), *_newest(one)))[-MAX_SERVED:]
    return tuple(sorted(served, key=_newest))


def _counts(one: Served, name: str, slot: Slot, cap: Cap, now: Millis) -> bool:
    """Whether a slot's cap counts a serving by now."""
    if one.at <= now - round(cap.hours * HOUR):
        return False
    if cap.by == "campaign":
        return bool(one.campaign)
    if cap.by == "slot":
        return one.slot == name
    return cap.by != "channel" or (one.channel or one.slot) == (slot.channel or name)


def _newest(served: Served) -> tuple[Millis, str, str]:
    return served.at, served.decision, served.item
