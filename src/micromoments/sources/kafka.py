"""A Kafka message to calls in the Segment shape: a call, a batch of them, or a CloudEvent in the JSON format.

A call without a ``messageId`` gets one from its place in the topic, so that a message read twice is taken once.
"""

from __future__ import annotations

from typing import Any

from micromoments.sources import cloudevents
from micromoments.sources.called import NAME
from micromoments.sources.lenient import Rejected, decode
from micromoments.sources.segment import short_id


def calls(place: str, value: bytes, parent: str = "") -> list[dict[str, Any]]:
    """The calls of a message; none where it can't be read.

    Args:
        place: names the message: topic, partition, offset.
        value: its bytes, JSON.
        parent: its header ``traceparent``, for those that name no trace themselves.

    >>> calls("t/0/7", b'{"type": "track", "event": "Cart Viewed", "userId": "ana"}')[0]["messageId"]
    't/0/7'
    """
    try:
        found = decode(value)
    except Rejected:
        return []
    several = isinstance(found, dict) and isinstance(found.get("batch"), list)
    listed = found["batch"] if several else found if isinstance(found, list) else [found]
    told = [_call(f"{place}/{n}" if len(listed) > 1 else place, one) for n, one in enumerate(listed)]
    return [_called(one, parent) if parent else one for one in told if one]


def _called(one: dict[str, Any], parent: str) -> dict[str, Any]:
    context = one.get("context")
    return {**one, "context": {NAME: parent, **(context if isinstance(context, dict) else {})}}


def _call(place: str, one: Any) -> dict[str, Any]:
    if not isinstance(one, dict):
        return {}
    if "specversion" in one:
        try:
            return cloudevents.call(one)
        except Rejected:
            return {}
    return one if one.get("messageId") else {**one, "messageId": short_id(place)}
