"""History into a cluster: in Kafka and folded once, wherever the import is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from micromoments.core.record import EventRecord
from micromoments.engine.cluster.wiring import Shared
from tests.cli.commands import environment
from tests.cli.test_import import MAP, put, rows
from tests.cluster.counting import CONFIG, asked
from tests.cluster.project import Project, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

COUNT = 6_000
PEOPLE = 20
KEPT = "[retention]\npeople_days = 20000\nfacts_days = 20000\nlog_days = 20000\n"
BAD = "ana,Product Viewed,soon,i1\n,Product Viewed,1767323045,i1\n"
UNNOTED = """
import os, signal
from micromoments.cli import main
from micromoments.stores.cluster.seen import RedisSeen

noting, left = RedisSeen.noting, [3]

def killed(self, mids, at):
    left[0] -= bool(mids)
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return noting(self, mids, at)

RedisSeen.noting = killed
main()
"""
"""An import that is killed when Kafka has acknowledged its fourth batch, and Redis doesn't know of it yet."""


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis."""
    one = Project(tmp_path, kafka, single, CONFIG + KEPT)
    yield one
    one.end()


def written(shared: Shared) -> list[int]:
    """The messages of every event in Kafka."""
    records = (one.record for one in shared.events.since(dict.fromkeys(range(shared.events.count), 0)))
    return [record.mid for record in records if isinstance(record, EventRecord)]


def totals(shared: Shared) -> list[int]:
    """How many events each person has had."""
    found = shared.state.load([f"user:p{n}" for n in range(PEOPLE)], [])[0]
    return sorted(sum(part.total for part in person.parts.values()) for person in found.values())


def test_a_killed_import_goes_on_where_it_stopped(project: Project, tmp_path: Path) -> None:
    """``kill -9`` between Kafka's word and Redis's note, and again somewhere: run once more, every event is in Kafka
    once, folded once, and what can't be taken is set aside and counted.
    """
    file = put(tmp_path / "history.csv", rows(COUNT, people=PEOPLE) + BAD)
    words = ["import", str(project.folder), str(file), "--map", MAP, "--output", "json"]
    project.begin("work")
    shared = project.open()
    try:
        unnoted = subprocess.run(
            [sys.executable, "-c", UNNOTED, *words], capture_output=True, env=environment(), check=False
        )
        assert unnoted.returncode == -signal.SIGKILL, unnoted.stderr.decode()
        first = sum(shared.events.ends().values())
        assert first > 0

        with subprocess.Popen([sys.executable, "-m", "micromoments", *words], env=environment()) as run:
            while run.poll() is None and sum(shared.events.ends().values()) < first + 1_000:
                time.sleep(0.02)
            run.kill()

        done = subprocess.run(
            [sys.executable, "-m", "micromoments", *words],
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert done.returncode == 3, done.stderr
        said = json.loads(done.stdout)[0]
        assert (said["imported"], said["known"], said["set_aside"]) in {(COUNT, 0, 2), (0, COUNT, 2)}
        aside = (tmp_path / "history.csv.rejected.jsonl").read_text().splitlines()
        assert [json.loads(line)["code"] for line in aside] == ["bad_timestamp", "no_user_anon_id"]

        mids = written(shared)
        assert len(mids) == len(set(mids)) == COUNT
        until(
            lambda: asked(shared, "SELECT count(*) FROM events") == [(COUNT,)], lambda: f"all folded; {totals(shared)}"
        )
        assert totals(shared) == [COUNT // PEOPLE] * PEOPLE
    finally:
        shared.close()
