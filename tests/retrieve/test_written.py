"""Text as it is searched: scripts without spaces, sizes, accents in two pieces."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest

from micromoments.core.item import KINDS, Item
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look

TITLES = {
    "ramen": "醤油ラーメン 5食入り",
    "matcha": "抹茶アイスクリーム",
    "longjing": "绿茶 龙井 250克",
    "bolt": "Hex bolt M8 x 50",
    "screw": "Wood screws 4x40 mm",
    "tile": "Tile 30 × 60 cm",
    "cheese": normalize("NFD", "Käse Gouda"),
}


def shop() -> Catalog:
    """The items, to be searched."""
    made = Catalog()
    made.apply({id: Item(id=id, kind="product", title=title) for id, title in TITLES.items()})
    return made


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("ラーメン", ["ramen"]),
        ("醤油ラーメン", ["ramen"]),
        ("抹茶", ["matcha"]),
        ("抹茶 アイス", ["matcha"]),
        ("龙井绿茶", ["longjing"]),
        ("M8x50", ["bolt"]),
        ("m8 x 50", ["bolt"]),
        ("bolt m8", ["bolt"]),
        ("4 x 40", ["screw"]),
        ("4x40", ["screw"]),
        ("30x60", ["tile"]),
        ("käse", ["cheese"]),
        ("kase", ["cheese"]),
        ("抹茶ラテ", []),
    ],
)
def test_what_is_typed_is_found_however_it_is_written(words: str, wanted: list[str]) -> None:
    """A part of a run of characters finds the whole; sizes and accents are found however they were typed."""
    assert [one.item.id for one in shop().look(Look(words=words)).matches] == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("tshirt", {"T-shirt, black", "Tshirt white"}),
        ("tshrt", {"T-shirt, black", "Tshirt white"}),
        ("t-shirt", {"T-shirt, black", "T shirt red"}),
        ("t shirt", {"T-shirt, black", "T shirt red"}),
        ("usbc", {"USB-C cable"}),
        ("usb c", {"USB-C cable"}),
        ("ebike", {"E-bike helmet"}),
        ("wifi", {"Wi-Fi router"}),
        ("longsleeve", {"Long-sleeve tee"}),
    ],
)
def test_short_words_with_a_hyphen_are_found_in_one_piece(words: str, wanted: set[str]) -> None:
    """Shops write T-shirt, people type tshirt."""
    titles = ("T-shirt, black", "Tshirt white", "T shirt red", "USB-C cable", "E-bike helmet", "Wi-Fi router")
    catalog = Catalog()
    catalog.apply({t: Item(id=t, kind="product", title=t) for t in (*titles, "Long-sleeve tee", "Shirtless doll")})
    assert {one.item.title for one in catalog.look(Look(words=words)).matches} == wanted


def test_a_run_of_characters_is_marked_in_one_piece() -> None:
    """Only what was searched for stands out, with nothing between its characters."""
    assert shop().look(Look(words="抹茶")).matches[0].title == "<mark>抹茶</mark>アイスクリーム"


def test_a_start_with_the_index_on_disk_finds_the_same(tmp_path: Path) -> None:
    """A folder's index that was made of spaced text is read as it was written."""
    folder = str(tmp_path)
    for kind in KINDS:
        (tmp_path / kind).mkdir()
    for _ in range(2):
        made = Catalog(index=folder)
        made.apply({id: Item(id=id, kind="product", title=title) for id, title in TITLES.items()})
        made.loaded()
        assert [one.item.id for one in made.look(Look(words="ラーメン")).matches] == ["ramen"]
        made.close()
