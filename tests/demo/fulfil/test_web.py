"""The HTTP around an experience: who asks, what is refused, and in which words."""

from __future__ import annotations

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from micromoments.demo.fulfil import Refused, web


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """A body."""

    quantity: int


class Anything(msgspec.Struct):
    """A body that says what it likes."""

    properties: object


@pytest.fixture
def client() -> httpx.AsyncClient:
    """An app with a page, a door that names the visitor, and one that takes a body."""
    visitors, pages = web.Visitors("cup", "/coffee"), web.Pages({"index.html": b"<p>hello</p>"})

    async def page(request: Request) -> Response:
        """The page."""
        return visitors.welcome(request, pages.get(request, request.path_params["name"]))

    async def me(request: Request) -> Response:
        """Who asks."""
        return web.answer({"owner": visitors.owner(request)})

    async def take(request: Request) -> Response:
        """What was sent."""
        return web.answer({"got": (await web.read(request, Asked)).quantity, "key": web.key_of(request)})

    async def noted(request: Request) -> Response:
        """Anything at all."""
        return web.answer(msgspec.to_builtins(await web.read(request, Anything)))

    doors = {"GET /coffee/me": me, "POST /coffee/take": take, "POST /coffee/noted": noted}
    doors["GET /coffee/{name}"] = page
    app = web.Guard(Starlette(routes=web.routes(doors)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080")


async def test_a_visitor_is_a_cookie(client: httpx.AsyncClient) -> None:
    """The first page gives a cookie that scripts can't read; the visitor's name doesn't give it away, and stays."""
    assert (await client.get("/coffee/me")).json()["code"] == "no_visitor"
    reply = await client.get("/coffee/index.html")
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert "SameSite=strict" in reply.headers["set-cookie"]
    one, two = [(await client.get("/coffee/me")).json()["owner"] for _ in range(2)]
    assert one == two
    assert client.cookies["cup"] not in one
    assert "set-cookie" not in (await client.get("/coffee/index.html")).headers


async def test_pages_are_what_was_there(client: httpx.AsyncClient) -> None:
    """Pages come with a strict policy and an ETag; what lies outside is not there."""
    reply = await client.get("/coffee/index.html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    again = await client.get("/coffee/index.html", headers={"if-none-match": reply.headers["etag"]})
    assert again.status_code == 304
    for path in ("/coffee/%2e%2e%2fmade.py", "/coffee/nothing.js"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("body", ["{", '{"quantity": "2"}', '{"quantity": 2, "total": 1}', "[]", "{}"])
async def test_bodies_are_read_strictly(client: httpx.AsyncClient, body: str) -> None:
    """What isn't in the shape, forged fields too, is a 400 that says where."""
    reply = await client.post("/coffee/take", content=body)
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
    assert reply.headers["content-type"] == "application/problem+json"


async def test_bodies_too_deep_are_refused(client: httpx.AsyncClient) -> None:
    """A body of lists in lists, more than a reader can follow, is the sender's mistake, not ours."""
    deep = b"[" * 20_000 + b"]" * 20_000
    reply = await client.post("/coffee/noted", content=b'{"properties": ' + deep + b"}")
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


async def test_long_bodies_are_refused(client: httpx.AsyncClient) -> None:
    """A body beyond the limit is refused."""
    assert (await client.post("/coffee/take", content=b" " * 70_000)).status_code == 413


async def test_pages_of_elsewhere_may_not_act(client: httpx.AsyncClient) -> None:
    """A foreign Origin may not change anything, and a foreign Host is not answered at all."""
    good = {"origin": "http://127.0.0.1:8080", "idempotency-key": "k"}
    assert (await client.post("/coffee/take", json={"quantity": 1}, headers=good)).json() == {"got": 1, "key": "k"}
    reply = await client.post("/coffee/take", json={"quantity": 1}, headers={"origin": "http://evil.example"})
    assert (reply.status_code, reply.json()["code"]) == (403, "foreign_origin")
    assert (await client.get("/coffee/index.html", headers={"host": "evil.example:8080"})).status_code == 403


def test_a_refusal_says_got_wanted_next() -> None:
    """A refusal's words are got, wanted, and what to do."""
    assert str(Refused("c", "2", "1", "do less")) == "got 2; wanted 1; do less"
