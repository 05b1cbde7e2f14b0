"""A delivery's news in the bodies that other tools take. Each carries the delivery's id where that tool tells repeats.

Sources: Segment "HTTP Tracking API" (``messageId``); Braze ``POST /users/track`` (``external_id``, attributes and
events); Klaviyo ``POST /api/events`` of revision 2026-04-15 (``unique_id``); Customer.io "Track API v2"
``POST /api/v2/batch`` (it tells repeats by ULIDs only, so the id stands among the event's attributes).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from micromoments.core.delivery import Delivery

JSON = {"content-type": "application/json"}
ANONYMOUS = "anonymous_id"
KLAVIYO = "2026-04-15"
"""The revision of Klaviyo's API that is asked for; each is served for two years."""
Shaped = tuple[Any, dict[str, str]]


def shaped(shape: str, delivery: Delivery, secret: str, attribute: str) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a delivery in a tool's shape. ``attribute`` names what is set on the person."""
    if delivery.events:
        return _events(shape, delivery, secret)
    if shape == "standard":
        return delivery.data, dict(JSON)
    news = msgspec.json.decode(delivery.data)
    body, headers = _SHAPES[shape](news, delivery, secret, attribute)
    return msgspec.json.encode(body), {**JSON, **headers}


def _events(shape: str, delivery: Delivery, secret: str) -> tuple[bytes, dict[str, str]]:
    """Events as they came: a batch of Segment's, or the same under Standard Webhooks' envelope."""
    if shape != "standard":
        return delivery.data, {**JSON, **_basic(secret)}
    calls = msgspec.json.decode(delivery.data)["batch"]
    news = {"type": "events.forwarded", "timestamp": calls[-1]["timestamp"], "data": {"events": calls}}
    return msgspec.json.encode(news), dict(JSON)


def _basic(secret: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'{secret}:'.encode()).decode()}"}


def _flat(news: dict[str, Any]) -> dict[str, Any]:
    """What is told of the moment and the decision, as plain values under snake_case names."""
    data = news["data"]
    moment = data.get("moment") or {}
    items = data.get("items") or []
    told = {
        "moment_id": moment.get("id"),
        "moment_type": moment.get("type"),
        "moment_state": news["type"].partition(".")[2],
        "need": (moment.get("need") or {}).get("query"),
        "category": (moment.get("need") or {}).get("category"),
        "confidence": moment.get("confidence"),
        "decision_id": data.get("decisionId"),
        "item_id": items[0]["id"] if items else None,
        "item_title": items[0]["title"] if items else None,
        "trigger": data["trigger"],
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def _state(news: dict[str, Any]) -> str | None:
    """What the person's attribute becomes: the moment's type while it is open, nothing once it has ended."""
    moment = news["data"].get("moment") or {}
    return None if moment.get("ended") else moment.get("type")


def _segment(news: dict[str, Any], delivery: Delivery, secret: str, attribute: str) -> Shaped:
    who = {k: v for k, v in news["data"]["person"].items() if k in ("userId", "anonymousId")}
    stamp = {"timestamp": news["timestamp"], "context": {"library": {"name": "micromoments", "version": "1"}}}
    name = f"Moment {news['type'].partition('.')[2].title()}"
    batch = [
        {"type": "identify", "messageId": f"{delivery.id}-i", **who, **stamp, "traits": {attribute: _state(news)}},
        {"type": "track", "messageId": delivery.id, **who, **stamp, "event": name, "properties": _flat(news)},
    ]
    return {"batch": batch, "sentAt": news["timestamp"]}, _basic(secret)


def _braze(news: dict[str, Any], delivery: Delivery, secret: str, attribute: str) -> Shaped:
    person = news["data"]["person"]
    alias = {"alias_name": person.get("anonymousId"), "alias_label": ANONYMOUS}
    # By an alias Braze only updates profiles that there are, unless told otherwise.
    unknown = {"user_alias": alias, "_update_existing_only": False}
    who = {"external_id": person["userId"]} if "userId" in person else unknown
    event = {
        **who,
        "name": f"moment_{news['type'].partition('.')[2]}",
        "time": news["timestamp"],
        "properties": {**_flat(news), "delivery_id": delivery.id},
    }
    body = {"attributes": [{**who, attribute: _state(news)}], "events": [event]}
    return body, {"authorization": f"Bearer {secret}"}


def _klaviyo(news: dict[str, Any], delivery: Delivery, secret: str, attribute: str) -> Shaped:
    person = news["data"]["person"]
    who = {"external_id": person["userId"]} if "userId" in person else {ANONYMOUS: person.get("anonymousId")}
    profile = {**who, "properties": {attribute: _state(news)}}
    attributes = {
        "properties": _flat(news),
        "time": news["timestamp"],
        "unique_id": delivery.id,
        "metric": {
            "data": {"type": "metric", "attributes": {"name": f"Moment {news['type'].partition('.')[2].title()}"}}
        },
        "profile": {"data": {"type": "profile", "attributes": profile}},
    }
    headers = {"authorization": f"Klaviyo-API-Key {secret}", "revision": KLAVIYO}
    return {"data": {"type": "event", "attributes": attributes}}, headers


def _customerio(news: dict[str, Any], delivery: Delivery, secret: str, attribute: str) -> Shaped:
    person = news["data"]["person"]
    who = {"type": "person", "identifiers": {"id": person.get("userId") or person.get("anonymousId")}}
    event = {
        **who,
        "action": "event",
        "name": f"moment_{news['type'].partition('.')[2]}",
        "timestamp": delivery.at // 1000,
        "attributes": {**_flat(news), "delivery_id": delivery.id},
    }
    body = {"batch": [{**who, "action": "identify", "attributes": {attribute: _state(news) or ""}}, event]}
    return body, {"authorization": f"Basic {b64encode(secret.encode()).decode()}"}


_SHAPES: dict[str, Callable[[dict[str, Any], Delivery, str, str], Shaped]] = {
    "segment": _segment,
    "braze": _braze,
    "klaviyo": _klaviyo,
    "customerio": _customerio,
}
