"""What standard event, page and screen names say about intent, with no configuration.

Names are those of Segment's e-commerce, mobile and content specs and their common spellings
(``product_viewed``, ``ProductViewed``); unknown names are read by their noun and verb
("recipe_opened"), pages by name, then path. Weights are hundredths of a nat over know, go, do,
buy, none, set by hand so that one look at a product barely opens a moment and a cart can't be
mistaken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from micromoments.core.item import Kind
from micromoments.core.moment import Vector


class Act(NamedTuple):
    """What a kind of behaviour says: weights, its reason's code, the journey's step, the types it fulfils."""

    weights: Vector
    why: str
    stage: int
    ends: int = 0
    closes: bool = False


QUIET: Final[Vector] = (0, 0, 0, 0, 0)

SEARCHED: Final = Act((0, 0, 0, 30, -150), "search", 1)
ARTICLE: Final = Act((180, 0, 20, 0, -30), "article", 2)
GUIDE: Final = Act((20, 0, 200, 0, -30), "guide", 2)
VIDEO: Final = Act((60, 0, 60, 0, -5), "video", 1)
PLACE: Final = Act((10, 200, 0, 10, -30), "place", 2)
PRODUCT: Final = Act((10, 0, 0, 180, -30), "product", 2)
OFFER: Final = Act((0, 10, 0, 140, -20), "offer", 2)
LIST: Final = Act((0, 0, 0, 90, -15), "list", 1)
CART: Final = Act((0, 0, 0, 230, -100), "cart", 3)
CHECKOUT: Final = Act((0, 0, 0, 430, -250), "checkout", 4)
ORDERED: Final = Act(QUIET, "ordered", 5, 8)
LOCATOR: Final = Act((0, 230, 0, 0, -60), "locator", 2)
DIRECTIONS: Final = Act((0, 420, 0, 0, -200), "directions", 4)
ARRIVED: Final = Act(QUIET, "arrived", 5, 2)
CALLED_OFF: Final = Act((0, -520, 0, 0, 400), "called_off", 0)

OF_KIND: Final[Mapping[Kind, Act]] = {
    "article": ARTICLE,
    "guide": GUIDE,
    "place": PLACE,
    "product": PRODUCT,
    "offer": OFFER,
}
"""A look at an item of the catalogue."""

ACTS: Final[Mapping[str, Act]] = {
    # Segment e-commerce v2: browsing, promotions, ordering, coupons, wish lists, sharing, reviewing
    "products searched": SEARCHED,
    "product list viewed": LIST,
    "product list filtered": Act((0, 0, 0, 140, -30), "filter", 2),
    "product clicked": Act((10, 0, 0, 160, -25), "product", 2),
    "product viewed": PRODUCT,
    "product added": Act((0, 0, 0, 360, -200), "added", 3),
    "product removed": Act((0, 0, 0, -130, 30), "removed", 0),
    "cart viewed": CART,
    "checkout started": CHECKOUT,
    "checkout step viewed": CHECKOUT,
    "checkout step completed": Act((0, 0, 0, 450, -260), "checkout", 4),
    "payment info entered": Act((0, 0, 0, 480, -280), "payment", 4),
    "order completed": ORDERED,
    "promotion viewed": Act((0, 0, 0, 35, 0), "promotion", 0),
    "promotion clicked": Act((0, 0, 0, 140, -20), "promotion", 1),
    "coupon entered": Act((0, 0, 0, 240, -120), "coupon", 3),
    "coupon applied": Act((0, 0, 0, 280, -140), "coupon", 3),
    "coupon denied": Act((0, 0, 0, 120, -40), "coupon", 3),
    "product added to wishlist": Act((0, 0, 0, 190, -40), "wish", 2),
    "product removed from wishlist": Act((0, 0, 0, -60, 10), "unwish", 0),
    "wishlist product added to cart": Act((0, 0, 0, 380, -220), "added", 3),
    "product shared": Act((10, 0, 0, 80, -10), "shared", 2),
    "cart shared": Act((0, 0, 0, 160, -40), "shared", 3),
    # content
    "article viewed": ARTICLE,
    "article read": Act((220, 0, 20, 0, -50), "article", 3),
    "article completed": Act(QUIET, "learned", 5, 1),
    "guide viewed": GUIDE,
    "guide started": Act((0, 0, 300, 0, -120), "guide", 3),
    "guide step completed": Act((0, 0, 300, 0, -140), "step", 4),
    "guide completed": Act(QUIET, "done", 5, 4),
    "recipe viewed": GUIDE,
    "recipe completed": Act(QUIET, "done", 5, 4),
    "video playback started": VIDEO,
    "video content started": VIDEO,
    # places, rides, tables
    "place viewed": PLACE,
    "store viewed": PLACE,
    "store locator viewed": LOCATOR,
    "stores searched": Act((0, 200, 0, 0, -150), "search", 1),
    "directions requested": DIRECTIONS,
    "ride requested": Act((0, 460, 0, 0, -240), "ride", 4),
    "ride cancelled": CALLED_OFF,
    "ride canceled": CALLED_OFF,
    "ride completed": ARRIVED,
    "trip completed": ARRIVED,
    "reservation started": Act((0, 380, 0, 0, -180), "booking", 4),
    "reservation cancelled": CALLED_OFF,
    "reservation canceled": CALLED_OFF,
    "booking cancelled": CALLED_OFF,
    "reservation made": Act((0, 440, 0, 0, -240), "booked", 4),
    "booking completed": Act((0, 440, 0, 0, -240), "booked", 4),
    "store visited": ARRIVED,
    "place visited": ARRIVED,
    # the person's own word on a moment
    "moment wrong": Act(QUIET, "wrong", 0, closes=True),
    "moment dismissed": Act(QUIET, "wrong", 0, closes=True),
    "moment closed": Act(QUIET, "wrong", 0, closes=True),
}

_ALIASES: Final[Mapping[str, str]] = {
    "search": "products searched",
    "searched": "products searched",
    "site searched": "products searched",
    "search performed": "products searched",
    "search results viewed": "products searched",
    "view search results": "products searched",
    "view item": "product viewed",
    "view item list": "product list viewed",
    "select item": "product clicked",
    "add to cart": "product added",
    "addtocart": "product added",
    "remove from cart": "product removed",
    "view cart": "cart viewed",
    "begin checkout": "checkout started",
    "add shipping info": "checkout step completed",
    "add payment info": "payment info entered",
    "purchase": "order completed",
    "transaction": "order completed",
    "order placed": "order completed",
    "add to wishlist": "product added to wishlist",
    "product favorited": "product added to wishlist",
    "select promotion": "promotion clicked",
    "view promotion": "promotion viewed",
    "blog post viewed": "article viewed",
    "tutorial viewed": "guide viewed",
    "how to viewed": "guide viewed",
    "get directions": "directions requested",
    "directions clicked": "directions requested",
    "table booked": "reservation made",
    "ride booked": "ride requested",
    "location visited": "place visited",
    "arrived": "place visited",
    "geofence entered": "place visited",
    "moment corrected": "moment wrong",
    "not this": "moment wrong",
    "view": "product viewed",
}

_NOUNS: Final[tuple[tuple[str, Act], ...]] = (
    ("checkout", CHECKOUT),
    ("cart", CART),
    ("basket", CART),
    ("wishlist", ACTS["product added to wishlist"]),
    ("directions", DIRECTIONS),
    ("route", DIRECTIONS),
    ("ride", ACTS["ride requested"]),
    ("taxi", ACTS["ride requested"]),
    ("reservation", ACTS["reservation started"]),
    ("booking", ACTS["reservation started"]),
    ("store locator", LOCATOR),
    ("locator", LOCATOR),
    ("stores", LOCATOR),
    ("locations", LOCATOR),
    ("nearby", LOCATOR),
    ("map", LOCATOR),
    ("store", PLACE),
    ("place", PLACE),
    ("venue", PLACE),
    ("branch", PLACE),
    ("opening hours", PLACE),
    ("recipe", GUIDE),
    ("how to", GUIDE),
    ("howto", GUIDE),
    ("guide", GUIDE),
    ("tutorial", GUIDE),
    ("lesson", GUIDE),
    ("workout", GUIDE),
    ("diy", GUIDE),
    ("article", ARTICLE),
    ("blog", ARTICLE),
    ("news", ARTICLE),
    ("post", ARTICLE),
    ("faq", ARTICLE),
    ("help", ARTICLE),
    ("wiki", ARTICLE),
    ("promo", ACTS["promotion clicked"]),
    ("coupon", ACTS["coupon entered"]),
    ("deals", LIST),
    ("sale", LIST),
    ("category", LIST),
    ("collection", LIST),
    ("catalog", LIST),
    ("shop", LIST),
    ("product", PRODUCT),
    ("item", PRODUCT),
    ("pdp", PRODUCT),
)
"""Nouns of unknown names and of paths, the more telling ones first."""
_PATHS: Final[Mapping[str, str]] = {
    "p": "product",
    "products": "product",
    "dp": "product",
    "c": "category",
    "categories": "category",
    "collections": "category",
    "bag": "cart",
    "how-to": "how to",
    "guides": "guide",
    "recipes": "recipe",
    "articles": "article",
    "learn": "guide",
    "find-a-store": "locator",
    "store-locator": "locator",
    "orders": "",
    "order": "",
    "account": "",
    "login": "",
}

_LINKS: Final = frozenset(
    {
        "deep link opened", "deep link clicked", "push notification tapped", "push notification opened",
        "email link clicked", "application opened",
    }
)  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAPS = re.compile(r"[\W_]+")
_THANKS = re.compile(r"thank.?you|order.?(?:confirm|complete|success|received)")
_UNDONE = re.compile(
    r"\b(?:removed|cancelled|canceled|failed|refunded|denied|closed|error|installed|received|sent|delivered|exited)\b"
)
_LOOKED = re.compile(
    r"\b(?:view(?:ed)?|open(?:ed)?|click(?:ed)?|start(?:ed)?|read|seen|tapp?(?:ed)?|visit(?:ed)?|"
    r"request(?:ed)?|select(?:ed)?)\b"
)
MOST_READ: Final = 512
"""Characters of a name, a title or a path that are read: what is kept of them is less, and thousands are kept."""
_SAID: Final = ("query", "search", "q", "search_term", "searchTerm", "term", "keyword", "keywords", "search_query")


@lru_cache(maxsize=2048)
def plain(name: str) -> str:
    """A name in lower case with single blanks: ``ProductViewed``, ``product_viewed`` and ``Product Viewed`` are one."""
    return _GAPS.sub(" ", _CAMEL.sub(" ", name)).strip().lower()


def canonical(name: str) -> str:
    """The one spelling of a ``track`` name: ``add_to_cart`` is ``product added``."""
    words = plain(name)
    return _ALIASES.get(words, words)


def path_in(name: str, properties: Mapping[str, Any]) -> str:
    """The path that a link leads to, by the event of opening it (mobile and e-mail specs); empty for other events."""
    if plain(name) not in _LINKS:
        return ""
    for key in ("url", "link_url", "deep_link", "deeplink", "link"):
        if isinstance(value := properties.get(key), str) and value:
            try:
                found = urlsplit(value)
            except ValueError:  # a bracket that is no IPv6 address, such as http://[object Object]/
                return ""
            return f"/{found.netloc}{found.path}" if found.scheme not in ("", "http", "https") else found.path
    return ""


@lru_cache(maxsize=2048)
def act_of(name: str) -> Act | None:
    """What a ``track`` name says, ``None`` if nothing. Unknown names are read by their noun unless they undo."""
    words = plain(name)
    known = ACTS.get(canonical(words))
    if known is not None:
        return known
    if _UNDONE.search(words):
        return None
    if "search" in words and "article" not in words:
        return SEARCHED
    if not _LOOKED.search(words):
        return None
    return _by_noun(words)


def _by_noun(words: str) -> Act | None:
    padded = f" {words} "
    for noun, act in _NOUNS:
        if f" {noun} " in padded or f" {noun}s " in padded:
            return act
    return None


def act_of_page(name: str, path: str) -> Act | None:
    """What a page or screen says, by its name, else by its path; of either no more is read than addresses have."""
    return _act_of_page(name[:MOST_READ], path[:MOST_READ])


@lru_cache(maxsize=4096)
def _act_of_page(name: str, path: str) -> Act | None:
    if _THANKS.search(name.lower()) or _THANKS.search(path.lower()):
        return ORDERED
    words = plain(name)
    if "search" in words.split() or "/search" in path:
        return SEARCHED
    found = _by_noun(words) if words else None
    if found is None and path:
        parts = [_PATHS.get(p, p) for p in path.lower().split("/") if p]
        found = _by_noun(plain(" ".join(parts[:2])))
    return found


def said(properties: Mapping[str, Any], url: str) -> str:
    """The words that a person searched with: from the properties, else from the address; empty if none."""
    for key in _SAID:
        value = properties.get(key)
        if isinstance(value, str) and value.strip():
            if not value.startswith("?"):
                return value.strip()[:256]
            url = url if "?" in url else value  # a page's ``search`` is its address's query (Segment, "Spec: Page")
    if "?" in url:
        # Not by urlsplit: it raises for a host that can't be one, and the words stand there all the same.
        asked = parse_qs(url.partition("#")[0].partition("?")[2])
        for key in ("q", "query", "search", "s", "k"):
            if asked.get(key):
                return asked[key][0].strip()[:256]
    return ""


_HOSTS: Final[tuple[tuple[str, Vector, str], ...]] = (
    ("maps.google.", (0, 90, 0, 0, -10), "from_maps"),
    ("maps.apple.", (0, 90, 0, 0, -10), "from_maps"),
    ("waze.", (0, 90, 0, 0, -10), "from_maps"),
    ("shopping.google.", (0, 0, 0, 80, -10), "from_prices"),
    ("idealo.", (0, 0, 0, 80, -10), "from_prices"),
    ("wikipedia.", (50, 0, 0, 0, 0), "from_wiki"),
    ("youtube.", (10, 0, 30, 0, 0), "from_video"),
    ("pinterest.", (0, 0, 40, 20, 0), "from_ideas"),
)
_CAMPAIGN = re.compile(r"sale|deal|promo|discount|coupon|black.?friday|cart|retarget|remarket|abandon")


def arrival(context: Mapping[str, Any]) -> tuple[Vector, str]:
    """What the way in says: referrer and campaign."""
    page = context.get("page")
    referrer = str(page.get("referrer") or "") if isinstance(page, dict) else ""
    for host, weights, why in _HOSTS:
        if referrer and host in referrer:
            return weights, why
    campaign = context.get("campaign")
    if isinstance(campaign, dict):
        told = f"{campaign.get('name', '')} {campaign.get('content', '')}".lower()
        if _CAMPAIGN.search(told):
            return (0, 0, 0, 60, -5), "from_sale"
    return QUIET, ""
