"""The state in ``state.sqlite``: people, links, timers, decisions, items, policies and live facts as of a log position.

A commit is encoded beforehand (``rows``) and is one transaction with ``synchronous=NORMAL`` (the log makes good what a
crash of the machine loses) and one statement a table, so that in a thread it leaves the interpreter to others. Reads
have a connection of their own and see the last commit.
Measured in ``docs/decisions/0005-state.md``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TypeVar

from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.fact import PersonFact
from micromoments.core.person import Link, Person, lean
from micromoments.core.steps import at_once
from micromoments.ports import FIRST, NOTHING, Batch
from micromoments.stores.embedded import codec, migrate, outbox
from micromoments.stores.embedded.database import Bulk, connect, failing, placeholders, reader, scrub, transaction
from micromoments.stores.embedded.rows import LINKS, Rows, encoded, frame

T = TypeVar("T", Person, Link)

_GONE = Bulk("INSERT OR IGNORE INTO gone(key) SELECT {values} FROM {rows}", "b")
_DUE = """
    SELECT group_concat(wake || ':' || hex(key), ' ') FROM (
        SELECT wake, key FROM people WHERE wake > 0 AND wake <= :until AND (wake, key) > (:at, :key)
        ORDER BY wake, key LIMIT :limit
    )
"""
_THEIRS = "person IN temp.gone OR source IN temp.gone AND source <> person"
_PACKED = f"substr(body, 1, 1) IN ({placeholders(len(codec.PACKED_HEADS))})"
_NAMING = f"SELECT key, body FROM links WHERE instr(body, ?) OR {_PACKED}"  # noqa: S608 only marks
"""Links that may name a user id: what is packed shows no names, and is looked into."""
_DECISIONS_OF = f"SELECT body FROM decisions WHERE {_THEIRS} ORDER BY at, seq"  # noqa: S608 a constant
_TEMPORARY = """
    PRAGMA temp_store=MEMORY;
    CREATE TEMP TABLE gone(key BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TABLE wakes(key BLOB PRIMARY KEY, wake INTEGER NOT NULL) WITHOUT ROWID;
"""


class SqliteState:
    """``ports.State`` on one SQLite file."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._lock = RLock()
        self._reading = RLock()
        self._db = connect(self._path, full=False, cache_mib=16, checkpoint_pages=16_000)
        migrate.migrate(self._db, migrate.STATE, "state.sqlite")
        self._db.executescript(_TEMPORARY)
        self._reader = reader(self._path)
        self._timing = RLock()
        self._timer = reader(self._path, cache_mib=4)

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those of the people and links that exist.

        Raises:
            Corrupt: one of them fails its checksum.
        """
        found = self._load(Person, "people", people)
        for person in found.values():
            lean(person)
        return found, self._load(Link, "links", links)

    def _load(self, kind: type[T], table: str, keys: Sequence[str]) -> dict[str, T]:
        found: dict[str, T] = {}
        for n in range(0, len(keys), 1000):
            names = [key.encode() for key in keys[n : n + 1000]]
            query = f"SELECT key, body FROM {table} WHERE key IN ({placeholders(len(names))})"  # noqa: S608 our own names
            with self._reading, failing("reading state.sqlite"):
                rows = self._reader.execute(query, names).fetchall()
            for name, body in rows:
                key = name.decode()
                found[key] = codec.decode(kind, body, f"{key} in state.sqlite")
        return found

    def commit(self, batch: Batch) -> None:
        """Write the batch atomically: encoded first, then one statement a table."""
        at_once(self.committing(batch))()

    def committing(self, batch: Batch) -> Generator[None, None, Callable[[], None]]:
        """``commit`` for who has other things to do: a step for each value, to be taken when there is time. They return
        what then writes it all, atomically, and may be called in a thread.
        """
        rows = yield from encoded(batch)
        return partial(self._write, rows)

    def _write(self, rows: Rows) -> None:
        batch = rows.batch
        policies = [(key, codec.seal(body)) for key, body in batch.policies.items() if body is not None]
        with transaction(self._db, self._lock, "committing to state.sqlite") as db:
            for laid in (rows.people, rows.links, rows.decisions, rows.items):
                laid.write(db)
            for table, values in (("people", batch.people), ("links", batch.links), ("items", batch.items)):
                _remove(db, table, [key.encode() for key, value in values.items() if value is None])
            if rows.wakes.write(db):
                db.execute("UPDATE people SET wake = wakes.wake FROM temp.wakes AS wakes WHERE people.key = wakes.key")
                db.execute("DELETE FROM temp.wakes")
            db.executemany("INSERT INTO facts(tbl, count, first, last, body) VALUES (?, ?, ?, ?, ?)", rows.frames)
            outbox.intend(db, batch.outbox)
            for policy in policies:
                db.execute("INSERT OR REPLACE INTO policies(key, body) VALUES (?, ?)", policy)
            gone = [(key,) for key, body in batch.policies.items() if body is None]
            db.executemany("DELETE FROM policies WHERE key = ?", gone)
            db.execute("UPDATE meta SET value = ? WHERE name = 'position'", (batch.position,))

    def position(self) -> int:
        """The position of the first record that no commit covers: recovery reads the log from there."""
        with self._reading, failing("reading state.sqlite"):
            (position,) = self._reader.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
        return int(position)

    def due(self, until: Millis, limit: int, *, after: tuple[Millis, str] = FIRST) -> Sequence[tuple[Millis, str]]:
        """The people whose ``wake_at`` is at or before ``until``, earliest first, then by key, from the one ``after``
        on: as one row, so that in a thread it leaves the interpreter to others while it looks.
        """
        asked = {"until": until, "limit": limit, "at": after[0], "key": after[1].encode()}
        with self._timing, failing("reading state.sqlite"):
            (found,) = self._timer.execute(_DUE, asked).fetchone()
        pairs = [one.split(":") for one in found.split()] if found else []
        return sorted((int(wake), bytes.fromhex(key).decode()) for wake, key in pairs)

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept."""
        with self._reading, failing("reading state.sqlite"):
            row = self._reader.execute("SELECT body FROM decisions WHERE id = ?", (id.encode(),)).fetchone()
        return codec.decode(Decision, row[0], f"decision {id} in state.sqlite") if row else None

    def decisions_of(self, people: Iterable[str], sources: Iterable[str]) -> Sequence[Decision]:
        """The kept decisions made for these people or asked for under these source keys, oldest first: for an export,
        and for an erasure to know which ids the log's records mention.
        """
        with self._lock, failing("reading state.sqlite"):
            try:
                _GONE.write(self._db, [(key.encode(),) for key in {*people, *sources}])
                rows = self._db.execute(_DECISIONS_OF).fetchall()
            finally:
                self._db.execute("DELETE FROM temp.gone")
        return [codec.decode(Decision, body, "a decision in state.sqlite") for (body,) in rows]

    def links_naming(self, users: Iterable[str]) -> dict[str, Link]:
        """The links that name one of these user ids, by source id: for an erasure. Reads every link."""
        wanted = set(users)
        found: dict[str, Link] = {}
        for user in wanted:
            with self._reading, failing("reading state.sqlite"):
                rows = self._reader.execute(_NAMING, (user.encode(), *codec.PACKED_HEADS))
                for name, body in rows.fetchall():
                    link = codec.decode(Link, body, f"{name.decode()} in state.sqlite")
                    if not wanted.isdisjoint([*(c.user for c in link.claims), *link.joined]):
                        found[name.decode()] = link
        return found

    def forget_decisions(self, before: Millis) -> int:
        """Forget decisions older than an instant, 1,000 at a time so that commits go on; give how many went."""
        gone = 0
        while True:
            with transaction(self._db, self._lock, "trimming state.sqlite") as db:
                seqs = "SELECT seq FROM (SELECT seq, at FROM decisions ORDER BY seq LIMIT 1000) WHERE at < ?"
                went = db.execute(f"DELETE FROM decisions WHERE seq IN ({seqs})", (before,)).rowcount  # noqa: S608 ours
            gone += went
            if went < 1000:
                return gone

    def size(self) -> int:
        """How many people there are."""
        with self._reading, failing("reading state.sqlite"):
            (count,) = self._reader.execute("SELECT count(*) FROM people").fetchone()
        return int(count)

    def erase(
        self, people: frozenset[str], links: frozenset[str], before: Millis, left: Mapping[str, Link] = NOTHING
    ) -> frozenset[int]:
        """Remove these people and links with their timers, decisions and live facts, and everyone not heard of since
        ``before`` (0: nobody), with links that nobody else claimed since; nothing of them stays in the file or its
        write-ahead log. ``left`` is what stays of those links. Give their surrogates.
        """
        with transaction(self._db, self._lock, "erasing from state.sqlite") as db:
            db.execute("DELETE FROM temp.gone")
            _GONE.write(db, [(key.encode(),) for key in people])
            db.execute("INSERT OR IGNORE INTO temp.gone SELECT key FROM people WHERE last < ?", (before,))
            theirs = {s for (s,) in db.execute("SELECT surrogate FROM people WHERE key IN temp.gone")}
            stale = _stale_links(db, before)
            for table, names in (("people", frozenset[str]()), ("links", links | stale)):
                _GONE.write(db, [(key.encode(),) for key in names])
                db.execute(f"DELETE FROM {table} WHERE key IN temp.gone")  # noqa: S608 our own names
                db.execute(f"DELETE FROM decisions WHERE {_THEIRS}")  # noqa: S608 a constant
                db.execute("DELETE FROM outbox WHERE person IN temp.gone")
                db.execute("DELETE FROM temp.gone")
            LINKS.write(db, [(key.encode(), codec.encode(link)) for key, link in left.items()])
            if theirs:
                theirs = erase_live(db, theirs)[0]
        if theirs or people or links:
            scrub(self._db, self._lock, "erasing from state.sqlite")
        return frozenset(theirs)

    def check(self) -> int:
        """Read every person, link, decision, item and policy; give how many there are.

        Raises:
            Corrupt: one fails its checksum, or SQLite finds its file damaged.
        """
        from micromoments.stores.embedded.check import check_state

        with self._reading, failing("checking state.sqlite"):
            return check_state(self._reader)

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        with self._lock, self._reading, self._timing:
            self._timer.close()
            self._reader.close()
            self._db.close()


def _remove(db: sqlite3.Connection, table: str, keys: Sequence[bytes]) -> None:
    if not keys:
        return
    column = "id" if table == "items" else "key"
    _GONE.write(db, [(key,) for key in keys])
    db.execute(f"DELETE FROM {table} WHERE {column} IN temp.gone")  # noqa: S608 our own names
    db.execute("DELETE FROM temp.gone")


def _stale_links(db: sqlite3.Connection, before: Millis) -> set[str]:
    """The source ids of those who were not heard of since an instant, and whose links nobody claimed since either."""
    names: set[str] = set()
    for (body,) in db.execute("SELECT body FROM people WHERE last < ?", (before,)):
        person = codec.decode(Person, body, "a person in state.sqlite")
        names |= {person.id, *(key.partition(">")[0] for key in person.parts)}
    stale: set[str] = set()
    for name in names:
        row = db.execute("SELECT body FROM links WHERE key = ?", (name.encode(),)).fetchone()
        if row and all(c.stamp.at < before for c in codec.decode(Link, row[0], f"{name} in state.sqlite").claims):
            stale.add(name)
    return stale


def erase_live(db: sqlite3.Connection, surrogates: Iterable[int]) -> tuple[set[int], int]:
    """Rewrite the live frames that hold facts of these surrogates, or of any that was joined into one of them.

    Gives all those surrogates, and how many facts went. A sealing that is under way in another process begins anew.
    """
    theirs = set(surrogates)
    db.execute("INSERT INTO meta VALUES ('erasures', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1")
    frames = db.execute("SELECT seq, body FROM facts WHERE tbl = 'people'").fetchall()
    joins: list[PersonFact] = [f for _, body in frames for f in codec.decode_facts("people", body)]
    while more := {f.surrogate for f in joins if f.into in theirs} - theirs:
        theirs |= more
    gone = 0
    for seq, table, body in db.execute("SELECT seq, tbl, body FROM facts").fetchall():
        facts = codec.decode_facts(table, body, f"frame {seq} of {table} in state.sqlite")
        kept = [f for f in facts if f.surrogate not in theirs]
        if len(kept) == len(facts):
            continue
        gone += len(facts) - len(kept)
        if kept:
            _, *row = frame(table, kept)
            db.execute("UPDATE facts SET count = ?, first = ?, last = ?, body = ? WHERE seq = ?", (*row, seq))
        else:
            db.execute("DELETE FROM facts WHERE seq = ?", (seq,))
    return theirs, gone
