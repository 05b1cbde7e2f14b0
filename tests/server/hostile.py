"""Generated requests that nobody should send: malformed, hostile, oversized; the same for a seed."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.server.asgi import SECRET_KEY, WRITE_KEY, basic
from tests.server.conftest import token

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"]
PATHS = [
    "/v1/track",
    "/v1/t",
    "/v1/batch",
    "/v1/b",
    "/v1/identify",
    "/v1/alias",
    "/v1/group",
    "/v1/decide",
    "/v1/decisions/{}",
    "/v1/people/{}",
    "/v1/people/{}/moments",
    "/v1/people/{}/export",
    "/v1/items",
    "/v1/items/{}",
    "/v1/reports/{}",
    "/v1/projects/{}/settings",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/",
    "/{}",
]
PIECES = [
    "..",
    "%2e%2e%2f",
    "%00",
    "%ff%fe",
    "%",
    "a" * 3000,
    "user:",
    "anon:%0d%0aset-cookie:x",
    "' OR 1=1 --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>",
    "%F0%9F%92%A9",
    "lift",
    "ana",
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**40,
    1e308,
    "",
    "x" * 5000,
    "\x00",
    "\u202e\ud7ff",
    "💩" * 300,
    [],
    {},
    [[[[[[[[[[]]]]]]]]]],
    {"$ne": None},
    {"__proto__": {"a": 1}},
    "2026-11-23T15:44:25.000Z",
    "9999999-99-99",
    "ana@example.com 4111111111111111",
]
FIELDS = [
    "type",
    "event",
    "name",
    "userId",
    "anonymousId",
    "previousId",
    "groupId",
    "messageId",
    "properties",
    "traits",
    "context",
    "timestamp",
    "sentAt",
    "integrations",
    "batch",
    "writeKey",
    "slot",
    "limit",
    "items",
    "decisionId",
    "id",
    "kind",
    "title",
    "price",
    "location",
    "hours",
    "attributes",
]


class Hostile(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes


def requests(seed: int, count: int) -> Iterator[Hostile]:
    """So many requests, the same for a seed."""
    rng = random.Random(seed)
    credentials = [
        basic(WRITE_KEY),
        basic(WRITE_KEY, colon=False),
        f"Bearer {SECRET_KEY}",
        f"Bearer {token('ana')}",
        "Bearer " + "a." * 40,
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic",
        "\xff\xfe",
        "",
    ]
    for _ in range(count):
        path = rng.choice(PATHS).replace("{}", rng.choice(PIECES))
        if rng.random() < 0.3:
            path += "?" + rng.choice(["limit=", "cursor=", "from=", "tz=", "history=", "person=", "&" * 99, "%"])
            path += rng.choice(PIECES)
        headers = [("authorization", rng.choice(credentials))]
        if rng.random() < 0.2:
            headers.append(
                (rng.choice(["content-encoding", "content-type", "origin", "user-agent"]), rng.choice(PIECES))
            )
        body = _body(rng)
        if rng.random() < 0.1:
            body = gzip.compress(body)[: rng.choice([None, -3, 12])]
            headers.append(("content-encoding", "gzip"))
        yield Hostile(rng.choice([*METHODS, "POST", "POST", "POST"]), path, headers, body)


def _body(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.1:
        return rng.randbytes(rng.choice([0, 1, 50, 2000]))
    if kind < 0.15:
        return b'{"a":' * rng.choice([10, 100, 6000])
    if kind < 0.17:
        return b'{"batch":[' + b"{}," * rng.choice([10, 4000]) + b"{}]}"
    if kind < 0.18:
        return b" " * rng.choice([40_000, 600_000])
    payload = _object(rng)
    if rng.random() < 0.2:
        payload = {"batch": [_object(rng) for _ in range(rng.randrange(4))], "context": rng.choice(VALUES)}
    body = json.dumps(payload).encode()
    if rng.random() < 0.3:
        at = rng.randrange(len(body))
        body = body[:at] + rng.randbytes(rng.randrange(3)) + body[at + rng.randrange(2) :]
    return body


def _object(rng: random.Random) -> dict[str, Any]:
    sound: dict[str, Any] = {"type": "track", "event": "A", "userId": "u", "anonymousId": "a", "slot": "home"}
    payload = sound if rng.random() < 0.6 else {}
    for field in rng.sample(FIELDS, rng.randrange(5)):
        payload[field] = rng.choice(VALUES)
    return payload


RAW = [
    b"",
    b"\x00" * 100,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n",
    b"CONNECT evil:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 5000 + b"\r\n",
    b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nx" + b"y" * 200_000,
    b"POST /v1/track HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    b"POST /v1/track HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/track HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    b"POST /v1/track HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX",
    b"POST /v1/track HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nx\r\n",
    b"POST /v1/track HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    b"POST /v1/track HTTP/1.1\r\ncontent-length: 10000000\r\n\r\nx",
    b"POST /v1/track HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n{",
    b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"GET /%ff%fe%00 HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nh\x00st: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nhost: x\r\nx: a\rb\nc\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n" * 200,
    b"HEAD /v1/track HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE",
]
"""Bytes on the wire that are no request, or one that should not be."""


EVENT: dict[str, Any] = {
    "type": "track",
    "event": "Products Searched",
    "userId": "u",
    "anonymousId": "a",
    "timestamp": "2026-11-26T19:00:00Z",
    "properties": {
        "query": "cheap shoes near me",
        "product_id": "p1",
        "revenue": 12.5,
        "currency": "EUR",
        "decision_id": "d1",
        "products": [{"product_id": "p1", "price": 3, "quantity": 2}],
    },
    "context": {
        "timezone": "Europe/Berlin",
        "locale": "en",
        "location": {"latitude": 52.5, "longitude": 13.4},
        "device": {"type": "mobile"},
        "page": {"url": "https://x.example/y?q=a", "title": "A guide"},
        "campaign": {"source": "a"},
        "consent": {"categoryPreferences": {"measure": True}},
    },
}
NAMES = ["Products Searched", "Product Viewed", "Product Added", "Order Completed", "Decision Clicked", "Article Read"]
DECIDE: dict[str, Any] = {"userId": "u", "slot": "home", "limit": 3, "context": EVENT["context"], "event": EVENT}
ITEM: dict[str, Any] = {
    "id": "p1",
    "kind": "product",
    "title": "A shoe",
    "price": 12,
    "currency": "EUR",
    "location": {"latitude": 52.5, "longitude": 13.4},
    "attributes": {"a": 1, "b": ["c"]},
}


def nearly(seed: int, count: int) -> Iterator[Hostile]:
    """So many requests that are sound but for a lie or three: the right door, method and key."""
    rng = random.Random(seed)
    for index in range(count):
        event = {**copy.deepcopy(EVENT), "event": rng.choice(NAMES), "messageId": f"nearly-{index}"}
        path, payload = rng.choice(
            [("/v1/track", event), ("/v1/page", event), ("/v1/decide", copy.deepcopy(DECIDE)), ("/v1/items/p1", ITEM)]
        )
        payload = copy.deepcopy(payload)
        for _ in range(rng.randrange(4)):
            _lie(rng, payload)
        method = "PUT" if path == "/v1/items/p1" else "POST"
        yield Hostile(method, path, [("authorization", f"Bearer {SECRET_KEY}")], json.dumps(payload).encode())


def _lie(rng: random.Random, payload: dict[str, Any]) -> None:
    """Put a hostile value somewhere, at any depth."""
    inner: Any = payload
    while True:
        key = rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if not inner[key] or not isinstance(inner[key], dict | list) or rng.random() < 0.3:
            inner[key] = copy.deepcopy(rng.choice(VALUES))
            return
        inner = inner[key]
