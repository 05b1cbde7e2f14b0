"""``GET /v1/answer`` and ``GET /v1/reviews``: what a text answers and what reviews say, for any key."""

from __future__ import annotations

import pytest

from tests.server.asgi import Client
from tests.server.fake import FakeService

ITEMS = [
    {
        "id": "a",
        "kind": "article",
        "title": "Shipping",
        "text": "We ship daily. Delivery takes 3 days.",
        "url": "/ship",
    },
    {"id": "late", "kind": "article", "title": "Sale", "text": "The sale ends on Sunday.", "validUntil": 1},
    {
        "id": "p",
        "kind": "product",
        "title": "Shoe",
        "attributes": {"reviews": [{"comment": "Poor quality!", "rating": 1, "reviewerEmail": "x@example.com"}]},
    },
    {"id": "bare", "kind": "product", "title": "Sock"},
]


@pytest.fixture
async def shop(backend: Client, browser: Client, service: FakeService) -> Client:
    """A browser in a shop with a few texts."""
    service.now = 1_800_000_000_000
    assert (await backend("PUT", "/v1/items", ITEMS)).json["accepted"] == len(ITEMS)
    return browser


async def test_the_passage_with_its_source(shop: Client) -> None:
    """The sentence, how sure, and where it stands: item, title, address and the characters."""
    answer = (await shop("GET", "/v1/answer?q=how+long+does+delivery+take%3F")).json["answer"]
    source = answer["source"]
    assert answer["text"] == "Delivery takes 3 days."
    assert 0.7 <= answer["confidence"] <= 1
    assert (source["item"], source["kind"], source["title"], source["url"]) == ("a", "article", "Shipping", "/ship")
    assert ITEMS[0]["text"][source["start"] : source["end"]] == answer["text"]  # type: ignore[index] # it is a text


@pytest.mark.parametrize("query", ["q=how+do+I+return+shoes", "q=when+does+the+sale+end", "q=delivery+days&kind=guide"])
async def test_null_where_nothing_answers(shop: Client, query: str) -> None:
    """What no text says, what is no longer valid, and what another kind would answer, is null."""
    assert (await shop("GET", f"/v1/answer?{query}")).json == {"answer": None}


async def test_reviews_in_their_words(shop: Client) -> None:
    """Counts, stars and quotes, and nothing of who wrote them."""
    told = await shop("GET", "/v1/reviews?item=p")
    quote = {"about": "quality", "quote": "Poor quality!", "count": 1, "review": 0}
    assert told.json == {"item": "p", "count": 1, "rating": 1.0, "praised": [], "criticised": [quote]}
    assert (await shop("GET", "/v1/reviews?item=bare")).json["count"] == 0


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/answer", 400, "bad_q"),
        ("/v1/answer?q=%20", 400, "bad_q"),
        (f"/v1/answer?q={'x' * 501}", 400, "bad_q"),
        ("/v1/answer?q=x&kind=place", 400, "bad_kind"),
        ("/v1/answer?q=x&limit=3", 400, "unknown_parameter"),
        ("/v1/reviews?item=nobody", 404, "no_such_item"),
        ("/v1/reviews", 404, "no_such_item"),
        ("/v1/reviews?id=p", 400, "unknown_parameter"),
    ],
)
async def test_what_it_refuses(shop: Client, path: str, status: int, code: str) -> None:
    """Wrong parameters say what was wanted."""
    told = await shop("GET", path)
    assert (told.status, told.json["code"]) == (status, code)
