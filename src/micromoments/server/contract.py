"""The pieces of the contract: replies that have no class elsewhere, and how one operation is written down."""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.server import shapes
from micromoments.sources.segment import Rejection
from micromoments.sources.wire import Wire

Json = dict[str, Any]


class SegmentBatch(msgspec.Struct, rename="camel"):
    """Up to 2,500 calls, 500 KB; ``context`` and ``integrations`` are merged into each."""

    batch: list[Wire]
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    sent_at: str | None = None
    write_key: str | None = None


class Accepted(msgspec.Struct, rename="camel"):
    """What was accepted is durable; ``rejected`` names what was not, and why."""

    success: bool
    rejected: list[Rejection]


class SegmentError(msgspec.Struct, rename="camel"):
    """An error in the words that Segment's SDKs read."""

    success: bool
    code: str
    message: str


class ProblemDetails(msgspec.Struct, rename="camel"):
    """RFC 9457: what was got, what was wanted, what to do; ``code`` is stable."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    got: str
    wanted: str
    next: str


class Moments(msgspec.Struct, rename="camel"):
    """A person's moments, strongest first; those that ended follow where asked for, newest first."""

    moments: list[shapes.MomentShape]
    cursor: str | None


class Erased(msgspec.Struct, rename="camel"):
    """How much went of each kind."""

    erased: dict[str, int]


class ItemPage(msgspec.Struct, rename="camel"):
    """Items in the order of their ids; ``cursor`` goes on from here, null at the end."""

    items: list[shapes.ItemShape]
    cursor: str | None


class ItemRejection(msgspec.Struct, rename="camel"):
    """An item that was not taken, and why."""

    index: int
    id: str | None
    code: str
    detail: str


class ItemsPut(msgspec.Struct, rename="camel"):
    """How many items were put; ``rejected`` names the others."""

    accepted: int
    rejected: list[ItemRejection]


def content(what: Json, kind: str = "application/json") -> Json:
    """A body of this schema."""
    return {kind: {"schema": what}}


def ref(type_: type) -> Json:
    """A reference to a class's schema."""
    return {"$ref": f"#/components/schemas/{type_.__name__}"}


def answer(description: str, type_: type | Json | None = None, kind: str = "application/json") -> Json:
    """One reply of an operation."""
    if type_ is None:
        return {"description": description}
    schema = type_ if isinstance(type_, dict) else ref(type_)
    return {"description": description, "content": content(schema, kind)}


def param(name: str, where: str, words: str, schema: Json | None = None) -> Json:
    """One parameter."""
    one: Json = {"name": name, "in": where, "description": words, "schema": schema or {"type": "string"}}
    return one | {"required": True} if where == "path" else one


def door(
    id: str,
    words: str,
    ok: Json,
    security: list[Json],
    *,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    tag: str,
) -> Json:
    """One operation; whatever goes wrong is a problem."""
    operation: Json = {
        "operationId": id,
        "summary": words,
        "tags": [tag],
        "security": security,
        "responses": {**ok, "default": {"$ref": "#/components/responses/Problem"}},
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": body}
    return operation


PUBLIC: list[Json] = []
SECRET: list[Json] = [{"secretKey": []}]
PRIVATE: list[Json] = [*SECRET, {"personToken": []}]
ANY: list[Json] = [{"writeKey": []}, *PRIVATE]
"""Who may ask: everybody, the business's server, a person or it, whoever has a key."""
OBJECT: Json = {"type": "object"}
TEXT: Json = {"type": "string"}
LIMIT = param("limit", "query", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 1000})
CURSOR = param("cursor", "query", "Where the last answer ended.")
DECISION = param("id", "path", "The decisionId.")
