"""The forgiving path: an event that is not quite in the shape is put into it, or refused with a reason.

Real clients send numbers as ids, ``null`` for an empty object, epoch milliseconds for a timestamp, fields of their own.
What has one obvious meaning is taken; what would be a guess is rejected.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from micromoments.sources.wire import INT_MAX, INT_MIN, MAX_DEPTH, UNREADABLE, decode_any, encode

TYPES = frozenset({"track", "page", "screen", "identify", "group", "alias"})
_IDS = {
    "userId": "invalid_user_id",
    "anonymousId": "invalid_anonymous_id",
    "previousId": "invalid_previous_id",
    "groupId": "invalid_group_id",
    "messageId": "invalid_message_id",
}
_OBJECTS = {"properties": "invalid_properties", "traits": "invalid_traits", "context": "invalid_context"}
_CLOCKS = ("timestamp", "originalTimestamp", "sentAt")
_YEAR_3000_MS = 32_503_680_000_000
MARK = b"\xef\xbb\xbf"
"""The byte order mark that some writers put before JSON."""
_SLIPS = re.compile(rb"\\u[dD][89a-fA-F]|NaN|Infinity")
_HALVES = re.compile("[\ud800-\udfff]")


class Rejected(ValueError):
    """An event that can't be taken. ``code`` is stable; ``detail`` says what was got and what was wanted."""

    def __init__(self, code: str, detail: str, message_id: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.message_id = message_id


def decode(body: bytes) -> Any:
    """Any JSON value, sound enough to store: bounded nesting, 64-bit integers, valid UTF-8.

    Raises:
        Rejected: ``malformed_json``, ``too_deep`` or ``number_out_of_range``.
    """
    return readable(body)[0]


def readable(body: bytes) -> tuple[Any, bytes]:
    """The same, and the body as every decoder can read it: as it came if it is JSON.

    Raises:
        Rejected: as ``decode``.
    """
    try:
        value = decode_any(body)
    except RecursionError:
        raise Rejected("too_deep", f"got nesting without end; wanted at most {MAX_DEPTH} levels") from None
    except UNREADABLE as error:
        again = respelled(body)
        if again is None:
            raise Rejected("malformed_json", f"got bytes that are not JSON ({error}); wanted a JSON object") from None
        return readable(again)
    check_sound(value)
    return value, body


def respelled(body: bytes) -> bytes | None:
    """JSON in place of what common writers take for it; ``None`` where it isn't that.

    JavaScript writes half of an emoji that was cut in two, which becomes U+FFFD; Python writes ``NaN`` and
    ``Infinity``, which become null; .NET puts a byte order mark before it.
    """
    bare = body.removeprefix(MARK)
    if bare is body and not _SLIPS.search(body):
        return None
    try:
        value = json.loads(bare.decode(), parse_constant=lambda _: None)
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    again = _HALVES.sub("\ufffd", text).encode()
    return again if again != body else None


def check_sound(value: Any) -> None:
    """Refuse nesting and integers that later readers could not take.

    Raises:
        Rejected: ``too_deep`` or ``number_out_of_range``.
    """
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise Rejected("too_deep", f"got more than {MAX_DEPTH} levels of nesting; flatten the properties")
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
            elif isinstance(one, int) and not INT_MIN <= one <= INT_MAX:
                raise Rejected("number_out_of_range", "got an integer beyond 64 bits; send it as a string")
        level, depth = inner, depth + 1


def mend(payload: Any, kind: str | None) -> tuple[dict[str, Any], bool]:
    """The event in the Segment shape, and whether anything had to change.

    Args:
        payload: what the client sent, decoded.
        kind: the call's type as the path says it; ``None`` where the payload must say it.

    Raises:
        Rejected: a field that must be right is not.
    """
    if not isinstance(payload, dict):
        raise Rejected("not_an_object", f"got {_name(payload)}; wanted a JSON object")
    event = dict(payload)
    message_id = event.get("messageId")
    try:
        _mend_type(event, kind)
        _mend_ids(event)
        _mend_objects(event)
        _mend_names(event)
        _mend_clocks(event)
    except Rejected as rejected:
        rejected.message_id = message_id[:100] if isinstance(message_id, str) else None
        raise
    return event, event != payload or list(event) != list(payload)


def encoded(event: dict[str, Any]) -> bytes:
    """The mended event as JSON."""
    return encode(event)


def _mend_type(event: dict[str, Any], kind: str | None) -> None:
    if kind is not None:
        event["type"] = kind
    elif not isinstance(event.get("type"), str) or event["type"] not in TYPES:
        raise Rejected("invalid_type", f"got type {_name(event.get('type'))}; wanted one of {', '.join(sorted(TYPES))}")


def _mend_ids(event: dict[str, Any]) -> None:
    for field, code in _IDS.items():
        value = event.get(field)
        if value is None or isinstance(value, str):
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            raise Rejected(code, f"got {field} {_name(value)}; wanted a string")
        event[field] = str(value)


def _mend_objects(event: dict[str, Any]) -> None:
    for field, code in _OBJECTS.items():
        if field not in event or isinstance(event[field], dict):
            continue
        # PHP writes an array where an object is empty.
        if event[field] is not None and event[field] != []:
            raise Rejected(code, f"got {field} {_name(event[field])}; wanted an object")
        del event[field]


def _mend_names(event: dict[str, Any]) -> None:
    for field in ("event", "name", "category"):
        value = event.get(field)
        if value is None or isinstance(value, str):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Rejected(f"invalid_{field}", f"got {field} {_name(value)}; wanted a string")
        event[field] = str(value)


def _mend_clocks(event: dict[str, Any]) -> None:
    for field in _CLOCKS:
        value = event.get(field)
        if value is None or isinstance(value, str):
            continue
        if (text := clock(value)) is not None:
            event[field] = text
        else:
            del event[field]


def clock(value: Any) -> str | None:
    """A timestamp as text: as sent, or of epoch milliseconds, or of seconds where the number is too small for them."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _YEAR_3000_MS:
        seconds = value / 1000 if value > 1e11 else float(value)
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return value if isinstance(value, str) else None


def _name(value: Any) -> str:
    """How an error names what it got, without repeating a stranger's text at length."""
    if isinstance(value, str):
        return repr(value[:40])
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "a number"
