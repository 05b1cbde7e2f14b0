"""The Segment HTTP Tracking shape: bytes to arrivals and rejections, one call or a batch of them.

Strict on what must be right (types, ids, names, sizes), lenient on the rest. The event's body stays byte for byte as it
was sent whenever it is in the shape. Source: Segment HTTP Tracking API and "Spec: Common fields".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import msgspec

from micromoments.core.event import Arrival, Event, EventType, Millis
from micromoments.sources.lenient import Rejected, clock, decode, encoded, mend, readable, respelled
from micromoments.sources.wire import UNREADABLE, Envelope, decode_envelope, decode_wire, encode

MAX_EVENT = 32 * 1024
"""Bytes of one event."""
MAX_BATCH = 500 * 1024
"""Bytes of one batch, counted after gunzip."""
MAX_BATCH_EVENTS = 2_500
MAX_MERGED = 8 * 1024 * 1024
"""Bytes of a batch after its shared context was merged into each event: a small request must not become a flood."""
MAX_ID = 256
MAX_MESSAGE_ID = 100
MAX_NAME = 512

KINDS: dict[str, EventType] = {
    "track": "track",
    "page": "page",
    "screen": "screen",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
    "t": "track",
    "p": "page",
    "s": "screen",
    "i": "identify",
    "g": "group",
    "a": "alias",
}
"""The call of each path, the single letters of analytics.js too; ``batch`` and ``b`` are batches."""

_ZULU = len("2026-11-23T15:44:25.123Z")
_LEAP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:60(?!\d)")
_decode_event = msgspec.json.Decoder(Event).decode


class Rejection(msgspec.Struct, frozen=True, rename="camel"):
    """One event of a request that was not taken: where it stood, and why, in a stable ``code``."""

    index: int
    message_id: str | None
    code: str
    detail: str


class Parsed(msgspec.Struct):
    """What a request held: arrivals in order, and rejections by their place in the request."""

    arrivals: list[Arrival]
    rejected: list[Rejection]


class Malformed(ValueError):
    """A request that can't be taken as a whole. ``code`` is stable; ``detail`` says got, wanted, next step."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def new_message_id() -> str:
    """A message id for a client that sent none."""
    return f"mm-{uuid4()}"


def short_id(named: str) -> str:
    """A message's id by what names it, or by a hash of that where it is longer than ids are: GA4's events of an app, a
    Kafka topic of many parts.
    """
    return named if len(named) <= MAX_MESSAGE_ID else f"mm-{blake2b(named.encode(), digest_size=16).hexdigest()}"


def instant(text: str) -> Millis | None:
    """An ISO 8601 date and time as milliseconds; without an offset it is read as UTC. None where it isn't one.

    What RFC 3339 allows besides is read too: small letters, and a leap second, which is the first of the next minute.

    >>> instant("2016-12-31t23:59:60z") == instant("2017-01-01T00:00:00Z")
    True
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000 + 0.5)
    except (ValueError, OverflowError):
        plain = text.upper()
        if _LEAP.match(plain):
            before = instant(f"{plain[:16]}:59{plain[19:]}")
            return None if before is None else before + 1000
        return instant(plain) if plain != text else None


def occurred(event: Event, received_at: Millis, sent_at: str | None = None) -> Millis:
    """When the event happened, corrected for the client's clock: ``receivedAt - (sentAt - originalTimestamp)``.

    A client that says no ``sentAt`` is believed as it stands (an import of history). Without a readable timestamp, or
    where the result would lie in the future or before 1970, the event happened when it arrived.
    """
    stamp = event.original_timestamp or event.timestamp
    if not stamp:
        return received_at
    said = event.sent_at or sent_at
    if said:
        age = _age(stamp, said)
        at = None if age is None else received_at - age
    else:
        at = instant(stamp)
    return at if at is not None and 0 < at <= received_at else received_at


def _age(stamp: str, sent: str) -> Millis | None:
    """Milliseconds from one timestamp to the other; None where one isn't readable.

    Clients mostly send within the minute, so the seconds alone tell; that is five times as quick as reading two dates.
    """
    if stamp[:17] == sent[:17] and stamp[-1] == sent[-1] == "Z" and len(stamp) == len(sent) == _ZULU:
        seconds, later = stamp[17:-1], sent[17:-1]
        if seconds.isascii() and later.isascii():
            try:
                return round((float(later) - float(seconds)) * 1000)
            except (ValueError, OverflowError):
                return None
    at, sent_at = instant(stamp), instant(sent)
    return None if at is None or sent_at is None else sent_at - at


def call(
    kind: EventType | None,
    body: bytes,
    received_at: Millis,
    *,
    sent_at: str | None = None,
    marks: int = 0,
    confirmed: bool = False,
    new_id: Callable[[], str] = new_message_id,
) -> Arrival:
    """One call as an arrival.

    Args:
        kind: what the path says the call is; ``None`` where the body must say it (in a batch, in an import).
        body: the call as JSON.
        received_at: now.
        sent_at: the batch's ``sentAt``, for calls that have none of their own.
        marks: marks that the door already knows.
        confirmed: the sender proved the ids.
        new_id: gives the message id where the client sent none.

    Raises:
        Rejected: the call can't be taken.
    """
    if len(body) > MAX_EVENT:
        raise Rejected("too_large", f"got an event of {len(body)} bytes; wanted at most {MAX_EVENT}: send less with it")
    event, body = _read(kind, body)
    _check(event)
    return Arrival(
        event=event,
        body=body,
        message_id=event.message_id or new_id(),
        occurred=occurred(event, received_at, sent_at),
        marks=marks,
        confirmed=confirmed,
    )


def arrival(payload: Mapping[str, Any], *, received_at: Millis, kind: EventType | None = None, **known: Any) -> Arrival:
    """An arrival from a call that is already an object in the Segment shape (Python, imports, the event in ``decide``).

    ``known`` is what ``call`` takes beside: ``marks``, ``confirmed``, ``sent_at``, ``new_id``.

    Raises:
        Rejected: the call can't be taken (a ``ValueError``).
    """
    try:
        body = encode(payload)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Rejected("malformed_json", f"got a value that JSON can't hold ({error})") from None
    return call(kind, body, received_at, **known)


def batch(
    body: bytes,
    received_at: Millis,
    *,
    marks: int = 0,
    confirmed: bool = False,
    new_id: Callable[[], str] = new_message_id,
) -> Parsed:
    """A batch's arrivals and rejections; its ``context`` and ``integrations`` merged into each event.

    Raises:
        Malformed: the request is too large, or is not a batch.
    """
    if len(body) > MAX_BATCH:
        raise Malformed("too_large", f"got a batch of {len(body)} bytes; wanted at most {MAX_BATCH}: send smaller ones")
    try:
        envelope = _envelope(body)
    except UNREADABLE as error:
        wanted = 'wanted {"batch": [...]} with JSON objects'
        raise Malformed("malformed_batch", f"got {str(error)[:120]}; {wanted}") from None
    if len(envelope.batch) > MAX_BATCH_EVENTS:
        got = len(envelope.batch)
        raise Malformed("too_many_events", f"got {got} events; wanted at most {MAX_BATCH_EVENTS}: send smaller batches")
    shared, sent_at = _shared(envelope), clock(envelope.sent_at)
    parsed = Parsed([], [])
    room = MAX_MERGED
    for index, raw in enumerate(envelope.batch):
        try:
            one = _merged(bytes(raw), shared) if shared else bytes(raw)
            room -= len(one)
            if room < 0:
                raise Rejected("too_large", "got a batch whose shared context makes it too large; send smaller batches")
            parsed.arrivals.append(
                call(None, one, received_at, sent_at=sent_at, marks=marks, confirmed=confirmed, new_id=new_id)
            )
        except Rejected as rejected:
            parsed.rejected.append(Rejection(index, rejected.message_id, rejected.code, rejected.detail))
    return parsed


def _envelope(body: bytes) -> Envelope:
    try:
        return decode_envelope(body)
    except msgspec.ValidationError:
        raise
    except UNREADABLE:
        again = respelled(body)
        if again is None:
            raise
        return decode_envelope(again)


def _shared(envelope: Envelope) -> dict[str, dict[str, Any]]:
    """What a batch says for all of its events.

    Raises:
        Malformed: it is no object, or none that an event could have.
    """
    shared: dict[str, dict[str, Any]] = {}
    for name, raw in (("context", envelope.context), ("integrations", envelope.integrations)):
        try:
            value = decode(bytes(raw))
        except Rejected as rejected:
            raise Malformed(rejected.code, rejected.detail) from None
        if value and not isinstance(value, dict):
            raise Malformed("malformed_batch", f"got a {name} of the batch that is no object; wanted an object")
        if value:
            shared[name] = value
    return shared


def _read(kind: EventType | None, body: bytes) -> tuple[Event, bytes]:
    """The event, and its body in the Segment shape: as sent if it is, else mended."""
    try:
        wire = decode_wire(body)
    except UNREADABLE:
        return _read_leniently(kind, body)
    named = wire.type
    if named is None and kind is not None:
        if b"null" in body and (b'"type"' in body or b"\\u" in body):
            # A type of null may be said: put beside ours it would make a body that nobody can read again.
            return _read_leniently(kind, body)
        named = kind
        body = b'{"type":"%b",%b' % (kind.encode(), body[body.index(b"{") + 1 :])
    elif named not in KINDS or len(named) == 1 or (kind is not None and named != kind):
        return _read_leniently(kind, body)
    return Event(
        type=named,  # type: ignore[arg-type] # one of the six: checked above
        message_id=wire.message_id,
        anonymous_id=wire.anonymous_id,
        user_id=wire.user_id,
        previous_id=wire.previous_id,
        group_id=wire.group_id,
        event=wire.event,
        name=wire.name,
        category=wire.category,
        properties=wire.properties,
        traits=wire.traits,
        context=wire.context,  # type: ignore[arg-type] # all of it
        timestamp=wire.timestamp,
        original_timestamp=wire.original_timestamp,
        sent_at=wire.sent_at,
    ), body


def _read_leniently(kind: EventType | None, body: bytes) -> tuple[Event, bytes]:
    value, body = readable(body)
    payload, changed = mend(value, kind)
    if changed:
        body = encoded(payload)
        if len(body) > MAX_EVENT:
            raise Rejected("too_large", f"got an event of {len(body)} bytes; wanted at most {MAX_EVENT}")
    event = _decode_event(body)
    # What it was made of has all of the context; decoding keeps what folding reads.
    return msgspec.structs.replace(event, context=payload.get("context") or {}), body


def _merged(body: bytes, shared: dict[str, dict[str, Any]]) -> bytes:
    """The event with what its batch shares; where both say something, the event wins."""
    payload = decode(body)
    if not isinstance(payload, dict):
        return body
    for field, common in shared.items():
        own = payload.get(field)
        if own is None:
            payload[field] = common
        elif isinstance(own, dict):
            payload[field] = {**common, **own}
    return encode(payload)


def _check(event: Event) -> None:
    """Refuse an event without ids, with ids that can't be ids, or without what its type needs."""
    user_id, anonymous_id = event.user_id, event.anonymous_id
    if not user_id and not anonymous_id:
        _refuse(event, "no_user_anon_id", "got neither userId nor anonymousId; send one of them")
    if user_id and (len(user_id) > MAX_ID or not user_id.isprintable()):
        _refuse(event, "invalid_user_id", _wanted_id("userId", user_id))
    if anonymous_id and (len(anonymous_id) > MAX_ID or not anonymous_id.isprintable()):
        _refuse(event, "invalid_anonymous_id", _wanted_id("anonymousId", anonymous_id))
    message_id = event.message_id
    if message_id and (len(message_id) > MAX_MESSAGE_ID or not message_id.isprintable()):
        _refuse(event, "invalid_message_id", f"got {len(message_id)} characters; wanted at most {MAX_MESSAGE_ID}")
    if event.type == "track":
        if not event.event or len(event.event) > MAX_NAME:
            _refuse(event, "no_event_name", f"got {len(event.event or '')} characters; wanted an event's name")
    elif event.type == "alias":
        _check_alias(event)
    elif event.type == "group":
        if not event.group_id or len(event.group_id) > MAX_ID:
            _refuse(event, "no_group_id", "got no usable groupId; send the id of the group")
    elif event.name is not None and len(event.name) > MAX_NAME:
        _refuse(event, "invalid_name", f"got a name of {len(event.name)} characters; wanted at most {MAX_NAME}")


def _check_alias(event: Event) -> None:
    if not event.user_id:
        _refuse(event, "no_user_id", "got an alias without userId; send the id that the person is to be known by")
    previous = event.previous_id or event.anonymous_id
    if not previous:
        _refuse(event, "no_previous_id", "got an alias without previousId; send the id that the person had before")
    elif len(previous) > MAX_ID or not previous.isprintable():
        _refuse(event, "invalid_previous_id", _wanted_id("previousId", previous))


def _refuse(event: Event, code: str, detail: str) -> None:
    raise Rejected(code, detail, event.message_id[:MAX_MESSAGE_ID] if event.message_id else None)


def _wanted_id(field: str, got: str) -> str:
    return f"got {len(got)} characters in {field}; wanted 1 to {MAX_ID} printable characters"
