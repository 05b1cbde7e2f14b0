"""``GET /v1/search``: what a shop's own search page asks."""

from __future__ import annotations

import pytest

from tests.server.asgi import Client

ITEMS = [
    {
        "id": f"p{i}",
        "kind": "product",
        "title": f"{'Red' if i % 2 else 'Blue'} trail shoe {i}",
        "text": "Grippy on mud & stone.",
        "category": "Shoes",
        "brand": "Fell & Co" if i % 3 else "Rock, Inc.",
        "tags": ["trail"],
        "price": [1000 * (i + 1), "EUR"],
        "stock": i,
        "value": 700,
    }
    for i in range(12)
] + [
    {"id": "g1", "kind": "guide", "title": "How to wax a trail shoe"},
    {"id": "o1", "kind": "offer", "title": "Trail shoe deal", "condition": {"country": "DE"}},
]


@pytest.fixture
async def shop(backend: Client, browser: Client) -> Client:
    """A browser of a shop with some items."""
    assert (await backend("PUT", "/v1/items", ITEMS)).json["accepted"] == len(ITEMS)
    return browser


async def test_a_page_of_what_was_found(shop: Client) -> None:
    """Words find items with facets, prices and highlights; what is the business's alone isn't told, nor what is meant
    for some people only.
    """
    answer = await shop("GET", "/v1/search?q=red+shoes&limit=2")
    assert answer.status == 200
    page = answer.json
    assert page["total"] == 6
    assert len(page["items"]) == 2
    first = page["items"][0]
    assert first["highlights"]["title"].startswith("<mark>Red</mark> trail <mark>shoe</mark>")
    assert first["highlights"]["text"] == "Grippy on mud &amp; stone."
    assert not {"stock", "value", "budget", "condition"} & set(first)
    assert page["facets"]["kind"] == [{"value": "product", "count": 6}]
    assert page["facets"]["brand"] == [{"value": "Fell & Co", "count": 4}, {"value": "Rock, Inc.", "count": 2}]
    assert page["prices"] == {"low": 2000, "high": 12000}
    assert page["didYouMean"] is None
    assert "o1" not in {item["id"] for item in (await shop("GET", "/v1/search?q=deal")).json["items"]}


async def test_filters_repeat_and_may_hold_commas(shop: Client) -> None:
    """Any of the values of one filter will do, every filter must fit."""
    path = "/v1/search?kind=product&brand=Rock%2C+Inc.&brand=Other&min_price=4000&max_price=7000&in_stock=1"
    page = (await shop("GET", path)).json
    assert [item["id"] for item in page["items"]] == ["p3", "p6"]
    assert all(item["inStock"] for item in page["items"])


async def test_what_was_meant_is_told(shop: Client) -> None:
    """A mistyped query is answered, and told put right."""
    page = (await shop("GET", "/v1/search?q=red+shoess&facets=0")).json
    assert page["didYouMean"] == "red shoes"
    assert page["total"] == 6
    assert page["facets"] == {}


async def test_pages_by_cursor(shop: Client) -> None:
    """The cursor goes on where the page ended, until there is no more."""
    seen: list[str] = []
    path = "/v1/search?q=shoe&sort=-price&limit=5"
    cursor = ""
    for _ in range(4):
        page = (await shop("GET", path + (f"&cursor={cursor}" if cursor else ""))).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == [f"p{i}" for i in reversed(range(12))]


async def test_an_item_put_is_in_the_next_answer(shop: Client, backend: Client) -> None:
    """Nothing has to be waited for."""
    await backend("PUT", "/v1/items/new", {"kind": "product", "title": "Zeppelin"})
    assert [item["id"] for item in (await shop("GET", "/v1/search?q=zep&prefix=1")).json["items"]] == ["new"]
    await backend("DELETE", "/v1/items/new")
    assert (await shop("GET", "/v1/search?q=zeppelin")).json["total"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("colour=red", "unknown_parameter"),
        ("kind=thing", "bad_kind"),
        ("min_price=1.50", "bad_min_price"),
        ("max_price=-1", "bad_max_price"),
        ("in_stock=maybe", "bad_in_stock"),
        ("sort=best", "bad_sort"),
        ("limit=0", "bad_limit"),
        ("limit=101", "bad_limit"),
        ("cursor=%21", "bad_cursor"),
        ("q=" + "x" * 1001, "bad_q"),
        ("&".join(["tag=a"] * 51), "bad_query"),
    ],
)
async def test_wrong_questions_are_told(shop: Client, query: str, code: str) -> None:
    """A parameter that there isn't, or a value that can't be, is a problem that says what was wanted."""
    answer = await shop("GET", f"/v1/search?{query}")
    assert answer.status == 400
    assert answer.json["code"] == code


async def test_a_key_is_needed(shop: Client, anyone: Client) -> None:
    """The public key opens it; without any key it stays shut."""
    assert (await shop("GET", "/v1/search")).status == 200
    assert (await anyone("GET", "/v1/search")).status == 401
