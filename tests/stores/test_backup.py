"""A backup while writing goes on is whole, and what is restored is the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from micromoments.ports import Corrupt, StoreError
from micromoments.stores.embedded import backup as module
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.backup import MANIFEST, backup, restore, verify
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.facts import ParquetFacts, query
from micromoments.stores.embedded.folder import Folder
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import decision, event_fact, event_record, item, person

COUNT = "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A closed project with some of everything."""
    with Folder.open(tmp_path / "shop") as folder:
        folder.config.write_text('name = "shop"\n')
        with closing(SqliteLog(folder.log)) as log, closing(SqliteState(folder.state)) as state:
            log.append([event_record(n) for n in range(20)])
            people = {person(n).id: person(n) for n in range(5)}
            facts = [event_fact(n) for n in range(10)]
            state.commit(
                batch(people=people, items={"i000001": item(1)}, decisions=[decision(1)], facts=facts, position=15)
            )
            with closing(ParquetFacts(folder.facts, folder.state)) as sealed:
                sealed.seal(START * 2)
            state.commit(batch(facts=[event_fact(50)], position=16))
        with closing(SqliteBudgets(folder.budgets)) as budgets:
            budgets.reserve("b", 2, 9, "r", START)
        FileArtifacts(folder.artifacts).put(b"a model")
    return tmp_path / "shop"


def test_what_is_restored_is_the_same(shop: Path, tmp_path: Path) -> None:
    """A restored project has the same digests, records, people, facts, budgets and artifacts."""
    made = backup(shop, tmp_path / "copy")
    assert made.counts["people"] == 5
    assert (made.counts["records"], made.counts["sealed facts"], made.counts["position"]) == (20, 10, 16)
    assert verify(tmp_path / "copy") == made
    assert verify(tmp_path / "copy") == made  # verifying changes nothing
    assert restore(tmp_path / "copy", tmp_path / "again") == made
    with Folder.open(tmp_path / "again") as folder:
        with closing(SqliteLog(folder.log)) as log, closing(SqliteState(folder.state)) as state:
            assert [x.record for x in log.read(0)] == [event_record(n) for n in range(20)]
            assert state.load([f"anon:a{n}" for n in range(5)], [])[0] == {person(n).id: person(n) for n in range(5)}
        with closing(SqliteBudgets(folder.budgets)) as budgets, query(folder.path) as ask:
            assert budgets.used("b") == (0, 2)
            assert ask(COUNT) == [{"n": 11, "ids": 11}]
        assert folder.config.read_text() == 'name = "shop"\n'
    assert backup(tmp_path / "again", tmp_path / "copy2").counts == made.counts


def test_a_backup_while_writing_goes_on_is_whole(shop: Path, tmp_path: Path) -> None:
    """While records, commits and sealings go on, a backup's log covers its state, and each fact is there once."""
    stop = Event()
    wrong: list[BaseException] = []

    def write() -> None:
        try:
            with (
                Folder.open(shop) as folder,
                closing(SqliteLog(folder.log)) as log,
                closing(SqliteState(folder.state)) as state,
            ):
                n = 100
                while not stop.is_set():
                    end = log.append([event_record(n + k) for k in range(10)]) + 10
                    state.commit(batch(people={person(n).id: person(n)}, facts=[event_fact(n)], position=end))
                    with closing(ParquetFacts(folder.facts, folder.state)) as sealed:
                        sealed.seal(START * 2)
                    n += 10
        except BaseException as error:  # noqa: BLE001 - told to the test
            wrong.append(error)

    thread = Thread(target=write)
    thread.start()
    try:
        for k in range(4):
            made = backup(shop, tmp_path / f"copy{k}")
            assert verify(tmp_path / f"copy{k}") == made
            assert made.counts["records"] >= made.counts["position"]
            restore(tmp_path / f"copy{k}", tmp_path / f"again{k}")
            with query(tmp_path / f"again{k}") as ask:
                (row,) = ask(COUNT)
                assert row["n"] == row["ids"] == made.counts["people"] - 5 + 11
    finally:
        stop.set()
        thread.join()
    assert wrong == []


def test_a_changed_backup_is_noticed(shop: Path, tmp_path: Path) -> None:
    """A changed, missing or added file is named, and nothing is restored from it."""
    backup(shop, tmp_path / "copy")
    log = tmp_path / "copy" / "log.sqlite"
    body = log.read_bytes()
    log.write_bytes(body[:5000] + bytes([body[5000] ^ 1]) + body[5001:])
    with pytest.raises(Corrupt, match=r"log.sqlite fails its digest"):
        restore(tmp_path / "copy", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    log.unlink()
    with pytest.raises(Corrupt, match=r"lacks log.sqlite"):
        verify(tmp_path / "copy")
    log.write_bytes(body)
    (tmp_path / "copy" / "more").write_bytes(b"")
    with pytest.raises(Corrupt, match=r"holds more"):
        verify(tmp_path / "copy")


def test_places_that_are_taken_are_refused(shop: Path, tmp_path: Path) -> None:
    """A backup goes to a new folder, a restoration too, and what is no backup is said."""
    with pytest.raises(StoreError, match="isn't empty"):
        backup(shop, shop)
    backup(shop, tmp_path / "copy")
    with pytest.raises(StoreError, match="isn't empty"):
        restore(tmp_path / "copy", shop)
    with pytest.raises(StoreError, match=r"wanted a project's folder"):
        backup(tmp_path / "nothing", tmp_path / "copy2")
    (tmp_path / "copy" / MANIFEST).unlink()
    with pytest.raises(StoreError, match="no finished backup"):
        verify(tmp_path / "copy")


def test_a_restoration_that_was_cut_short_is_no_project(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, the log is the last to come: a state that folded more than the log holds is refused."""
    backup(shop, tmp_path / "copy")
    copy = module._copy_file

    def full(source: Path, target: Path) -> None:
        """Copy, or say that the disk is full."""
        if source.name == "log.sqlite":
            raise StoreError("the disk is full")
        copy(source, target)

    monkeypatch.setattr(module, "_copy_file", full)
    with pytest.raises(StoreError, match="the disk is full"):
        restore(tmp_path / "copy", tmp_path / "again")

    made = {path.relative_to(tmp_path / "again").as_posix() for path in (tmp_path / "again").rglob("*")}
    assert "log.sqlite" not in made
    with closing(SqliteState(tmp_path / "again" / "state.sqlite")) as state:
        assert state.position() == 16
