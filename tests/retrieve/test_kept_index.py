"""A search index on disk: what it has is trusted item by item, so that a restart indexes only what changed."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from micromoments.core.item import Item, Kind
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.document import DIGEST
from micromoments.stores.embedded import index
from micromoments.stores.embedded.index import index_folder

COLOURS = ("red", "green", "blue", "black", "white")


def items(count: int = 300) -> dict[str, Item]:
    """Shoes in five colours."""
    return {
        f"p{n}": Item(id=f"p{n}", kind="product", title=f"{COLOURS[n % 5]} shoe {n}", category="shoes")
        for n in range(count)
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where an index lies, however few the items."""
    monkeypatch.setattr(index, "FROM_ITEMS", 1)
    return index_folder(tmp_path / "index", 300, DIGEST)


def started(folder: str, there: dict[str, Item]) -> tuple[Catalog, int]:
    """A catalogue after a start, and how many items had to be indexed."""
    catalog = Catalog(index=folder)
    catalog.apply(there)
    shelf = catalog._search._shelves["product"]
    waiting = len(shelf._fresh)
    catalog.loaded()
    return catalog, waiting


def test_a_restart_indexes_only_what_changed(folder: str) -> None:
    """Unchanged items are taken as the disk has them; changed, new and deleted ones are put right."""
    there = items()
    catalog, indexed = started(folder, there)
    assert indexed == 300
    before = catalog.search("red shoe", limit=300)
    catalog.close()

    catalog, indexed = started(folder, there)
    assert indexed == 0
    assert {hit.id for hit in catalog.search("red shoe", limit=300)} == {hit.id for hit in before}
    catalog.close()

    there["p0"] = replace(there["p0"], title="violet shoe 0")
    there["new"] = Item(id="new", kind="product", title="orange shoe", category="shoes")
    del there["p5"]
    catalog, indexed = started(folder, there)
    assert indexed == 2
    assert [hit.id for hit in catalog.search("violet")] == ["p0"]
    assert [hit.id for hit in catalog.search("orange")] == ["new"]
    assert {hit.id for hit in catalog.search("red", limit=300)} == {f"p{n}" for n in range(10, 300, 5)}
    catalog.close()


def test_what_was_not_committed_is_indexed_again(folder: str) -> None:
    """A process that is killed loses what waited, and nothing more."""
    there = items()
    catalog, _ = started(folder, there)
    catalog.apply({"late": Item(id="late", kind="product", title="late shoe")})
    catalog._search._shelves["product"]._writer = None
    del catalog
    catalog, indexed = started(folder, {**there, "late": Item(id="late", kind="product", title="late shoe")})
    assert indexed == 1
    assert [hit.id for hit in catalog.search("late")] == ["late"]
    catalog.close()


def killed(catalog: Catalog) -> None:
    """What a killed process leaves: the index as last committed, its lock let go."""
    for shelf in catalog._search._shelves.values():
        shelf._writer = None


def found(catalog: Catalog) -> dict[tuple[str, Kind], list[str]]:
    """By word and kind, the ids of what is found."""
    kinds: tuple[Kind, ...] = ("product", "article")
    return {
        (word, kind): sorted(hit.id for hit in catalog.search(word, kinds=(kind,), limit=50))
        for word in (*COLOURS, "wool")
        for kind in kinds
    }


SOME = st.builds(
    lambda id, kind, colour, text: Item(id=id, kind=kind, title=f"{colour} thing", text=text),
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.sampled_from(["product", "article"]),
    st.sampled_from(COLOURS),
    st.sampled_from(["", "of wool"]),
)
STEPS = st.one_of(
    SOME,
    st.sampled_from(["a", "b", "c", "d", "e"]).map(lambda id: ("drop", id)),
    st.sampled_from(["settle", "half settle", "stop", "kill"]),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(STEPS, max_size=20))
def test_no_crash_serves_what_is_no_more(steps: list[Item | tuple[str, str] | str]) -> None:
    """However often it is stopped, or killed between any two writes of the index, the disk finds what memory does."""
    there: dict[str, Item] = {}
    with TemporaryDirectory() as root:
        for kind in index.KINDS:
            (Path(root) / kind).mkdir()
        catalog = Catalog(index=root)
        for step in [*steps, "kill"]:
            if isinstance(step, Item):
                there[step.id] = step
                catalog.apply({step.id: step})
            elif isinstance(step, tuple):
                there.pop(step[1], None)
                catalog.apply({step[1]: None})
            elif step == "settle":
                catalog.settle()
            elif step == "half settle":  # where it is killed next, one kind's commit came and the other's didn't
                catalog._search._shelves["product"].settle()
            else:
                killed(catalog) if step == "kill" else catalog.close()
                del catalog
                catalog, memory = Catalog(index=root), Catalog()
                for one in (catalog, memory):
                    one.apply(there)
                    one.loaded()
                assert found(catalog) == found(memory)
        killed(catalog)


def test_a_restart_finds_another_kind(folder: str) -> None:
    """An item that changed nothing but its kind while nobody looked is found as what it is now."""
    catalog, _ = started(folder, {"a": Item(id="a", kind="product", title="red thing")})
    catalog.close()
    catalog, _ = started(folder, {"a": Item(id="a", kind="article", title="red thing")})
    assert catalog.search("red", kinds=("product",)) == []
    assert [hit.id for hit in catalog.search("red", kinds=("article",))] == ["a"]
    catalog.apply({"a": Item(id="a", kind="guide", title="red thing")})
    assert catalog.search("red", kinds=("article",)) == []
    assert [hit.id for hit in catalog.search("red", kinds=("guide",))] == ["a"]
    catalog.close()


def test_the_disk_and_memory_find_the_same(folder: str) -> None:
    """Scores and order are those of an index in memory."""
    there = items()
    catalog, memory = Catalog(index=folder), Catalog()
    for one in (catalog, memory):
        one.apply(there)
        one.loaded()
    assert catalog.search("green shoe", limit=50) == memory.search("green shoe", limit=50)
    catalog.close()
    again, _ = started(folder, there)
    assert again.search("green shoe", limit=50) == memory.search("green shoe", limit=50)
    again.close()


def test_few_items_belong_in_memory(tmp_path: Path) -> None:
    """A small catalogue has no folder; another format's is thrown away."""
    root = tmp_path / "index"
    assert index_folder(root, 10, "v1") == ""
    old = Path(index_folder(root, 1_000_000, "v1"))
    assert sorted(each.name for each in old.iterdir()) == ["article", "guide", "offer", "place", "product"]
    new = Path(index_folder(root, 1_000_000, "v2"))
    assert not old.exists()
    (new / "product" / "stray").write_text("unreadable")
    index_folder(root, 1_000_000, "v2", anew=True)
    assert not (new / "product" / "stray").exists()
    assert index_folder(root, 10, "v2") == ""
    assert not new.exists()
