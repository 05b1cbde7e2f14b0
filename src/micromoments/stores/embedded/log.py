"""The log in ``log.sqlite``: one row a group, durable when ``append`` returns.

``synchronous=FULL`` in WAL mode syncs once a group (``NORMAL`` where the log isn't ``synced``). A group is one
statement, so a thread that appends leaves the interpreter to others while it waits for the disk. Reads have a
connection of their own and never wait for writes.
Measured in ``docs/decisions/0004-log.md``.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import RLock

from micromoments.core.event import Millis
from micromoments.core.record import DecidedRecord, ErasedRecord, EventRecord, Logged, OutcomeRecord, Record
from micromoments.ports import Corrupt, Whose, nobodys
from micromoments.stores.embedded import codec, migrate
from micromoments.stores.embedded.database import connect, failing, reader, scrub, transaction

NEEDLES = 500
"""How many keys and ids one scan of an erasure looks for."""
_ESCAPES = tuple(rf"\u00{digit}".encode() for digit in "234567")
"""How JSON begins a printable ASCII letter that it writes as an escape."""
_INSERT = "INSERT INTO groups(first, count, at_min, at_max, body) VALUES (?, ?, ?, ?, ?)"
_READ = (
    "SELECT first, count, body FROM groups "
    "WHERE first >= coalesce((SELECT max(first) FROM groups WHERE first <= ?), 0) ORDER BY first"
)
_KEPT = "SELECT first FROM groups WHERE at_max BETWEEN ? AND ? OR first + count > ? ORDER BY first LIMIT 1"
_GOES = "SELECT first FROM groups WHERE at_max < ? AND first < ? ORDER BY first DESC LIMIT 1"
_OLDEST = "SELECT first, count FROM groups WHERE first <= ? ORDER BY first LIMIT 100"


def _what(first: int, count: int) -> str:
    return f"log.sqlite's group of positions {first} to {first + count - 1}"


class SqliteLog:
    """``ports.Log`` on one SQLite file.

    Without ``synced``, what is appended outlives the process but maybe not the machine: a power cut may lose the newest
    groups, whole and in order. For histories that can be lived again.
    """

    def __init__(self, path: Path | str, *, synced: bool = True) -> None:
        self._path = Path(path)
        self._lock = RLock()
        self._reading = RLock()
        self._db = connect(self._path, full=synced, cache_mib=4, checkpoint_pages=2_000)
        migrate.migrate(self._db, migrate.LOG, "log.sqlite")
        self._reader = reader(self._path)
        self._end = stored_end(self._db)

    def append(self, records: Sequence[Record]) -> int:
        """Write the group and make it durable, all or nothing; give the position of the first.

        Raises:
            StoreError: nothing was written.
        """
        if not records:
            return self._end
        body = codec.encode_group(records)
        arrivals = [record.at for record in records]
        with self._lock, failing("appending to log.sqlite"):
            first = self._end
            self._db.execute(_INSERT, (first, len(records), min(arrivals), max(arrivals), body))
            self._end = first + len(records)
        return first

    def read(self, start: int, limit: int = 10_000) -> Sequence[Logged]:
        """Records from ``start`` on, by whole groups until ``limit`` is passed; from the oldest kept if it's gone."""
        with self._reading, failing("reading log.sqlite"):
            return read_groups(self._reader, start, limit)

    def end(self) -> int:
        """The position that the next record will get."""
        return self._end

    def trim(self, before: Millis, below: int, now: Millis) -> int:
        """Forget whole groups that arrived before an instant and lie below a position, oldest first, 100 at a time so
        that appending goes on; give how many records went. What says that it arrives only after ``now`` came while the
        clock was ahead, and goes with what came after it.
        """
        with self._reading, failing("trimming log.sqlite"):
            kept = self._reader.execute(_KEPT, (before, now, below)).fetchone() or (self._end,)
            last = self._reader.execute(_GOES, (before, *kept)).fetchone() or (-1,)
        gone = 0
        while True:
            with transaction(self._db, self._lock, "trimming log.sqlite") as db:
                oldest = db.execute(_OLDEST, last).fetchall()
                if not oldest:
                    return gone
                db.execute("UPDATE meta SET value = ? WHERE name = 'end'", (self._end,))
                db.execute("DELETE FROM groups WHERE first <= ?", (oldest[-1][0],))
            gone += sum(count for _, count in oldest)

    def erase(self, keys: frozenset[str], mentions: frozenset[str], others: Whose = nobodys) -> int:
        """Blank every record under ``keys`` that isn't of ``others``, and any decision or outcome of ``mentions``;
        rewrite only groups that hold one; leave nothing of them in the file or its write-ahead log.
        """
        gone = 0
        for first, count in self._holding(sorted({key.partition(":")[2] for key in keys} | mentions)):
            with transaction(self._db, self._lock, "erasing from log.sqlite") as db:
                row = db.execute("SELECT body FROM groups WHERE first = ?", (first,)).fetchone()
                if row is None:
                    continue
                records = codec.decode_group(row[0], _what(first, count))
                kept = [_blank(record, keys, mentions, others) for record in records]
                blanked = sum(new is not old for new, old in zip(kept, records, strict=True))
                if blanked:
                    db.execute("UPDATE groups SET body = ? WHERE first = ?", (codec.encode_group(kept), first))
                    gone += blanked
        scrub(self._db, self._lock, "erasing from log.sqlite")
        return gone

    def _holding(self, names: Sequence[str]) -> list[tuple[int, int]]:
        """The (first, count) of groups in whose bytes one of the names stands: UTF-8 text is stored as it is.

        All groups, where JSON has to write a name with escapes, and those with a letter that is escaped without need:
        .NET and Go so write the + and the & of an address.
        """
        found: dict[int, int] = {}
        if any(not name.isascii() or json.dumps(name)[1:-1] != name or "/" in name for name in names):
            with self._reading, failing("searching log.sqlite"):
                return self._reader.execute("SELECT first, count FROM groups ORDER BY first").fetchall()
        for n in range(0, len(names), NEEDLES):
            needles = [*(name.encode() for name in names[n : n + NEEDLES]), *_ESCAPES]
            with self._reading, failing("searching log.sqlite"):
                values = ",".join(["(?)"] * len(needles))
                rows = self._reader.execute(
                    f"WITH needles(n) AS (VALUES {values}) "  # noqa: S608 only marks
                    "SELECT first, count FROM groups WHERE EXISTS (SELECT 1 FROM needles WHERE instr(body, n))",
                    needles,
                )
                found.update(rows.fetchall())
        return sorted(found.items())

    def mids(self, since: Millis) -> Iterator[tuple[int, Millis]]:
        """The (message hash, arrival) of every event in groups that arrived at or after an instant, oldest first.

        For rebuilding what is seen; events aren't decoded.
        """
        start = -1
        while True:
            with self._reading, failing("reading log.sqlite"):
                rows = self._reader.execute(
                    "SELECT first, count, body FROM groups WHERE first > ? AND at_max >= ? ORDER BY first LIMIT 100",
                    (start, since),
                ).fetchall()
            if not rows:
                return
            for first, count, body in rows:
                yield from codec.group_mids(body, _what(first, count))
            start = rows[-1][0]

    def check(self) -> int:
        """Read every group; give how many records there are.

        Raises:
            Corrupt: a group fails its checksum, or positions are missing.
        """
        wanted = -1
        count = 0
        with self._reading, failing("checking log.sqlite"):
            for first, size, body in self._reader.execute("SELECT first, count, body FROM groups ORDER BY first"):
                if wanted not in (-1, first):
                    raise Corrupt(f"log.sqlite lacks positions {wanted} to {first - 1}; restore a backup")
                wanted, count = first + size, count + len(codec.decode_group(body, _what(first, size)))
        return count

    def close(self) -> None:
        """Close the file; what was appended is durable already."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()


def read_groups(db: sqlite3.Connection, start: int, limit: int) -> list[Logged]:
    """Records from ``start`` on, by whole groups until ``limit`` is passed; from the oldest kept if it's gone."""
    found: list[Logged] = []
    with closing(db.execute(_READ, (start,))) as rows:
        for first, count, body in rows:
            records = codec.decode_group(body, _what(first, count))
            found += [Logged(n, r) for n, r in enumerate(records, first) if n >= start]
            if len(found) >= limit:
                break
    return found


def stored_end(db: sqlite3.Connection) -> int:
    """The position that the next record will get, as the file says."""
    (floor,) = db.execute("SELECT value FROM meta WHERE name = 'end'").fetchone()
    newest = db.execute("SELECT first + count FROM groups ORDER BY first DESC LIMIT 1").fetchone()
    return max(int(floor), int(newest[0]) if newest else 0)


def _blank(record: Record, keys: frozenset[str], mentions: frozenset[str], others: Whose) -> Record:
    mentioned = (isinstance(record, DecidedRecord) and record.decision.id in mentions) or (
        isinstance(record, OutcomeRecord) and record.outcome.decision in mentions
    )
    if isinstance(record, EventRecord) and record.event.user_id:
        mine = f"user:{record.event.user_id}" in keys  # on a shared device the event is the named user's
    else:
        mine = record.key in keys and not others(record)
    return ErasedRecord(at=record.at) if mentioned or mine else record
