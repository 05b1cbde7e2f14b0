"""What was put before a person, as far as it has to be counted: bounded, and what a cap counts is kept longest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from micromoments.core.event import Millis
from micromoments.core.person import MAX_SERVED, Served
from micromoments.core.settings import HOUR

if TYPE_CHECKING:
    from micromoments.core.settings import Cap, Settings, Slot


def still_counted(served: list[Served], settings: Settings, now: Millis) -> tuple[Served, ...]:
    """At most ``MAX_SERVED`` servings, in order: what no cap and no group of campaigns counts goes first, then the
    oldest. So what one slot shows often doesn't push out what another has to count.
    """
    if len(served) > MAX_SERVED:
        caps = [(name, slot, cap) for name, slot in settings.slots.items() for cap in slot.caps]
        groups = {campaign for group in settings.exclusive for campaign in group}

        def counts(one: Served) -> bool:
            return one.campaign in groups or any(_counts(one, *cap, now) for cap in caps)

        served = sorted(served, key=lambda one: (counts(one), *_newest(one)))[-MAX_SERVED:]
    return tuple(sorted(served, key=_newest))


def _counts(one: Served, name: str, slot: Slot, cap: Cap, now: Millis) -> bool:
    """Whether a slot's cap counts a serving by now."""
    if one.at <= now - round(cap.hours * HOUR):
        return False
    if cap.by == "slot":
        return one.slot == name
    return cap.by != "channel" or (one.channel or one.slot) == (slot.channel or name)


def _newest(served: Served) -> tuple[Millis, str, str]:
    return served.at, served.decision, served.item
