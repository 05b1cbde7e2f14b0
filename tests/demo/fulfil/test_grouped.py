"""Transactions that come at once: one write for all, each undone alone, nobody told before it is on the disk."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from micromoments.demo.fulfil.grouped import Grouped

TABLE = "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, CHECK (n >= 0)) STRICT;"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Grouped]:
    """A file with one table."""
    made = Grouped(tmp_path / "file.sqlite", TABLE)
    yield made
    made.close()


def add(file: Grouped, n: int) -> None:
    """A number, in a transaction of its own."""
    with file.change() as cursor:
        cursor.execute("INSERT INTO t VALUES (?)", (n,))


def numbers(file: Grouped) -> list[int]:
    """What is durable."""
    return [n for (n,) in file.read("SELECT n FROM t ORDER BY n")]


Begun = list[Future[None]]


def together(file: Grouped, hands: ThreadPoolExecutor, work: list[Callable[[], None]], begun: Begun) -> None:
    """Begin these while another transaction is open, so that all of them come at once."""
    with file.change() as cursor:
        cursor.execute("INSERT INTO t VALUES (0)")
        begun += [hands.submit(one) for one in work]
        while file._coming < len(work):
            threading.Event().wait(0.01)


def test_those_who_come_at_once_share_a_write(file: Grouped, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine transactions are made durable by one commit; one that comes alone has its own."""
    monkeypatch.setattr("micromoments.demo.fulfil.grouped.LONGEST", 60.0)
    said: list[str] = []
    file._db.set_trace_callback(said.append)
    begun: Begun = []
    with ThreadPoolExecutor(8) as hands:
        together(file, hands, [partial(add, file, n) for n in range(1, 9)], begun)
        for one in begun:
            one.result(60)
    assert said.count("COMMIT") == 1
    add(file, 9)
    assert said.count("COMMIT") == 2
    assert numbers(file) == list(range(10))


def test_one_that_fails_is_undone_alone(file: Grouped) -> None:
    """A transaction that raises, or breaks a law of the table, leaves the others of its write as they are."""

    def wrong() -> None:
        with file.change() as cursor:
            cursor.execute("INSERT INTO t VALUES (77)")
            raise RuntimeError("no")

    begun: Begun = []
    with ThreadPoolExecutor(8) as hands:
        together(file, hands, [wrong, partial(add, file, 5), partial(add, file, -1), partial(add, file, 6)], begun)
        failed = [type(one.exception(60)) for one in begun]
    assert failed == [RuntimeError, type(None), sqlite3.IntegrityError, type(None)]
    assert numbers(file) == [0, 5, 6]


def test_readers_see_what_is_durable(file: Grouped) -> None:
    """A reader sees nothing of a write under way; whoever writes sees their own."""
    with file.change() as cursor:
        cursor.execute("INSERT INTO t VALUES (3)")
        assert numbers(file) == [3]
        with ThreadPoolExecutor(1) as hands:
            assert hands.submit(numbers, file).result(60) == []
    assert numbers(file) == [3]


def test_a_write_that_fails_is_told_to_all(file: Grouped, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk says no, nobody of that write is told yes, and the next one goes on as if nothing had been."""
    monkeypatch.setattr("micromoments.demo.fulfil.grouped.LONGEST", 60.0)
    file._db.execute("PRAGMA foreign_keys=ON")
    file._db.execute("CREATE TABLE child (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)")

    def orphan() -> None:
        with file.change() as cursor:
            cursor.execute("INSERT INTO child VALUES (404)")  # refused only by the commit

    begun: Begun = []
    with ThreadPoolExecutor(8) as hands:
        with pytest.raises(sqlite3.OperationalError, match="the write failed"):
            together(file, hands, [orphan, partial(add, file, 1)], begun)
        assert [type(one.exception(60)) for one in begun] == [sqlite3.OperationalError] * 2
    assert numbers(file) == []
    add(file, 2)
    assert numbers(file) == [2]


def test_whoever_dies_on_the_way_holds_nobody_up(file: Grouped, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who was counted as coming and never came doesn't keep the others from their answer."""
    monkeypatch.setattr("micromoments.demo.fulfil.grouped.LONGEST", 60.0)
    monkeypatch.setattr("micromoments.demo.fulfil.grouped.STUCK", 0.05)
    file._coming = 1
    add(file, 1)
    assert numbers(file) == [1]
