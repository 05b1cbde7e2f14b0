"""What is popular where the person is."""

from __future__ import annotations

from dataclasses import replace

from micromoments.core.geo import Point
from micromoments.core.item import Item
from micromoments.core.settings import DAY, Settings
from micromoments.flow.learn import observe
from micromoments.retrieve.catalog import Ask, Catalog
from micromoments.retrieve.local import KEPT_ITEMS, MAX_CELLS, MAX_ITEMS, Local, cell_of
from tests.flow.world import World, event, view

NOW = 1_800_000_000_000
HELSINKI, TURKU = Point(60.17, 24.94), Point(60.45, 22.27)


def shop() -> Catalog:
    """Products, two of them coats."""
    catalog = Catalog()
    kinds = {"coat": "coats", "cape": "coats", "shoe": "shoes", "hat": "hats"}
    catalog.apply({id: Item(id=id, kind="product", title=id.title(), category=c) for id, c in kinds.items()})
    return catalog


def reasons(catalog: Catalog, point: Point, category: str = "") -> dict[str, tuple[str, ...]]:
    """What is told of each candidate at a position."""
    return {c.item.id: c.reasons for c in catalog.candidates(Ask(at=NOW, point=point, category=category))}


def test_what_many_meet_here_is_popular_here() -> None:
    """Three people's views in one town are told there, with the category where it is wanted, and nowhere else."""
    catalog = shop()
    for who in "abc":
        catalog.learn(f"anon:{who}", "coat", "view", NOW, [], HELSINKI)
    catalog.learn("anon:d", "hat", "view", NOW, [], HELSINKI)
    assert "popular near you" in reasons(catalog, HELSINKI)["coat"]
    assert "popular in coats near you" in reasons(catalog, HELSINKI, "coats")["coat"]
    assert "popular near you" not in reasons(catalog, HELSINKI)["hat"], "one look makes nothing popular"
    assert "popular near you" not in reasons(catalog, TURKU)["coat"]


def test_what_was_popular_fades() -> None:
    """A fortnight later three views are too little."""
    local = Local()
    for _ in range(3):
        local.count(HELSINKI, "coat", 1.0, NOW)
    assert local.best(HELSINKI, NOW) == [("coat", 1.0)]
    assert local.best(HELSINKI, NOW + 14 * DAY) == []


def test_bytes_keep_it() -> None:
    """A restart goes on with what was learned of places."""
    catalog, again = shop(), shop()
    for who in "abc":
        catalog.learn(f"anon:{who}", "coat", "view", NOW, [], HELSINKI)
    again.restore(catalog.encode())
    assert reasons(again, HELSINKI) == reasons(catalog, HELSINKI)


def test_memory_is_bounded() -> None:
    """Cells and their items are kept up to a number, those heard of last."""
    local = Local()
    for n in range(MAX_CELLS + 5):
        local.count(Point(-80 + n * 0.06, 10.0), "coat", 1.0, NOW)
    assert len(local.cells) == MAX_CELLS
    for n in range(MAX_ITEMS + 1):
        local.count(HELSINKI, f"p{n}", 1.0 + n, NOW)
    row = local.cells[cell_of(HELSINKI)]
    assert len(row) == KEPT_ITEMS
    assert f"p{MAX_ITEMS}" in row


def test_places_count_with_consent_only() -> None:
    """Without a yes to location, where somebody was isn't counted."""
    yes, no = Settings(consent=("personalise", "location")), Settings(consent=("personalise",))
    for settings, wanted in ((yes, 1), (no, 0)):
        catalog = shop()
        world = World(replace(view(), settings=settings, catalog=catalog))
        record = event(
            1,
            anon="ana",
            name="Product Viewed",
            properties={"product_id": "coat"},
            context={"location": {"latitude": HELSINKI.lat, "longitude": HELSINKI.lon}},
        )
        world.fold([record])
        assert observe(catalog, world.people["anon:ana"], record, world.view.settings)
        assert len(catalog._learned.local.cells) == wanted


def test_what_was_popular_long_ago_is_not_popular_now() -> None:
    """Years after the last event that a history told of, what was popular then isn't told, and nothing breaks."""
    catalog, then = shop(), NOW - 12 * 365 * DAY
    for who in "abc":
        catalog.learn(f"anon:{who}", "coat", "view", then, [], HELSINKI)
    assert "popular near you" not in reasons(catalog, HELSINKI)["coat"]
    for who in "abc":
        catalog.learn(f"anon:{who}", "cape", "view", NOW, [], HELSINKI)
    assert "popular near you" in reasons(catalog, HELSINKI)["cape"]
    assert "popular near you" not in reasons(catalog, HELSINKI)["coat"]
