"""Items that a rule speaks of, as the catalogue changes."""

from __future__ import annotations

from micromoments.core.item import Item
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.covered import MOST


def bag(id: str, category: str = "bags", priority: int = 0) -> Item:
    """An item to cover, or not."""
    return Item(id=id, kind="product", title=id, category=category, priority=priority)


def is_bag(item: Item) -> bool:
    """Whether a rule about bags covers it."""
    return item.category == "bags"


def test_what_is_covered_follows_every_change() -> None:
    """Items put, changed and deleted show at the next question, by priority and then id."""
    catalog = Catalog()
    catalog.apply({id: bag(id) for id in ("a", "b", "c")})
    assert catalog.covered.first("bags", is_bag, 2) == ["a", "b"]
    catalog.apply({"a": None, "b": bag("b", "shoes"), "d": bag("d", priority=3), "e": bag("e", "shoes")})
    assert catalog.covered.first("bags", is_bag, 9) == ["d", "c"]
    catalog.apply({"c": bag("c", priority=5), "e": bag("e")})
    assert catalog.covered.first("bags", is_bag, 9) == ["c", "d", "e"]


def test_rules_that_are_asked_for_no_more_are_forgotten() -> None:
    """So many rules are kept; the first is worked out anew when it is asked for again."""
    catalog = Catalog()
    catalog.apply({"a": bag("a")})
    for n in range(MOST + 1):
        assert catalog.covered.first(f"rule {n}", is_bag, 1) == ["a"]
    catalog.apply({"b": bag("b")})
    assert catalog.covered.first("rule 0", is_bag, 9) == ["a", "b"]
    assert len(catalog.covered._tests) == MOST
