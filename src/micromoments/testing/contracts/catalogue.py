"""What ``ports.Catalogue`` promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from micromoments.core.item import Item
from micromoments.ports import Catalogue
from micromoments.testing.contracts.base import close
from micromoments.testing.generators import item


class CatalogueContract:
    """Items as the state committed them."""

    def open(self, folder: Path) -> Catalogue:
        """The catalogue of a folder."""
        raise NotImplementedError

    def commit(self, folder: Path, items: Mapping[str, Item | None]) -> None:
        """Put or delete items, in one commit of the folder's state."""
        raise NotImplementedError

    def test_items_come_back_equal(self, tmp_path: Path) -> None:
        """A committed item is read equal; a newer one replaces it; a deleted one is gone."""
        catalogue = self.open(tmp_path)
        assert (catalogue.get("i000001"), catalogue.size(), list(catalogue.items())) == (None, 0, [])
        self.commit(tmp_path, {item(n).id: item(n) for n in (1, 2)})
        assert (catalogue.get("i000001"), catalogue.size()) == (item(1), 2)
        self.commit(tmp_path, {"i000001": item(3), "i000002": None, "never": None})
        assert (catalogue.get("i000001"), catalogue.get("i000002"), catalogue.size()) == (item(3), None, 1)
        close(catalogue)

    def test_items_are_listed_in_pages(self, tmp_path: Path) -> None:
        """Pages in the order of ids hold every item once."""
        catalogue = self.open(tmp_path)
        self.commit(tmp_path, {item(n).id: item(n) for n in range(25)})
        found: list[Item] = []
        while page := catalogue.items(found[-1].id if found else "", 10):
            assert len(page) <= 10
            found += page
        assert found == [item(n) for n in range(25)]
        close(catalogue)
