"""The Python client: the same methods, waiting or awaited, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from micromoments.client import AsyncClient, Client, Refused
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.serving import running


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server with keys."""
    service = open_service(tmp_path / "shop", None, now_ms)
    with running(App(service, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))) as (port, _):
        yield f"http://127.0.0.1:{port}"


def test_the_whole_way(url: str) -> None:
    """Items, events, moments, a decision and why, a report, and the person's rights."""
    with Client(url, SECRET_KEY) as client:
        assert client.put_items([{"id": "p1", "kind": "product", "title": "Trail shoe"}])["accepted"] == 1
        client.identify("ana/1", {"plan": "gold"}, anonymous_id="phone")
        client.track("ana/1", "Products Searched", {"query": "buy trail shoes"})
        assert client.moments("ana/1")["moments"][0]["type"] == "buy"
        made = client.decide("ana/1", "home", limit=1)
        assert made["items"][0]["id"] == "p1"
        assert client.decision(made["decisionId"])["chosen"] == ["p1"]
        client.track("ana/1", "Order Completed", {"revenue": 89, "decision_id": made["decisionId"]})
        assert client.report("scorecards", from_="2020-01-01")["name"] == "scorecards"
        assert client.export("ana/1")["traits"] == {"plan": "gold"}
        assert client.erase("ana/1")["erased"]["people"] == 1


async def test_awaited(url: str) -> None:
    """The same methods give what can be awaited; a write key decides for an anonymous id."""
    async with AsyncClient(url, WRITE_KEY, write=True) as client:
        await client.track("anon:a", "Cart Viewed")
        assert (await client.decide("anon:a", "home"))["slot"] == "home"
        with pytest.raises(Refused) as caught:
            await client.moments("ana")
        assert (caught.value.status, caught.value.code) == (403, "person_token_needed")


def test_errors_say_what_to_do(url: str) -> None:
    """The server's words and code; a server that isn't there is httpx's error."""
    with Client(url, "wrong") as client, pytest.raises(Refused, match="no_valid_key"):
        client.decision("d")
    with Client("http://127.0.0.1:9", SECRET_KEY) as client, pytest.raises(httpx.ConnectError):
        client.moments("ana")


@pytest.mark.parametrize("body", [b'"bad gateway"', b"[1]", b"<html>bad gateway</html>"])
def test_a_refusal_of_another_server_is_told(body: bytes) -> None:
    """A proxy's error, be it JSON of another shape or no JSON, is refused by its status and its words."""
    transport = httpx.MockTransport(lambda _: httpx.Response(502, content=body))
    with Client("http://shop.example", transport=transport) as client, pytest.raises(Refused) as refused:
        client.report("lift")
    assert (refused.value.status, refused.value.code) == (502, "unknown")
    assert body.decode() in str(refused.value)
