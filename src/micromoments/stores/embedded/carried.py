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
from micromoments.stores.embedded import codec, watched
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.database import connect, failing, placeholders, reader
from micromoments.stores.embedded.log import read_groups, stored_end
from micromoments.stores.embedded.outbox import row as outbox_row
from micromoments.stores.embedded.rows import live_frames

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
    "people": "SELECT key, wake, body FROM people",
    "links": "SELECT key, body FROM links",
    "decisions": "SELECT id, body FROM decisions",
    "items": "SELECT id, body FROM items",
    "deliveries": "SELECT id, body FROM outbox",
}
_FEW = {
    "policies": "SELECT key, body FROM policies",
    "versions": "SELECT key, version, body FROM policy_versions",
    "budgets": "SELECT name, spent, reserved FROM budgets",
    "reservations": "SELECT id, budget, units, until, state FROM reservations",
    "audit": 'SELECT number, "at", who, name, what, target, detail FROM entries',
}
_FILE = {"budgets": "budgets.sqlite", "reservations": "budgets.sqlite", "audit": "audit.sqlite"}
_TABLE = {"deliveries": "outbox", "audit": "entries"}
"""The tables that have another name than their kind."""
WATCHED = ("people", "links", "decisions", "items", "deliveries", "reservations", "audit", "artifacts")
"""The kinds of which ``changed`` knows what is new; the others are few."""
_ENTRY = ("at", "who", "name", "what", "target", "detail")


class FolderCarried:
    """A folder's values, read beside whoever has it open; written only by who holds its lock."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._watching = False
        self._read: dict[str, int] = {}
        self._artifacts: set[str] = set()

    def watch(self) -> None:
        """From now on ``changed`` gives what changed since a kind was last read, whoever changed it."""
        if not self._watching:
            watched.watch(self._folder)
            self._watching = True

    def unwatch(self) -> None:
        """Leave nothing of that in the folder."""
        watched.unwatch(self._folder)
        self._watching = False

    def rows(self, kind: str) -> Iterator[list[Row]]:
        """All rows of a kind by pages, those of one file as of one instant."""
        if kind == "artifacts":
            self._artifacts.clear()
            yield from self._new_artifacts()
            return
        with self._reading(_FILE.get(kind, "state.sqlite")) as db:
            if self._watching and kind in WATCHED:
                self._read[kind] = watched.newest(db, _TABLE.get(kind, kind))
            if kind in _FEW:
                cursor = db.execute(_FEW[kind])
                while found := cursor.fetchmany(PAGE):
                    yield [packed(kind, row) for row in found]
                return
            name, after = _named(kind), b""
            query = f"{_KEYED[kind]} WHERE {name} > ? ORDER BY {name} LIMIT ?"
            while found := db.execute(query, (after, PAGE)).fetchall():
                yield [packed(kind, row) for row in found]
                after = found[-1][0]

    def changed(self, kind: str) -> Iterator[tuple[list[Row], list[str]]]:
        """What changed of a ``WATCHED`` kind since it was last read, by pages: rows, and ids that are gone."""
        if kind == "artifacts":
            before, there = set(self._artifacts), {path.name for path in self._paths()}
            self._artifacts &= there
            yield [], sorted(before - there)
            for page in self._new_artifacts():
                yield page, []
            return
        query = (_KEYED | _FEW)[kind]
        with self._reading(_FILE.get(kind, "state.sqlite")) as db:
            for notes in watched.noted(db, _TABLE.get(kind, kind), self._read[kind]):
                names = [name for _, name in notes]
                found = db.execute(f"{query} WHERE {_named(kind)} IN ({placeholders(len(names))})", names).fetchall()
                there = {row[0] for row in found}
                gone = [_text(name) for name in names if name not in there]
                yield [packed(kind, row) for row in found], gone
                self._read[kind] = notes[-1][0]

    def _paths(self) -> list[Path]:
        return [path for path in sorted((self._folder / "artifacts").glob("*")) if len(path.name) == 64]

    def _new_artifacts(self) -> Iterator[list[Row]]:
        for path in self._paths():
            if path.name not in self._artifacts:
                yield [(path.name, path.read_bytes())]
                self._artifacts.add(path.name)

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
            table = _TABLE.get(kind, kind)
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
    return _text(row[0]), row[1]


def _named(kind: str) -> str:
    """The column that names a row of a kind."""
    return watched.TABLES[_FILE.get(kind, "state.sqlite")][_TABLE.get(kind, kind)]


def _text(name: bytes | str | int) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def unpacked(kind: str, row: Row) -> tuple[Any, ...]:
    """The columns again, of budgets, reservations and the audit."""
    if kind == "audit":
        entry = msgspec.json.decode(row[1])
        return (int(row[0]), *(entry[name] for name in _ENTRY))
    return (row[0], *msgspec.msgpack.decode(row[1]))


def timed(wake: Millis, body: bytes) -> bytes:
    """A person with when they are to be woken (0: never)."""
    return wake.to_bytes(8, "big") + body
