"""Search: weights, word forms, prefixes, typing errors, synonyms, freshness."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.item import Item
from micromoments.core.steps import at_once
from micromoments.retrieve import shelf
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look
from tests.retrieve.shop import ITEMS, item, shop


def found(catalog: Catalog, words: str, *, prefix: bool = False) -> list[str]:
    """The ids of a search's hits."""
    return [hit.id for hit in catalog.search(words, prefix=prefix)]


@pytest.fixture(params=["overlay", "committed"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    """The shop, with its index still in the overlay, and committed."""
    made = shop()
    if request.param == "committed":
        made.settle()
    return made


def test_title_weighs_more_than_labels_more_than_text(catalog: Catalog) -> None:
    """A word in the title counts more than among the tags, and there more than in the text."""
    catalog.apply(
        {
            "a": item("a", "product", "Zebra print scarf", category="Wraps", text="Soft cotton for winter days"),
            "b": item(
                "b", "product", "Print scarf", category="Wraps", tags=("zebra",), text="Soft cotton for winter days"
            ),
            "c": item("c", "product", "Print scarf", category="Wraps", text="Soft zebra cotton for winter days"),
        }
    )
    assert found(catalog, "zebra") == ["a", "b", "c"]


def test_word_forms_accents_and_stop_words(catalog: Catalog) -> None:
    """Word forms are one word, case and accents don't matter, stop words don't count."""
    catalog.apply({"c": item("c", "product", "Crème brûlée torch")})
    assert "shoe" in found(catalog, "the RUN shoes for a trail")
    assert found(catalog, "creme brulee") == ["c"]
    assert found(catalog, "the of and") == []
    assert found(catalog, "") == []
    assert found(catalog, "!? --") == []


def test_filters(catalog: Catalog) -> None:
    """Kinds and category filter exactly."""
    assert {hit.id for hit in catalog.search("trail", kinds=("product",))} == {"shoe", "boot", "sock"}
    assert {hit.id for hit in catalog.search("trail", kinds=("offer", "article"))} == {"sale", "mud"}
    assert {hit.id for hit in catalog.search("trail", category="Shoes")} == {"shoe", "boot", "sale"}
    assert [hit.id for hit in catalog.search("trail", kinds=("product",), category="Clothes")] == ["sock"]
    assert len(catalog.search("trail", limit=2)) == 2
    assert catalog.search("trail", limit=0) == []


def test_prefix(catalog: Catalog) -> None:
    """As one types, the last word may be unfinished, and only when asked."""
    assert found(catalog, "cam", prefix=True) == ["stove"]
    assert found(catalog, "camping st", prefix=True)[0] == "stove"
    assert found(catalog, "cam") == []
    assert found(catalog, "", prefix=True) == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("campnig", "stove"), ("stve", "stove"), ("bowlin", "knot"), ("waterprof", "care"), ("waterporof", "care")],
)
def test_typing_errors(catalog: Catalog, typed: str, meant: str) -> None:
    """A mistyped word still finds what was meant."""
    assert found(catalog, typed)[0] == meant


def test_known_words_are_not_corrected(catalog: Catalog) -> None:
    """A short unknown word is left alone when the others find something, a known word always."""
    catalog.apply({"b": item("b", "product", "Sheep skin"), "c": item("c", "product", "Cheat sheets")})
    assert "c" not in found(catalog, "cheap lamp")
    assert found(catalog, "sheep") == ["b"]


def test_a_hostile_query_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a query of unknown words is, at most three of them are looked up among a kind's near words."""
    looked: list[str] = []
    near = shelf.Shelf.near_words

    def counting(self: shelf.Shelf, word: str, most: int, *, text: bool) -> list[tuple[int, int, str]]:
        looked.append(word)
        return near(self, word, most, text=text)

    monkeypatch.setattr(shelf.Shelf, "near_words", counting)
    catalog = shop()
    assert catalog.search(" ".join(f"unknown{i}word" for i in range(5000)), kinds=("product",)) == []
    assert len(set(looked)) == 3
    assert len(looked) == 6


def test_synonyms() -> None:
    """A synonym finds what is called otherwise, phrases too."""
    catalog = Catalog(synonyms={"torch": ("head lamp",), "rain coat": ("anorak",)})
    catalog.apply({one.id: one for one in [*ITEMS, item("a", "product", "Green anorak")]})
    assert found(catalog, "torches") == ["lamp"]
    assert found(catalog, "a rain coat") == ["a"]
    assert found(catalog, "coat rain") == []


def test_kinds_compare(catalog: Catalog) -> None:
    """A word in the title of the only offer ranks beside the same word in a product's title."""
    scores = {hit.id: hit.score for hit in catalog.search("trail")}
    assert scores["sale"] > scores["sock"] / 2


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["red", "blue", "green", None]), st.booleans()),
        max_size=30,
    )
)
@settings(max_examples=40)
def test_put_is_found_and_deleted_is_not(steps: list[tuple[str, str | None, bool]]) -> None:
    """After every put the item is found by its words at once, by its old ones no more; after a delete by none."""
    catalog, now = Catalog(), dict[str, str]()
    for id, word, commit in steps:
        catalog.apply({id: None if word is None else item(id, "product", word)})
        if word is None:
            now.pop(id, None)
        else:
            now[id] = word
        if commit:
            catalog.settle()
        for colour in ("red", "blue", "green"):
            assert sorted(found(catalog, colour)) == sorted(other for other, own in now.items() if own == colour)
    assert catalog.size() == len(now)


class Committing:
    """Somebody who commits a catalogue's index beside its calls, one step at a time."""

    def __init__(self, catalog: Catalog) -> None:
        catalog.beside()
        self._steps = self._committed(catalog)

    def step(self) -> None:
        """Go on a little."""
        next(self._steps)

    def _committed(self, catalog: Catalog) -> Generator[None, None, None]:
        while True:
            for one in catalog.unsettled():
                write = yield from one.settling()
                yield
                write()
                yield from one.swapping()
            yield


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from(["red", "blue", "green", "red green", None]),
            st.sampled_from([0, 1, 2, 5]),
            st.sampled_from([False, False, False, True]),
        ),
        max_size=40,
    )
)
@settings(max_examples=60, deadline=None)
def test_calls_are_answered_the_same_while_the_index_is_committed_beside(
    rounds: list[tuple[str, str | None, int, bool]],
) -> None:
    """Whatever is put and deleted between two steps of a commit in bites, and where a commit at once comes between
    them, too: each call finds what there is, and nothing that is gone.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "FRESH", 0)
        catalog, now = Catalog(), dict[str, str]()
        committing = Committing(catalog)
        for id, words, steps, whole in rounds:
            catalog.apply({id: None if words is None else item(id, "product", words)})
            now |= {id: words or ""}
            if whole:
                catalog.settle()
            for _ in range(steps):
                committing.step()
            for colour in ("red", "blue", "green"):
                wanted = sorted(other for other, own in now.items() if colour in own)
                assert sorted(found(catalog, colour)) == wanted
                assert catalog.look(Look(words=colour)).total == len(wanted)
        for _ in range(100):
            committing.step()
        assert not catalog.unsettled()
        assert catalog.waiting() == 0


class FullOnce:
    """A writer whose disk is full at the first commit."""

    def __init__(self, writer: Any) -> None:
        self._writer, self._full = writer, True

    def __getattr__(self, name: str) -> Any:
        """What else it does."""
        return getattr(self._writer, name)

    def commit(self) -> None:
        """Fail once."""
        if self._full:
            self._full = False
            raise OSError("the disk is full")
        self._writer.commit()


def test_a_commit_that_fails_is_tried_again_with_each_item_once() -> None:
    """Items that could not be committed are found meanwhile, and once afterwards."""
    catalog = shop()
    catalog.beside()
    products = catalog._search._every["product"]
    products._writer = cast(Any, FullOnce(products._index.writer(heap_size=shelf.HEAP, num_threads=1)))
    before = found(catalog, "head lamp night")
    for fails in (True, False):
        write = at_once(products.settling())
        if fails:
            with pytest.raises(OSError, match="full"):
                write()
        else:
            write()
        at_once(products.swapping())
        assert bool(products.waiting) == fails
        assert found(catalog, "head lamp night") == before


@given(st.permutations(ITEMS))
@settings(max_examples=20)
def test_order_of_puts_does_not_matter(items: list[Item]) -> None:
    """However the items came, in one change or many, a search gives the same hits and scores."""
    one, many = Catalog(), Catalog()
    one.apply({each.id: each for each in ITEMS})
    for each in items:
        many.apply({each.id: each})
    for words in ("trail shoes", "boots", "running at night"):
        assert one.search(words) == many.search(words)


def test_overlay_and_commit_agree() -> None:
    """Committing changes neither the hits nor their order."""
    fresh, settled = shop(), shop()
    settled.settle()
    for words in ("trail shoes", "boots", "running", "head lamp night", "waterproof"):
        assert [hit.id for hit in fresh.search(words)] == [hit.id for hit in settled.search(words)]


def test_a_burst_is_committed_once_and_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of puts costs no commit until a search, and one item put again and again doesn't pile up."""
    commits: list[int] = []
    settle = shelf.Shelf.settle

    def counting(self: shelf.Shelf) -> None:
        commits.append(len(self))
        settle(self)

    monkeypatch.setattr(shelf.Shelf, "settle", counting)
    catalog = Catalog()
    for i in range(1000):
        catalog.apply({f"p{i}": item(f"p{i}", "product", f"thing number {i}")})
    assert commits == []
    assert found(catalog, "number 777")[0] == "p777"
    assert len(commits) == 1
    for i in range(2000):
        catalog.apply({"p0": item("p0", "product", f"changed {i}")})
        assert found(catalog, f"changed {i}")[0] == "p0"
    assert len(commits) < 10


def test_answers_that_are_kept_change_with_the_items() -> None:
    """What words, or an item, were answered with before is not told again once an item came, changed or went."""
    search = shop()._search
    (before,) = search.each("lantern", (("product", 5),))
    lamp = ITEMS[[one.id for one in ITEMS].index("lamp")]
    like = search.alike(lamp, 5)
    search.put(item("lantern", "product", f"Lantern {lamp.title}"))
    assert "lantern" not in [id for id, _ in before]
    assert "lantern" not in [id for id, _ in like]
    assert "lantern" in [id for id, _ in search.each("lantern", (("product", 5),))[0]]
    assert "lantern" in [id for id, _ in search.alike(lamp, 5)]
    search.drop("lantern")
    assert "lantern" not in [id for id, _ in search.each("lantern", (("product", 5),))[0]]
    assert "lantern" not in [id for id, _ in search.alike(lamp, 5)]


def test_what_went_leaves_the_index() -> None:
    """After a commit nothing is left of what was replaced or deleted, so that no word seems commoner than it is."""
    catalog = Catalog()
    for title in ("red", "blue", "red"):
        catalog.apply({"one": item("one", "product", title), "two": item("two", "product", "red")})
        catalog.settle()
    catalog.apply({"two": None})
    catalog.settle()
    assert catalog._search._shelves["product"].count("red") == 1


def test_what_is_indexed_lazily_is_found_the_same() -> None:
    """Items put, changed and deleted while nobody asks are found, or not, like those that were indexed at once."""
    eager, lazy = Catalog(), Catalog()
    first = {one.id: one for one in ITEMS[: len(ITEMS) // 2]}
    changed = next(iter(first.values()))
    changes: list[dict[str, Item | None]] = [
        {one.id: one for one in ITEMS},
        {changed.id: msgspec.structs.replace(changed, title="Zyzzyva"), ITEMS[-1].id: None},
        {ITEMS[1].id: None},
    ]
    for catalog in (eager, lazy):
        catalog.apply(first)
    lazy.lazily()
    for change in changes:
        eager.apply(change)
        lazy.apply(change)
    for words in ("zyzzyva", *(one.title for one in ITEMS)):
        assert lazy.search(words) == eager.search(words)
    lazy.apply({"late": item("late", "product", "Quokka lamp")})
    assert [hit.id for hit in lazy.search("quokka")] == ["late"]
