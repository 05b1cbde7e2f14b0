"""The Snowplow tracker protocol: payloads of short-named strings to calls in the Segment shape, with nothing lost.

Source: the tracker protocol's documentation and iglu-central, ``payload_data`` 1-0-4, ``unstruct_event`` and
``contexts``. What has a place in the Segment shape goes there; every other field, and the contexts, decoded, stay in
``context.snowplow``. Self-describing events are named as their schema is, but those of Snowplow's own that mean what a
standard Segment event means carry its name, so that they are recognised.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from micromoments.sources.lenient import Rejected, decode
from micromoments.sources.segment import MAX_NAME
from micromoments.sources.snowplow_shop import shopped

Payload = Mapping[str, str]

MAX_EVENTS = 2_500
_CHANNELS = {"web": "web", "mob": "app", "app": "app", "srv": "server", "tv": "tv", "iot": "iot", "pc": "desktop"}
_PLACED = frozenset(
    """
    e eid uid duid dtm ttm stm url page refr ua lang tz ip sid ue_pr ue_px co cx se_ca se_ac se_la se_pr se_va
    tr_id tr_af tr_tt tr_tx tr_sh tr_ci tr_st tr_co tr_cu ti_id ti_sk ti_nm ti_ca ti_pr ti_qu ti_cu
    pp_mix pp_max pp_miy pp_may
    """.split()  # noqa: SIM905 a list of words reads as words
)
"""Fields that have a place of their own in the call; the others are kept as they came."""


def posted(body: bytes) -> list[dict[str, str]]:
    """The payloads of a ``tp2`` request.

    Raises:
        Rejected: the body is not ``payload_data``.
    """
    value = decode(body)
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, list) or "payload_data" not in str(value.get("schema", "")):
        wanted = "a self-describing payload_data with a list of payloads as data"
        raise Rejected("malformed_payload", f"got something else; wanted {wanted}")
    if len(data) > MAX_EVENTS:
        raise Rejected("too_many_events", f"got {len(data)} events; wanted at most {MAX_EVENTS}: send smaller batches")
    return [_strings(one) for one in data]


def call(fields: Payload, new_id: str) -> dict[str, Any]:
    """A payload as a call in the Segment shape; ``new_id`` names the event where it has no ``eid``.

    A person is ``uid`` (the business's id), ``duid`` (the browser's own), a mobile session's id, or the network's; an
    event that names nobody stands for itself.

    Raises:
        Rejected: an event type that there isn't, or JSON that can't be read.
    """
    contexts = [*_described(fields, "co", "cx")]
    named = fields.get("eid") or new_id
    one: dict[str, Any] = {**_what(fields, contexts), "messageId": named, **_clocks(fields)}
    session = next((data for schema, data in contexts if "/client_session/" in schema), {})
    device = fields.get("duid") or _text(session.get("userId")) or fields.get("nuid") or fields.get("tnuid")
    if user := fields.get("uid"):
        one["userId"] = user
    if device or not user:
        one["anonymousId"] = device or f"event:{named}"
    one["context"] = _context(fields, contexts, session)
    return one


def _strings(value: Any) -> dict[str, str]:
    """A payload's fields; the protocol has strings only, and numbers are taken as what they look like."""
    if not isinstance(value, dict):
        raise Rejected("malformed_payload", "got a payload that is no object; wanted an object of strings")
    plain = {True: "true", False: "false"}
    return {
        name: plain[each] if isinstance(each, bool) else str(each)
        for name, each in value.items()
        if isinstance(each, str | int | float)
    }


def _what(fields: Payload, contexts: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Type, name and properties by the payload's ``e``."""
    page = {"url": fields.get("url"), "title": fields.get("page"), "referrer": fields.get("refr")}
    match fields.get("e"):
        case "pv":
            path = urlsplit(fields.get("url", "")).path if _is_url(fields.get("url")) else None
            name = fields.get("page", "")[:MAX_NAME]
            return {"type": "page", "name": name or None, "properties": _kept({**page, "path": path})}
        case "pp":
            scroll = {name: _number(fields.get(f"pp_{name}")) for name in ("mix", "max", "miy", "may")}
            return _track("Page Ping", {**page, **scroll})
        case "se":
            names = {"category": "se_ca", "action": "se_ac", "label": "se_la", "property": "se_pr"}
            said: dict[str, Any] = {name: fields.get(field) for name, field in names.items()}
            if "search" in fields.get("se_ac", "").lower():
                said["query"] = said["label"] or said["property"]
            return _track(fields.get("se_ac", ""), {**said, "value": _number(fields.get("se_va"))})
        case "tr":
            return _track("Order Completed", _order(fields))
        case "ti":
            return _track("Order Item", _order_item(fields))
        case "ue":
            for schema, data in _described(fields, "ue_pr", "ue_px"):
                return _self_described(schema, data, contexts)
            raise Rejected("no_event", "got a self-describing event without ue_pr or ue_px; send one of them")
    raise Rejected("invalid_type", f"got e {fields.get('e', '')[:20]!r}; wanted one of pv, pp, se, ue, tr, ti")


def _track(name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": _kept(properties)}


def _self_described(schema: str, data: dict[str, Any], contexts: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    name = _name(schema)
    if name == "screen_view":
        return {"type": "screen", "name": _text(data.get("name")), "properties": data}
    event, more = shopped(name, data, [(_name(s), d) for s, d in contexts])
    return {"type": "track", "event": event, "properties": {**data, **more}}


def _order(fields: Payload) -> dict[str, Any]:
    return {
        "order_id": fields.get("tr_id"),
        "affiliation": fields.get("tr_af"),
        "total": _number(fields.get("tr_tt")),
        "revenue": _number(fields.get("tr_tt")),
        "tax": _number(fields.get("tr_tx")),
        "shipping": _number(fields.get("tr_sh")),
        "currency": fields.get("tr_cu"),
        "city": fields.get("tr_ci"),
        "state": fields.get("tr_st"),
        "country": fields.get("tr_co"),
    }


def _order_item(fields: Payload) -> dict[str, Any]:
    return {
        "order_id": fields.get("ti_id"),
        "product_id": fields.get("ti_sk"),
        "sku": fields.get("ti_sk"),
        "name": fields.get("ti_nm"),
        "category": fields.get("ti_ca"),
        "price": _number(fields.get("ti_pr")),
        "quantity": _number(fields.get("ti_qu")),
        "currency": fields.get("ti_cu"),
    }


def _clocks(fields: Payload) -> dict[str, str]:
    """A true timestamp is believed as it stands; the device's is corrected by when it was sent."""
    if (true := _instant(fields.get("ttm"))) is not None:
        return {"timestamp": true}
    clocks = {"originalTimestamp": _instant(fields.get("dtm")), "sentAt": _instant(fields.get("stm"))}
    return {name: value for name, value in clocks.items() if value is not None}


def _context(fields: Payload, contexts: list[tuple[str, dict[str, Any]]], session: Mapping[str, Any]) -> dict[str, Any]:
    url, (width, _, height) = fields.get("url"), fields.get("res", "").partition("x")
    parts = urlsplit(url) if url is not None and _is_url(url) else None
    page = {
        "url": url,
        "title": fields.get("page"),
        "referrer": fields.get("refr"),
        "path": parts.path if parts else None,
        "search": f"?{parts.query}" if parts and parts.query else None,
    }
    kept: dict[str, Any] = {name: value for name, value in fields.items() if name not in _PLACED}
    if contexts:
        kept["contexts"] = [{"schema": schema, "data": data} for schema, data in contexts]
    for schema, _ in _described(fields, "ue_pr", "ue_px"):
        kept["schema"] = schema
    place = next((data for schema, data in contexts if "/geolocation_context/" in schema), {})
    return _kept(
        {
            "library": {"name": "snowplow", "version": fields.get("tv", "")},
            "channel": _CHANNELS.get(fields.get("p", "")),
            "page": _kept(page),
            "userAgent": fields.get("ua"),
            "locale": fields.get("lang"),
            "timezone": fields.get("tz"),
            "ip": fields.get("ip"),
            "sessionId": fields.get("sid") or _text(session.get("sessionId")),
            "screen": {"width": int(width), "height": int(height)} if _whole(width) and _whole(height) else None,
            "location": _kept({name: place.get(name) for name in ("latitude", "longitude")}),
            "snowplow": kept,
        }
    )


def _described(fields: Payload, plain: str, encoded: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The self-describing JSON within a field, plain or in URL-safe base64: (schema, data) of each."""
    text = fields.get(plain)
    if not text and (packed := fields.get(encoded)):
        try:
            packed = packed.rstrip("=").replace("+", "-").replace("/", "_")
            text = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            raise Rejected("malformed_base64", f"got {encoded} that is no URL-safe base64; send it so") from None
    if not text:
        return
    outer = decode(text.encode())
    inner = outer.get("data") if isinstance(outer, dict) else None
    for one in inner if isinstance(inner, list) else [inner]:
        if not isinstance(one, dict) or not isinstance(one.get("schema"), str):
            raise Rejected("no_schema", f"got {plain} without the schema of what it holds; send self-describing JSON")
        data = one.get("data")
        yield one["schema"], data if isinstance(data, dict) else {"data": data}


def _name(schema: str) -> str:
    """The name in ``iglu:vendor/name/format/version``."""
    parts = schema.removeprefix("iglu:").split("/")
    return parts[1] if len(parts) > 1 else schema


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is there."""
    return {name: value for name, value in values.items() if value is not None and value not in ("", {})}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 8


def _is_url(text: str | None) -> bool:
    try:
        return text is not None and bool(urlsplit(text).scheme)
    except ValueError:
        return False


def _number(text: str | None) -> float | int | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    if abs(value) > 1e15 or value != value:  # noqa: PLR0124 not a number
        return None
    return int(value) if value.is_integer() and "." not in text else value


def _instant(text: str | None) -> str | None:
    """Milliseconds as RFC 3339; nothing where it isn't an instant of this millennium."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 15):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
