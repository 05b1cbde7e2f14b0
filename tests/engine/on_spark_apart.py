"""What runs on a Spark of several processes: two executors, each a Java machine with Python workers of its own, as on
several machines. ``test_spark.py`` runs this file in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from micromoments.config import load
from micromoments.core.settings import DAY
from micromoments.engine.spark import folding
from micromoments.engine.spark.facts import asking
from micromoments.engine.spark.place import Place
from micromoments.engine.spark.session import running
from micromoments.engine.spark.stored import stored_facts
from micromoments.engine.spark.training import OnSpark
from micromoments.engine.training import train
from micromoments.engine.wiring import asking as asking_here
from micromoments.engine.wiring import open_stores
from micromoments.report.reports import run
from tests.engine.on_spark import LIGHT, same_on_spark
from tests.engine.shop import MINUTE, SETTINGS, T0, Clock, opened, search
from tests.engine.test_spark import lived
from tests.report.test_two_engines import same

MASTER = "local-cluster[2,1,1024]"
"""Spark's own: a master, and two workers of one core and 1,024 MB each."""
ALL_THERE = {
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "600s",
}
"""No task begins before both are there."""


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """The two, for all tests."""
    words = " ".join(f"--conf {name}={value}" for name, value in ALL_THERE.items())
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{words} pyspark-shell"
    with running(MASTER) as one:
        for name, value in LIGHT.items():
            one.conf.set(name, "4" if name == "spark.sql.shuffle.partitions" else value)
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day with everything in it, and sixty people more who search for something."""
    folder = tmp_path_factory.mktemp("apart") / "shop"
    asyncio.run(_lived(folder))
    return folder


async def _lived(folder: Path) -> None:
    await lived(folder, 7)
    clock = Clock(T0 + 3 * DAY)
    async with opened(folder, clock) as service:
        for n in range(900):
            clock.at += 5 * MINUTE
            await search(service, clock, f"more-{n}", person=f"p{n % 60}")


def test_there_are_two_processes(session: Any) -> None:
    """Tasks are done by Python workers of two executors: what they share is on disk, or came from the driver."""
    parents = session.sparkContext.parallelize(range(8), 8).map(lambda _: os.getppid()).collect()
    assert len(set(parents)) == 2
    assert os.getpid() not in parents


def test_a_log_is_folded_the_same_by_two(session: Any, folder: Path, tmp_path: Path) -> None:
    """People, links and policies are those of this process, byte for byte; the moments are written by both."""
    folded, there = same_on_spark(session, folder, tmp_path / "log")
    folding.write_moments(session, folded, Place(tmp_path / "moments"))
    assert len(there.people) > 60
    kept = asking_here(folder)("SELECT DISTINCT id, version FROM stored_moments", [])
    found = session.read.parquet(str(tmp_path / "moments")).select("id", "version").distinct().collect()
    assert {(row.id, row.version) for row in found} == {(row["id"], row["version"]) for row in kept}


def test_scorecards_and_weights_are_the_same_by_two(session: Any, folder: Path, tmp_path: Path) -> None:
    """The scorecards, and the weights that the log teaches, are those of this process."""
    settings = load(folder)
    with asking(session, stored_facts(folder)) as ask:
        told = run(ask, "scorecards", {}, settings)
    assert same(run(asking_here(folder), "scorecards", {}, settings), told)
    stores = open_stores(folder, SETTINGS)
    try:
        folding.stage(stores, Place(tmp_path / "log"))
        plan: dict[str, Any] = {"step": 2, "within": 1_800_000, "holdout": 0.3}
        here = train(stores, **plan)
        there = train(stores, **plan, reading=OnSpark(session, Place(tmp_path / "log")))
    finally:
        stores.close()
    assert msgspec.json.encode(here) == msgspec.json.encode(there)
    assert here.verdict.examples > 0
