"""An event: one thing that happened, in the Segment shape.

Source: Segment HTTP Tracking API and "Spec: Common fields".
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import msgspec

Millis = int
"""An instant: milliseconds since the Unix epoch, UTC."""

EventType = Literal["track", "page", "screen", "identify", "group", "alias"]

BOT = 1
"""Mark: sent by a crawler or a script, by its user agent or its behaviour."""
INTERNAL = 2
"""Mark: sent by the business's own people (configured ids, domains, addresses)."""
TEST = 4
"""Mark: a test order, a load test, a synthetic check."""
TRUSTED = 8
"""Mark: arrived under the secret key, so goals marked *trusted* may count it."""
SIMULATED = 16
"""Mark: made by the simulator; shown as such wherever it is shown."""
GPC = 32
"""Mark: sent with Global Privacy Control on (``Sec-GPC: 1``), a no to sharing and selling."""
HISTORY = 64
"""Mark: brought in as history: it counts like any other, and is passed on to nobody, as who it is for has had it."""
UNCOUNTED = BOT | INTERNAL | TEST
"""Events with any of these marks stay in the log but out of learning, caps, scorecards and lift."""

WITHHELD = "[withheld]"
"""What stands in the log in place of words that told a sensitive need."""


class Context(TypedDict, total=False):
    """What folding reads of an event's context. An event has all of it where a door reads it, and these alone where it
    is read from the log or came from a front: decoding the rest took more than half of the time. ``body`` has it all.
    """

    campaign: Any
    channel: Any
    consent: Any
    device: Any
    lat: Any
    location: Any
    lon: Any
    page: Any
    timezone: Any
    traceparent: Any


class Event(msgspec.Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """One event as a source read it; unknown top-level fields stay in the record's ``body``.

    ``event`` is the name of a ``track`` call, ``name`` that of a page or screen. ``properties``, ``traits`` and
    ``context`` are as sent. ``timestamp`` and the other clocks are the client's strings, unparsed: the record carries
    the corrected instant.
    """

    type: EventType
    message_id: str | None = None
    anonymous_id: str | None = None
    user_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: Context = {}
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None

    @property
    def label(self) -> str:
        """The name a person would use for this event: ``Products Searched``, ``page Home``, ``identify``."""
        if self.type == "track":
            return self.event or ""
        return f"{self.type} {self.name}" if self.name else self.type


class Arrival(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event as a door hands it in: decoded, with its body in the Segment shape as JSON, and what the door knows of
    it.

    ``occurred`` is the event time after correction for the client's clock. ``confirmed``: the sender proved the ids
    (secret key or person token). ``ip`` and ``agent`` are the request's, for spotting bots and internal people; they
    are not stored unless the body has them.
    """

    event: Event
    body: bytes
    message_id: str
    occurred: Millis
    marks: int = 0
    confirmed: bool = False


def source_key(anonymous_id: str | None, user_id: str | None) -> str:
    """The log's key: the id *as sent*, ``anon:<anonymousId>`` if there is one, else ``user:<userId>``.

    Never the resolved person, so that nothing is rewritten when someone becomes known.

    Raises:
        ValueError: neither id was given.
    """
    if anonymous_id:
        return f"anon:{anonymous_id}"
    if user_id:
        return f"user:{user_id}"
    raise ValueError("got neither anonymousId nor userId; send one of them")
