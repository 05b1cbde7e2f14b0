"""Facts on disk: questions see each once, crashes between steps neither lose nor double, erased bytes are gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from micromoments.core.fact import SCHEMAS, TABLES, Fact
from micromoments.core.person import Person
from micromoments.stores.embedded import facts as store
from micromoments.stores.embedded.columns import ARROW
from micromoments.stores.embedded.facts import ParquetFacts, closure, query, seal_folder
from micromoments.stores.embedded.query import resolve
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import decision_fact, event_fact, moment_fact, outcome_fact, person_fact

COUNT = "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a state whose first commits hold facts of every table."""
    commit(tmp_path, [event_fact(n, n % 4) for n in range(40)] + [moment_fact("m1", 1, 1), moment_fact("m2", 2, 2)])
    commit(
        tmp_path, [decision_fact(1), outcome_fact(1), moment_fact("m1", 9, 1, withdrawn=True), moment_fact("m2", 10, 2)]
    )
    return tmp_path


def commit(folder: Path, facts: Sequence[Fact]) -> None:
    """One commit of the folder's state."""
    with closing(SqliteState(folder / "state.sqlite")) as state:
        state.commit(batch(facts=facts))


def facts_of(folder: Path) -> ParquetFacts:
    """The folder's facts."""
    return ParquetFacts(folder / "facts", folder / "state.sqlite")


def test_every_field_has_its_column() -> None:
    """Each table's Arrow schema has the fields of its facts, in order, none of them nullable."""
    for table in TABLES:
        assert tuple(ARROW[table].names) == SCHEMAS[table].__struct_fields__
        assert not any(field.nullable for field in ARROW[table])


def test_questions_see_live_and_sealed_alike(folder: Path) -> None:
    """Before, between and after sealing a question has the same answer."""
    asked = "SELECT surrogate, count(*) AS n, min(received_at) AS first FROM events GROUP BY 1 ORDER BY 1"
    with query(folder) as ask:
        before = ask(asked)
    with closing(facts_of(folder)) as facts:
        assert facts.seal(START + 100) == 46
        assert facts.query(asked) == before
        commit(folder, [event_fact(50, 1)])
        assert facts.query(COUNT) == [{"n": 41, "ids": 41}]
        assert pq.read_schema(facts.files("events")[0]).metadata[b"micromoments.version"] == b"1"


def test_the_newest_version_counts(folder: Path) -> None:
    """A moment is seen in its newest version, whether live or sealed, and not at all once withdrawn."""
    with closing(facts_of(folder)) as facts:
        for _ in range(2):
            assert facts.query("SELECT id, version FROM moments") == [{"id": "m2", "version": 10}]
            facts.seal(START + 100)
        commit(folder, [moment_fact("m2", 11, 3)])
        assert facts.query("SELECT id, version, surrogate FROM moments") == [
            {"id": "m2", "version": 11, "surrogate": 3}
        ]


def test_joined_people_count_as_one(folder: Path) -> None:
    """Events of a surrogate that was joined into another's count as that one's, over several joins."""
    commit(folder, [person_fact(3, 2, 70), person_fact(2, 1, 71)])
    with closing(facts_of(folder)) as facts:
        for _ in range(2):
            rows = facts.query("SELECT surrogate, count(*) AS n FROM events GROUP BY 1 ORDER BY 1")
            assert rows == [{"surrogate": 0, "n": 10}, {"surrogate": 1, "n": 30}]
            facts.seal(START + 100)


def test_standard_output_stays_free_of_progress_bars(folder: Path) -> None:
    """Also where Python was started without a file, as processes of reports are; DuckDB would draw there."""
    code = (
        "import sys; from micromoments.stores.embedded.facts import query\n"
        "with query(sys.argv[1]) as ask: print(ask(\"SELECT current_setting('enable_progress_bar') AS bar\"))"
    )
    told = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert told.stdout == "[{'bar': False}]\n"


def test_joins_are_followed_to_their_end() -> None:
    """Chains, branches and (never written) circles of joins end."""
    assert resolve({5: 4, 4: 3, 9: 3}) == {5: 3, 4: 3, 9: 3}
    assert set(resolve({1: 2, 2: 1})) <= {1, 2}
    assert closure({3}, [(5, 4), (4, 3), (9, 3), (7, 8)]) == {3, 4, 5, 9}


def test_a_wrong_question_says_what_is_wrong(folder: Path) -> None:
    """SQL that DuckDB refuses is a ValueError with its words; parameters are values, not text."""
    with query(folder) as ask:
        with pytest.raises(ValueError, match="nowhere"):
            ask("SELECT * FROM nowhere")
        assert ask("SELECT count(*) AS n FROM events WHERE name = ?", ["x' OR 1=1"]) == [{"n": 0}]


class Died(Exception):
    """The process died here."""


@pytest.mark.parametrize("step", range(8))
def test_a_crash_at_any_step_of_sealing_neither_loses_nor_doubles(
    folder: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever sealing dies, each event is counted once, then and after the next sealing."""
    commit(folder, [event_fact(n, received=START + 86_400_000) for n in range(60, 65)])
    with closing(facts_of(folder)) as facts:
        write, places = facts._write, iter(range(99))

        def dying(*args: object) -> tuple[object, ...]:
            if next(places) == step:
                raise Died
            written = write(*args)  # type: ignore[arg-type]  # as it was called
            if next(places) == step:
                raise Died
            return written

        monkeypatch.setattr(facts, "_write", dying)
        with pytest.raises(Died):
            facts.seal(START * 2)
    with closing(facts_of(folder)) as facts:
        assert facts.query(COUNT) == [{"n": 45, "ids": 45}]
        assert facts.seal(START * 2) == 51
        assert facts.query(COUNT) == [{"n": 45, "ids": 45}]
        assert {str(p) for p in (folder / "facts").glob("events/*/*")} == set(facts.files("events"))


def test_small_files_are_put_together_up_to_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's many small files become few, none larger than the bound; a large one is left alone; nothing is lost."""
    monkeypatch.setattr(store, "COMPACT_AT", 3)
    monkeypatch.setattr(store, "COMPACT_ROWS", 100)
    with closing(facts_of(folder)) as facts:
        facts.seal(START * 2)
        for start in range(100, 340, 30):
            commit(folder, [event_fact(n) for n in range(start, start + 30)])
            facts.seal(START * 2)
        sizes = [pq.read_metadata(path).num_rows for path in facts.files("events")]
        assert sum(sizes) == 280
        assert max(sizes) <= 100
        assert sum(size < 50 for size in sizes) < 3
        assert facts.query(COUNT) == [{"n": 280, "ids": 280}]


def test_an_erasure_during_sealing_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When someone is erased from the state while another process writes their facts to a file, the file isn't kept."""
    with closing(facts_of(folder)) as facts, closing(SqliteState(folder / "state.sqlite")) as state:
        write = facts._write
        erased: list[bool] = []

        def meanwhile(*args: object) -> tuple[object, ...]:
            if not erased:
                erased.append(True)
                state.commit(batch(people={"anon:x": Person(id="anon:x", surrogate=3)}))
                state.erase(frozenset({"anon:x"}), frozenset(), 0)
            return write(*args)  # type: ignore[arg-type]  # as it was called

        monkeypatch.setattr(facts, "_write", meanwhile)
        facts.seal(START * 2)
        assert erased
        assert facts.query("SELECT count(*) AS n FROM events WHERE surrogate = 3") == [{"n": 0}]
        assert facts.query(COUNT) == [{"n": 30, "ids": 30}]


def test_nothing_of_the_erased_stays(folder: Path) -> None:
    """After an erasure no file of facts holds the person's words, and the other rows are all there."""
    with closing(facts_of(folder)) as facts:
        commit(folder, [moment_fact("m3", 20, 77), moment_fact("m4", 21, 5)])
        facts.seal(START * 2)
        assert facts.erase(frozenset({77, 1})) == 1 + 10 + 2 + 1 + 1
        tables = [pq.read_table(name, partitioning=None) for t in TABLES for name in facts.files(t)]
        assert all(77 not in t["surrogate"].to_pylist() for t in tables)
        assert facts.query(COUNT) == [{"n": 30, "ids": 30}]
        on_disk = {str(p) for p in (folder / "facts").glob("*/*/*.parquet")}
        assert on_disk == {name for t in TABLES for name in facts.files(t)}


def test_many_small_files_become_one(folder: Path) -> None:
    """A day's files are joined when they are many, and nothing is lost."""
    with closing(facts_of(folder)) as facts:
        for n in range(30):
            commit(folder, [event_fact(100 + n, received=START + 1_000 + n)])
            facts.seal(START * 2)
        assert len(facts.files("events")) < 24
        assert facts.query(COUNT) == [{"n": 70, "ids": 70}]


def test_another_process_seals_and_asks(folder: Path) -> None:
    """While the owner has the state open, another process seals and asks, and the owner sees it."""
    with closing(SqliteState(folder / "state.sqlite")) as state:
        code = (
            "import sys; from micromoments.stores.embedded.facts import query, seal_folder\n"
            f"print(seal_folder(sys.argv[1], {START * 2}), query(sys.argv[1])({COUNT!r})[0]['n'])"
        )
        out = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
        assert out.stdout.split() == ["46", "40"]
        state.commit(batch(facts=[event_fact(99)]))
        assert seal_folder(folder, START * 2) == 1
        with query(folder) as ask:
            assert ask(COUNT) == [{"n": 41, "ids": 41}]


def test_a_question_outlives_a_replaced_file(folder: Path) -> None:
    """A question whose files were replaced after it began is asked of the new ones."""
    with closing(facts_of(folder)) as facts:
        facts.seal(START * 2)
        with query(folder) as ask:
            facts.erase(frozenset({1}))
            assert ask(COUNT) == [{"n": 30, "ids": 30}]
