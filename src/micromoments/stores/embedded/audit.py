"""The audit log in ``audit.sqlite``: each entry on disk before what it tells of is answered, the newest kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from micromoments.core.audit import Entry, Noted
from micromoments.stores.embedded import migrate
from micromoments.stores.embedded.database import connect, failing, transaction

MAX_ENTRIES = 200_000
"""Entries kept; the oldest go first."""


class SqliteAudit:
    """``ports.Audit`` on one SQLite file; ``most`` entries are kept."""

    def __init__(self, path: Path | str, most: int = MAX_ENTRIES) -> None:
        self._lock = RLock()
        self._most = most
        self._db = connect(Path(path), full=True, cache_mib=1, checkpoint_pages=1_000)
        self._db.create_function("lower", 1, str.lower, deterministic=True)  # SQLite's own knows ASCII alone
        migrate.migrate(self._db, migrate.AUDIT, "audit.sqlite")

    def note(self, entry: Entry) -> None:
        """Write one entry durably, and let the oldest go where there are too many."""
        values = (entry.at, entry.who, entry.name, entry.what, entry.target, entry.detail)
        with transaction(self._db, self._lock, "writing the audit log") as db:
            number = db.execute(
                'INSERT INTO entries("at", who, name, what, target, detail) VALUES (?, ?, ?, ?, ?, ?)', values
            ).lastrowid
            db.execute("DELETE FROM entries WHERE number <= ?", ((number or 0) - self._most,))

    def newest(self, before: int = 0, limit: int = 100, containing: str = "") -> Sequence[Noted]:
        """The newest entries, the newest first: those below a number where it isn't 0, and whose words hold a text."""
        sql = (
            'SELECT "at", who, name, what, target, detail, number FROM entries '
            "WHERE (:before = 0 OR number < :before) AND (:words = '' OR "
            "instr(lower(who || ' ' || name || ' ' || what || ' ' || target || ' ' || detail), :words) > 0) "
            "ORDER BY number DESC LIMIT :most"
        )
        with self._lock, failing("reading the audit log"):
            rows = self._db.execute(sql, {"before": before, "words": containing.lower(), "most": limit}).fetchall()
        return [Noted(*row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
