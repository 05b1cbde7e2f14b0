"""Roll-ups: reports over them equal reports over the facts, whatever was sealed, erased, compacted or forgotten."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from micromoments.core.fact import Fact, MomentFact, OutcomeFact
from micromoments.core.person import Person
from micromoments.core.rollup import ROLLUPS
from micromoments.report.reports import REPORTS, run
from micromoments.stores.embedded import facts as store
from micromoments.stores.embedded.facts import ParquetFacts, query
from micromoments.stores.embedded.rolled import Rolled
from micromoments.stores.embedded.rollups import TOGETHER
from micromoments.stores.embedded.standing import let_go, standing
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import person_fact
from tests.report.test_two_engines import history, same
from tests.report.world import DAY, HOUR, NOW, SETTINGS

STRETCHES: tuple[dict[str, str], ...] = (
    {},
    {"from": str(NOW + HOUR // 3), "to": str(NOW + 2 * DAY + 7)},
    {"from": str(NOW + 5 * HOUR + 1), "to": str(NOW + 5 * HOUR + 900_000), "tz": "Asia/Kolkata"},
)
HOURLY = ("scorecards", "unmet", "pain", "quality")
"""Reports that ask hourly roll-ups, whose stretches may begin and end within an hour."""


def versions(facts: Sequence[Fact]) -> list[Fact]:
    """The facts in the log's order, and for every second moment and outcome an earlier version that says otherwise, a
    little or long before.
    """
    rng, told = random.Random(4), list[tuple[int, Fact]]()
    for n, fact in enumerate(sorted(facts, key=lambda one: one.received_at)):
        early: dict[str, Any] = {}
        if n % 2 and isinstance(fact, MomentFact):
            early = {"recognised_at": fact.recognised_at - 20, "served_at": 0, "ended": "", "type": "know"}
        if n % 2 and isinstance(fact, OutcomeFact):
            early = {"what": "clicked"}
        if early:
            told.append((10 * n, msgspec.structs.replace(fact, **early)))
        told.append((10 * (n + rng.choice([0, 0, 700, 1600])) + 5, fact))
    told.sort(key=lambda one: one[0])
    return [msgspec.structs.replace(fact, version=version) for version, (_, fact) in enumerate(told)]


def commit(folder: Path, facts: Sequence[Fact]) -> None:
    """One commit of the folder's state."""
    with closing(SqliteState(folder / "state.sqlite")) as state:
        state.commit(batch(facts=facts))


def sealed(folder: Path) -> ParquetFacts:
    """The folder's facts, all of them sealed."""
    facts = ParquetFacts(folder / "facts", folder / "state.sqlite")
    facts.seal(NOW + 99 * DAY)
    return facts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A history told in pieces: most sealed in several files, its end live; two joins of people, one of them live."""
    told = versions(history())
    soon, late = told[:-300], told[-300:]
    for start in range(0, len(soon), 900):
        commit(tmp_path, soon[start : start + 900])
        if start < 1500:
            sealed(tmp_path).close()
    commit(tmp_path, [person_fact(3, 2, 90_001)])
    sealed(tmp_path).close()
    commit(tmp_path, [*late, person_fact(7, 6, 90_002)])
    return tmp_path


def rolled_query(folder: Path) -> Rolled:
    """The folder's facts over their roll-ups."""
    return Rolled(folder / "facts", folder / "state.sqlite")


def agree(folder: Path, rolled: Rolled, names: Sequence[str] = tuple(REPORTS)) -> None:
    """Every report says the same over the roll-ups as over the facts."""
    with query(folder) as plain:
        for name in names:
            for stretch in STRETCHES if name in HOURLY else STRETCHES[:1]:
                parts = [by for by in REPORTS[name].segments if by in {"device", "day"} and not stretch]
                for by in ("", *parts):
                    params = stretch | ({"by": by} if by else {}) | ({"decision": "d3"} if name == "receipt" else {})
                    here = run(rolled, name, params, SETTINGS, rolled.rollups)
                    there = run(plain, name, params, SETTINGS)
                    assert same(here, there), (name, params, *unlike(here, there))


def unlike(here: dict[str, Any], there: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Where two replies differ."""
    for key, mine in here.items():
        pairs = zip(mine, there[key], strict=False) if isinstance(mine, list) else [(mine, there[key])]
        yield from ((key, one, other) for one, other in pairs if not same(one, other))


def test_reports_over_rollups_equal_reports_over_facts(folder: Path) -> None:
    """All reports, whole and odd stretches, zones off the hour, by device and day, with live and sealed versions."""
    with rolled_query(folder) as rolled:
        agree(folder, rolled)


def test_an_open_question_follows_what_happens(folder: Path) -> None:
    """Kept open over commits, sealing, joins and an erasure, it answers as a new one does."""
    names = ("scorecards", "missed", "quality", "freshness")
    again = [fact for fact in history() if isinstance(fact, MomentFact | OutcomeFact)][:60]
    more: list[Fact] = [msgspec.structs.replace(fact, version=99_000 + n) for n, fact in enumerate(again)]
    with rolled_query(folder) as rolled:
        for step in range(4):
            if step in {0, 3}:
                commit(folder, [*more, person_fact(9, 8, 99_990)] if not step else [person_fact(11, 10, 99_999)])
            elif step == 1:
                sealed(folder).close()
            else:
                erase(folder, 5)
            rolled.refresh()
            agree(folder, rolled, names)


def erase(folder: Path, surrogate: int) -> None:
    """Remove a person from live and sealed facts."""
    with closing(SqliteState(folder / "state.sqlite")) as state:
        state.commit(batch(people={"anon:x": Person(id="anon:x", surrogate=surrogate)}))
        state.erase(frozenset({"anon:x"}), frozenset(), 0)
    with closing(ParquetFacts(folder / "facts", folder / "state.sqlite")) as facts:
        facts.erase(frozenset({surrogate}))


def rolled_up(folder: Path) -> list[Path]:
    """Every roll-up on disk."""
    return sorted(path for path in (folder / "facts" / "rollups").rglob("*") if path.suffix == ".parquet")


def test_no_rollup_holds_the_erased(folder: Path) -> None:
    """Erasing somebody removes the roll-ups of each file that they were in, at once; the next question makes them anew
    without them.
    """
    sealed(folder).close()
    with rolled_query(folder) as rolled:
        assert rolled("SELECT count(*) AS n FROM activity WHERE surrogate = 5")[0]["n"] > 0
    erase(folder, 5)

    def holding() -> list[Path]:
        found = []
        for path in rolled_up(folder):
            columns = pq.read_schema(path).names
            if "surrogate" in columns and 5 in pq.read_table(path, columns=["surrogate"])["surrogate"].to_pylist():
                found.append(path)
        return found

    assert holding() == []
    with rolled_query(folder) as rolled:
        assert rolled("SELECT count(*) AS n FROM activity WHERE surrogate = 5") == [{"n": 0}]
        agree(folder, rolled, ("scorecards",))
    assert holding() == []


def test_rollups_go_with_their_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compacting and forgetting leave no roll-up of a file that is gone, and one of another edition is swept."""
    monkeypatch.setattr(store, "COMPACT_AT", 2)
    stray = folder / "facts" / "rollups" / "goals.0" / "events" / "date=2026-01-01" / "1-2.parquet"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"old")
    with closing(sealed(folder)) as facts:
        named = {Path(path).relative_to(folder / "facts") for path in facts.files("events")}
        kinds = [name for name, rollup in ROLLUPS.items() if rollup.of == "events" and name not in TOGETHER]
        for kind in kinds:
            there = {
                path.relative_to(folder / "facts" / "rollups" / f"{kind}.1")
                for path in rolled_up(folder)
                if f"{kind}.1" in path.parts
            }
            assert there == named
        assert not stray.exists()
        assert facts.trim(NOW + 99 * DAY) > 0
    assert rolled_up(folder) == []


def test_a_rollup_that_is_lost_is_made_again(folder: Path) -> None:
    """They hold nothing that the facts don't."""
    sealed(folder).close()
    before = {path: path.read_bytes() for path in rolled_up(folder)}
    for path in before:
        path.unlink()
    with rolled_query(folder) as rolled:
        agree(folder, rolled, ("scorecards", "unmet"))
    assert set(rolled_up(folder)) == set(before)


def test_facts_stay_open_between_questions(folder: Path) -> None:
    """The same question object answers again, as of now; let go, another one does."""
    with standing(folder) as first:
        n = first("SELECT count(*) AS n FROM events")[0]["n"]
    commit(folder, [msgspec.structs.replace(history()[0], id="new", version=88_000)])
    with standing(folder) as second:
        assert second is first
        assert second("SELECT count(*) AS n FROM events") == [{"n": n + 1}]
    let_go(folder)
    with standing(folder) as third:
        assert third is not first
    let_go(folder)
