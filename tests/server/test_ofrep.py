"""OFREP 0.3 over the real engine: slots and experiments as flags, tags, credentials, streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from micromoments.core.item import Item
from micromoments.core.settings import Experiment, Settings, Slot
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, WRITE_KEY, Answer, Client
from tests.server.conftest import signed

FLAGS = "/ofrep/v1/evaluate/flags"
SETTINGS = Settings(
    consent=("measure", "personalise"),
    slots={"home": Slot(), "gone": Slot(mode="off")},
    experiments={
        "new-home": Experiment(slot="home", variants={"on": 1.0, "off": 1.0}),
        "colour": Experiment(slot="banner", variants={"red": 1.0, "blue": 1.0, "green": 1.0}),
        "over": Experiment(slot="home", variants={"a": 1.0, "b": 1.0}, running=False),
    },
)


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Service]:
    """An engine with two slots and three experiments, and a few shoes."""
    service = open_service(tmp_path / "shop", SETTINGS, now_ms)
    await service.start()
    await service.put_items([Item(id=f"p{n}", kind="product", title=f"Trail shoe {n}") for n in range(5)])
    yield service
    await service.stop()


@pytest.fixture
def doors(engine: Service) -> App:
    """Its doors, with every kind of key."""
    return App(engine, Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=now_ms))


@pytest.fixture
def server(doors: App) -> Client:
    """The business's own server."""
    return Client(doors, f"Bearer {SECRET_KEY}")


def asking(key: str = "ana", **context: Any) -> dict[str, Any]:
    """An evaluation request."""
    return {"context": {"targetingKey": key, **context}}


async def test_one_flag_is_a_slot_or_an_experiment(server: Client, engine: Service) -> None:
    """A slot's value is its decision, an experiment's the variant; the decision is durable and explained."""
    home = (await server("POST", f"{FLAGS}/home", asking())).json
    assert home["value"]["items"][0]["id"] == home["variant"]
    assert engine.decision(home["value"]["decisionId"]) is not None
    flag = (await server("POST", f"{FLAGS}/new-home", asking())).json
    assert flag["value"] is (flag["variant"] == "on")
    assert flag["reason"] == "SPLIT"
    assert (await server("POST", f"{FLAGS}/colour", asking())).json["value"] in ("red", "blue", "green")
    for name in ("gone", "over"):
        unset = (await server("POST", f"{FLAGS}/{name}", asking())).json
        assert (unset["reason"], "value" in unset) == ("DISABLED", False)


async def test_bulk_needs_no_list_and_agrees_with_single(server: Client) -> None:
    """All slots and experiments come, each as when asked for alone, and again the same."""
    bulk = (await server("POST", FLAGS, asking())).json
    assert [flag["key"] for flag in bulk["flags"]] == ["colour", "gone", "home", "new-home", "over"]
    for flag in bulk["flags"]:
        assert (await server("POST", f"{FLAGS}/{flag['key']}", asking())).json == flag
    assert bulk["eventStreams"][0]["type"] == "sse"


async def test_the_tag_covers_context_person_and_result(server: Client) -> None:
    """304 only for the same person in the same context; an old tag after a change of either is no match."""
    first = await server("POST", FLAGS, asking())
    tag = first.headers["etag"]
    again = await server("POST", FLAGS, asking(), headers=[("if-none-match", tag)])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert (await server("POST", FLAGS, asking(), headers=[("if-none-match", f'"x", W/{tag}')])).status == 304
    for changed in (asking("bob"), asking(device="tv"), asking(query="trail shoes")):
        answer = await server("POST", FLAGS, changed, headers=[("if-none-match", tag)])
        assert answer.status == 200
        assert answer.headers["etag"] != tag
    await server("POST", "/v1/track", {"userId": "ana", "event": "Cart Viewed"})
    assert (await server("POST", FLAGS, asking(), headers=[("if-none-match", tag)])).status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        ({}, "INVALID_CONTEXT"),
        ({"context": 3}, "INVALID_CONTEXT"),
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": 7}}, "INVALID_CONTEXT"),
    ],
)
async def test_errors_are_the_protocols(server: Client, body: Any, code: str) -> None:
    """Malformed requests carry OpenFeature's codes, for one flag with its key."""
    for path in (FLAGS, f"{FLAGS}/home"):
        answer = await server("POST", path, body)
        assert (answer.status, answer.json["errorCode"]) == (400, code)
        assert answer.json.get("key") == ("home" if path.endswith("home") else None)
    missing = await server("POST", f"{FLAGS}/nothing", asking())
    assert (missing.status, missing.json["errorCode"], missing.json["key"]) == (404, "FLAG_NOT_FOUND", "nothing")


async def test_credentials(doors: App, engine: Service) -> None:
    """Bearer or X-API-Key; a write key only speaks of anonymous ids, a token only of its person."""
    anyone = Client(doors)
    assert (await anyone("POST", FLAGS, asking())).status == 401
    assert (await anyone("POST", FLAGS, asking(), headers=[("x-api-key", "no")])).status == 401
    for headers in ([("x-api-key", WRITE_KEY)], [("authorization", f"Bearer {WRITE_KEY}")]):
        assert (await anyone("POST", f"{FLAGS}/home", asking("a"), headers=headers)).status == 200
        assert (await anyone("POST", f"{FLAGS}/home", asking("user:ana"), headers=headers)).status == 403
    assert {r.key for r in engine._applier.decisions.values()} == {"anon:a"}
    token = signed("ana")
    for headers in ([("x-api-key", token)], [("authorization", f"Bearer {token}")]):
        assert (await anyone("POST", f"{FLAGS}/home", asking("ana"), headers=headers)).status == 200
        for other in ("bob", "anon:ana", "anon:a"):
            assert (await anyone("POST", f"{FLAGS}/home", asking(other), headers=headers)).status == 403


async def test_a_moment_says_refetch(server: Client, doors: App) -> None:
    """The event stream of a bulk answer tells when a moment of that person opened, in the protocol's words."""
    uri = (await server("POST", FLAGS, asking())).json["eventStreams"][0]["endpoint"]["requestUri"]
    listening = asyncio.ensure_future(Client(doors)("GET", uri))
    for _ in range(6_000):
        if len(doors.streams):
            break
        await asyncio.sleep(0.01)
    await server("POST", "/v1/track", {"userId": "bob", "event": "Product Added", "properties": {"product_id": "p1"}})
    await server("POST", "/v1/track", {"userId": "ana", "event": "Product Added", "properties": {"product_id": "p1"}})
    await server("GET", "/v1/people/ana/moments")
    await asyncio.sleep(0.5)  # the listener is told in a turn of the loop, after the answer
    doors.drain()
    answer: Answer = await asyncio.wait_for(listening, 60)
    lines = [line for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    assert len(lines) == 1
    assert json.loads(lines[0][6:])["type"] == "refetchEvaluation"
    assert (await Client(doors)("GET", "/ofrep/v1/events/unknown")).status == 404


async def test_any_targeting_key_is_somebody(server: Client) -> None:
    """Long and unprintable keys evaluate; an empty one is nobody, for whom the code's default holds."""
    for key in ("x" * 2000, "a\u0000b", "😀"):
        assert (await server("POST", f"{FLAGS}/home", asking(key))).json["value"]["items"]
    assert "value" not in (await server("POST", f"{FLAGS}/home", asking(""))).json
    assert (await server("POST", f"{FLAGS}/home", asking("ana", huge=10**30, lat="x", timezone=7))).status == 200


async def test_what_changed_is_seen_at_once(server: Client) -> None:
    """Off is off, a no to personalisation is a no, and what is sold out is gone, though the step isn't over."""
    first = (await server("POST", f"{FLAGS}/home", asking())).json
    sold = first["variant"]
    await server("PATCH", f"/v1/items/{sold}", {"stock": 0})
    second = (await server("POST", f"{FLAGS}/home", asking())).json
    assert sold not in [item["id"] for item in second["value"]["items"]]
    refused = {"userId": "ana", "event": "Consent Updated", "properties": {"personalise": False}}
    await server("POST", "/v1/track", refused)
    await server("GET", "/v1/people/ana/moments")
    third = (await server("POST", f"{FLAGS}/home", asking())).json
    assert third["value"]["decisionId"] != second["value"]["decisionId"]
    assert third["metadata"]["policy"] == "popular"
    await server("PUT", "/v1/switch", {"slot": "home", "off": True})
    assert (await server("POST", f"{FLAGS}/home", asking())).json["reason"] == "DISABLED"
    await server("PUT", "/v1/switch", {"slot": "home", "off": False})
    assert (await server("POST", f"{FLAGS}/home", asking())).json == third


async def test_a_channel_doesnt_follow_into_a_known_person(doors: App, server: Client) -> None:
    """The stream of a visitor under a write key ends to be one when their id becomes a user's."""
    headers = [("x-api-key", WRITE_KEY)]
    told = await Client(doors)("POST", FLAGS, asking("phone"), headers=headers)
    uri = told.json["eventStreams"][0]["endpoint"]["requestUri"]
    await server("POST", "/v1/identify", {"userId": "bob", "anonymousId": "phone"})
    await server("GET", "/v1/people/bob/moments")
    assert (await Client(doors)("GET", uri)).status == 404
