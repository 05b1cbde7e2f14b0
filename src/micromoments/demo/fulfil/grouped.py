"""A SQLite file whose transactions, where many come at once, are made durable together: one write to the disk for all.

Each transaction is a savepoint: it is undone alone, and sees those before it. Whoever leaves when nobody is coming
commits for all who are in; every caller goes on only after that. A single caller waits for nobody: it commits its own.
Readers have a connection of their own, so that they see what is durable and nothing else, and never wait for a write.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MOST = 64
"""Transactions in one write."""
LONGEST = 0.02
"""Seconds that the first of them waits for others at most."""
STUCK = 1.0
"""Seconds after which somebody who waits commits by themselves: whoever was coming has died on the way."""


class Group:
    """Transactions that become durable together."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.size = 0
        self.done = threading.Event()
        self.failed: BaseException | None = None


class Grouped:
    """The file, open, with the tables that ``script`` makes. Safe to use from many threads, and beside processes."""

    def __init__(self, file: Path, script: str) -> None:
        self._lock = threading.Lock()
        self._count = threading.Lock()
        self._coming = 0
        self._group: Group | None = None
        self._inside = threading.local()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None, cached_statements=256)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000;")
        self._db.executescript(script)
        self._reading = threading.Lock()
        self._reader = sqlite3.connect(file, check_same_thread=False, isolation_level=None, cached_statements=256)
        self._reader.executescript("PRAGMA busy_timeout=10000; PRAGMA query_only=ON;")

    @contextmanager
    def change(self) -> Iterator[sqlite3.Cursor]:
        """A transaction: on the disk when the block has ended, undone when it raises."""
        with self._count:
            self._coming += 1
        with self._lock:
            with self._count:
                self._coming -= 1
            group = self._entered()
            cursor = self._db.cursor()
            cursor.execute("SAVEPOINT one")
            self._inside.now = True
            try:
                yield cursor
                cursor.execute("RELEASE one")
            except BaseException as wrong:
                self._undo(cursor, group, wrong)
                raise
            finally:
                self._inside.now = False
                self._left(group)
        self._wait(group)

    def read(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """What a query finds: what is durable, and within a transaction what that has written too."""
        if getattr(self._inside, "now", False):
            return self._db.execute(sql, values).fetchall()
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()

    def _entered(self) -> Group:
        if self._group is None:
            self._db.execute("BEGIN IMMEDIATE")
            self._group = Group()
        self._group.size += 1
        return self._group

    def _undo(self, cursor: sqlite3.Cursor, group: Group, wrong: BaseException) -> None:
        """Undo one; where the disk failed, SQLite has undone all, and all are told."""
        if self._db.in_transaction:
            cursor.execute("ROLLBACK TO one")
            cursor.execute("RELEASE one")
        else:
            self._end(group, wrong)

    def _left(self, group: Group) -> None:
        with self._count:
            alone = self._coming == 0
        if alone or group.size >= MOST or time.monotonic() - group.began > LONGEST:
            self._commit(group)

    def _commit(self, group: Group) -> None:
        if group is not self._group:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as wrong:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._end(group, wrong)
        else:
            self._end(group, None)

    def _end(self, group: Group, failed: BaseException | None) -> None:
        group.failed = failed
        self._group = None
        group.done.set()

    def _wait(self, group: Group) -> None:
        while not group.done.wait(STUCK):
            with self._lock:
                self._commit(group)
        if group.failed is not None:
            raise sqlite3.OperationalError(f"the write failed: {group.failed}") from group.failed
