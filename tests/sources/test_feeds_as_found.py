"""Feeds as shops really send them: other alphabets' bytes, signs of money, spellings of what can't be had, variants."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from micromoments.core.item import Item, Money
from micromoments.sources.feed import FeedError, Reading, money, rows
from micromoments.sources.items import BadItem


def read(path: Path, format: str, body: bytes) -> list[Item]:
    """The items of a file of these bytes; anything else fails the test."""
    path.write_bytes(body)
    found = [one for one in rows(format, path, Reading(now=0)) if isinstance(one, Item)]
    assert found
    return found


TEXT = "id\ttitle\tprice\n1\tKäse, Höhle\t2,49 EUR\n"


@pytest.mark.parametrize(
    "body",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("latin-1"),
        TEXT.encode("utf-16"),
        ("\ufeff" + TEXT).encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode("cp1252"),
    ],
)
def test_a_text_is_read_in_the_alphabet_that_it_is_in(tmp_path: Path, body: bytes) -> None:
    """UTF-8 and UTF-16 with and without a mark, and what Windows writes in the west."""
    (item,) = read(tmp_path / "feed", "google-merchant", body)
    assert (item.id, item.title, item.price) == ("1", "Käse, Höhle", Money(249, "EUR"))


@pytest.mark.parametrize(
    ("text", "currency", "wanted"),
    [
        ("€ 4.50", "", Money(450, "EUR")),
        ("89,90 €", "", Money(8990, "EUR")),
        ("£1,089.90", "", Money(108990, "GBP")),
        ("$5", "", Money(500, "USD")),
        ("$5", "CAD", Money(500, "CAD")),
        ("$5", "EUR", Money(500, "USD")),
        ("5 000 $", "CLP", Money(5000, "CLP")),
        ("A$5.10", "", Money(510, "AUD")),
        ("1 299 zł", "", Money(129900, "PLN")),
        ("¥1500", "", Money(1500, "JPY")),
    ],
)
def test_money_by_its_sign(text: str, currency: str, wanted: Money) -> None:
    """A sign says the currency; a mere dollar is the feed's own where that is written so."""
    assert money(text, currency) == wanted


def test_a_sign_of_several_currencies_says_none() -> None:
    """Crowns are of three countries."""
    with pytest.raises(BadItem):
        money("50 kr")


def test_the_least_price_is_of_one_currency(tmp_path: Path) -> None:
    """500 yen aren't more than 5 euros: prices are compared in the feed's own currency, else in the first one's."""
    offers = [{"price": p, "priceCurrency": c} for p, c in (("7", "EUR"), ("500", "JPY"), ("5", "EUR"), ("400", "JPY"))]
    file = tmp_path / "thing.json"
    file.write_text(json.dumps({"@type": "Product", "sku": "1", "name": "Lamp", "offers": offers}))
    for currency, wanted in (("", Money(500, "EUR")), ("USD", Money(500, "EUR")), ("JPY", Money(400, "JPY"))):
        (item,) = rows("schema-org", file, Reading(now=0, currency=currency))
        assert isinstance(item, Item)
        assert item.price == wanted


def test_an_offer_that_never_ends(tmp_path: Path) -> None:
    """The last day that there is has no day after it."""
    thing = {"@type": "Offer", "name": "Tea", "@id": "tea", "price": "5 EUR", "validThrough": "9999-12-31"}
    (item,) = read(tmp_path / "thing.json", "schema-org", json.dumps(thing).encode())
    assert item.valid_until == 253_402_214_400_000


@pytest.mark.parametrize(
    ("format", "body"),
    [
        ("schema-org", "[" * 100_000),
        ("schema-org", f'<script type="application/ld+json">{"[" * 100_000}</script>'),
        ("shopify-products", "[" * 100_000),
        ("items", "[" * 100_000),
    ],
)
def test_nesting_without_end_is_no_feed(tmp_path: Path, format: str, body: str) -> None:
    """It is told in words."""
    file = tmp_path / "feed"
    file.write_text(body)
    with pytest.raises(FeedError):
        list(rows(format, file, Reading(now=0)))


@pytest.mark.parametrize("listed", [{"edges": None}, {"edges": [1]}, {"nodes": 3}, 7])
def test_products_in_no_shape_are_set_aside(tmp_path: Path, listed: object) -> None:
    """Connections that hold something else break nothing, whether of products or of their variants."""
    file = tmp_path / "feed"
    for value in ({"products": listed}, {"products": [{"id": 1, "title": "Lamp", "variants": listed}]}):
        file.write_text(json.dumps(value))
        try:
            found = list(rows("shopify-products", file, Reading(now=0)))
        except FeedError:
            continue
        assert len(found) == 1


def test_what_a_spreadsheet_unpublished_is_left_out(tmp_path: Path) -> None:
    """Spreadsheets write FALSE in capitals."""
    body = "Handle,Title,Published,Variant Price\nin,In,TRUE,3 EUR\nout,Out,FALSE,3 EUR\n"
    assert [item.id for item in read(tmp_path / "feed.csv", "shopify-products", body.encode())] == ["in"]


@pytest.mark.parametrize(
    "cut",
    [
        '3,Cup,"Of three\n',
        '3,Cup,"Of three\nlines\n',
        '3,"Cup\n',
    ],
)
def test_a_feed_that_stops_within_a_cell_of_several_lines(tmp_path: Path, cut: str) -> None:
    """Cut off behind a line's end it is no whole feed either; one whose last quote is a letter is one, where nothing in
    it is quoted.
    """
    file = tmp_path / "feed.csv"
    file.write_text(f'id,title,description\n1,Mug,One\n2,Tea,"Of two\nlines"\n{cut}')
    with pytest.raises(FeedError, match="within a quoted cell"):
        list(rows("google-merchant", file, Reading(now=0)))
    body = 'id,title,description\n1,Mug,One\n3,Cup,"Lonely\n'
    assert [item.id for item in read(file, "google-merchant", body.encode())] == ["1", "3"]


@pytest.mark.parametrize(
    ("said", "stock"),
    [
        ("in stock", None),
        ("In_Stock", None),
        ("https://schema.org/InStock", None),
        ("", None),
        ("out of stock", 0),
        ("Out-of-Stock", 0),
        ("http://schema.org/OutOfStock", 0),
        ("Sold Out", 0),
        ("discontinued", 0),
    ],
)
def test_what_cant_be_had_however_it_is_spelt(tmp_path: Path, said: str, stock: int | None) -> None:
    """An item that is sold out isn't served; one that says nothing is taken to be there."""
    body = f"id\ttitle\tprice\tavailability\n1\tLamp\t2 EUR\t{said}\n"
    assert read(tmp_path / "feed", "google-merchant", body.encode())[0].stock == stock


def test_a_group_of_variants_has_their_price_and_stock(tmp_path: Path) -> None:
    """One item: the lowest price of those to be had, there as long as one of them is; each of them is shown."""
    offers = [
        {"@type": "Offer", "price": price, "priceCurrency": "EUR", "availability": f"https://schema.org/{said}"}
        for price, said in ((15, "OutOfStock"), (17.5, "InStock"))
    ]
    variants = [
        {"@type": "Product", "sku": f"G-{size}", "size": size, "image": f"/{size}.jpg", "offers": offer}
        for size, offer in zip("SM", offers, strict=True)
    ]
    group = {"@type": "ProductGroup", "productGroupID": "G", "name": "Shirt", "hasVariant": variants}
    (item,) = read(tmp_path / "feed", "schema-org", json.dumps({"@graph": [group]}).encode())
    assert (item.id, item.price, item.stock, item.image) == ("G", Money(1750, "EUR"), None, "/S.jpg")
    assert [(one["size"], one["price"], one["available"]) for one in item.attributes["variants"]] == [
        ("S", 1500, False),
        ("M", 1750, True),
    ]
    variants[1]["offers"] = {**offers[1], "availability": "SoldOut"}
    (item,) = read(tmp_path / "feed", "schema-org", json.dumps(group).encode())
    assert item.stock == 0


def test_a_cell_without_an_end_is_no_feed(tmp_path: Path) -> None:
    """A quote that never closes, or a first line of a megabyte, is told in words, and nothing counts as gone."""
    for format, header in (("google-merchant", "id,title,price"), ("shopify-products", "Handle,Title,Variant Price")):
        for body in (f'{header}\na,b,"1\n{"x" * 200 * 1024 * 8}\n', f"{header},{'y' * 200 * 1024 * 8}\n"):
            file = tmp_path / "feed.csv"
            file.write_text(body, encoding="utf-8")
            with pytest.raises(FeedError, match="can't be read as CSV"):
                list(rows(format, file, Reading(now=0, currency="EUR")))


def test_a_byte_order_mark_before_products(tmp_path: Path) -> None:
    """It is no part of the JSON."""
    file = tmp_path / "products.json"
    file.write_bytes(b'\xef\xbb\xbf{"products": [{"id": 1, "title": "Shoe", "variants": [{"price": "9.00"}]}]}')
    thing = tmp_path / "thing.json"
    thing.write_bytes(b'\xef\xbb\xbf{"@type": "Product", "sku": "1", "name": "Shoe"}')
    for format, path in (("shopify-products", file), ("schema-org", thing)):
        (item,) = rows(format, path, Reading(now=0, currency="EUR"))
        assert isinstance(item, Item)
        assert item.title == "Shoe"


def test_a_quote_before_a_title_takes_no_products_along(tmp_path: Path) -> None:
    """A title that begins with a quote which never closes is its own product's; descriptions of several lines and rows
    that leave out what is empty at their end stay whole.
    """
    file = tmp_path / "feed.tsv"
    head, size = "id\ttitle\tdescription\tlink\tprice\tgtin\n", '"S" size, 27" wide'
    lines = ['1\t"Lonely\tOne\t/1\t9.00 EUR\t', f"2\t{size}\tTwo\t/2\t9.00 EUR\t", "3\tMug\tThree\t/3\t9.00 EUR\t"]
    whole = ['4\t"A ""good"" one"\t"Of two,\nlines"\t/4\t9.00 EUR', "5\tCup\tFive\t/5\t9.00 EUR"]
    file.write_text(head + "\n".join([*lines, *whole]) + "\n", encoding="utf-8")
    found = [one for one in rows("google-merchant", file, Reading(now=0)) if isinstance(one, Item)]
    assert [one.id for one in found] == ["1", "2", "3", "4", "5"]
    assert [found[n].title for n in (0, 2, 3)] == ['"Lonely', "Mug", 'A "good" one']
    assert found[3].text == "Of two, lines"
