"""Published Python clients against a running server: what they send is in the log, and what they ask is answered."""

from __future__ import annotations

import base64
import importlib
import json
from typing import Any
from urllib.parse import parse_qsl
from urllib.request import Request, urlopen

import pytest

from tests.clients.conftest import Shop
from tests.clients.table import Row, python
from tests.server.asgi import basic

CALLS = ("identify", "track", "page", "screen", "group", "alias")
TRACKED = ("page view", "structured event", "self-describing event with a context")
UNCHANGED = "read back from the log unchanged"


def read_back(
    shop: Shop, who: str, package: str, rows: list[Row], release: str, calls: tuple[str, ...] = CALLS
) -> None:
    """Every call that went over the wire is in the person's log as it was sent."""
    sent = shop.calls()
    kept = shop.kept(who)
    assert sorted(one["type"] for one in sent) == sorted(CALLS)
    assert [one for one in sent if one not in kept] == []
    rows += [Row(package, release, call, UNCHANGED) for call in CALLS]


@pytest.mark.parametrize("gzip", [False, True])
def test_segment(shop: Shop, seen: list[Row], gzip: bool) -> None:
    """segment-analytics-python: each call, plain and in gzip."""
    from segment.analytics.client import Client

    troubles: list[Any] = []
    client = Client(
        shop.write_key, host=shop.url, gzip=gzip, on_error=lambda *said: troubles.append(said), sync_mode=False
    )
    client.identify("ana", {"plan": "gold", "nested": {"a": [1, None]}})
    client.track("ana", "Products Searched", {"query": "trail shoes", "n": 1.5})
    client.page("ana", "Shop", "Home", {"path": "/"})
    client.screen("ana", "Shop", "Cart", {"items": 2})
    client.group("ana", "g1", {"size": 3})
    client.alias("ana-before", "ana")
    client.flush()
    client.join()
    assert troubles == []
    read_back(shop, "ana", "segment-analytics-python", seen, python("segment-analytics-python"))


def test_rudderstack(shop: Shop, seen: list[Row]) -> None:
    """rudder-sdk-python: gzip by default, no write key in the body, content only with status 200."""
    from rudderstack.analytics.client import Client

    troubles: list[Any] = []
    client = Client(shop.write_key, host=shop.url, on_error=lambda *said: troubles.append(said))
    client.identify("ana", {"plan": "gold"})
    client.track("ana", "Products Searched", {"query": "trail shoes"})
    client.page("ana", "Shop", "Home", {"path": "/"})
    client.screen("ana", "Shop", "Cart", {"items": 2})
    client.group("ana", "g1", {"size": 3})
    client.alias("ana-before", "ana")
    client.flush()
    client.join()
    assert troubles == []
    assert all(one.body[:2] == b"\x1f\x8b" for one in shop.sent)
    read_back(shop, "ana", "rudder-sdk-python", seen, python("rudder-sdk-python"))


def snowplowed(shop: Shop, who: str) -> None:
    """Every payload that went over the wire is in the person's log: its data, its contexts and its ids as sent."""
    payloads: list[dict[str, str]] = []
    for request in shop.sent:
        assert request.status == 200, request.path
        query = dict(parse_qsl(request.path.partition("?")[2]))
        payloads += [query] if request.method == "GET" else request.json["data"]
    kept = {event["messageId"]: event for event in shop.kept(who)}
    assert payloads
    for payload in payloads:
        event = kept[payload["eid"]]
        own = event["context"]["snowplow"]
        assert payload.items() >= {k: v for k, v in own.items() if k not in ("contexts", "schema")}.items()
        if packed := payload.get("ue_px"):
            inner = json.loads(base64.urlsafe_b64decode(packed + "==="))["data"]
            assert (own["schema"], event["properties"]) == (inner["schema"], inner["data"])
        if packed := payload.get("cx"):
            assert own["contexts"] == json.loads(base64.urlsafe_b64decode(packed + "==="))["data"]
        for short, name in (("se_ca", "category"), ("se_ac", "action"), ("url", "url")):
            if short in payload:
                assert event["properties"][name] == payload[short]


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow(shop: Shop, seen: list[Row], method: str) -> None:
    """snowplow-tracker: page, structured and self-describing events with a context, by POST and by the pixel."""
    sp: Any = importlib.import_module("snowplow_tracker")  # its names are not exported for a type checker

    port = int(shop.url.rpartition(":")[2])
    emitter = sp.Emitter("127.0.0.1", protocol="http", port=port, method=method, batch_size=1)
    tracker = sp.Tracker(
        "t", emitter, app_id=shop.write_key, subject=sp.Subject().set_user_id("ana"), encode_base64=True
    )
    around = [sp.SelfDescribingJson("iglu:com.acme/user/jsonschema/1-0-0", {"plan": "gold"})]
    tracker.track(sp.PageView("https://a.shop/x", page_title="X", context=around))
    tracker.track(sp.StructuredEvent("shop", "add-to-basket", value=2.5))
    tracker.track(
        sp.SelfDescribing(
            sp.SelfDescribingJson("iglu:com.acme/video_watched/jsonschema/1-0-0", {"id": 7}), context=around
        )
    )
    tracker.flush()
    assert len(shop.sent) == 3
    snowplowed(shop, "ana")
    events = {event.get("event", event["type"]): event for event in shop.kept("ana")}
    assert set(events) == {"page", "add-to-basket", "video_watched"}
    assert events["video_watched"]["properties"] == {"id": 7}
    name, release = "snowplow-tracker (Python)", python("snowplow-tracker")
    seen += [Row(name, release, f"{call}, {method.upper()}", UNCHANGED) for call in TRACKED]


def test_ofrep(shop: Shop, seen: list[Row]) -> None:
    """openfeature-provider-ofrep: a slot as an object, an experiment as a boolean, a flag that there isn't."""
    from openfeature import api
    from openfeature.contrib.provider.ofrep import OFREPProvider
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.exception import ErrorCode

    provider = OFREPProvider(shop.url, headers_factory=lambda: {"Authorization": f"Bearer {shop.secret_key}"})
    api.set_provider(provider)
    client = api.get_client()
    context = EvaluationContext("ana", {"device": "tv"})
    slot = client.get_object_details("home", {}, context)
    assert isinstance(slot.value, dict)
    assert shop.ask("GET", f"/v1/decisions/{slot.value['decisionId']}")["key"] == "user:ana"
    variant = client.get_boolean_details("new-home", False, context)
    assert (variant.value, variant.reason) == (variant.variant == "on", "SPLIT")
    missing = client.get_boolean_details("nothing", True, context)
    assert (missing.value, missing.error_code) == (True, ErrorCode.FLAG_NOT_FOUND)
    nobody = client.get_boolean_details("new-home", True)
    assert nobody.value is True
    assert nobody.error_code is not None
    provider.session.close()
    release = python("openfeature-provider-ofrep")
    name = "openfeature-provider-ofrep (Python)"
    seen += [
        Row(name, release, "object: a slot", "decided, durable"),
        Row(name, release, "boolean: an experiment", "the variant"),
        Row(name, release, "a flag that there isn't", "FLAG_NOT_FOUND, the code's default"),
    ]


def test_personalizer(shop: Shop, seen: list[Row]) -> None:
    """azure-cognitiveservices-personalizer: rank, reward, activate, and an error as its own exception."""
    azure: Any = importlib.import_module("azure.cognitiveservices.personalizer")
    models: Any = importlib.import_module("azure.cognitiveservices.personalizer.models")
    from msrest.authentication import CognitiveServicesCredentials

    client = azure.PersonalizerClient(shop.url, CognitiveServicesCredentials(shop.secret_key))
    actions = [models.RankableAction(id=id, features=[{"taste": id}]) for id in ("sweet", "salty")]
    asked = models.RankRequest(
        actions=actions, context_features=[{"time": "noon"}], event_id="e1", defer_activation=True
    )
    ranked = client.rank(asked)
    assert ranked.reward_action_id in ("sweet", "salty")
    assert sum(one.probability for one in ranked.ranking) == pytest.approx(1.0)
    client.events.activate("e1")
    client.events.reward("e1", 0.5)
    with pytest.raises(models.ErrorResponseException) as caught:
        client.rank(models.RankRequest(actions=[]))
    assert caught.value.error.error.code == "InvalidRankRequest"
    client.close()
    assert [one.status for one in shop.sent] == [201, 204, 204, 400]
    name, release = "azure-cognitiveservices-personalizer", python("azure-cognitiveservices-personalizer")
    seen += [
        Row(name, release, "rank", "201, durable"),
        Row(name, release, "activate", "204, durable"),
        Row(name, release, "reward", "204, learned"),
        Row(name, release, "an error", "its own exception, with the code"),
    ]


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_cloudevents(shop: Shop, seen: list[Row], mode: str) -> None:
    """cloudevents: what its HTTP binding makes of an event is taken in both modes."""
    from cloudevents.core.bindings.http import to_binary, to_structured
    from cloudevents.core.formats.json import JSONFormat
    from cloudevents.core.v1.event import CloudEvent

    attributes = {"id": "1", "source": "/shop", "type": "Products Searched", "subject": "ana", "specversion": "1.0"}
    data = {"query": "trail shoes", "where": "café"}
    event = CloudEvent({**attributes, "datacontenttype": "application/json", "city": "Zürich"}, data)
    message = (to_binary if mode == "binary" else to_structured)(event, JSONFormat())
    asked = Request(
        f"{shop.url}/v1/cloudevents", message.body, {**message.headers, "authorization": basic(shop.write_key)}
    )
    with urlopen(asked) as answer:
        assert json.load(answer) == {"success": True, "rejected": []}
    (kept,) = shop.kept("ana")
    assert (kept["event"], kept["properties"]) == ("Products Searched", data)
    assert kept["context"]["cloudevent"]["city"] == "Zürich"
    seen.append(Row("cloudevents (Python)", python("cloudevents"), mode, UNCHANGED))
