"""The doors of other trackers: Snowplow and CloudEvents, by their credentials and in their words."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import WRITE_KEY, Client
from tests.server.fake import FakeService

TP2 = "/com.snowplowanalytics.snowplow/tp2"
SCHEMA = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
VIEW = {"e": "pv", "tv": "t", "p": "web", "aid": WRITE_KEY, "duid": "d1", "eid": "e1", "url": "https://a/x"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "Cart Viewed",
    "subject": "anon:x",
    "data": {"n": 1},
}


async def test_payloads_are_taken_by_their_aid(anyone: Client, service: FakeService) -> None:
    """The application id is the write key; nothing else is needed."""
    answer = await anyone("POST", TP2, {"schema": SCHEMA, "data": [VIEW, {**VIEW, "eid": "e2", "e": "pp"}]})
    assert (answer.status, answer.body) == (200, b"ok")
    assert [a.message_id for a in service.arrivals] == ["e1", "e2"]
    assert not service.arrivals[0].confirmed


async def test_the_pixel_takes_one(anyone: Client, service: FakeService) -> None:
    """A query is a payload, the answer a picture."""
    answer = await anyone("GET", f"/i?{urlencode(VIEW)}")
    assert (answer.status, answer.headers["content-type"], answer.body[:3]) == (200, "image/gif", b"GIF")
    assert service.arrivals[0].event.anonymous_id == "d1"


async def test_trackers_hear_what_is_final(anyone: Client, service: FakeService) -> None:
    """An unknown aid is 401, nonsense 400; a good event beside a bad one is taken."""
    assert (await anyone("POST", TP2, {"schema": SCHEMA, "data": [{**VIEW, "aid": "no"}]})).status == 401
    assert (await anyone("POST", TP2, b"{")).status == 400
    assert (await anyone("POST", TP2, {"schema": SCHEMA, "data": [{**VIEW, "e": "zz"}]})).status == 400
    assert (await anyone("GET", "/i")).status == 401
    assert (await anyone("POST", TP2, {"schema": SCHEMA, "data": []})).status == 200
    assert service.arrivals == []
    assert (await anyone("POST", TP2, {"schema": SCHEMA, "data": [{**VIEW, "e": "zz"}, VIEW]})).status == 200
    assert len(service.arrivals) == 1


async def test_a_page_may_send_its_cookies_along(service: FakeService) -> None:
    """Snowplow's browser tracker asks with credentials; a configured origin is answered so, another isn't."""
    service.settings = type(service.settings)(origins=("https://a.shop",))
    client = Client(App(service, Keys([WRITE_KEY], clock=service.clock)))
    asked = await client("OPTIONS", TP2, headers=[("origin", "https://a.shop")])
    assert asked.headers["access-control-allow-credentials"] == "true"
    sent = await client("POST", TP2, {"schema": SCHEMA, "data": [VIEW]}, headers=[("origin", "https://a.shop")])
    assert sent.headers["access-control-allow-origin"] == "https://a.shop"
    assert sent.headers["access-control-allow-credentials"] == "true"
    other = await client("POST", TP2, {"schema": SCHEMA, "data": [VIEW]}, headers=[("origin", "https://b.shop")])
    assert "access-control-allow-credentials" not in other.headers


async def test_without_keys_pages_of_this_machine_read_answers(local: Client) -> None:
    """A shop under development at another port is let in, a page of elsewhere isn't."""
    near = await local(
        "POST", "/v1/track", {"event": "A", "userId": "u"}, headers=[("origin", "http://localhost:3000")]
    )
    assert near.headers["access-control-allow-origin"] == "http://localhost:3000"
    far = await local("POST", TP2, {"schema": SCHEMA, "data": [VIEW]}, headers=[("origin", "https://evil.example")])
    assert far.status == 403
    assert "access-control-allow-origin" not in far.headers


async def test_cloudevents_in_every_mode(browser: Client, service: FakeService) -> None:
    """Binary, structured and batched are one event; a bad one of a batch is named."""
    headers = [(f"ce-{k}", v) for k, v in EVENT.items() if k != "data"]
    for kind, body, more in (
        ("application/json", EVENT["data"], headers),
        ("application/cloudevents+json", EVENT, []),
        ("application/cloudevents-batch+json", [EVENT, {"id": "9"}], []),
    ):
        answer = await browser("POST", "/v1/cloudevents", body, headers=[*more, ("content-type", kind)])
        assert answer.status == 200
        assert [r["code"] for r in answer.json["rejected"]] == ["missing_attribute"] * kind.endswith("batch+json")
    assert len(service.arrivals) == 1
    assert json.loads(service.arrivals[0].body)["context"]["cloudevent"]["source"] == "/shop"


@pytest.mark.parametrize("kind", ["application/json", "application/cloudevents+json", "text/plain"])
async def test_what_is_no_cloudevent_is_refused(browser: Client, kind: str) -> None:
    """A single event that can't be taken fails the request, in our words."""
    answer = await browser("POST", "/v1/cloudevents", {"id": 1}, headers=[("content-type", kind)])
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_settings_say_how_the_page_speaks(anyone: Client) -> None:
    """A page served by https must send so; a local server is asked by http."""
    path = f"/v1/projects/{WRITE_KEY}/settings"
    assert (await anyone("GET", path)).json["integrations"]["Segment.io"]["protocol"] == "http"
    secure = await anyone("GET", path, headers=[("origin", "https://a.shop")])
    assert secure.json["integrations"]["Segment.io"]["protocol"] == "https"


async def test_a_refusal_says_got_and_wanted_once(anyone: Client, browser: Client) -> None:
    """What a source says of a bad event is told as it stands, without a second got."""
    payload = {"e": "zz", "aid": WRITE_KEY, "p": "web", "tv": "x"}
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    tracked = await anyone("POST", "/com.snowplowanalytics.snowplow/tp2", {"schema": schema, "data": [payload]})
    assert tracked.body.decode().count("got ") == 1
    event = json.dumps({"specversion": "0.3", "id": "1", "source": "/s", "type": "t"}).encode()
    kind = [("content-type", "application/cloudevents+json")]
    refused = await browser("POST", "/v1/cloudevents", event, headers=kind)
    assert refused.json["detail"] == "got specversion '0.3'; wanted '1.0'"


async def test_a_page_sees_what_is_final(service: FakeService) -> None:
    """A browser shows its page the status of an answer only where that allows credentials, refusals too; or a tracker
    would send for ever what is refused for good.
    """
    service.settings = type(service.settings)(origins=("https://a.shop",))
    client = Client(App(service, Keys([WRITE_KEY], clock=service.clock)))
    ours = [("origin", "https://a.shop")]
    for refused in (
        await client("POST", TP2, {"schema": SCHEMA, "data": [{**VIEW, "aid": "no"}]}, headers=ours),
        await client("POST", TP2, b"{", headers=ours),
        await client("GET", "/i", headers=ours),
    ):
        assert refused.status in (400, 401)
        assert refused.headers["access-control-allow-credentials"] == "true"
    assert (await client("OPTIONS", "/i", headers=ours)).headers["access-control-allow-credentials"] == "true"


async def test_odd_cloudevents_are_taken_or_refused(browser: Client, service: FakeService) -> None:
    """Data with a type of its own is no call of ours; a media type has parameters, and letters of either size."""
    kind = [("content-type", "application/cloudevents+json")]
    odd = {**EVENT, "data": {"type": ["a"]}}
    packed = {**EVENT, "id": "2", "data_base64": "eyJhIjoxfQ==", "datacontenttype": "Application/JSON; charset=utf-8"}
    packed.pop("data")
    for event in (odd, packed):
        assert (await browser("POST", "/v1/cloudevents", event, headers=kind)).status == 200
    assert [a.event.properties for a in service.arrivals] == [{"type": ["a"]}, {"a": 1}]
