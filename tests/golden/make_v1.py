"""Made ``v1`` once. Never to be run again: see the README.

usage: python tests/golden/make_v1.py
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import msgspec

from micromoments.stores.embedded import codec
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.facts import ParquetFacts
from micromoments.stores.embedded.folder import Folder
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.policies import SqlitePolicies
from micromoments.stores.embedded.seen import FileSeen
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing import generators as g
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch

HERE = Path(__file__).parent / "v1"


def facts() -> dict[str, list[object]]:
    """Two facts of each table."""
    return {
        "events": [g.event_fact(1, 7), g.event_fact(2, 8)],
        "moments": [g.moment_fact("m1", 1, 7), g.moment_fact("m1", 2, 7, withdrawn=True)],
        "decisions": [g.decision_fact(1, 7), g.decision_fact(2, 8)],
        "outcomes": [g.outcome_fact(1, 7), g.outcome_fact(2, 8)],
        "people": [g.person_fact(8, 7), g.person_fact(9, 8, 2)],
    }


def values() -> dict[str, tuple[bytes, object]]:
    """Every encoded value and what it stands for."""
    out: dict[str, tuple[bytes, object]] = {
        "group": (codec.encode_group(g.records(1)), g.records(1)),
        "person": (codec.encode(g.person(1)), g.person(1)),
        "link": (codec.encode(g.link(1)), g.link(1)),
        "decision": (codec.encode(g.decision(1)), g.decision(1)),
        "item": (codec.encode(g.item(1)), g.item(1)),
        "policy": (codec.seal(b"\x00weights"), b"\x00weights"),
    }
    for table, rows in facts().items():
        out[f"facts-{table}"] = (codec.encode_facts(rows), rows)  # type: ignore[arg-type]  # two facts of one table
    return out


def make_folder(path: Path) -> None:
    """A project's folder with some of everything."""
    folder = Folder.open(path)
    with closing(SqliteLog(folder.log)) as log, closing(SqliteState(folder.state)) as state:
        log.append(g.records(1))
        log.append([g.event_record(n) for n in range(20, 25)])
        log.erase(frozenset({"anon:a24"}), frozenset())
        state.commit(
            batch(
                people={g.person(n).id: g.person(n) for n in range(3)},
                links={"anon:a1": g.link(1)},
                decisions=[g.decision(1)],
                items={g.item(n).id: g.item(n) for n in range(2)},
                policies={"home": b"\x00weights"},
                facts=[f for rows in facts().values() for f in rows],  # type: ignore[misc]  # facts of all tables
                position=12,
            )
        )
        with closing(ParquetFacts(folder.facts, folder.state)) as sealed:
            sealed.seal(START * 2)
        state.commit(batch(facts=[g.event_fact(3, 9)], position=12))
    with closing(SqlitePolicies(folder.state)) as policies:
        policies.keep("home", 3, b"older")
    with closing(SqliteBudgets(folder.budgets)) as budgets:
        budgets.reserve("summer", 2, 10, "r1", START)
        budgets.reserve("summer", 3, 10, "r2", START)
        budgets.settle("r1", spend=True)
    FileArtifacts(folder.artifacts).put(b"a model")
    with closing(FileSeen(folder.seen)) as seen:
        for n in range(10):
            seen.fresh(g.mid(n), START + n)
        seen.seal(START + 700_000)
        seen.seal(START + 800_000)
    folder.close()


def main() -> int:
    """Write them, unless they are there."""
    if (HERE / "expected.json").exists():
        print(f"{HERE} is there; golden files are never regenerated", file=sys.stderr)  # noqa: T201
        return 1
    HERE.mkdir(parents=True, exist_ok=True)
    for name, (body, _) in values().items():
        (HERE / f"{name}.bin").write_bytes(body)
    make_folder(HERE / "folder")
    for stray in ("lock", "facts/.lock"):
        (HERE / "folder" / stray).unlink()
    expected = {name: value for name, (_, value) in values().items()}
    (HERE / "expected.json").write_bytes(msgspec.json.format(msgspec.json.encode(expected)) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
