"""Segment's tables in a warehouse as the calls that they were: ``pages``, ``identifies``, one table an event.

Source: https://segment.com/docs/connections/storage/warehouses/schema/
"""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.sources.tables import said, stamp
from micromoments.sources.values import Row, kept, number

TABLES = {"pages": "page", "screens": "screen", "identifies": "identify", "groups": "group", "aliases": "alias"}
_OWN = frozenset({
    "id", "received_at", "uuid", "uuid_ts", "loaded_at", "sent_at", "original_timestamp", "timestamp", "anonymous_id",
    "user_id", "event", "event_text", "previous_id", "group_id",
})  # fmt: skip
_NUMBERS = frozenset({"revenue", "total", "subtotal", "price", "value", "tax", "shipping", "discount", "quantity"})
_PAGE = ("path", "url", "title", "referrer", "search")


def is_table(row: Row) -> bool:
    """Whether a row is one of a warehouse's tables rather than a call as it was sent."""
    return "anonymous_id" in row and "type" not in row and bool(row.keys() & {"received_at", "timestamp"})


def call_of(row: Row, table: str) -> dict[str, Any]:
    """The call that a row was; ``table`` is the name of its file, by which some tables are told apart."""
    kind = TABLES.get(table.lower()) or _kind(row)
    at = stamp(said(row, "timestamp", "original_timestamp", "received_at"))
    properties = kept({
        name: _value(name, value) for name, value in row.items() if name not in _OWN and not name.startswith("context_")
    })  # fmt: skip
    call = {
        "type": kind,
        "messageId": row.get("id"),
        "anonymousId": row.get("anonymous_id"),
        "userId": row.get("user_id"),
        "timestamp": at,
        "context": _context(row),
    }
    if kind == "track":
        call["event"] = said(row, "event_text", "event")
    elif kind in ("page", "screen"):
        call["name"] = properties.pop("name", None)
    elif kind == "alias":
        call["previousId"] = row.get("previous_id")
    elif kind == "group":
        call["groupId"] = row.get("group_id")
    if kind in ("track", "page", "screen"):
        return kept({**call, "properties": properties})
    return kept(call if kind == "alias" else {**call, "traits": properties})


def _kind(row: Row) -> str:
    if row.keys() & {"event", "event_text"}:
        return "track"
    if row.keys() & {"path", "url"}:
        return "page"
    return "alias" if "previous_id" in row else "group" if "group_id" in row else "identify"


def _value(name: str, value: Any) -> Any:
    """Numbers that CSV has as text, and lists that a warehouse keeps as JSON."""
    if name in _NUMBERS:
        read = number(value)
        return value if read is None else read
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


def _context(row: Row) -> dict[str, Any]:
    return kept({
        "page": kept({name: row.get(f"context_page_{name}") for name in _PAGE}),
        "userAgent": row.get("context_user_agent"),
        "locale": row.get("context_locale"),
        "timezone": row.get("context_timezone"),
        "device": kept({"type": row.get("context_device_type")}),
    })  # fmt: skip
