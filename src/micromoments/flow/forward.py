"""Events passed on as they came: which of them, and in which shape. Pure; the engine's forwarder acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import msgspec

from micromoments.core.delivery import FORWARDED, Delivery
from micromoments.core.event import HISTORY, SIMULATED, UNCOUNTED, Millis
from micromoments.core.record import EventRecord, Record
from micromoments.core.settings import Forward
from micromoments.flow.apply import FLEETING

OURS = frozenset({"writeKey", "sentAt", "originalTimestamp", "receivedAt"})
"""What a call says to its own receiver alone. Without ``sentAt`` the next one takes ``timestamp`` as it stands."""
KEPT = UNCOUNTED | SIMULATED | HISTORY
"""Events with any of these marks are passed on to nobody."""


def wanted(record: Record, name: str, forward: Forward) -> bool:
    """Whether a forward passes a record on: an event of a real person, of its types and names, whose sender didn't
    keep it from there (Segment's ``integrations``); no history that was brought in.
    """
    if not isinstance(record, EventRecord) or record.marks & KEPT or record.key.startswith(FLEETING):
        return False
    event = record.event
    if forward.types and event.type not in forward.types:
        return False
    label = event.event or event.name or ""
    if forward.events and not any(_names(pattern, label) for pattern in forward.events):
        return False
    return not any(_names(pattern, label) for pattern in forward.without) and _meant(record, name)


def call(record: EventRecord) -> dict[str, Any]:
    """The event as a call of Segment's: as it was sent, with its id and the corrected time."""
    sent: dict[str, Any] = msgspec.json.decode(record.body)
    said = {name: value for name, value in sent.items() if name not in OURS}
    stamp = datetime.fromtimestamp(record.occurred / 1000, UTC).isoformat(timespec="milliseconds")
    return {**said, "messageId": record.message_id, "timestamp": stamp.replace("+00:00", "Z")}


def batch(name: str, forward: Forward, records: Sequence[EventRecord], person: str = "") -> Delivery:
    """Events as one delivery; its id follows from the forward and the first of them, each has its own beside it.

    Args:
        name: the forward's.
        forward: where to.
        records: at least one.
        person: whose they are, where they are one's.
    """
    first, last = records[0], records[-1]
    told = blake2b(chr(0).join((name, first.message_id)).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return Delivery(
        id=f"{FORWARDED}{told}",
        trigger=name,
        person=person,
        surrogate=0,
        moment="",
        at=first.at,
        due=last.at,
        until=last.at,
        destination=forward.to,
        status="waiting",
        data=msgspec.json.encode({"batch": [call(record) for record in records]}),
        since=last.at,
    )


def whose(record: EventRecord) -> str:
    """The source key of the person whose consent counts: the userId's where one was sent."""
    user: str | None = record.event.user_id
    return f"user:{user}" if user else record.key


def age(records: Sequence[EventRecord], now: Millis) -> Millis:
    """For how long the first of some records waits."""
    return max(0, now - records[0].at) if records else 0


def _names(pattern: str, label: str) -> bool:
    return label.startswith(pattern[:-1]) if pattern.endswith("*") else label == pattern


def _meant(record: EventRecord, name: str) -> bool:
    if b'"integrations"' not in record.body:
        return True
    said = msgspec.json.decode(record.body).get("integrations")
    if not isinstance(said, dict):
        return True
    return bool(said.get(name, said.get("All", True)))
