"""Feeds as Google Merchant Center, Shopify, web pages and OpenStreetMap have them, read without a mapping."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from micromoments.core.geo import Point
from micromoments.core.hours import open_at
from micromoments.core.item import Item, Money
from micromoments.sources.feed import FeedError, Reading, money, plain, rows
from micromoments.sources.feed_hours import osm_hours
from micromoments.sources.items import BadItem
from micromoments.sources.opened import Bad
from tests.retrieve.shop import ms

NOW = ms("2026-11-25T12:00+01:00")


def read(tmp_path: Path, format: str, text: str, **said: Any) -> list[Item | Bad]:
    """What a file of this text holds."""
    path = tmp_path / "feed"
    path.write_text(text, encoding="utf-8")
    return list(rows(format, path, Reading(now=NOW, **said)))


def items(read: list[Item | Bad]) -> dict[str, Item]:
    """The items by id; a bad entry fails the test."""
    assert not [one for one in read if isinstance(one, Bad)]
    return {one.id: one for one in read if isinstance(one, Item)}


GOOGLE = """<?xml version="1.0"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel>
<title>Example - Online Store</title><link>http://www.example.com/</link><description>A feed</description>
<item>
  <g:id>TV_123456</g:id><g:title>Google Chromecast with Google TV</g:title>
  <g:description>Chromecast with Google TV brings you the
    &lt;b&gt;entertainment&lt;/b&gt; you love &amp;amp; live TV.</g:description>
  <g:link>http://www.example.com/chromecast</g:link><g:image_link>http://images.example.com/TV_123456.png</g:image_link>
  <g:condition>new</g:condition><g:availability>in_stock</g:availability><g:price>49.99 USD</g:price>
  <g:sale_price>39.99 USD</g:sale_price>
  <g:sale_price_effective_date>2026-11-24T13:00-0800/2026-11-29T15:30-0800</g:sale_price_effective_date>
  <g:gtin>811571016532</g:gtin><g:brand>Google</g:brand>
  <g:google_product_category>Electronics &gt; Video &gt; Streaming Media Players</g:google_product_category>
</item>
<item>
  <g:id>DRESS-1</g:id><title>Linen dress</title><description>Long.</description><link>http://www.example.com/dress</link>
  <g:availability>out of stock</g:availability><g:price>15,990 JPY</g:price><g:color>Blue</g:color>
  <g:product_type>Home &gt; Women &gt; Dresses</g:product_type><g:expiration_date>2026-12-31</g:expiration_date>
</item>
<item><g:id>X</g:id><g:title>No price is fine</g:title></item>
<item><g:id>BAD</g:id><g:title>Bad</g:title><g:price>cheap</g:price></item>
</channel></rss>"""


def test_google_merchant_xml(tmp_path: Path) -> None:
    """RSS with the g fields: sales that run, categories, availability, markup gone; a bad entry costs itself alone."""
    *good, bad = read(tmp_path, "google-merchant", GOOGLE)
    found = items(good)
    tv, dress = found["TV_123456"], found["DRESS-1"]
    assert tv.title == "Google Chromecast with Google TV"
    assert tv.text == "Chromecast with Google TV brings you the entertainment you love & live TV."
    assert (tv.price, tv.stock, tv.category) == (Money(3999, "USD"), None, "Streaming Media Players")
    assert tv.attributes["gtin"] == "811571016532"
    assert (dress.price, dress.stock, dress.category) == (Money(15990, "JPY"), 0, "Dresses")
    assert dress.tags == ("Home", "Women", "Blue")
    assert dress.valid_until == ms("2026-12-31T00:00+00:00")
    assert dress.url == "http://www.example.com/dress"
    assert isinstance(bad, Bad)
    assert bad.code == "bad_price"


def test_google_merchant_atom_and_text(tmp_path: Path) -> None:
    """Atom's entries and tab-separated text say the same as RSS."""
    atom = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><entry>
      <g:id>1</g:id><title>Mug</title><link href="http://example.com/mug"/><g:price>EUR 7.50</g:price></entry></feed>"""
    text = "id\ttitle\tlink\tprice\timage link\n1\tMug\thttp://example.com/mug\t7.50 EUR\t\n"
    one, other = (items(read(tmp_path, "google-merchant", feed))["1"] for feed in (atom, text))
    assert one == other
    assert one.price == Money(750, "EUR")


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("google-merchant", GOOGLE[:-40]),
        ("google-merchant", "<html><body>Not found</body></html>"),
        ("google-merchant", "a\tb\n1\t2\n"),
        ("google-merchant", "id\ttitle\tprice\nA\tApple\t1 EUR\nB\tBan"),
        ("shopify-products", "Handle,Title,Variant Price\nmug,Mug,3.00\ncup,Cu"),
        ("shopify-products", "{"),
        ("shopify-products", "a,b\n1,2\n"),
        ("schema-org", '<script type="application/ld+json">{"@type": </script>'),
        ("schema-org", "nothing of the kind"),
        ("items", "[{]"),
        ("osm", "no extract"),
    ],
)
def test_what_is_no_feed_is_told(tmp_path: Path, format: str, text: str) -> None:
    """A cut, foreign or broken file is an error, never a feed that holds little."""
    with pytest.raises(FeedError, match="got"):
        read(tmp_path, format, text)


def test_empty_cells_at_the_end_may_be_left_out(tmp_path: Path) -> None:
    """A feed whose rows end where their cells do is whole, with a last line end or without."""
    text = "id\ttitle\tprice\tbrand\nA\tApple\t1 EUR\n\nB\tBanana\t2 EUR"
    for end in ("", "\n"):
        assert set(items(read(tmp_path, "google-merchant", text + end))) == {"A", "B"}


def test_an_xml_bomb_is_refused(tmp_path: Path) -> None:
    """Entities that would grow without bound are an error."""
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    with pytest.raises(FeedError):
        read(tmp_path, "google-merchant", f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><rss><item>&e12;</item></rss>')


SHOPIFY: dict[str, Any] = {
    "products": [
        {
            "id": 632910392,
            "title": "IPod Nano - 8GB",
            "body_html": "<p>It's the small iPod with <strong>one very big idea</strong>: Video.</p>",
            "vendor": "Apple",
            "product_type": "Cult Products",
            "handle": "ipod-nano",
            "published_at": "2007-12-31T19:00:00-05:00",
            "status": "active",
            "tags": "Emotive, Flash Memory, MP3, Music",
            "variants": [
                {"id": 808950810, "title": "Pink", "price": "199.00", "sku": "P", "inventory_quantity": 10},
                {"id": 49148385, "title": "Red", "price": "189.00", "sku": "R", "inventory_quantity": 20},
            ],
            "images": [{"id": 850703190, "src": "http://cdn.example.com/ipod-nano.png"}],
        },
        {"id": 1, "title": "Draft", "status": "draft", "variants": []},
        {"id": 2, "title": "Hidden", "published_at": None, "variants": []},
        {"id": 3, "title": "Gone", "tags": ["a"], "variants": [{"id": 4, "price": "5.00", "available": False}]},
    ]
}


def test_shopify_json(tmp_path: Path) -> None:
    """The lowest variant's price, all variants' stock, tags as text or list; drafts aren't taken."""
    found = items(read(tmp_path, "shopify-products", json.dumps(SHOPIFY), currency="CAD"))
    assert set(found) == {"632910392", "3"}
    ipod = found["632910392"]
    assert (ipod.price, ipod.stock, ipod.brand) == (Money(18900, "CAD"), 30, "Apple")
    assert ipod.tags == ("Emotive", "Flash Memory", "MP3", "Music")
    assert ipod.text == "It's the small iPod with one very big idea: Video."
    assert (ipod.url, ipod.image) == ("/products/ipod-nano", "http://cdn.example.com/ipod-nano.png")
    assert [variant["title"] for variant in ipod.attributes["variants"]] == ["Pink", "Red"]
    assert found["3"].stock == 0


def test_shopify_prices_and_stock_are_of_what_can_be_had(tmp_path: Path) -> None:
    """The lowest price is of a variant for sale; a variant whose pieces nobody counts never runs out."""
    variants = [
        {"price": "18.00", "inventory_quantity": -2, "inventory_policy": "deny", "inventory_management": "shopify"},
        {"price": "19.00", "inventory_quantity": 3, "inventory_policy": "deny", "inventory_management": "shopify"},
    ]
    untracked = {"price": "5.00", "inventory_quantity": 0, "inventory_policy": "deny", "inventory_management": None}
    products = [
        {"id": 1, "title": "Cup", "variants": variants},
        {"id": 2, "title": "Card", "variants": [untracked]},
        {"id": 3, "title": "Bowl", "variants": variants[:1]},
    ]
    found = items(read(tmp_path, "shopify-products", json.dumps({"products": products}), currency="EUR"))
    assert {id: (one.price and one.price.amount, one.stock) for id, one in found.items()} == {
        "1": (1900, 3),
        "2": (500, None),
        "3": (1800, 0),
    }


def test_shopify_needs_a_currency(tmp_path: Path) -> None:
    """Prices that name no currency aren't guessed at."""
    bad = [one for one in read(tmp_path, "shopify-products", json.dumps(SHOPIFY)) if isinstance(one, Bad)]
    assert {one.code for one in bad} == {"no_currency"}


def test_shopify_csv(tmp_path: Path) -> None:
    """A product's rows are one item."""
    text = (
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
        "Variant Inventory Qty,Variant Inventory Policy,Variant Price,Image Src,Status\n"
        'tee,"Tee, plain",<p>Soft</p>,Acme,Shirts,"cotton, summer",true,Size,S,T-S,3,deny,20.00,http://c/1.png,active\n'
        "tee,,,,,,,,M,T-M,4,deny,22.00,,\n"
        "old,Old,,Acme,Shirts,,true,Title,Default,,1,deny,1.00,,archived\n"
    )
    found = items(read(tmp_path, "shopify-products", text, currency="EUR"))
    assert set(found) == {"tee"}
    assert (found["tee"].price, found["tee"].stock, found["tee"].tags) == (Money(2000, "EUR"), 7, ("cotton", "summer"))


PAGE = """<html><head><script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
  {"@type": "Product", "sku": "0446310786", "name": "Executive Anvil",
   "description": "Sleeker than the Classic Anvil.",
   "image": ["https://example.com/1x1.jpg"], "brand": {"@type": "Brand", "name": "ACME"},
   "aggregateRating": {"@type": "AggregateRating", "ratingValue": 4.4, "reviewCount": 89},
   "review": [{"@type": "Review", "reviewBody": "Heavy.", "reviewRating": {"ratingValue": 4}}],
   "offers": {"@type": "AggregateOffer", "lowPrice": 119.99, "highPrice": 199.99, "priceCurrency": "USD",
              "availability": "https://schema.org/InStock"}},
  {"@type": "Recipe", "@id": "#cake", "name": "Party Coffee Cake",
   "recipeIngredient": ["2 cups of flour", "3/4 cup sugar"], "recipeCategory": "Dessert",
   "keywords": "cake for a party, coffee",
   "totalTime": "PT1H5M", "recipeYield": "10 servings",
   "recipeInstructions": [{"@type": "HowToSection", "name": "Bake", "itemListElement": [
      {"@type": "HowToStep", "name": "Preheat", "text": "Preheat the oven to 350 degrees F."},
      {"@type": "HowToStep", "text": "Spread into the pan."}]}]},
  {"@type": "Restaurant", "@id": "https://davessteakhouse.example.com", "name": "Dave's Steak House",
   "address": {"@type": "PostalAddress", "streetAddress": "148 W 51st St", "addressLocality": "New York"},
   "geo": {"@type": "GeoCoordinates", "latitude": 40.761293, "longitude": -73.982294}, "servesCuisine": "American",
   "openingHoursSpecification": [
     {"@type": "OpeningHoursSpecification", "dayOfWeek": ["Monday", "Tuesday"], "opens": "11:30", "closes": "22:00"},
     {"@type": "OpeningHoursSpecification", "dayOfWeek": "https://schema.org/Friday",
      "opens": "18:00", "closes": "02:00"}]},
  {"@type": "FAQPage", "name": "Returns", "mainEntity": [{"@type": "Question", "name": "How long?",
    "acceptedAnswer": {"@type": "Answer", "text": "<p>Within 30 days.</p>"}}]},
  {"@type": "BreadcrumbList", "itemListElement": [{"@type": "ListItem", "position": 1, "name": "Books"}]},
  {"@type": "Organization", "name": "Example", "address": "Somewhere"}
]}</script></head></html>"""


def test_schema_org_in_a_page(tmp_path: Path) -> None:
    """A page's JSON-LD becomes a product, a guide with its steps, a place with its hours, an article; the rest none."""
    found = items(read(tmp_path, "schema-org", PAGE, timezone="America/New_York"))
    assert len(found) == 4
    anvil, cake, dave = found["0446310786"], found["#cake"], found["https://davessteakhouse.example.com"]
    assert (anvil.kind, anvil.price, anvil.brand, anvil.stock) == ("product", Money(11999, "USD"), "ACME", None)
    assert anvil.attributes["reviews"] == [{"text": "Heavy.", "rating": 4}]
    (returns,) = (one for one in found.values() if one.kind == "article")
    assert returns.attributes["faq"] == [{"question": "How long?", "answer": "Within 30 days."}]
    assert (cake.kind, cake.category, cake.attributes["minutes"]) == ("guide", "Dessert", 65)
    assert [step["text"] for step in cake.attributes["steps"]] == [
        "Preheat the oven to 350 degrees F.",
        "Spread into the pan.",
    ]
    assert cake.attributes["ingredients"] == ["2 cups of flour", "3/4 cup sugar"]
    assert cake.tags == ("cake for a party", "coffee")
    assert (dave.kind, dave.category, dave.location) == ("place", "American", Point(40.761293, -73.982294))
    assert dave.hours == "Mo,Tu 11:30-22:00; Fr 18:00-02:00"
    assert open_at(dave, "UTC", ms("2026-11-28T01:30-05:00"))
    assert not open_at(dave, "UTC", ms("2026-11-28T02:30-05:00"))
    assert found["Returns"].text == "How long? Within 30 days."


def test_schema_org_with_a_broken_part(tmp_path: Path) -> None:
    """A part of a page that isn't JSON is set aside, the others are read; a guide has materials and all its time."""
    page = """<script type="application/ld+json">{oops</script><script type="application/ld+json">[
      {"@type": "HowTo", "name": "Descale a kettle", "prepTime": "PT5M", "performTime": "PT1H",
       "supply": ["Citric acid", {"@type": "HowToSupply", "name": "Water"}], "tool": {"name": "Kettle"},
       "step": [{"@type": "HowToStep", "text": "Boil once <b>and</b> wait."}]}]</script>"""
    rows = read(tmp_path, "schema-org", page)
    assert [one.code for one in rows if isinstance(one, Bad)] == ["broken_part"]
    (guide,) = [one for one in rows if isinstance(one, Item)]
    assert guide.attributes["materials"] == ["Citric acid", "Water"]
    assert (guide.attributes["tools"], guide.attributes["minutes"]) == (["Kettle"], 65)
    assert guide.attributes["steps"] == [{"text": "Boil once and wait."}]


@pytest.mark.parametrize(
    ("said", "zone", "until"),
    [
        ("2026-12-31", "", "2027-01-01T00:00:00Z"),
        ("2026-12-31", "Europe/Helsinki", "2027-01-01T00:00:00+02:00"),
        ("2026-12-31T18:00", "Europe/Helsinki", "2026-12-31T18:00:00+02:00"),
        ("2026-12-31T18:00:00-05:00", "Europe/Helsinki", "2026-12-31T18:00:00-05:00"),
    ],
)
def test_what_is_valid_through_a_day_is_valid_on_it(tmp_path: Path, said: str, zone: str, until: str) -> None:
    """A date's end is that of its day, in the feed's zone and on every machine; an instant is itself."""
    offer = {"@type": "Offer", "name": "A cup less", "validFrom": "2026-12-01", "validThrough": said}
    path = tmp_path / "offer.json"
    path.write_text(json.dumps(offer), encoding="utf-8")
    (made,) = items(list(rows("schema-org", path, Reading(now=NOW, timezone=zone)))).values()
    assert made.valid_until == round(datetime.fromisoformat(until).timestamp() * 1000)
    assert made.valid_from == round(datetime(2026, 12, 1, tzinfo=ZoneInfo(zone or "UTC")).timestamp() * 1000)


def test_schema_org_hours_of_holidays() -> None:
    """Dates go on top of the week; the same time twice is closed at midnight and else the whole day."""
    week = {"dayOfWeek": ["Monday", "Sunday"], "opens": "09:00:00", "closes": "23:59"}
    feast = {"validFrom": "2026-12-25", "validThrough": "2026-12-26", "opens": "00:00", "closes": "00:00"}
    assert osm_hours({"openingHoursSpecification": [feast, week]}) == ("Mo,Su 09:00-24:00; 2026 Dec 25-2026 Dec 26 off")
    assert osm_hours({"openingHours": ["Mo-Fr 10:00-19:00", "Sa 10:00-22:00"]}) == "Mo-Fr 10:00-19:00; Sa 10:00-22:00"
    assert osm_hours({}) == ""
    for hours in ("Mo,Su 09:00-24:00; 2026 Dec 25-2026 Dec 26 off",):
        assert open_at(hours, "UTC", ms("2026-12-28T10:00Z"))


OSM = """<osm version="0.6">
 <node id="1" lat="60.17" lon="24.94"><tag k="name" v="Kahvila"/><tag k="amenity" v="cafe"/>
   <tag k="opening_hours" v="Mo-Su 08:00-20:00"/><tag k="cuisine" v="coffee_shop;cake"/>
   <tag k="website" v="https://k.fi"/></node>
 <node id="2" lat="60.18" lon="24.95"><tag k="amenity" v="cafe"/></node>
 <node id="3" lat="60.18" lon="24.95"><tag k="name" v="P"/><tag k="amenity" v="parking"/></node>
 <node id="4" lat="60.19" lon="24.95"><tag k="name" v="Kioski"/><tag k="shop" v="kiosk"/>
   <tag k="opening_hours" v="noon"/></node>
 <node id="11" lat="60.10" lon="24.90"/><node id="12" lat="60.12" lon="24.90"/>
 <node id="13" lat="60.12" lon="24.94"/><node id="14" lat="60.10" lon="24.94"/>
 <way id="5"><nd ref="11"/><nd ref="12"/><nd ref="13"/><nd ref="14"/><nd ref="11"/>
   <tag k="name" v="Museo"/><tag k="tourism" v="museum"/></way>
</osm>"""


def test_openstreetmap(tmp_path: Path) -> None:
    """Named places become items at their middle; hours that can't be read are shown and not believed."""
    path = tmp_path / "town.osm"
    path.write_text(OSM, encoding="utf-8")
    found = items(list(rows("osm", path, Reading(now=NOW, timezone="Europe/Helsinki"))))
    assert set(found) == {"osm:node/1", "osm:node/4", "osm:way/5"}
    cafe = found["osm:node/1"]
    assert (cafe.kind, cafe.category, cafe.hours, cafe.timezone) == (
        "place",
        "cafe",
        "Mo-Su 08:00-20:00",
        "Europe/Helsinki",
    )
    assert (cafe.tags, cafe.url) == (("coffee shop", "cake"), "https://k.fi")
    assert found["osm:node/4"].hours == ""
    assert found["osm:node/4"].attributes == {"opening_hours": "noon"}
    assert found["osm:way/5"].location == Point(60.11, 24.92)


def test_helsinki(shared: Path) -> None:
    """A real extract gives its named places, most with hours that can be read."""
    path = shared / "data/places/helsinki.osm.pbf"
    found = items(list(rows("osm", path, Reading(now=NOW, timezone="Europe/Helsinki"))))
    assert len(found) > 1300
    assert sum(bool(one.hours) for one in found.values()) > 500
    assert all(one.location for one in found.values())


@pytest.mark.parametrize(
    ("text", "currency", "wanted"),
    [
        ("15.00 USD", "", Money(1500, "USD")),
        ("USD 15", "", Money(1500, "USD")),
        ("1,234.50 EUR", "", Money(123450, "EUR")),
        ("1.234,50", "eur", Money(123450, "EUR")),
        ("1 234,5 SEK", "", Money(123450, "SEK")),
        ("1,000 JPY", "", Money(1000, "JPY")),
        ("0.5 KWD", "", Money(500, "KWD")),
        ("¥199", "CNY", Money(19900, "CNY")),
        ("¥199", "", Money(199, "JPY")),
        ("¥199", "EUR", Money(199, "JPY")),
        ("£10", "egp", Money(1000, "EGP")),
        ("£10", "USD", Money(1000, "GBP")),
        ("1’234.50 CHF", "", Money(123450, "CHF")),
        (19.9, "EUR", Money(1990, "EUR")),
        ("", "EUR", None),
        (None, "", None),
    ],
)
def test_prices(text: object, currency: str, wanted: Money | None) -> None:
    """Amounts as the world writes them, in whole minor units."""
    assert money(text, currency) == wanted


@pytest.mark.parametrize("text", ["cheap", "15.00", "-5 EUR", "1e400 EUR", "EUR"])
def test_prices_that_are_none(text: str) -> None:
    """What is no price, or has no currency, is told and not guessed."""
    with pytest.raises(BadItem):
        money(text)


def test_markup_is_taken_out() -> None:
    """Scripts and tags go, entities are read, white space is single."""
    assert plain("<p>One<br>two&nbsp;&amp; <script>alert(1)</script>three</p>\n\n") == "One two & three"
