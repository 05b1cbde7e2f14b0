"""SQLite as the stores use it: what one process does to a file that another has open."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import RLock
from typing import Any

import pytest

from micromoments.core.settings import Settings
from micromoments.engine.wiring import open_stores
from micromoments.ports import StoreError
from micromoments.stores.embedded.database import connect, reader, transaction

STORAGE = Path(__file__).parents[2] / "docs/explanation/storage.md"
OTHER = """
import sys
from pathlib import Path
from micromoments.stores.embedded.database import connect
db = connect(Path(sys.argv[1]), full=True, cache_mib=1, checkpoint_pages=1_000)
db.execute("INSERT INTO t VALUES (2)")
db.close()
"""


def test_another_process_that_ends_leaves_the_write_ahead_log_alone(tmp_path: Path) -> None:
    """Sealing and migrating write beside the process that serves: when they close, its log is still everybody's, and
    what it writes afterwards is read by whoever comes.
    """
    path = tmp_path / "a.sqlite"
    first = connect(path, full=True, cache_mib=1, checkpoint_pages=1_000)
    first.execute("CREATE TABLE t(n INTEGER)")
    first.execute("INSERT INTO t VALUES (1)")
    second = connect(path, full=True, cache_mib=1, checkpoint_pages=1_000)
    with closing(first), closing(second):
        subprocess.run([sys.executable, "-c", OTHER, str(path)], check=True)
        assert path.with_name("a.sqlite-wal").exists()
        first.execute("INSERT INTO t VALUES (3)")
        with closing(reader(path)) as third:
            assert third.execute("SELECT n FROM t ORDER BY n").fetchall() == [(1,), (2,), (3,)]


def test_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    """A file that is made is for its owner, and one that is there keeps what it holds."""
    path = tmp_path / "a.sqlite"
    with closing(connect(path, full=True, cache_mib=1, checkpoint_pages=1_000)) as db:
        db.execute("CREATE TABLE t(n INTEGER)")
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(connect(path, full=True, cache_mib=1, checkpoint_pages=1_000)) as db:
        assert db.execute("SELECT count(*) FROM t").fetchall() == [(0,)]


class Full(sqlite3.Connection):
    """A connection whose disk is full when it first commits."""

    full = True

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute, or fail."""
        if sql == "COMMIT" and self.full:
            self.full = False
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *values)


def test_a_commit_that_fails_leaves_no_transaction_open() -> None:
    """What could not be committed is taken back, and the next transaction goes through."""
    with closing(sqlite3.connect(":memory:", factory=Full, isolation_level=None)) as db:
        db.execute("CREATE TABLE t(n INTEGER)")
        with pytest.raises(StoreError, match="disk is full"), transaction(db, RLock(), "writing"):
            db.execute("INSERT INTO t VALUES (1)")
        with transaction(db, RLock(), "writing"):
            db.execute("INSERT INTO t VALUES (2)")
        assert db.execute("SELECT n FROM t").fetchall() == [(2,)]


def test_pages_in_memory_are_as_many_as_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes in, pages fill the caches of all connections of a project, and no more: those together are what
    the page on storage says. Pages that are let go of are still the system's to keep.
    """
    made: list[sqlite3.Connection] = []
    connecting = sqlite3.connect

    def noted(*given: Any, **named: Any) -> sqlite3.Connection:
        made.append(connecting(*given, **named))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    stores = open_stores(tmp_path / "shop", Settings())
    try:
        kib = [-db.execute("PRAGMA cache_size").fetchone()[0] for db in made if is_open(db)]
    finally:
        stores.close()
    said = re.search(r"pages of the databases \| (\d+) MiB in all", STORAGE.read_text(encoding="utf-8"))
    assert said is not None
    assert min(kib) > 0
    assert sum(kib) <= int(said[1]) * 1024 <= 64 * 1024


def is_open(db: sqlite3.Connection) -> bool:
    """Whether a connection isn't closed."""
    try:
        db.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True
