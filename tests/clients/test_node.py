"""Published Node clients against a running server: what they send is in the log, and what they ask is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.conftest import Shop, node
from tests.clients.table import Row, npm
from tests.clients.test_python import TRACKED, UNCHANGED, read_back, snowplowed
from tests.server.asgi import basic

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize(
    ("script", "package"),
    [
        ("segment.cjs", "@segment/analytics-node"),
        ("segment_before.cjs", "analytics-node"),
        ("rudder.cjs", "@rudderstack/rudder-sdk-node"),
    ],
)
def test_segment_shaped(shop: Shop, seen: list[Row], installed: Path, script: str, package: str) -> None:
    """Every call of Segment's SDKs, the present and the one before, and RudderStack's in gzip that calls itself a
    form.
    """
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


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("coded", ["base64", "plain"])
def test_snowplow_before(shop: Shop, seen: list[Row], installed: Path, method: str, coded: str) -> None:
    """The tracker of before, by the pixel and by POST, with contexts in base64 and as JSON."""
    node(installed, "snowplow_before.cjs", shop.url, shop.write_key, method, coded)
    assert len(shop.sent) == 3
    snowplowed(shop, "ana")
    package = "snowplow-tracker"
    seen += [Row(f"{package} (Node)", npm(package), f"{call}, {method.upper()}", UNCHANGED) for call in TRACKED]


def test_personalizer(shop: Shop, seen: list[Row], installed: Path) -> None:
    """Azure's JavaScript client: rank, activate, reward, and an error that it can read."""
    told = json.loads(node(installed, "personalizer.cjs", shop.url, shop.secret_key))
    assert told["ranked"]["rewardActionId"] in ("sweet", "salty")
    assert sum(one["probability"] for one in told["ranked"]["ranking"]) == pytest.approx(1.0)
    assert told["code"] == "InvalidRankRequest"
    assert [one.status for one in shop.sent] == [201, 204, 204, 400]
    package = "@azure/cognitiveservices-personalizer"
    said = {"rank": "201, durable", "activate": "204, durable", "reward": "204, learned"}
    said["an error"] = "its own exception, with the code"
    seen += [Row(package, npm(package), call, how) for call, how in said.items()]


def test_cloudevents(shop: Shop, seen: list[Row], installed: Path) -> None:
    """What the SDK's own emitter sends in both modes is taken."""
    node(installed, "cloudevents.cjs", shop.url, basic(shop.write_key))
    binary, structured = sorted(shop.kept("ana"), key=lambda event: str(event["messageId"]))
    for kept in (binary, structured):
        assert (kept["event"], kept["properties"]) == ("Products Searched", {"query": "trail shoes", "where": "café"})
        assert kept["context"]["cloudevent"]["city"] == "Zurich"
    package = "cloudevents"
    seen += [Row(f"{package} (JavaScript)", npm(package), mode, UNCHANGED) for mode in ("binary", "structured")]


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
