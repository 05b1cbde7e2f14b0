"""What an index on disk holds of items, to be taken up again at a start where they are still the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import tantivy

from micromoments.retrieve.document import KEPT, known_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from micromoments.core.item import Item


class Held(NamedTuple):
    """A document: its number, how many words it has, and whether it is that of the item as it is now."""

    ord: int
    length: int
    same: bool


class Trusted:
    """The documents of items that nobody has put yet, by the hash of each id; nothing is believed but equal hashes."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self._rows: dict[int, int] = {}
        self._columns: list[Sequence[int]] = [(), (), ()]
        self.highest = -1
        """The highest number of a document, -1 without one."""
        if searcher.num_docs:
            found = searcher.search(tantivy.Query.all_query(), limit=searcher.num_docs, count=False).hits
            addresses = [address for _, address in found]
            ords, who, *rest = (cast("list[int]", searcher.fast_field_values(n, addresses)) for n in ("ord", *KEPT))
            self._rows = {id: row for row, id in enumerate(who)}
            self._columns = [ords, *rest]
            self.highest = max(ords)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def take(self, item: Item) -> Held | None:
        """An item's document, which isn't to be asked for again; ``None`` for none."""
        who, mark = known_by(item)
        row = self._rows.pop(who, -1)
        if row < 0:
            return None
        ords, marks, lengths = self._columns
        return Held(ords[row], lengths[row], marks[row] == mark)

    def rest(self) -> list[int]:
        """The numbers of the documents that nobody asked for; all are let go."""
        ords = self._columns[0]
        left = [ords[row] for row in self._rows.values()]
        self._rows, self._columns = {}, [(), (), ()]
        return left
