"""Words that no item has are searched for by words of about the same meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

import micromoments as mm
from micromoments.core.item import Item
from micromoments.core.settings import Settings
from micromoments.ports import StoreError
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look
from micromoments.retrieve.meaning import Vectors, read

VECTORS = """\
5 3
car 1 0.1 0
automobile 0.9 0.2 0
sofa 0 1 0
couch 0.1 0.9 0
coach 0 0 1
"""


def sense() -> Vectors:
    """A few words as a file of vectors has them."""
    return read(VECTORS.splitlines())


def shop(*, by_meaning: bool) -> Catalog:
    """A sofa, a car, and a coach who isn't furniture."""
    catalog = Catalog(meaning=sense().alike if by_meaning else None)
    titles = {"sofa": "Corner sofa", "car": "Small car", "coach": "Football coach"}
    catalog.apply({id: Item(id=id, kind="product", title=title) for id, title in titles.items()})
    return catalog


def found(catalog: Catalog, words: str) -> list[str]:
    """The ids of a search page."""
    return [match.item.id for match in catalog.look(Look(words=words, facets=False)).matches]


def test_near_words_are_near_in_meaning() -> None:
    """Nearest first, without the word itself; a word without a vector has none near it."""
    assert [word for word, _ in sense().alike("automobile", 2)] == ["car", "couch"]
    cosines = [cosine for _, cosine in sense().alike("couch", 10)]
    assert len(cosines) == 4
    assert cosines == sorted(cosines, reverse=True)
    assert sense().alike("zyzzyvaish", 10) == []


@pytest.mark.parametrize("lines", ["", "car", "car one two", "car 1 2\nsofa 1", "5 3\n\n"])
def test_a_file_that_is_no_vectors_is_refused(lines: str) -> None:
    """The line that is wrong is named, with what was wanted."""
    with pytest.raises(ValueError, match="wanted a word and"):
        read(lines.splitlines())


def test_a_project_names_its_file(tmp_path: Path) -> None:
    """The file lies in the project's folder; where it can't be read, the start says so."""
    settings = Settings(meaning="words.vec")
    with pytest.raises(StoreError, match=r"got words\.vec for meaning"):
        mm.open(tmp_path, settings)
    (tmp_path / "words.vec").write_text(VECTORS)
    with mm.open(tmp_path, settings) as engine:
        engine.catalog.put([mm.Item(id="car", kind="product", title="Small car")])


def test_a_word_that_no_item_has_finds_what_means_the_same() -> None:
    """With meaning an automobile is a car; without it nothing is found, or what is spelled alike."""
    assert found(shop(by_meaning=True), "automobile")[:1] == ["car"]
    assert found(shop(by_meaning=False), "automobile") == []


def test_known_words_are_not_touched() -> None:
    """A word that items have is searched for as it stands."""
    for words in ("car", "sofa", "coach"):
        assert found(shop(by_meaning=True), words) == found(shop(by_meaning=False), words) == [words]


def test_typing_errors_are_put_right_as_before() -> None:
    """What is no word of the language is a typing error."""
    assert found(shop(by_meaning=True), "sofva") == ["sofa"]
