"""``GET /v1/search``: the search of a shop, for its own pages: words, filters, facets, highlights, "did you mean"."""

from __future__ import annotations

import base64
import binascii
from typing import Any, get_args
from urllib.parse import parse_qsl

import msgspec

from micromoments.core.item import KINDS, Item, Kind
from micromoments.decide.fair import passed_on
from micromoments.retrieve.faceted import MAX_REACH, Found, Look, Match
from micromoments.retrieve.looked import Order
from micromoments.retrieve.narrow import Narrow
from micromoments.server.http import Call, Reply, reply
from micromoments.server.keys import Access
from micromoments.server.problem import Problem, shown
from micromoments.server.service import Service
from micromoments.server.shapes import PlaceShape, PriceShape, Shape

MAX_WORDS = 1_000
MAX_CHOSEN = 50
MAX_PAGE = 100
_LISTS = ("kind", "category", "brand", "tag")
_SINGLE = ("q", "min_price", "max_price", "in_stock", "prefix", "facets", "sort", "limit", "cursor")
PARAMETERS = {
    "q": "What the person typed; without it everything that fits is listed.",
    "kind": "article, guide, place, product or offer; may be repeated, any will do.",
    "category": "Exactly this category; may be repeated.",
    "brand": "Exactly this brand; may be repeated.",
    "tag": "Exactly this tag; may be repeated.",
    "min_price": "Lowest price, whole minor units.",
    "max_price": "Highest price, whole minor units.",
    "in_stock": "1 leaves out what has run out.",
    "prefix": "1 where the last word may be unfinished: search as you type.",
    "facets": "0 leaves the counts out.",
    "sort": "relevance (unless given), price or -price.",
}


class HighlightsShape(Shape, frozen=True):
    """HTML: what was asked for in ``<mark>``, everything else escaped. ``text`` is a stretch of the item's text."""

    title: str
    text: str = ""


class HitShape(Shape, frozen=True):
    """A found item, without what is the business's alone (stock, value, budget)."""

    id: str
    kind: Kind
    title: str
    score: float
    highlights: HighlightsShape
    in_stock: bool
    category: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""
    image: str = ""
    price: PriceShape | None = None
    location: PlaceShape | None = None
    hours: str = ""
    timezone: str = ""
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)


class CountShape(msgspec.Struct, frozen=True, rename="camel"):
    """How many found items have a value; a facet's own choice doesn't narrow its counts."""

    value: str
    count: int


class PricesShape(msgspec.Struct, frozen=True, rename="camel"):
    """The lowest and highest price of what was found, whatever prices were asked for; minor units."""

    low: int
    high: int


class SearchShape(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to a search. ``didYouMean`` is the query put right; ``relaxed``: hardly any item had all the words."""

    items: list[HitShape]
    total: int
    facets: dict[str, list[CountShape]]
    prices: PricesShape | None
    did_you_mean: str | None
    relaxed: bool
    cursor: str | None


class SearchDoor:
    """The door; any key opens it, since a catalogue is what a shop shows to everybody."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def search(self, call: Call, _access: Access) -> Reply:
        """One page of an answer."""
        asked = read(call, self._service.clock())
        found = self._service.catalog.look(asked)
        return reply(_shape(found, asked))


def read(call: Call, at: int) -> Look:
    """The question that a query string puts.

    Raises:
        Problem: a parameter that isn't there, or a value that it can't have.
    """
    query = call.query
    if unknown := sorted(set(query) - {*_LISTS, *_SINGLE}):
        wanted = ", ".join((*_LISTS, *_SINGLE))
        raise Problem(400, "unknown_parameter", f"parameter {shown(unknown[0])}", wanted, "take it out, or mend it")
    words = query.get("q", "")
    if len(words) > MAX_WORDS:
        raise Problem(400, "bad_q", f"q of {len(words)} characters", f"at most {MAX_WORDS}")
    chosen = _chosen(call)
    for kind in chosen["kind"]:
        if kind not in KINDS:
            raise Problem(400, "bad_kind", f"kind {shown(kind)}", f"one of {', '.join(KINDS)}")
    limit = call.number("limit", 20, MAX_PAGE)
    return Look(
        words=words,
        kinds=chosen["kind"],  # type: ignore[arg-type] # checked against KINDS above
        narrow=Narrow(
            category=chosen["category"],
            brand=chosen["brand"],
            tags=chosen["tag"],
            price_from=_price(query, "min_price"),
            price_to=_price(query, "max_price"),
            in_stock=_flag(query, "in_stock"),
            at=at,
        ),
        order=_order(query),
        offset=_offset(query.get("cursor")),
        limit=limit,
        prefix=_flag(query, "prefix"),
        facets=_flag(query, "facets", default=True),
    )


def _chosen(call: Call) -> dict[str, tuple[str, ...]]:
    pairs = parse_qsl(call.scope.get("query_string", b"").decode("ascii"))
    if len(pairs) > MAX_CHOSEN:
        raise Problem(400, "bad_query", f"{len(pairs)} parameters", f"at most {MAX_CHOSEN}")
    return {name: tuple(dict.fromkeys(value for key, value in pairs if key == name)) for name in _LISTS}


def _flag(query: dict[str, str], name: str, *, default: bool = False) -> bool:
    text = query.get(name)
    if text is None:
        return default
    if text not in ("0", "1", "true", "false"):
        raise Problem(400, f"bad_{name}", f"{name}={shown(text)}", "1 or 0")
    return text in ("1", "true")


def _price(query: dict[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None or not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        wanted = "whole minor units, such as 8900 for 89.00"
        raise Problem(400, f"bad_{name}", f"{name}={shown(text)}", wanted)
    return int(text)


def _order(query: dict[str, str]) -> Order:
    text = query.get("sort", "relevance")
    if text == "relevance":
        return ""
    if text not in get_args(Order) or not text:
        raise Problem(400, "bad_sort", f"sort={shown(text)}", "relevance, price or -price")
    return text  # type: ignore[return-value] # one of Order's, as was just seen


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor.encode("ascii")).decode()
        offset = int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else -1
    except (binascii.Error, ValueError):
        offset = -1
    if not 0 <= offset <= MAX_REACH:
        raise Problem(400, "bad_cursor", f"cursor {shown(cursor)}", "one that an answer gave")
    return offset


def _shape(found: Found, asked: Look) -> SearchShape:
    end = asked.offset + asked.limit
    more = end < min(found.total, MAX_REACH) and bool(found.matches)
    return SearchShape(
        items=[_hit(match) for match in found.matches],
        total=found.total,
        facets={
            name: [CountShape(value, count) for value, count in counts.items()] for name, counts in found.facets.items()
        },
        prices=None if found.low < 0 else PricesShape(found.low, found.high),
        did_you_mean=found.meant or None,
        relaxed=found.relaxed,
        cursor=base64.urlsafe_b64encode(str(end).encode()).decode() if more else None,
    )


def _hit(match: Match) -> HitShape:
    one: Item = match.item
    return HitShape(
        id=one.id,
        kind=one.kind,
        title=one.title,
        score=match.score,
        highlights=HighlightsShape(title=match.title, text=match.text),
        in_stock=one.stock is None or one.stock > 0,
        category=one.category,
        brand=one.brand,
        tags=one.tags,
        url=one.url,
        image=one.image,
        price=None if one.price is None else PriceShape(amount=one.price.amount, currency=one.price.currency),
        location=None if one.location is None else PlaceShape(lat=one.location.lat, lon=one.location.lon),
        hours=one.hours,
        timezone=one.timezone,
        attributes=passed_on(one),
    )
