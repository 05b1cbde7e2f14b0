"""What a need names of a thing to buy: brand, category and price as preferences that leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.item import Item, Kind, Money
from micromoments.recognise.need import need
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.wish import Wish, wish
from tests.retrieve.shop import CENTER, NOON, cafe

BUY = (0.0, 0.0, 0.0, 0.9, 0.1)


def ware(id: str, title: str, brand: str, price: int, currency: str = "USD", kind: Kind = "product") -> Item:
    """A shoe with a brand and a price in minor units."""
    return Item(id=id, kind=kind, title=title, brand=brand, category="Shoes", price=Money(price, currency))


def first(catalog: Catalog, query: str) -> list[str]:
    """The ids of the candidates for a query, best first."""
    about = need(query)
    ask = Ask(
        at=NOON,
        words=about.query,
        probabilities=BUY,
        price_from=about.price_from,
        price_to=about.price_to,
        currency=about.currency,
    )
    return [one.item.id for one in catalog.candidates(ask)]


def shoes() -> Catalog:
    """Twenty running shoes, each dearer than the one before, and three trail shoes of other brands."""
    catalog = Catalog()
    items = [ware(f"r{i:02}", "Running shoe", "Fell", 5_000 + 500 * i) for i in range(20)]
    items += [ware("a", "Running shoe for trails", "Alp", 9_000), ware("b", "Running shoe", "Beck", 9_000)]
    catalog.apply({item.id: item for item in items})
    return catalog


def test_what_costs_more_than_was_named_falls_behind() -> None:
    """Under a price, all that fits comes before all that doesn't, a little too dear before much too dear."""
    found = first(shoes(), "running shoes under $70")

    assert set(found[:5]) == {"r00", "r01", "r02", "r03", "r04"}
    assert found.index("r05") < found.index("r10")
    assert len(found) == 22


def test_a_price_in_another_currency_says_nothing() -> None:
    """What is priced in another currency than was named is neither before nor behind for it."""
    assert Wish(price_to=7_000, currency="EUR").left(ware("x", "Shoe", "Fell", 90_000)) == 1.0
    assert Wish(price_to=7_000, currency="USD").left(ware("x", "Shoe", "Fell", 90_000)) < 1.0


def test_a_price_without_a_currency_is_in_the_shops() -> None:
    """A bare number is yen where prices are in yen, and dinars where they are in dinars of a thousand fils."""
    about = need("shoes under 8000")
    wanted = Wish(price_to=about.price_to, currency=about.currency)
    for price, currency, fits in (
        (8_000, "JPY", True),
        (12_000, "JPY", False),
        (800_000, "EUR", True),
        (8_000_000, "KWD", True),
        (8_100_001, "KWD", False),
    ):
        assert (wanted.left(ware("x", "Shoe", "Fell", price, currency)) == 1.0) == fits


def test_the_brand_named_comes_first() -> None:
    """The catalogue's own brand, however it is written, puts its items before others of the same words."""
    assert first(shoes(), "beck running shoes")[0] == "b"
    assert first(shoes(), "ALP running shoes")[0] == "a"


@pytest.mark.parametrize("kind", ["place", "article", "guide"])
def test_only_what_is_bought_is_weighed(kind: Kind) -> None:
    """Places, articles and guides lose nothing for a price or a brand."""
    assert Wish("Fell", "Boots", 0, 100).left(ware("x", "Shoe", "Alp", 90_000, kind=kind)) == 1.0


def test_what_is_not_known_costs_nothing() -> None:
    """An item without brand, category and price isn't taken for another's; a need that names nothing is no wish."""
    assert Wish("Fell", "Boots", 100, 200).left(Item(id="x", kind="product", title="Shoe")) == 1.0
    assert wish({}, 0, 0, "USD") is None


def test_a_category_named_in_passing_never_outranks_a_place() -> None:
    """Near a cafe, words of a category leave the cafe first for somebody on the way."""
    catalog = shoes()
    catalog.apply({"near": cafe("near", 60.1701, 24.9402)})
    go = (0.0, 0.7, 0.0, 0.2, 0.1)
    found = catalog.candidates(Ask(at=NOON, words="running shoes", probabilities=go, point=CENTER))

    assert found[0].item.id == "near"


def test_a_decision_keeps_to_the_price(tmp_path: Path) -> None:
    """A search with a price range is answered within it, though others fit the words as well."""
    with mm.open(str(tmp_path)) as engine:
        engine.catalog.put([ware("dear", "Trail shoe", "Fell", 20_000), ware("cheap", "Trail shoe", "Alp", 6_000)])
        engine.track("ana", "Products Searched", {"query": "trail shoes under $80"})
        found = engine.moment("ana")
        assert found is not None
        assert (found.need["price_to"], found.need["currency"]) == (8_000, "USD")
        choice = engine.decide("ana", slot="search", limit=2)

    assert {item.id for item in choice.items} == {"dear", "cheap"}
    scores = {item.id: item.score for item in choice.items}
    assert scores["cheap"] > scores["dear"]
