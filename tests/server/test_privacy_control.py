"""Global Privacy Control is heard at every door that takes events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from micromoments.core.settings import Settings
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client, basic

WRITE = ("authorization", basic(WRITE_KEY))
SECRET = ("authorization", f"Bearer {SECRET_KEY}")
STRUCTURED = ("content-type", "application/cloudevents+json")
CLOUD = {"specversion": "1.0", "id": "1", "source": "/", "type": "Product Viewed", "subject": "a", "data": {}}
TRACK = {"anonymousId": "a", "event": "Product Viewed", "properties": {"product_id": "p1"}}
SNOWPLOW = {
    "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
    "data": [{"e": "pv", "aid": WRITE_KEY, "duid": "a", "url": "https://shop.example/"}],
}


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/track", TRACK, [WRITE]),
        ("/v1/batch", {"batch": [{"type": "track", **TRACK}]}, [WRITE]),
        ("/v1/decide", {"anonymousId": "a", "slot": "home", "event": TRACK}, [WRITE]),
        ("/com.snowplowanalytics.snowplow/tp2", SNOWPLOW, []),
        (
            "/v1/cloudevents",
            {**CLOUD, "data": {"anonymousId": "a"}},
            [SECRET, STRUCTURED],
        ),
    ],
)
@pytest.mark.parametrize("signal", ["1", "0", None])
async def test_it_is_a_no_to_sharing(
    tmp_path: Path, path: str, body: dict[str, object], headers: list[tuple[str, str]], signal: str | None
) -> None:
    """With the header's one value the person has said no to share; any other value, and none, says nothing."""
    service = open_service(tmp_path / "shop", Settings(consent=("share",)), now_ms)
    app = App(service, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    await service.start()
    try:
        more = [("sec-gpc", signal)] if signal is not None else []
        answer = await Client(app)("POST", path, json.loads(json.dumps(body)), headers=[*headers, *more])
        assert answer.status == 200, answer.body
        await service.settled()
        (person,) = [p for key in ("anon:a", "user:a") if (p := service.person(key)) is not None]
        assert {k: t.value for k, t in person.consent.items()} == ({"share": False} if signal == "1" else {})
    finally:
        await service.stop()
