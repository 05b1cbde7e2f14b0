"""Words that no item has are searched for by words of about the same meaning."""

from __future__ import annotations

from functools import cache

from micromoments.core.item import Item
from micromoments.recognise.sense import Sense
from micromoments.recognise.text import TextModel
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look


@cache
def sense() -> Sense:
    """The shipped word vectors."""
    found = TextModel.load().sense
    assert found is not None
    return found


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
    """Nearest first, without the word itself; a word without a vector of its own has none."""
    near = sense().alike("automobile", 10)
    assert "car" in [word for word, _ in near]
    assert "automobile" not in [word for word, _ in near]
    assert [cosine for _, cosine in near] == sorted((cosine for _, cosine in near), reverse=True)
    assert sense().alike("zyzzyvaish", 10) == []


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
