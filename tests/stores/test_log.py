"""The log's file: damage is named, erased bytes are gone, what is read for dedup is cheap."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from micromoments.ports import Corrupt, StoreError
from micromoments.stores.embedded.log import SqliteLog
from micromoments.testing.clocks import START
from micromoments.testing.generators import event_record, mid

SECRET = "anon:7f3a-the-erased-one"


def everything(folder: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_damaged_group_names_its_positions(tmp_path: Path) -> None:
    """Reading a damaged group says which positions it held and what to do; the groups before it are read."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        for n in range(3):
            log.append([event_record(2 * n), event_record(2 * n + 1)])
        with closing(sqlite3.connect(tmp_path / "log.sqlite")) as other:
            damaged = "CAST(substr(body, 1, 100) || x'00' || substr(body, 102) AS BLOB)"
            other.execute(f"UPDATE groups SET body = {damaged} WHERE first = 4")
            other.commit()
        assert len(log.read(0, 3)) == 4
        with pytest.raises(Corrupt, match=r"positions 4 to 5.*checksum.*backup"):
            log.read(0)
        with pytest.raises(Corrupt, match="positions 4 to 5"):
            log.check()


def test_a_missing_group_is_noticed(tmp_path: Path) -> None:
    """A check says which positions are missing."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        for n in range(3):
            log.append([event_record(n)])
        with closing(sqlite3.connect(tmp_path / "log.sqlite")) as other:
            other.execute("DELETE FROM groups WHERE first = 1")
            other.commit()
        with pytest.raises(Corrupt, match="lacks positions 1 to 1"):
            log.check()


def test_nothing_of_the_erased_stays(tmp_path: Path) -> None:
    """After an erasure no byte of the person's id or words is in the log, its write-ahead log or free pages."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        for n in range(300):
            key = SECRET if n % 7 == 0 else f"anon:b{n}"
            log.append([event_record(10 * n + k, key=key if k == 3 else f"anon:c{n}") for k in range(5)])
        assert SECRET.encode() in everything(tmp_path)
        assert log.erase(frozenset({SECRET}), frozenset()) == 43
        left = everything(tmp_path)
        assert b"7f3a-the-erased" not in left
        assert b"trail shoes size 2103" not in left  # in the body of one of theirs
        assert b"trail shoes size 2104" in left
        assert log.check() == 1500


def test_nothing_of_the_trimmed_stays(tmp_path: Path) -> None:
    """What was trimmed is overwritten in the file."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        log.append([event_record(n, key=SECRET) for n in range(50)])
        log.trim(START * 2, 50, START * 3)
        log.erase(frozenset({SECRET}), frozenset())
        assert b"7f3a-the-erased" not in everything(tmp_path)


def test_a_long_read_delays_an_erasure_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure that a reader keeps from finishing says so."""
    monkeypatch.setattr("micromoments.stores.embedded.database.BUSY_SECONDS", 0.05)
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        log.append([event_record(1, key=SECRET)])
        with closing(sqlite3.connect(tmp_path / "log.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT count(*) FROM groups").fetchone()
            with pytest.raises(StoreError, match="a long read keeps them"):
                log.erase(frozenset({SECRET}), frozenset())
        log.erase(frozenset({SECRET}), frozenset())
        assert b"7f3a-the-erased" not in everything(tmp_path)


def test_hashes_since_an_instant(tmp_path: Path) -> None:
    """Hashes are given from the first group on that arrived late enough."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        for n in range(5):
            log.append([event_record(2 * n), event_record(2 * n + 1)])
        assert [m for m, _ in log.mids(START + 5)] == [mid(n) for n in range(4, 10)]
        assert list(log.mids(START + 10)) == []


def test_a_failed_append_takes_no_position(tmp_path: Path) -> None:
    """When the file can't be written the positions don't move, and the next append takes them."""
    with closing(SqliteLog(tmp_path / "log.sqlite")) as log:
        log.append([event_record(1)])
        log._db.execute("PRAGMA query_only=ON")
        with pytest.raises(StoreError, match="nothing was half done"):
            log.append([event_record(2)])
        log._db.execute("PRAGMA query_only=OFF")
        assert (log.end(), log.append([event_record(3)])) == (1, 1)
