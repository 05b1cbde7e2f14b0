"""The Segment wire shape as JSON types: what one pass of the decoder proves about a body.

The types bound the nesting and the integers, so that a body which decodes here can be decoded, stored and encoded again
by every later reader, however deep its own stack is. What doesn't fit takes the slower, forgiving path in ``lenient``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

MAX_DEPTH = 64
"""Nesting of objects and arrays in an event; deeper ones are rejected."""
QUICK_DEPTH = 6
"""Nesting that the typed decoder takes; deeper ones are looked at by ``lenient``."""
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
"""Whole numbers outside 64 bits are not interoperable (RFC 8259, section 6): send them as strings."""


def _json(depth: int) -> Any:
    """The type of any JSON value with containers nested at most ``depth`` deep, and 64-bit integers."""
    leaf: Any = Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)] | float | str | bool | None
    value = leaf
    for _ in range(depth):
        value = leaf | dict[str, value] | list[value]  # type: ignore[valid-type] # built at run time
    return value


if TYPE_CHECKING:
    JsonObject = dict[str, Any]
else:
    JsonObject = dict[str, _json(QUICK_DEPTH)]


class Wire(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """One call as clients send it: the fields of the specification and those that SDKs add, all optional.

    Source: Segment HTTP Tracking API, "Spec: Common fields".
    """

    type: str | None = None
    message_id: str | None = None
    anonymous_id: str | None = None
    user_id: str | None = None
    previous_id: str | None = None
    group_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: JsonObject = {}
    traits: JsonObject = {}
    context: JsonObject = {}
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    integrations: JsonObject = {}
    write_key: str | None = None
    channel: str | None = None
    received_at: str | None = None
    version: str | int | None = None


class Envelope(msgspec.Struct, rename="camel", kw_only=True):
    """A batch: its calls still as bytes, so that one bad call doesn't spoil the others, and what they share, of which
    any depth that an event may have is allowed.
    """

    batch: list[msgspec.Raw]
    context: msgspec.Raw = msgspec.Raw(b"null")
    integrations: msgspec.Raw = msgspec.Raw(b"null")
    sent_at: Any = None
    write_key: Any = None


class KeyOnly(msgspec.Struct, rename="camel"):
    """Just the write key of a body, for clients that authenticate there."""

    write_key: Any = None


decode_wire = msgspec.json.Decoder(Wire).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_key = msgspec.json.Decoder(KeyOnly).decode
decode_any = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder().encode

UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
"""What decoding raises for bytes that are not JSON, not UTF-8, or nested without end."""
