"""SQLite as the stores use it: private files, WAL, what one bulk statement writes, and nothing left after an erasure.

Writing many rows with ``executemany`` takes and releases the interpreter's lock once a row, which beside a busy thread
was up to twice as slow as a ``Bulk``: all rows in one statement, during which the lock is free (measured in
``docs/decisions/0005-state.md``).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import accumulate
from pathlib import Path
from threading import RLock
from typing import Any

from micromoments.ports import StoreError

BUSY_SECONDS = 30.0
PAGE_BYTES = 4096
STRETCH = 250
"""Rows that are laid out together: in columns they take a third of the time, and all at once would be in the way."""


def connect(path: Path, *, full: bool, cache_mib: int, checkpoint_pages: int) -> sqlite3.Connection:
    """A writing connection to a database in a file that only its owner may read (0600).

    Args:
        path: the file; made where absent.
        full: whether each commit reaches the disk before it returns (``synchronous=FULL``); else a crash of the machine
            may lose the newest commits, whole and in order.
        cache_mib: pages kept in memory, in MiB.
        checkpoint_pages: the write-ahead log's length in pages at which it is copied into the file.
    """
    connection: sqlite3.Connection | None = None
    try:
        # Never opened and closed where it is there: that would drop the locks which this process's other connections
        # hold on it, and another process that ends would take itself for the last and remove the write-ahead log.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA cache_size={-1024 * cache_mib}")
        connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint_pages}")
    except (OSError, sqlite3.Error) as error:
        if connection is not None:
            connection.close()
        damaged = getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
        todo = "restore a backup" if damaged else "look at the folder's permissions and free space"
        raise StoreError(f"can't open {path.name}: {error}; {todo}") from error
    return connection


def reader(path: Path, *, cache_mib: int = 4) -> sqlite3.Connection:
    """A read-only connection to an existing database, also one that another process writes to."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)
        connection.execute(f"PRAGMA cache_size={-1024 * cache_mib}")
    except sqlite3.Error as error:
        raise StoreError(f"can't read {path.name}: {error}; is this the folder of a project?") from error
    return connection


@contextmanager
def failing(what: str) -> Iterator[None]:
    """SQLite's errors as ``StoreError``s that say what was being done."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"{what} failed: {error}; nothing was half done; free space or mend the disk, then retry"
        ) from error


@contextmanager
def transaction(connection: sqlite3.Connection, lock: RLock, what: str) -> Iterator[sqlite3.Connection]:
    """One writing transaction, whole or not at all, one thread at a time."""
    with lock, failing(what):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            # A COMMIT that fails may leave its transaction open, in which no other could begin; a full disk may have
            # rolled it back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def scrub(connection: sqlite3.Connection, lock: RLock, what: str) -> None:
    """Copy the write-ahead log into the file and empty it, so that no deleted byte stays in either.

    Raises:
        StoreError: a long read kept the log in use.
    """
    with lock, failing(what):
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"{what}: rows are erased, but a long read keeps them in the write-ahead log; retry when it has ended"
        )


def placeholders(count: int) -> str:
    """``?,?,?`` for so many values."""
    return ",".join("?" * count)


class Bulk:
    """Rows on their way into one table by one statement.

    Every column's bytes travel in one blob, with a table of offsets and whole numbers as fixed-width decimal
    text, as ``substr`` of a blob costs the same at any offset. A recursive query walks that table.

    Args:
        statement: an ``INSERT`` with ``{values}`` where the columns' expressions go and ``{rows}`` for the source.
        columns: ``b`` (bytes) or ``i`` (a signed 64-bit whole number) for each column, in order.
    """

    def __init__(self, statement: str, columns: str) -> None:
        expressions: list[str] = []
        at = 0
        for column in columns:
            if column == "b":
                start, size = (
                    f"CAST(substr(:table, p+{at}, 12) AS INTEGER)",
                    f"CAST(substr(:table, p+{at + 12}, 10) AS INTEGER)",
                )
                expressions.append(f"substr(:data, {start}, {size})")
                at += 22
            else:
                expressions.append(f"CAST(substr(:table, p+{at}, 20) AS INTEGER)")
                at += 20
        self._columns = columns
        self._row = "".join("%012d%010d" if column == "b" else "%020d" for column in columns)
        walk = f"WITH RECURSIVE rows(p) AS (SELECT 1 UNION ALL SELECT p+{at} FROM rows WHERE p+{at} < length(:table)) "  # noqa: S608 a number
        self._sql = walk + statement.format(values=", ".join(expressions), rows="rows WHERE true")

    def laid(self) -> Laid:
        """A place to lay rows down, which are to be written together."""
        return Laid(self._sql, self._columns, self._row)

    def write(self, connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> None:
        """Write the rows; a statement for all of them, none for none."""
        laid = self.laid()
        for row in rows:
            laid.add(row)
        laid.write(connection)


class Laid:
    """Rows laid out for one statement as they come, so that little is left to do when they are written."""

    def __init__(self, sql: str, columns: str, row: str) -> None:
        self._sql, self._columns, self._row = sql, columns, row
        self._rows: list[Sequence[Any]] = []
        self._data, self._end = [b"\0"], 2  # never empty: substr of an empty blob is NULL
        self._table: list[str] = []

    def add(self, row: Sequence[Any]) -> None:
        """Lay a row down."""
        self._rows.append(row)
        if len(self._rows) == STRETCH:
            self._lay()

    def _lay(self) -> None:
        told: list[Sequence[int]] = []
        for kind, column in zip(self._columns, zip(*self._rows, strict=True), strict=True):
            if kind == "i":
                told.append(column)
                continue
            sizes = [*map(len, column)]
            starts = [*accumulate(sizes, initial=self._end)]
            self._end = starts.pop()
            told += [starts, sizes]
            self._data += column
        self._table += [self._row % numbers for numbers in zip(*told, strict=True)]
        self._rows.clear()

    def write(self, connection: sqlite3.Connection) -> bool:
        """Write what was laid down, in one statement; False where it is nothing."""
        if self._rows:
            self._lay()
        if self._table:
            connection.execute(self._sql, {"data": b"".join(self._data), "table": "".join(self._table).encode()})
        return bool(self._table)
