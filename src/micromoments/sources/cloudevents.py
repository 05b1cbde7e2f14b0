"""CloudEvents 1.0 over HTTP: binary, structured and batched, to calls in the Segment shape.

Source: CNCF CloudEvents 1.0.2, "HTTP Protocol Binding" and "JSON Event Format". A person is named by the extension
attributes ``userid`` and ``anonymousid``, by ``userId`` and ``anonymousId`` in the data, or by the ``subject``. Data
that is a call in the Segment shape itself (``type`` one of the six) is taken as that call; any other is what a
``track`` of the event's type has as properties. The message id is a hash of ``source`` and ``id``, which together are
unique. The attributes as sent stay in ``context.cloudevent``, the extension ``traceparent`` in ``context`` too.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

from micromoments.sources.lenient import TYPES, Rejected, decode

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MAX_EVENTS = 2_500
_REQUIRED = ("id", "source", "specversion", "type")


def received(headers: Mapping[bytes, bytes], body: bytes) -> list[dict[str, Any]]:
    """The events of a request, each in the JSON event format, by its mode: batched, structured or binary.

    Raises:
        Rejected: the request holds no CloudEvents.
    """
    kind = _media(headers.get(b"content-type", b"").decode("latin-1"))
    if kind == BATCH:
        value = decode(body)
        if not isinstance(value, list):
            raise Rejected("malformed_batch", "got something else; wanted a JSON array of CloudEvents")
        if len(value) > MAX_EVENTS:
            raise Rejected("too_many_events", f"got {len(value)} events; wanted at most {MAX_EVENTS}: send fewer")
        return [one if isinstance(one, dict) else {} for one in value]
    if kind.startswith("application/cloudevents"):
        if kind != STRUCTURED:
            raise Rejected("unknown_format", f"got {kind[:60]}; wanted the JSON format, {STRUCTURED}")
        value = decode(body)
        return [value if isinstance(value, dict) else {}]
    attributes = {
        name[3:].decode("latin-1"): _header(text) for name, text in headers.items() if name.startswith(b"ce-")
    }
    if not attributes:
        raise Rejected("no_cloudevent", "got neither ce- headers nor a CloudEvents content type; send one of them")
    if kind:
        attributes["datacontenttype"] = kind
    return [_binary(attributes, kind, body)]


def call(event: Mapping[str, Any]) -> dict[str, Any]:
    """One event as a call in the Segment shape.

    Raises:
        Rejected: a required attribute is missing, the version is another, or the data can't be taken.
    """
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise Rejected("missing_attribute", f"got an event without {name}; wanted {', '.join(_REQUIRED)}")
    if event["specversion"] != "1.0":
        raise Rejected("unknown_version", f"got specversion {event['specversion'][:10]!r}; wanted '1.0'")
    attributes = {name: value for name, value in event.items() if name not in ("data", "data_base64")}
    data = _data(event)
    kind = data.get("type") if isinstance(data, dict) else None
    shaped = isinstance(data, dict) and isinstance(kind, str) and kind in TYPES
    one: dict[str, Any] = dict(data) if shaped else {"type": "track", "event": event["type"]}
    if not shaped:
        one["properties"] = data if isinstance(data, dict) else {} if data is None else {"data": data}
    one["messageId"] = blake2b(f"{event['source']}\n{event['id']}".encode(), digest_size=16).hexdigest()
    if time := event.get("time"):
        one.setdefault("timestamp", time)
    context = one.get("context")
    one["context"] = {**(context if isinstance(context, dict) else {}), "cloudevent": attributes}
    if isinstance(parent := event.get("traceparent"), str):
        one["context"].setdefault("traceparent", parent)
    _name_person(one, event, data)
    return one


def _name_person(one: dict[str, Any], event: Mapping[str, Any], data: Any) -> None:
    inner: Mapping[str, Any] = data if isinstance(data, dict) else {}
    user = event.get("userid") or inner.get("userId") or inner.get("user_id")
    anonymous = event.get("anonymousid") or inner.get("anonymousId") or inner.get("anonymous_id")
    subject = event.get("subject")
    if not user and not anonymous and isinstance(subject, str):
        if subject.startswith("anon:"):
            anonymous = subject[5:]
        else:
            user = subject.removeprefix("user:")
    if user:
        one["userId"] = user
    if anonymous:
        one["anonymousId"] = anonymous


def _data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        raw = base64.b64decode(str(event["data_base64"]), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("malformed_base64", "got data_base64 that is no base64; wanted base64") from None
    return _read(_media(str(event.get("datacontenttype") or "")), raw) if raw else None


def _binary(attributes: dict[str, str], kind: str, body: bytes) -> dict[str, Any]:
    return {**attributes, "data": _read(kind, body)} if body else dict(attributes)


def _read(kind: str, body: bytes) -> Any:
    """Data by its content type: JSON as what it says, text as text; anything else can't be an event's properties."""
    if kind in ("", "application/json") or kind.endswith("+json"):
        return decode(body)
    if kind.startswith("text/"):
        return body.decode("utf-8", "replace")
    raise Rejected("unknown_content", f"got data of type {kind[:60]}; wanted JSON or text")


def _media(text: str) -> str:
    """A media type without its parameters."""
    return text.partition(";")[0].strip().lower()


def _header(value: bytes) -> str:
    """A header's value by the binding: percent-encoded UTF-8, in double quotes or without."""
    text = value.decode("utf-8", "replace").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return unquote(text)
