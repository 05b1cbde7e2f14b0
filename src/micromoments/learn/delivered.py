"""What became of a delivery, as its sender's tools tell it: opened, clicked, unsubscribed, bounced, complained.

Sources: Segment "Spec: Email" and "Spec: Mobile", whose names mail and push services send; ``Delivery ...`` are our
own, for every channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from micromoments.core.settings import CHANNELS

if TYPE_CHECKING:
    from micromoments.core.event import Event
    from micromoments.core.outcome import What


class Came(NamedTuple):
    """What came of a delivery, and the channel that it came on (empty: unless the event says which, any)."""

    what: What
    channel: str = ""


EVENTS: dict[str, Came] = {
    "Delivery Opened": Came("seen"),
    "Delivery Clicked": Came("clicked"),
    "Delivery Unsubscribed": Came("unsubscribed"),
    "Delivery Bounced": Came("bounced"),
    "Delivery Complained": Came("complained"),
    "Email Opened": Came("seen", "email"),
    "Email Link Clicked": Came("clicked", "email"),
    "Email Bounced": Came("bounced", "email"),
    "Email Marked as Spam": Came("complained", "email"),
    "Email Unsubscribed": Came("unsubscribed", "email"),
    "Unsubscribed": Came("unsubscribed", "email"),
    "Complaint Received": Came("complained", "email"),
    "Push Notification Tapped": Came("clicked", "push"),
    "Push Notification Bounced": Came("bounced", "push"),
}
STOPS = frozenset({"unsubscribed", "complained"})
"""After which a person is not contacted on that channel again, until they say so."""
GUARDS = {"unsubscribed": "Unsubscribed", "complained": "Complaint Received"}
"""By which event's name guard-rails know what came."""
SOFT = frozenset({"soft", "transient", "temporary", "block", "deferred"})
"""Bounces after which the address is still good."""


def came(event: Event) -> Came | None:
    """What an event tells of a delivery; ``None`` where it tells nothing, or a machine opened or clicked it."""
    found = EVENTS.get(event.event or "")
    if found is None or (found.what in ("seen", "clicked") and event.properties.get("machine_open") is True):
        return None
    said = event.properties.get("channel")
    return Came(found.what, said) if isinstance(said, str) and said in CHANNELS else found


def stopped(event: Event) -> dict[str, bool]:
    """The noes to contact that an unsubscribing or a complaint is; of any channel where none is named."""
    found = came(event)
    if found is None or found.what not in STOPS:
        return {}
    return {f"contact_{found.channel}" if found.channel else "contact": False}


def lost(event: Event) -> str:
    """The channel whose address a bounce proved to be dead; empty where it didn't."""
    found = came(event)
    if found is None or found.what != "bounced":
        return ""
    told = event.properties.get("bounce_type", event.properties.get("type"))
    return "" if isinstance(told, str) and told.lower() in SOFT else found.channel
