"""Published Node clients against a running server: what they send is in the log, and what they ask is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.conftest import Shop, node
from tests.clients.table import Row, npm
from tests.clients.test_python import TRACKED, UNCHANGED, read_back, snowplowed

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("script", "package"),
    [("segment.cjs", "@segment/analytics-node"), ("rudder.cjs", "@rudderstack/rudder-sdk-node")],
)
def test_segment_shaped(shop: Shop, seen: list[Row], installed: Path, script: str, package: str) -> None:
    """Every call of Segment's and RudderStack's SDKs, RudderStack's in gzip that calls itself a form."""
    node(installed, script, shop.url, shop.write_key)
    if package.startswith("@rudderstack"):
        assert {one.headers["Content-Type"] for one in shop.sent} == {"application/x-www-form-urlencoded"}
        assert all(one.body[:2] == b"\x1f\x8b" for one in shop.sent)
    read_back(shop, "ana", package, seen, npm(package))


def test_snowplow(shop: Shop, seen: list[Row], installed: Path) -> None:
    """Page, structured and self-describing events with a context."""
    node(installed, "snowplow.cjs", shop.url, shop.write_key)
    assert {one.status for one in shop.sent} == {200}
    assert sum(len(one.json["data"]) for one in shop.sent) == 3
    snowplowed(shop, "ana")
    package = "@snowplow/node-tracker"
    seen += [Row(package, npm(package), f"{call}, POST", UNCHANGED) for call in TRACKED]


def test_ofrep_server(shop: Shop, seen: list[Row], installed: Path) -> None:
    """The server provider: a slot, an experiment, and a flag that there isn't."""
    told = json.loads(node(installed, "ofrep_server.cjs", shop.url, shop.secret_key))
    decision = shop.ask("GET", f"/v1/decisions/{told['slot']['value']['decisionId']}")
    assert decision["key"] == "user:ana"
    assert [item["id"] for item in told["slot"]["value"]["items"]] == decision["chosen"]
    assert told["variant"]["value"] is (told["variant"]["variant"] == "on")
    assert told["missing"]["value"] is True
    assert told["missing"]["errorCode"] == "FLAG_NOT_FOUND"
    package = "@openfeature/ofrep-provider"
    seen += [
        Row(package, npm(package), "object: a slot", "decided, durable"),
        Row(package, npm(package), "boolean: an experiment", "the variant"),
        Row(package, npm(package), "a flag that there isn't", "FLAG_NOT_FOUND, the code's default"),
    ]


def test_ofrep_web(shop: Shop, seen: list[Row], installed: Path) -> None:
    """The web provider, with the write key: all flags at once, and each person their own, whatever tag it sends."""
    first, second, again = json.loads(node(installed, "ofrep_web.cjs", shop.url, shop.write_key))
    ids = [one["slot"]["value"]["decisionId"] for one in (first, second, again)]
    assert ids[0] == ids[2] != ids[1]
    assert shop.ask("GET", f"/v1/decisions/{ids[0]}")["key"] == "anon:visitor-1"
    assert shop.ask("GET", f"/v1/decisions/{ids[1]}")["key"] == "anon:visitor-2"
    assert all("If-None-Match" not in one.headers or one.status == 200 for one in shop.sent)
    package = "@openfeature/ofrep-web-provider"
    seen += [
        Row(package, npm(package), "all flags", "decided, durable"),
        Row(package, npm(package), "another context", "its own answer, not the cached one"),
    ]
