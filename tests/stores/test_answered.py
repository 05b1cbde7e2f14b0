"""What is answered already: taken up again after a restart, dropped when it can't be trusted, never with the erased."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import msgspec
import pytest

from micromoments.core.fact import Fact, MomentFact, OutcomeFact
from micromoments.stores.embedded import answered, kept
from micromoments.stores.embedded.answered import NAME, place
from micromoments.stores.embedded.kept import Kept
from micromoments.stores.embedded.rolled import Rolled
from micromoments.testing.generators import person_fact
from tests.report.test_two_engines import history
from tests.stores.test_rollups import agree, commit, erase, sealed, versions

SOME = ("missed", "freshness")
Made = list[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A day's history: most sealed in two files a table, its end live."""
    told = versions(history())[:600]
    for start, stop in ((0, 300), (300, 550), (550, 600)):
        if start:
            sealed(tmp_path).close()
        commit(tmp_path, told[start:stop])
    commit(tmp_path, [person_fact(3, 2, 90_001)])
    return tmp_path


def later() -> list[Fact]:
    """Newer versions of moments and outcomes that are sealed, with another end."""
    again = [fact for fact in versions(history())[:500] if isinstance(fact, MomentFact | OutcomeFact)][:40]
    newer: dict[type, dict[str, str]] = {MomentFact: {"ended": "fulfilled"}, OutcomeFact: {"what": "clicked"}}
    return [msgspec.structs.replace(one, version=99_000 + n, **newer[type(one)]) for n, one in enumerate(again)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """A word for each time that everything was answered anew."""
    found: Made = []
    anew = Kept._anew

    def counted(self: Kept, sealed: kept.Sealed, erasures: int) -> None:
        found.append("anew")
        anew(self, sealed, erasures)

    monkeypatch.setattr(Kept, "_anew", counted)
    return found


def asked(folder: Path, names: tuple[str, ...] = SOME) -> None:
    """Reports over what a new process takes up say what reports over the facts say."""
    with Rolled(folder / "facts", folder / "state.sqlite") as rolled:
        agree(folder, rolled, names)


def file(folder: Path) -> Path:
    """The file on disk."""
    return place(folder / "facts")


def test_a_restart_takes_up_what_was_answered(folder: Path, made: Made) -> None:
    """The second process answers nothing anew, also where files and live facts came between."""
    sealed(folder).close()
    asked(folder)
    assert made == ["anew"]
    assert file(folder).stat().st_size > 0
    commit(folder, later()[:20])
    sealed(folder).close()
    commit(folder, later()[20:])
    asked(folder)
    assert made == ["anew"]


def shorter(path: Path) -> None:
    """Its end is missing."""
    os.truncate(path, path.stat().st_size // 2)


def scribbled(path: Path) -> None:
    """Every block has wrong bytes in it."""
    with path.open("r+b") as stream:
        for at in range(4096 * 3 + 50, path.stat().st_size - 8, 16_384):
            stream.seek(at)
            stream.write(b"\xa5" * 8)


def other(path: Path) -> None:
    """It is no database at all."""
    path.write_bytes(b"not a database" * 1000)


def unfinished(path: Path) -> None:
    """Whoever made it ended before it was whole."""
    with closing(duckdb.connect(str(path))) as db:
        db.execute("DROP TABLE about")


def of_older_questions(path: Path) -> None:
    """It answers what is asked no more."""
    with closing(duckdb.connect(str(path))) as db:
        db.execute("UPDATE about SET form = 'old'")


def of_other_files(path: Path) -> None:
    """A sealed file isn't the one that it was made of."""
    with closing(duckdb.connect(str(path))) as db:
        db.execute("UPDATE files SET written = written - 1")


@pytest.mark.parametrize("spoil", [shorter, scribbled, other, unfinished, of_older_questions, of_other_files])
def test_what_cannot_be_trusted_is_made_anew(folder: Path, made: Made, spoil: Callable[[Path], None]) -> None:
    """A file that is damaged, unfinished, or of other questions or files is dropped, and nobody sees a wrong number."""
    sealed(folder).close()
    asked(folder, ("freshness",))
    spoil(file(folder))
    asked(folder)
    assert made == ["anew", "anew"]
    asked(folder, ("freshness",))
    assert made == ["anew", "anew"]


def test_a_file_that_spoils_while_it_is_open_is_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that fails its checksum at a question costs a new beginning, not the answer."""
    sealed(folder).close()
    with Rolled(folder / "facts", folder / "state.sqlite") as rolled:
        broken = [duckdb.Error("Corrupt database file: computed checksum 1 does not match")]
        passes = Rolled._passes

        def once(self: Rolled, error: duckdb.Error) -> bool:
            return passes(self, broken.pop() if broken else error)

        monkeypatch.setattr(Rolled, "_passes", once)
        rolled._db.execute("DROP VIEW judged")
        assert rolled("SELECT count(*) > 0 AS found FROM judged") == [{"found": True}]


def test_erasing_takes_the_file_and_a_new_one_is_without_them(folder: Path, made: Made) -> None:
    """An open question that sees the erasure writes a file that has nothing of the erased in any block; where none is
    open, there is no file.
    """
    sealed(folder).close()
    with Rolled(folder / "facts", folder / "state.sqlite") as rolled:
        erase(folder, 5)
        assert not file(folder).exists()
        rolled.refresh()
        assert made == ["anew"]
        agree(folder, rolled, SOME)
    with closing(duckdb.connect(str(file(folder)), read_only=True)) as db:
        assert db.execute("SELECT count(*) FROM judged WHERE surrogate = 5").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM activity WHERE surrogate = 5").fetchone() == (0,)
    asked(folder)
    assert made == ["anew"]
    erase(folder, 6)
    assert not file(folder).exists()
    asked(folder)


def test_a_crash_between_erasing_and_dropping_is_mended(
    folder: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was left when somebody was erased is written anew by the next question."""
    sealed(folder).close()
    asked(folder, ("freshness",))
    before = file(folder).stat().st_ino
    with monkeypatch.context() as patched:
        patched.setattr(answered, "drop", lambda facts: None)
        erase(folder, 5)
    asked(folder)
    assert made == ["anew"]
    assert file(folder).stat().st_ino != before


def test_what_is_forgotten_takes_the_file(folder: Path, made: Made) -> None:
    """Days past their keeping aren't in it any more."""
    with closing(sealed(folder)) as facts:
        asked(folder, ("freshness",))
        days = sorted({Path(name).parent.name for name in facts.files("events")})
        assert facts.trim(1_000 * 86_400 * (1 + _day(days[0]))) > 0
    assert not file(folder).exists()
    asked(folder)
    assert made == ["anew", "anew"]


def _day(name: str) -> int:
    """Days since 1970 of a folder's day."""
    from datetime import date

    return (date.fromisoformat(name.removeprefix("date=")) - date(1970, 1, 1)).days


def test_who_comes_second_holds_it_in_memory(folder: Path, made: Made) -> None:
    """While one has the file open another answers, too, and leaves the file alone."""
    sealed(folder).close()
    with Rolled(folder / "facts", folder / "state.sqlite") as first:
        agree(folder, first, ("freshness",))
        inode = file(folder).stat().st_ino
        asked(folder)
        assert made == ["anew", "anew"]
        assert file(folder).stat().st_ino == inode
        agree(folder, first, SOME)


def test_an_interrupted_change_leaves_what_was(folder: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that fails halfway is undone whole: the next process goes on from before it."""
    sealed(folder).close()
    asked(folder, ("freshness",))
    commit(folder, later())
    sealed(folder).close()
    some = Kept._some

    def stopped(self: Kept, added: list[answered.File], *, lost: bool) -> None:
        some(self, added, lost=lost)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Kept, "_some", stopped)
        with pytest.raises(KeyboardInterrupt):
            Rolled(folder / "facts", folder / "state.sqlite")
    asked(folder)
    assert made == ["anew"]


def test_where_nothing_can_be_written_memory_does(folder: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may only be read answers, too."""
    sealed(folder).close()
    asked(folder, ("freshness",))
    file(folder).unlink()
    monkeypatch.setattr(answered.Answered, "_free", lambda self: False)
    asked(folder)
    assert not file(folder).exists()
    assert file(folder).name == NAME
    assert made == ["anew", "anew"]
