"""Nobody opens another person's data: every door of the contract is asked about Bob by those who aren't Bob."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from micromoments.core.item import Item
from micromoments.core.settings import Experiment, Settings, Slot
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.server.openapi import document
from tests.server.asgi import SECRET_KEY, TOKEN_KEY, WRITE_KEY, Answer, Client, basic
from tests.server.conftest import signed

MARK = "umbrellabob"
"""A word that only Bob's own data holds."""
SETTINGS = Settings(
    consent=("measure", "personalise"),
    slots={"home": Slot()},
    experiments={"colour": Experiment(slot="home", variants={"on": 1.0, "off": 1.0})},
)
STRANGERS = {
    "nobody": [],
    "a write key": [("authorization", basic(WRITE_KEY))],
    "a write key as API key": [("x-api-key", WRITE_KEY), ("ocp-apim-subscription-key", WRITE_KEY)],
    "Ana's token": [("authorization", f"Bearer {signed('ana')}")],
    "Ana's token as API key": [("x-api-key", signed("ana"))],
    "a token that nobody signed": [("authorization", "Bearer a.b.c")],
}
BODY: dict[str, Any] = {
    "userId": "bob",
    "anonymousId": "bobs-phone",
    "previousId": "bob",
    "groupId": "g",
    "type": "track",
    "event": "Cart Viewed",
    "slot": "home",
    "person": "user:bob",
    "context": {"targetingKey": "user:bob"},
    "actions": [{"id": "a"}],
    "value": 1,
    "off": False,
    "eventId": "bobs-event",
    "batch": [],
    "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
    "data": [{"e": "pv", "aid": WRITE_KEY, "uid": "bob"}],
    "outcomes": [{"deliveryId": "dlv_of_bob", "what": "opened"}],
    "trigger": "hello",
    "specversion": "1.0",
    "id": "1",
    "source": "/",
}


@pytest_asyncio.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Service]:
    """An engine that knows Bob: his traits, his search, his phone, and a decision for him."""
    service = open_service(tmp_path / "shop", SETTINGS, now_ms)
    await service.start()
    await service.put_items([Item(id="p1", kind="product", title="Trail shoe")])
    bob = Client(App(service, keys()), f"Bearer {SECRET_KEY}")
    ids = {"userId": "bob", "anonymousId": "bobs-phone"}
    await bob("POST", "/v1/identify", {**ids, "traits": {"nickname": MARK}})
    await bob(
        "POST",
        "/v1/track",
        {"userId": "bob", "event": "Products Searched", "properties": {"query": f"buy {MARK} shoes near me"}},
    )
    made = await bob("POST", "/v1/decide", {"userId": "bob", "slot": "home", "decisionId": "bobs-decision"})
    assert MARK in made.body.decode()
    yield service
    await service.stop()


def keys() -> Keys:
    """Every kind of key."""
    return Keys([WRITE_KEY], [SECRET_KEY], [TOKEN_KEY], clock=now_ms)


def asked(table: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, bytes | dict[str, Any]]]:
    """Every door that there is, of the contract and of the table that answers, with every name that Bob has in its
    path.
    """
    names = ("bob", "user:bob", "anon:bobs-phone", "bobs-decision", "bobs-event", "home")
    doors = {(method.upper(), path) for path, methods in document()["paths"].items() for method in methods}
    doors |= {(method, path) for path, methods in table.items() for method in methods}
    for method, path in sorted(doors):
        parts = path.split("/")
        free = any(part == "*" or part.startswith("{") for part in parts)
        filled = {"/".join(n if part == "*" or part.startswith("{") else part for part in parts) for n in names}
        for one in sorted(filled if free else {path}):
            yield method, f"{one}?person=user:bob&history=1", BODY if method != "GET" else b""


async def ask(client: Client, method: str, path: str, body: Any, headers: list[tuple[str, str]]) -> Answer | None:
    """One request; ``None`` where a stream was opened, which doesn't end by itself."""
    try:
        return await asyncio.wait_for(client(method, path, body, headers=headers), 5)
    except TimeoutError:
        return None


@pytest.mark.parametrize("who", STRANGERS)
async def test_every_door_keeps_bobs_data_from_others(engine: Service, who: str) -> None:
    """Whatever is asked, in whichever way, no answer holds a word of Bob's, and nothing of his is gone."""
    app = App(engine, keys())
    client = Client(app)
    tried = 0
    for method, path, body in asked(app.routes):
        answer = await ask(client, method, path, body, STRANGERS[who])
        tried += 1
        assert answer is not None, (method, path, "opened a stream")
        assert MARK not in answer.body.decode("utf-8", "replace"), (method, path)
        assert answer.status < 500, (method, path, answer.body)
    assert tried > 100
    owner = Client(App(engine, keys()), f"Bearer {SECRET_KEY}")
    assert MARK in (await owner("GET", "/v1/people/bob/export")).body.decode()
    assert (await owner("GET", "/v1/decisions/bobs-decision")).status == 200


async def test_bob_opens_his_own(engine: Service) -> None:
    """The same doors give Bob's data to Bob, so that the test above looks where there is something to see."""
    client = Client(App(engine, keys()), f"Bearer {signed('bob')}")
    for path in ("/v1/people/bob/moments", "/v1/people/bob/export", "/v1/decisions/bobs-decision"):
        assert MARK in (await client("GET", path)).body.decode()


async def test_a_phone_that_became_bobs_shows_nothing_of_bob(engine: Service) -> None:
    """Under a write key the phone's id alone counts: neither decide nor a flag tells of the history that was linked."""
    client = Client(App(engine, keys()), basic(WRITE_KEY))
    made = await client("POST", "/v1/decide", {"anonymousId": "bobs-phone", "slot": "home"})
    assert made.status == 200
    assert MARK not in made.body.decode()
    flags = await client("POST", "/ofrep/v1/evaluate/flags", {"context": {"targetingKey": "bobs-phone"}})
    assert flags.status == 200
    assert MARK not in flags.body.decode()
    assert "eventStreams" not in flags.json
