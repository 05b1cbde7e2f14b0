"""The outbox in ``state.sqlite``: written by ``SqliteState.commit`` with the people, settled here.

Like a commit, a settling survives a crash of the process. A crash of the machine may lose the newest ones: then the
delivery is sent once more, under the same id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import RLock

from micromoments.core.delivery import STATUSES, Delivery, Status
from micromoments.core.event import Millis
from micromoments.core.fact import Fact
from micromoments.stores.embedded import codec, migrate
from micromoments.stores.embedded.database import connect, failing, reader, transaction

MOST = 256
"""Deliveries of one person that are looked at for caps."""


class SqliteOutbox:
    """``ports.Outbox`` on the state's file."""

    def __init__(self, state: Path | str) -> None:
        self._lock = RLock()
        self._db = connect(Path(state), full=False, cache_mib=4, checkpoint_pages=16_000)
        migrate.migrate(self._db, migrate.STATE, "state.sqlite")
        self._reading = RLock()  # a read waits for no commit
        self._reader = reader(Path(state), cache_mib=4)

    def due(self, destination: str, until: Millis, limit: int) -> Sequence[Delivery]:
        """Deliveries of a destination that are due, earliest first; of an empty one: those to be decided."""
        query = "SELECT body FROM outbox WHERE status < 2 AND lane = ? AND due <= ? ORDER BY due, seq LIMIT ?"
        return self._read(query, (destination, until, limit))

    def settle(self, deliveries: Sequence[Delivery], facts: Sequence[Fact]) -> None:
        """Write deliveries back with what became of them; those that were erased meanwhile are left out."""
        with transaction(self._db, self._lock, "settling the outbox") as db:
            here = {d.id for d in deliveries if db.execute(_UPDATE, (*row(d)[1:], d.id.encode())).rowcount}
            if kept := [fact for fact in facts if fact.id in here]:
                received = [fact.received_at for fact in kept]
                values = ("deliveries", len(kept), min(received), max(received), codec.encode_facts(kept))
                db.execute("INSERT INTO facts(tbl, count, first, last, body) VALUES (?, ?, ?, ?, ?)", values)

    def listed(self, status: Status | None, destination: str, after: str, limit: int) -> Sequence[Delivery]:
        """Deliveries in the order of their ids, after one; of a status and a destination where they are given."""
        where, values = ["id > ?"], list[object]([after.encode()])
        if status is not None:
            where, values = [*where, "status = ?"], [*values, STATUSES.index(status)]
        if destination:
            where, values = [*where, "lane = ?"], [*values, destination]
        query = f"SELECT body FROM outbox WHERE {' AND '.join(where)} ORDER BY id LIMIT ?"  # noqa: S608 our own names
        return self._read(query, [*values, limit])

    def of(self, person: str, since: Millis) -> Sequence[Delivery]:
        """A person's deliveries that were last due after an instant, the newest ``MOST``."""
        query = "SELECT body FROM outbox WHERE person = ? AND due > ? ORDER BY due DESC LIMIT ?"
        return self._read(query, (person.encode(), since, MOST))

    def trim(self, before: Millis) -> int:
        """Forget what was done before an instant; give how many went."""
        with transaction(self._db, self._lock, "trimming the outbox") as db:
            return db.execute("DELETE FROM outbox WHERE status >= 2 AND due < ?", (before,)).rowcount

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()

    def _read(self, query: str, values: Sequence[object]) -> list[Delivery]:
        with self._reading, failing("reading the outbox"):
            rows = self._reader.execute(query, values).fetchall()
        return [codec.decode(Delivery, body, "a delivery in state.sqlite") for (body,) in rows]


_UPDATE = "UPDATE outbox SET status = ?, lane = ?, due = ?, person = ?, body = ? WHERE id = ?"


def row(d: Delivery) -> tuple[bytes, int, str, int, bytes, bytes]:
    """A delivery as the table holds it; what is still to be decided waits in the lane without a name."""
    lane = "" if d.status == "intended" else d.destination
    return d.id.encode(), STATUSES.index(d.status), lane, d.due, d.person.encode(), codec.encode(d)


def intend(db: sqlite3.Connection, deliveries: Iterable[Delivery]) -> None:
    """Add what a commit intends; one that is known already, whatever became of it, stays as it is."""
    query = "INSERT OR IGNORE INTO outbox(id, status, lane, due, person, body) VALUES (?, ?, ?, ?, ?, ?)"
    db.executemany(query, map(row, deliveries))
