"""Writers that are killed with SIGKILL in the middle of their work, and what is found afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.facts import ParquetFacts, query
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import event_fact, event_record

ROUNDS = 6
WORK = """
import sys
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.facts import ParquetFacts
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import event_fact, event_record, person

folder = sys.argv[1]
log, state = SqliteLog(f"{folder}/log.sqlite"), SqliteState(f"{folder}/state.sqlite")
facts, budgets = ParquetFacts(f"{folder}/facts", f"{folder}/state.sqlite"), SqliteBudgets(f"{folder}/budgets.sqlite")
print("ready", flush=True)
n = log.end()
while True:
    first = log.append([event_record(n + k) for k in range(5)])
    assert first == n
    print("log", n + 5, flush=True)
    people = {f"anon:a{k % 50}": person(k % 50, last=1 + n) for k in range(n, n + 5)}
    state.commit(batch(people=people, facts=[event_fact(k) for k in range(n, n + 5)], position=n + 5))
    print("state", n + 5, flush=True)
    if budgets.reserve("b", 1, 40, f"r{n}", 2**50):
        print("budget", n, flush=True)
    if n % 35 == 0:
        facts.seal(2**50)
    n += 5
"""


@contextmanager
def writer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process at work in a folder, and killed at the end."""
    with subprocess.Popen([sys.executable, "-c", WORK, folder], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.crash
def test_what_was_acknowledged_survives_any_kill(tmp_path: Path) -> None:
    """After each kill: every acknowledged record is there once, commits are whole and covered by the log, each fact is
    there once, and no unit of the budget was granted twice.
    """
    random = Random(7)
    acknowledged = {"log": 0, "state": 0}
    granted = end = 0
    for _ in range(ROUNDS):
        with writer(tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.05 + random.random() * 0.5)
            process.kill()
            for line in process.stdout:
                if line.endswith("\n"):
                    what, number = line.split()
                    granted += what == "budget"
                    acknowledged[what] = int(number)
        with (
            closing(SqliteLog(tmp_path / "log.sqlite")) as log,
            closing(SqliteState(tmp_path / "state.sqlite")) as state,
        ):
            end, position = log.end(), state.position()
            assert acknowledged["log"] <= end <= acknowledged["log"] + 5 * ROUNDS
            assert acknowledged["state"] <= position <= end
            assert [x.record for x in log.read(0, 10**6)] == [event_record(n) for n in range(end)]
            log.check()
            state.check()
            if position < end:  # as recovery does
                state.commit(batch(facts=[event_fact(n) for n in range(position, end)], position=end))
        with query(tmp_path) as ask:
            assert ask("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM events") == [{"n": end, "ids": end}]
        with closing(SqliteBudgets(tmp_path / "budgets.sqlite")) as budgets:
            assert granted <= sum(budgets.used("b")) <= min(40, granted + ROUNDS)
    with closing(ParquetFacts(tmp_path / "facts", tmp_path / "state.sqlite")) as facts:
        facts.seal(START * 2)
        assert facts.query("SELECT count(*) AS n FROM events") == [{"n": end}]
