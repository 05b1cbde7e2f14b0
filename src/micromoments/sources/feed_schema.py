"""schema.org in JSON-LD: a file of it, one object a line, or web pages with it in their ``script`` elements.

Product, Recipe and HowTo, places of business, articles and questions become items. Source: https://schema.org.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec

from micromoments.core.geo import Point
from micromoments.core.item import Item, Kind
from micromoments.core.when import zone_of
from micromoments.sources.feed import BROKEN, NOT_NOW, FeedError, Reading, kept, least, made, money, plain, title
from micromoments.sources.feed_hours import osm_hours
from micromoments.sources.opened import Bad, open_bytes

Thing = dict[str, Any]
_PRODUCTS = frozenset({"Product", "ProductGroup", "ProductModel", "IndividualProduct", "Vehicle", "Book"})
_GUIDES = frozenset({"Recipe", "HowTo"})
_ARTICLES = frozenset({
    "Article", "NewsArticle", "BlogPosting", "TechArticle", "Report", "FAQPage", "QAPage", "Question", "WebPage",
})  # fmt: skip
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
MAX_DEPTH = 8


def rows(path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The things of a file that are worth an item."""
    with open_bytes(path, reading.watch) as file:
        body = file.read().removeprefix(BOM_UTF8)
    values = _values(body, path.name)
    for line, thing in enumerate((t for v in values for t in ([v] if isinstance(v, Bad) else _things(v))), 1):
        if isinstance(thing, Bad):
            yield thing
            continue
        yield from made(line, thing, lambda thing=thing: _item(thing, reading))  # type: ignore[misc]


def _values(body: bytes, name: str) -> Iterator[Any]:
    decode = msgspec.json.Decoder().decode
    if body.lstrip()[:1] == b"<":
        page = _Scripts()
        page.feed(body.decode("utf-8", "replace"))
        broken = 0
        for script in page.found:
            try:
                yield decode(script)
            except (msgspec.DecodeError, RecursionError) as error:
                broken += 1
                if broken == len(page.found):
                    raise FeedError(f"got {name}, a page whose JSON-LD can't be read ({error})") from None
                yield Bad(0, BROKEN, f"got JSON-LD that can't be read ({error}); wanted JSON", script[:1_000])
        return
    try:
        yield decode(body)
    except (msgspec.DecodeError, RecursionError):
        try:
            yield from [decode(line) for line in body.splitlines() if line.strip()]
        except (msgspec.DecodeError, RecursionError) as error:
            raise FeedError(
                f"got {name}, which is no JSON-LD ({error}); wanted JSON, or a page that holds it"
            ) from None


class _Scripts(HTMLParser):
    """The JSON-LD of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The beginning of a script."""
        self._inside = tag == "script" and (dict(attrs).get("type") or "").strip().lower() == "application/ld+json"
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        """Its text."""
        if self._inside:
            self.found[-1] += data


def _things(value: Any, depth: int = 0) -> Iterator[Thing]:
    """The things that make items, wherever they stand in graphs and lists."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value:
            yield from _things(one, depth + 1)
    elif isinstance(value, dict):
        if _kind(value):
            yield value
            return
        for name in ("@graph", "itemListElement", "item", "mainEntity", "hasVariant", "itemOffered", "dataFeedElement"):
            if name in value:
                yield from _things(value[name], depth + 1)


def _types(thing: Thing) -> list[str]:
    return [str(one).rpartition("/")[2].rpartition(":")[2] for one in _listed(thing.get("@type"))]


def _kind(thing: Thing) -> Kind | None:
    types = _types(thing)
    if not types or not (thing.get("name") or thing.get("headline")):
        return None
    if _PRODUCTS.intersection(types):
        return "product"
    if _GUIDES.intersection(types):
        return "guide"
    if "geo" in thing or "address" in thing or "openingHours" in thing or "openingHoursSpecification" in thing:
        return "place" if "Person" not in types and "Organization" not in types else None
    if _ARTICLES.intersection(types):
        return "article"
    return "offer" if "Offer" in types else None


def _item(thing: Thing, reading: Reading) -> Item | None:
    kind = _kind(thing)
    variants = [one for one in _listed(thing.get("hasVariant")) if isinstance(one, dict)]
    sold = [o for one in (thing, *variants) for o in _listed(one.get("offers"))]
    offers = [_first(o) for o in sold or ([thing] if kind == "offer" else [])]
    offer = offers[0] if offers else {}
    place = _first(thing.get("geo"))
    lat, lon = place.get("latitude"), place.get("longitude")
    return Item(
        id=_id(thing),
        kind=kind or "product",
        title=title(thing.get("name") or thing.get("headline")),
        text=_text(thing),
        category=_category(thing),
        brand=_name(thing.get("brand") or thing.get("manufacturer")),
        tags=_tags(thing),
        url=_url(thing.get("url") or thing.get("mainEntityOfPage") or offer.get("url")),
        image=_url(thing.get("image") or next((one["image"] for one in variants if one.get("image")), None)),
        price=_price([o for o in offers if _stock([o]) != 0] or offers, reading),
        location=Point(float(lat), float(lon)) if lat is not None and lon is not None else None,
        hours=osm_hours(thing),
        timezone=reading.timezone if kind == "place" else "",
        stock=_stock(offers),
        valid_from=_instant(offer.get("validFrom"), reading) if kind == "offer" else None,
        valid_until=_instant(offer.get("validThrough") or thing.get("expires"), reading, last=True)
        if kind in ("offer", "article")
        else None,
        attributes=_attributes(thing, kind) | kept({"variants": [_variant(one, reading) for one in variants[:100]]}),
    )


def _variant(thing: Thing, reading: Reading) -> dict[str, Any]:
    """What is shown of a variant: what it is known by, what sets it apart, its price, and whether it can be had."""
    offers = [_first(o) for o in _listed(thing.get("offers"))]
    price = _price(offers, reading)
    told = {name: _name(thing.get(name)) for name in ("sku", "name", "size", "color", "material", "pattern")}
    available = {"available": _stock(offers) != 0} if offers else {}
    return (
        kept(told | {"price": price.amount if price else None, "currency": price.currency if price else ""}) | available
    )


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _first(value: Any) -> Thing:
    return next((one for one in _listed(value) if isinstance(one, dict)), {})


def _name(value: Any) -> str:
    """The name of a thing, or the text that stands for it."""
    one = next(iter(_listed(value)), "")
    return title(one.get("name") or one.get("text") or one.get("@value")) if isinstance(one, dict) else title(one)


def _url(value: Any) -> str:
    one = next(iter(_listed(value)), "")
    if isinstance(one, dict):
        one = one.get("url") or one.get("contentUrl") or one.get("@id") or ""
    return str(one)


def _id(thing: Thing) -> str:
    """What the business calls it, in the order in which its events would."""
    for name in ("productID", "sku", "productGroupID", "identifier", "gtin13", "gtin", "mpn", "@id", "url"):
        value = thing.get(name)
        if isinstance(value, dict):
            value = value.get("value") or value.get("@id")
        if isinstance(value, str | int) and str(value):
            return str(value)
    return _url(thing.get("mainEntityOfPage")) or _name(thing.get("name") or thing.get("headline"))


def _category(thing: Thing) -> str:
    told = (
        thing.get("category")
        or thing.get("recipeCategory")
        or thing.get("articleSection")
        or thing.get("servesCuisine")
    )
    if not told and "geo" in thing:
        told = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _types(thing)[0])
    return _name(told).rpartition(">")[2].strip()


def _tags(thing: Thing) -> tuple[str, ...]:
    tags: list[str] = []
    for name in ("keywords", "recipeCuisine", "servesCuisine", "suitableForDiet", "color", "material"):
        for value in _listed(thing.get(name)):
            words = _name(value)
            tags += [part.strip().rpartition("/")[2] for part in words.split(",")]
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def _price(offers: list[Thing], reading: Reading) -> Any:
    found = []
    for offer in offers:
        spec = _first(offer.get("priceSpecification"))
        amount = next((o[n] for o in (offer, spec) for n in ("price", "lowPrice") if o.get(n) not in (None, "")), None)
        code = str(offer.get("priceCurrency") or spec.get("priceCurrency") or reading.currency)
        if (price := money(amount, code)) is not None:
            found.append(price)
    return least(found, reading.currency)


def _stock(offers: list[Thing]) -> int | None:
    """0 where no offer can be had now, pieces where they are told, None otherwise."""
    said = [str(o.get("availability")).rpartition("/")[2] for o in offers if o.get("availability")]
    if said and all(re.sub(r"[\s_-]", "", one).lower() in NOT_NOW for one in said):
        return 0
    levels = [_first(o.get("inventoryLevel")).get("value") for o in offers]
    return sum(level for level in levels if isinstance(level, int)) if any(isinstance(n, int) for n in levels) else None


def _text(thing: Thing) -> str:
    parts = [thing.get("description"), thing.get("articleBody") or thing.get("text")]
    parts += [f"{_name(q)} {_answer(q)}" for q in _listed(thing.get("mainEntity")) if isinstance(q, dict)]
    if "Question" in _types(thing):
        parts.append(_answer(thing))
    parts += _ingredients(thing)
    parts += [step["text"] for step in _steps(thing.get("recipeInstructions") or thing.get("step"))]
    return plain("\n".join(str(part) for part in parts if part))


def _faq(thing: Thing) -> list[dict[str, str]]:
    """The questions of a page of them, each with its answer."""
    asked = [one for one in _listed(thing.get("mainEntity")) if isinstance(one, dict)]
    asked += [thing] if "Question" in _types(thing) else []
    told = ({"question": _name(one), "answer": _answer(one)} for one in asked)
    return [one for one in told if one["question"] and one["answer"]]


def _answer(question: Thing) -> str:
    answer = _first(question.get("acceptedAnswer") or question.get("suggestedAnswer"))
    return plain(answer.get("text"))


def _ingredients(thing: Thing) -> list[str]:
    return [_name(one) for one in _listed(thing.get("recipeIngredient") or thing.get("supply")) if one]


def _steps(value: Any, depth: int = 0) -> list[dict[str, str]]:
    """Steps in order, sections opened up."""
    steps: list[dict[str, str]] = []
    for one in _listed(value):
        if isinstance(one, str):
            steps += [{"text": plain(line)} for line in one.splitlines() if line.strip()]
        elif isinstance(one, dict) and "itemListElement" in one and depth < MAX_DEPTH:
            steps += _steps(one["itemListElement"], depth + 1)
        elif isinstance(one, dict):
            text = plain(one.get("text") or one.get("name"))
            if text:
                steps.append(kept({"name": title(one.get("name")), "text": text}))
    return steps


def _attributes(thing: Thing, kind: Kind | None) -> dict[str, Any]:
    rating = _first(thing.get("aggregateRating"))
    address = _first(thing.get("address"))
    more: dict[str, Any] = {
        "sku": thing.get("sku"),
        "gtin": thing.get("gtin13") or thing.get("gtin"),
        "rating": rating.get("ratingValue"),
        "rating_count": rating.get("reviewCount") or rating.get("ratingCount"),
        "phone": thing.get("telephone"),
        "author": _name(thing.get("author")),
        "published": thing.get("datePublished"),
        "reviews": [
            kept({"text": plain(r.get("reviewBody")), "rating": _first(r.get("reviewRating")).get("ratingValue")})
            for r in _listed(thing.get("review"))[:50]
            if isinstance(r, dict) and r.get("reviewBody")
        ],
        "address": ", ".join(
            str(address[n]) for n in ("streetAddress", "postalCode", "addressLocality", "addressCountry")
            if isinstance(address.get(n), str)
        ),
    }  # fmt: skip
    if kind == "article":
        more["faq"] = _faq(thing)
    if kind == "guide":
        more |= {
            "steps": _steps(thing.get("recipeInstructions") or thing.get("step")),
            "ingredients": _ingredients(thing),
            "materials": _ingredients(thing),
            "tools": [_name(tool) for tool in _listed(thing.get("tool"))],
            "minutes": _takes(thing),
            "skill": thing.get("educationalLevel"),
            "yield": _name(thing.get("recipeYield") or thing.get("yield")),
        }
    return kept(more)


def _takes(thing: Thing) -> int | None:
    """Minutes in all, as said, or else of preparing and of doing it."""
    if (whole := _minutes(thing.get("totalTime"))) is not None:
        return whole
    parts = [_minutes(thing.get(name)) for name in ("prepTime", "performTime", "cookTime")]
    return sum(part or 0 for part in parts) or None


def _minutes(value: Any) -> int | None:
    """An ISO 8601 duration in minutes."""
    found = _DURATION.match(str(value or ""))
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * 1440 + hours * 60 + minutes + round(seconds / 60)


def _instant(value: Any, reading: Reading, *, last: bool = False) -> int | None:
    """An ISO 8601 instant, in the feed's zone where it has no offset; a date is its beginning, a ``last`` one its end:
    what is valid through a day is valid on it.
    """
    if not value:
        return None
    text = str(value).strip()
    at = datetime.fromisoformat(text)
    if last and len(text) <= len("2026-12-31") and at.date() < date.max:  # the last day that there is means never
        at += timedelta(days=1)
    zone = zone_of(reading.timezone) or UTC
    return int((at if at.tzinfo else at.replace(tzinfo=zone)).timestamp() * 1000)
