"""The state's file: bulk writes are exact, damage is named, erased bytes are gone, old formats are stepped up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.core.person import Claim, Link, Person, Stamp
from micromoments.ports import Corrupt, StoreError
from micromoments.stores.embedded import migrate
from micromoments.stores.embedded.codec import decode_facts, encode
from micromoments.stores.embedded.database import STRETCH, Bulk
from micromoments.stores.embedded.rows import PER_FRAME
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import decision, event_fact, link, person

SECRET = "anon:7f3a-the-erased-one"
ROWS = st.lists(
    st.tuples(st.binary(max_size=300), st.integers(-(2**63), 2**63 - 1), st.binary(max_size=20)), max_size=40
)


@given(ROWS)
def test_a_bulk_writes_every_row_exactly(rows: list[tuple[bytes, int, bytes]]) -> None:
    """Any bytes and any 64-bit numbers arrive as they were, in order."""
    bulk = Bulk("INSERT INTO t(a, b, c) SELECT {values} FROM {rows}", "bib")
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t(a, b, c)")
        bulk.write(db, rows)
        assert db.execute("SELECT a, b, c FROM t ORDER BY rowid").fetchall() == rows


def test_who_is_read_has_nothing_of_their_own_but_what_is_known_of_them(tmp_path: Path) -> None:
    """What is empty of two people is the same value in memory, and their bytes are as they were."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        state.commit(batch(people={p.id: p for p in (person(1), person(2))}))
        one, other = state.load([person(1).id, person(2).id], [])[0].values()

    assert {encode(one), encode(other)} == {encode(person(1)), encode(person(2))}
    assert one.groups == {}
    assert one.groups is other.groups
    assert one.parts is not other.parts


def test_a_bulk_of_several_stretches_is_one_statement_of_all_its_rows() -> None:
    """Rows beyond those that are laid out together have their own bytes, too."""
    bulk = Bulk("INSERT INTO t(a, b, c) SELECT {values} FROM {rows}", "bib")
    rows = [(b"a%d" % n, n, b"c" * (n % 7)) for n in range(2 * STRETCH + 1)]
    statements: list[str] = []
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t(a, b, c)")
        db.set_trace_callback(statements.append)
        bulk.write(db, rows)
        assert len([each for each in statements if "INSERT" in each]) == 1
        assert db.execute("SELECT a, b, c FROM t ORDER BY rowid").fetchall() == rows


def test_facts_are_encoded_some_at_a_time(tmp_path: Path) -> None:
    """However many facts one commit has, a frame holds so few that encoding it is over at once; none is lost."""
    facts = [event_fact(n) for n in range(PER_FRAME + 1)]
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        state.commit(batch(facts=facts))
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as db:
        frames = db.execute("SELECT count, body FROM facts ORDER BY seq").fetchall()
    assert [count for count, _ in frames] == [PER_FRAME, 1]
    assert [fact for _, body in frames for fact in decode_facts("events", body)] == facts


@settings(max_examples=25)
@given(st.lists(st.dictionaries(st.integers(0, 9), st.none() | st.integers(1, 24), max_size=6), max_size=8))
def test_commits_act_like_a_dictionary(commits: list[dict[int, int | None]]) -> None:
    """Any sequence of commits leaves the people and timers that a plain dictionary would hold."""
    wanted: dict[str, Person] = {}
    with closing(SqliteState(Path("/dev/shm") / f"mm-{id(commits)}.sqlite")) as state:
        try:
            for change in commits:
                people = {f"anon:a{n}": person(n, traces) if traces else None for n, traces in change.items()}
                state.commit(batch(people=people))
                wanted |= {k: p for k, p in people.items() if p is not None}
                wanted = {k: p for k, p in wanted.items() if people.get(k, p) is not None}
            assert state.load([f"anon:a{n}" for n in range(10)], [])[0] == wanted
            assert set(state.due(START * 2, 99)) == {(p.wake_at(), k) for k, p in wanted.items()}
        finally:
            for path in Path("/dev/shm").glob(f"mm-{id(commits)}.sqlite*"):
                path.unlink()


def test_nothing_of_the_erased_stays(tmp_path: Path) -> None:
    """After an erasure no byte of the person is in the state, its write-ahead log or free pages."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        for rounds in (1, 20, 5):
            people = {f"anon:b{n}": person(n, rounds) for n in range(50)}
            people[SECRET] = Person(
                id=SECRET, surrogate=4242, traits=person(1).traits, parts={SECRET: person(1, rounds).parts["anon:a1"]}
            )
            facts = [event_fact(n, 4242 if n == 7 else n) for n in range(20)]
            state.commit(
                batch(people=people, links={SECRET: link(1)}, facts=facts, decisions=[decision(5, person=SECRET)])
            )
        assert state.erase(frozenset({SECRET}), frozenset({SECRET}), 0) == {4242}
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert b"7f3a-the-erased" not in left
        assert state.check() == 50 + 3 * 19
        assert state.decisions_of([SECRET], []) == []


def test_the_links_of_the_long_silent_go_with_them(tmp_path: Path) -> None:
    """Who wasn't heard of goes with the links of their ids, but not with one that someone else claimed since."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        people = {f"anon:a{n}": person(n, last=START - 1) for n in (1, 2)} | {"anon:a3": person(3, last=START + 9)}
        state.commit(batch(people=people, links={"anon:a1": link(-5), "anon:a2": link(5), "anon:a3": link(-5)}))
        assert len(state.erase(frozenset(), frozenset(), START)) == 2
        assert set(state.load([], ["anon:a1", "anon:a2", "anon:a3"])[1]) == {"anon:a2", "anon:a3"}


def test_a_damaged_person_is_named(tmp_path: Path) -> None:
    """Loading a damaged person says whose bytes they are."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        state.commit(batch(people={"anon:a1": person(1), "anon:a2": person(2)}))
        with closing(sqlite3.connect(tmp_path / "state.sqlite")) as other:
            damaged = "CAST(substr(body, 1, 40) || x'ffff' || substr(body, 43) AS BLOB)"
            other.execute(f"UPDATE people SET body = {damaged} WHERE key = ?", (b"anon:a1",))
            other.commit()
        assert set(state.load(["anon:a2"], [])[0]) == {"anon:a2"}
        with pytest.raises(Corrupt, match=r"anon:a1 in state.sqlite that fails its checksum"):
            state.load(["anon:a1"], [])
        with pytest.raises(Corrupt, match="anon:a1"):
            state.check()


def test_decisions_of_a_person_and_their_end(tmp_path: Path) -> None:
    """A person's decisions are found by person and by source key; old ones are forgotten."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        made = [decision(n, person=f"user:u{n % 2}", key=f"anon:a{n}", at=START + n) for n in range(6)]
        state.commit(batch(decisions=made))
        assert [d.id for d in state.decisions_of(["user:u1"], ["anon:a2"])] == ["d1", "d2", "d3", "d5"]
        assert state.forget_decisions(START + 3) == 3
        assert [state.decision(f"d{n}") is None for n in range(6)] == [True] * 3 + [False] * 3


def test_a_failed_commit_changes_nothing(tmp_path: Path) -> None:
    """A commit that fails in the middle leaves the state as it was, and the next one works."""
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        state.commit(batch(people={"anon:a1": person(1)}, position=5))
        state._db.execute("CREATE TEMP TRIGGER stop BEFORE INSERT ON facts BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        with pytest.raises(StoreError, match="disk full; nothing was half done"):
            state.commit(batch(people={"anon:a1": None, "anon:a2": person(2)}, facts=[event_fact(1)], position=9))
        assert (set(state.load(["anon:a1", "anon:a2"], [])[0]), state.position()) == ({"anon:a1"}, 5)
        state._db.execute("DROP TRIGGER stop")
        state.commit(batch(people={"anon:a2": person(2)}, position=9))
        assert (state.size(), state.position()) == (2, 9)


def test_steps_lead_from_any_version_to_the_newest() -> None:
    """A database of an earlier format gets the steps that it lacks, each once."""
    steps = ("CREATE TABLE a(x)", "ALTER TABLE a ADD COLUMN y", "INSERT INTO a VALUES (1, 2)")
    for start in range(4):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            migrate.migrate(db, steps[:start], "test")
            assert migrate.migrate(db, steps, "test") == start
            assert migrate.migrate(db, steps, "test") == 3
            assert db.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]


def test_a_step_that_fails_leaves_the_old_format(tmp_path: Path) -> None:
    """A step is whole or not there: after a failure the version and the tables are the old ones; it is closed."""
    with closing(sqlite3.connect(tmp_path / "x", isolation_level=None)) as db:
        with pytest.raises(StoreError, match="the step from format 1 to 2 failed"):
            migrate.migrate(db, ("CREATE TABLE a(x)", "CREATE TABLE b(x); INSERT INTO nowhere VALUES (1)"), "test")
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            db.execute("SELECT 1")
    with closing(sqlite3.connect(tmp_path / "x")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_schema")] == ["a"]


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A file of a later release is not touched, and the error says what reads it."""
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(Corrupt, match=r"format 99.*a newer release wrote it"):
        SqliteState(tmp_path / "state.sqlite")


def test_a_user_is_found_in_a_link_that_is_packed(tmp_path: Path) -> None:
    """A device that many long ids claimed is known by each of them, though its bytes don't show them."""
    users = [f"{n}-{'long ' * 30}" for n in range(16)]
    device = Link(claims=tuple(Claim(Stamp(START + n, n), user) for n, user in enumerate(users)))
    with closing(SqliteState(tmp_path / "state.sqlite")) as state:
        state.commit(batch(links={"anon:shared": device, "anon:other": link(1)}))
        assert (
            users[7].encode()
            not in state._reader.execute("SELECT max(length(body)), max(body) FROM links").fetchone()[1]
        )

        assert state.links_naming([users[7]]) == {"anon:shared": device}
        assert state.links_naming(["nobody"]) == {}
