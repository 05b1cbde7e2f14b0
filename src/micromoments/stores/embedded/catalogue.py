"""The items as kept in ``state.sqlite``; ``SqliteState.commit`` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from micromoments.core.item import Item
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.database import failing, reader


class SqliteCatalogue:
    """``ports.Catalogue`` on the state's file, which ``SqliteState`` has made."""

    def __init__(self, state: Path | str) -> None:
        self._reading = RLock()
        self._reader = reader(Path(state), cache_mib=4)

    def get(self, id: str) -> Item | None:
        """One item."""
        with self._reading, failing("reading state.sqlite"):
            row = self._reader.execute("SELECT body FROM items WHERE id = ?", (id.encode(),)).fetchone()
        return codec.decode(Item, row[0], f"item {id} in state.sqlite") if row else None

    def items(self, after: str = "", limit: int = 1000) -> Sequence[Item]:
        """Items in the order of their ids' bytes, after one."""
        with self._reading, failing("reading state.sqlite"):
            rows = self._reader.execute(
                "SELECT id, body FROM items WHERE id > ? ORDER BY id LIMIT ?", (after.encode(), limit)
            ).fetchall()
        return [codec.decode(Item, body, f"item {id.decode()} in state.sqlite") for id, body in rows]

    def size(self) -> int:
        """How many items there are."""
        with self._reading, failing("reading state.sqlite"):
            (count,) = self._reader.execute("SELECT count(*) FROM items").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        with self._reading:
            self._reader.close()
