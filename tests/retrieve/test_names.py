"""The catalogue's own brands and categories in a person's words."""

from __future__ import annotations

import pytest

from micromoments.core.item import Item
from micromoments.core.moment import Moment, Need
from micromoments.retrieve.catalog import Catalog
from tests.flow.world import T0, view


def item(id: str, brand: str, category: str) -> Item:
    """A product."""
    return Item(id=id, kind="product", title=f"Thing {id}", brand=brand, category=category)


ITEMS = [
    item("1", "Zorblatt & Sons", "Trail running"),
    item("2", "Zorblatt & Sons", "Trail running"),
    item("3", "Kivik", "Running"),
    item("4", "ZORBLATT & SONS", "Kettles"),
]


@pytest.fixture
def catalog() -> Catalog:
    """Of a shop whose brands nobody ever heard of."""
    found = Catalog()
    found.apply({one.id: one for one in ITEMS})
    return found


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("cheap zorblatt sons kettle", {"brand": "Zorblatt & Sons", "category": "Kettles"}),
        ("kivik shoes", {"brand": "Kivik"}),
        ("trail running shoes", {"category": "Trail running"}),
        ("running", {"category": "Running"}),
        ("something else", {}),
        ("", {}),
    ],
)
def test_names_are_found_as_the_catalogue_writes_them(catalog: Catalog, words: str, named: dict[str, str]) -> None:
    """Case, marks and plurals don't count, the longest name wins, and most items' spelling is told."""
    assert catalog.named(words) == named


def test_names_go_with_their_items(catalog: Catalog) -> None:
    """A brand that the last item left is no name any more; a changed item is known by its new one."""
    catalog.apply({"3": None, "4": item("4", "Kivik", "Kettles")})
    catalog.apply({"4": item("4", "Norr", "Kettles")})
    assert catalog.named("kivik norr kettle") == {"brand": "Norr", "category": "Kettles"}


def test_a_moment_tells_the_catalogues_names(catalog: Catalog) -> None:
    """What a moment is about names the brand and category as the catalogue does; its other words stay."""
    from dataclasses import replace

    shop = replace(view(), catalog=catalog)
    moment = Moment(
        "m1", T0, T0, T0 + 60_000, (0, 0, 0, 300, -200), "buy", Need(query="kivik kettles", time="today"), 1, ()
    )
    assert shop.moment(moment, {}, T0).need == {
        "query": "kivik kettles",
        "time": "today",
        "brand": "Kivik",
        "category": "Kettles",
    }
