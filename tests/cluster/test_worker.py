"""A worker whose stores fail for a moment goes on where it is, without waiting for more to come."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from micromoments.config import Cluster
from micromoments.core.record import Record
from micromoments.core.settings import Settings
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.cluster.worker import Worker
from micromoments.engine.service import now_ms
from micromoments.ports import StoreError
from micromoments.testing.generators import event_record
from tests.cluster.project import PATIENCE
from tests.cluster.test_log import project
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PARTITIONS = 4


async def folded(shared: Shared, ends: Sequence[int]) -> bool:
    """Whether every partition is folded up to its end before patience is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while loop.time() < until:
        at = [await asyncio.to_thread(shared.of_partition(p).position) for p in range(PARTITIONS)]
        if all(here >= end for here, end in zip(at, ends, strict=True)):
            return True
        await asyncio.sleep(0.1)
    return False


async def test_what_an_error_kept_from_being_folded_is_folded_though_nothing_more_comes(
    kafka: Kafka, single: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka takes no lessons just after one partition was folded; the others, which were read with it and whose people
    send nothing more, are folded all the same.
    """
    cluster = Cluster(
        kafka=kafka.address,
        redis=single.address,
        project=project(tmp_path),
        partitions=PARTITIONS,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "facts"),
    )
    shared = open_shared(tmp_path, cluster, Settings(consent=("measure", "personalise")))
    shared.events.append([event_record(n, key=f"anon:a{n % 40}") for n in range(200)])
    logs = [shared.events.log(p) for p in range(PARTITIONS)]
    ends = [one.end() for one in logs]
    assert all(ends)
    for one in logs:
        one.close()
    append, tried = shared.lessons.append, list[int]()

    def failing(records: Sequence[Record]) -> int:
        """Fail the first time."""
        tried.append(len(records))
        if len(tried) == 1:
            raise StoreError("Kafka did not take a record")
        return append(records)

    monkeypatch.setattr(shared.lessons, "append", failing)
    monkeypatch.setattr("micromoments.engine.cluster.worker.teaches", lambda _record: True)
    worker, stopping, looking = Worker(shared, now_ms), asyncio.Event(), open_shared(tmp_path, cluster, Settings())
    task = asyncio.get_running_loop().create_task(worker.run(stopping, lambda: None))
    try:
        assert await folded(looking, ends)
        assert worker.failures >= 1
    finally:
        stopping.set()
        await task
        looking.close()
