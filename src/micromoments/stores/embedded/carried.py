"""What a folder holds, kind by kind and in pages, as bytes that a cluster holds alike: for moving there and back.

A row is an id and a value; both sides give the same bytes for the same value, so that what differs is found, and
digests are compared, without decoding anything. The values of people, links, decisions, items, deliveries and policies
are those of ``codec``; the others are packed here by ``msgspec``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from micromoments.core.delivery import Delivery
from micromoments.core.event import Millis
from micromoments.core.fact import Fact
from micromoments.core.record import Logged
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.database import connect, failing, reader
from micromoments.stores.embedded.log import read_groups, stored_end
from micromoments.stores.embedded.outbox import row as outbox_row
from micromoments.stores.embedded.state import live_frames

Row = tuple[str, bytes]
KINDS = (
    "people",
    "links",
    "decisions",
    "items",
    "policies",
    "versions",
    "deliveries",
    "budgets",
    "reservations",
    "audit",
    "artifacts",
)
"""Every kind of value that is state, in the order in which they are copied."""
PAGE = 1000
_KEYED = {
    "people": "SELECT key, wake, body FROM people WHERE key > ? ORDER BY key LIMIT ?",
    "links": "SELECT key, body FROM links WHERE key > ? ORDER BY key LIMIT ?",
    "decisions": "SELECT id, body FROM decisions WHERE id > ? ORDER BY id LIMIT ?",
    "items": "SELECT id, body FROM items WHERE id > ? ORDER BY id LIMIT ?",
    "deliveries": "SELECT id, body FROM outbox WHERE id > ? ORDER BY id LIMIT ?",
}
_FEW = {
    "policies": "SELECT key, body FROM policies ORDER BY key",
    "versions": "SELECT key, version, body FROM policy_versions ORDER BY key, version",
    "budgets": "SELECT name, spent, reserved FROM budgets ORDER BY name",
    "reservations": "SELECT id, budget, units, until, state FROM reservations ORDER BY id",
    "audit": 'SELECT number, "at", who, name, what, target, detail FROM entries ORDER BY number',
}
_FILE = {"budgets": "budgets.sqlite", "reservations": "budgets.sqlite", "audit": "audit.sqlite"}
_ENTRY = ("at", "who", "name", "what", "target", "detail")


class FolderCarried:
    """A folder's values, read beside whoever has it open; written only by who holds its lock."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def rows(self, kind: str) -> Iterator[list[Row]]:
        """All rows of a kind by pages, those of one file as of one instant."""
        if kind == "artifacts":
            yield from self._artifacts()
            return
        with self._reading(_FILE.get(kind, "state.sqlite")) as db:
            if kind in _FEW:
                cursor = db.execute(_FEW[kind])
                while found := cursor.fetchmany(PAGE):
                    yield [packed(kind, row) for row in found]
                return
            after = b""
            while found := db.execute(_KEYED[kind], (after, PAGE)).fetchall():
                yield [packed(kind, row) for row in found]
                after = found[-1][0]

    def _artifacts(self) -> Iterator[list[Row]]:
        for path in sorted((self._folder / "artifacts").glob("*")):
            if len(path.name) == 64:
                yield [(path.name, path.read_bytes())]

    def sealed(self) -> dict[str, tuple[str, str, int]]:
        """The sealed files by name: (table, day, rows)."""
        with self._reading("state.sqlite") as db:
            rows = db.execute("SELECT name, tbl, day, count FROM sealed ORDER BY name").fetchall()
        return {name: (table, day, int(count)) for name, table, day, count in rows}

    def live(self) -> int:
        """How many facts are not sealed."""
        with self._reading("state.sqlite") as db:
            (count,) = db.execute("SELECT coalesce(sum(count), 0) FROM facts").fetchone()
        return int(count)

    def erasures(self) -> int:
        """A number that grows when somebody is erased."""
        with self._reading("state.sqlite") as db:
            row = db.execute("SELECT value FROM meta WHERE name = 'erasures'").fetchone()
        return int(row[0]) if row else 0

    def read_log(self, start: int, limit: int = PAGE) -> list[Logged]:
        """At least so many records of the log from a position on, by whole groups, from the oldest kept at least."""
        with self._reading("log.sqlite") as db:
            return read_groups(db, start, limit)

    def log_end(self) -> int:
        """The position that the next record will get."""
        with self._reading("log.sqlite") as db:
            return stored_end(db)

    @contextmanager
    def _reading(self, name: str) -> Iterator[sqlite3.Connection]:
        with closing(reader(self._folder / name)) as db, failing(f"reading {name}"):
            db.execute("BEGIN")
            yield db

    # --- the way back: into a folder whose lock is held -------------------------------------------

    def put(self, kind: str, rows: Sequence[Row]) -> None:
        """Write deliveries, budgets, reservations, entries of the audit or artifacts over what is there."""
        if kind == "artifacts":
            artifacts = FileArtifacts(self._folder / "artifacts")
            for _, body in rows:
                artifacts.put(body)
            return
        with self._writing(_FILE.get(kind, "state.sqlite")) as db:
            if kind == "deliveries":
                found = [codec.decode(Delivery, body, f"delivery {id}") for id, body in rows]
                db.executemany("DELETE FROM outbox WHERE id = ?", [(id.encode(),) for id, _ in rows])
                columns = "id, status, lane, due, person, body"
                db.executemany(f"INSERT INTO outbox({columns}) VALUES (?, ?, ?, ?, ?, ?)", map(outbox_row, found))  # noqa: S608 ours
                return
            table = "entries" if kind == "audit" else kind
            values = [unpacked(kind, row) for row in rows]
            marks = ",".join("?" * len(values[0])) if values else ""
            db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values)  # noqa: S608 our own names

    def add_facts(self, facts: Sequence[Fact]) -> None:
        """Write facts beside those that are not sealed."""
        insert = "INSERT INTO facts(tbl, count, first, last, body) VALUES (?, ?, ?, ?, ?)"
        with self._writing("state.sqlite") as db:
            db.executemany(insert, live_frames(facts))

    def cut_log(self, end: int) -> None:
        """Forget the groups from a position on: what a return that was cut short had appended."""
        with self._writing("log.sqlite") as db:
            db.execute("DELETE FROM groups WHERE first >= ?", (end,))
            db.execute("UPDATE meta SET value = ? WHERE name = 'end'", (end,))

    @contextmanager
    def _writing(self, name: str) -> Iterator[sqlite3.Connection]:
        with (
            closing(connect(self._folder / name, full=True, cache_mib=8, checkpoint_pages=2_000)) as db,
            failing(f"writing {name}"),
        ):
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")


def packed(kind: str, row: Sequence[Any]) -> Row:
    """A row of a table as both sides hold it."""
    if kind == "people":
        key, wake, body = row
        return key.decode(), timed(wake, body)
    if kind == "versions":
        return f"{row[0]}\n{row[1]}", row[2]
    if kind == "audit":
        return str(row[0]), msgspec.json.encode(dict(zip(_ENTRY, row[1:], strict=True)))
    if kind in ("budgets", "reservations"):
        return row[0], msgspec.msgpack.encode(row[1:])
    key, body = row
    return (key.decode() if isinstance(key, bytes) else key), body


def unpacked(kind: str, row: Row) -> tuple[Any, ...]:
    """The columns again, of budgets, reservations and the audit."""
    if kind == "audit":
        entry = msgspec.json.decode(row[1])
        return (int(row[0]), *(entry[name] for name in _ENTRY))
    return (row[0], *msgspec.msgpack.decode(row[1]))


def timed(wake: Millis, body: bytes) -> bytes:
    """A person with when they are to be woken (0: never)."""
    return wake.to_bytes(8, "big") + body
