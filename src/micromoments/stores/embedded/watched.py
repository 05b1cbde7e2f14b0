"""Which rows of a folder change while it is copied, noted by triggers in its own databases: a round after the first
looks at those alone, however many people there are.

The notes are in a table ``moving`` beside what they are about, one a row that changed, numbered anew with each change;
triggers and notes go when the copying ends, or when the next one begins.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from micromoments.stores.embedded.database import connect, failing

TABLES: dict[str, dict[str, str]] = {
    "state.sqlite": {"people": "key", "links": "key", "decisions": "id", "items": "id", "outbox": "id"},
    "budgets.sqlite": {"reservations": "id"},
    "audit.sqlite": {"entries": "number"},
}
"""By database, the tables that grow with what a project does, and the column that names a row."""
PAGE = 1000
_NOTES = """
    CREATE TABLE moving(seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, id BLOB NOT NULL);
    CREATE INDEX moving_id ON moving(tbl, id);
"""
_TRIGGER = """
    CREATE TRIGGER moving_{table}_{event} AFTER {event} ON {table} BEGIN
        DELETE FROM moving WHERE tbl = '{table}' AND id = {row}.{column};
        INSERT INTO moving(tbl, id) VALUES ('{table}', {row}.{column});
    END;
"""


def watch(folder: Path) -> None:
    """Begin to note what changes, also what the process that has the folder open changes."""
    for name, tables in TABLES.items():
        note = [_NOTES]
        for table, column in tables.items():
            for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                note.append(_TRIGGER.format(table=table, event=event, row=row, column=column))
        _change(folder / name, _gone(tables) + "".join(note))


def unwatch(folder: Path) -> None:
    """Note nothing more, and leave nothing of it: the notes name who was erased meanwhile."""
    for name, tables in TABLES.items():
        _change(folder / name, _gone(tables))


def _gone(tables: dict[str, str]) -> str:
    triggers = (f"moving_{table}_{event}" for table in tables for event in ("insert", "update", "delete"))
    return "".join(f"DROP TRIGGER IF EXISTS {name};" for name in triggers) + "DROP TABLE IF EXISTS moving;"


def _change(file: Path, statements: str) -> None:
    with closing(connect(file, full=True, cache_mib=8, checkpoint_pages=2_000)) as db, failing(f"changing {file.name}"):
        db.executescript(f"BEGIN IMMEDIATE;{statements}COMMIT;")


def newest(db: sqlite3.Connection, table: str) -> int:
    """The number of a table's newest note, in a transaction that also reads the table."""
    (found,) = db.execute("SELECT coalesce(max(seq), 0) FROM moving WHERE tbl = ?", (table,)).fetchone()
    return int(found)


def noted(db: sqlite3.Connection, table: str, after: int) -> Iterator[list[tuple[int, Any]]]:
    """The notes of a table beyond a number, by pages: (number, the row's name)."""
    query = "SELECT seq, id FROM moving WHERE tbl = ? AND seq > ? ORDER BY seq LIMIT ?"
    while found := db.execute(query, (table, after, PAGE)).fetchall():
        yield found
        after = found[-1][0]
