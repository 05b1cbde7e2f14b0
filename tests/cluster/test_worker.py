"""A worker whose stores fail for a moment goes on where it is, without waiting for more to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from micromoments.config import Cluster
from micromoments.core.record import Record
from micromoments.core.settings import DAY, Settings
from micromoments.engine.cluster.folding import Folding
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.cluster.worker import Worker
from micromoments.engine.service import now_ms
from micromoments.ports import StoreError
from micromoments.stores.cluster.clock import SharedClock
from micromoments.stores.cluster.facts import RedisFacts
from micromoments.testing.generators import event_record
from tests.cluster.project import PATIENCE, until
from tests.cluster.test_log import project
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PARTITIONS, EVENTS = 4, 200


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


def opened(kafka: Kafka, redis: Redis, folder: Path) -> Callable[[], Shared]:
    """Opens a project of its own, whose partitions all have some of two hundred events."""
    cluster = Cluster(
        kafka=kafka.address,
        redis=redis.address,
        project=project(folder),
        partitions=PARTITIONS,
        copies=1,
        in_sync=1,
        facts=str(folder / "facts"),
    )

    def open_() -> Shared:
        """The stores."""
        return open_shared(folder, cluster, Settings(consent=("measure", "personalise")))

    return open_


def sent(shared: Shared) -> list[int]:
    """Events of forty people; where each partition ends."""
    shared.events.append([event_record(n, key=f"anon:a{n % 40}") for n in range(EVENTS)])
    logs = [shared.events.log(p) for p in range(PARTITIONS)]
    ends = [one.end() for one in logs]
    for one in logs:
        one.close()
    assert all(ends)
    return ends


@asynccontextmanager
async def working(shared: Shared) -> AsyncIterator[Worker]:
    """A worker that runs."""
    worker, stopping = Worker(shared, now_ms), asyncio.Event()
    task = asyncio.get_running_loop().create_task(worker.run(stopping, lambda: None))
    try:
        yield worker
    finally:
        stopping.set()
        await task


async def test_what_an_error_kept_from_being_folded_is_folded_though_nothing_more_comes(
    kafka: Kafka, single: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka takes no lessons just after one partition was folded; the others, which were read with it and whose people
    send nothing more, are folded all the same.
    """
    fresh = opened(kafka, single, tmp_path)
    shared, looking = fresh(), fresh()
    ends = sent(shared)
    append, tried = shared.lessons.append, list[int]()

    def failing(records: Sequence[Record]) -> int:
        """Fail the first time."""
        tried.append(len(records))
        if len(tried) == 1:
            raise StoreError("Kafka did not take a record")
        return append(records)

    monkeypatch.setattr(shared.lessons, "append", failing)
    monkeypatch.setattr("micromoments.engine.cluster.worker.teaches", lambda _record: True)
    async with working(shared) as worker:
        assert await folded(looking, ends)
        assert worker.failures >= 1
    looking.close()


async def test_lag_counts_what_was_read_and_could_not_be_folded(
    kafka: Kafka, single: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a full Redis takes nothing, every record that waits for it is lag, and none is when it takes them again."""
    shared = opened(kafka, single, tmp_path)()
    sent(shared)
    with monkeypatch.context() as full:
        full.setattr(Folding, "fold", _full)
        async with working(shared) as worker:
            await asyncio.to_thread(until, lambda: worker.lag == EVENTS, lambda: f"{EVENTS} to lag, got {worker.lag}")
            full.undo()
            await asyncio.to_thread(until, lambda: worker.lag == 0, lambda: f"no lag, got {worker.lag}")


def _full(*_: object) -> None:
    """What Redis says when its memory is full."""
    raise StoreError("command not allowed when used memory > maxmemory")


def test_a_redis_whose_clock_leaps_ahead_makes_nobody_forget(
    kafka: Kafka, single: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts and log are trimmed by the earlier of Redis's clock and the worker's own: two wrong years lose nothing."""
    shared, forgotten = opened(kafka, single, tmp_path)(), list[float]()
    monkeypatch.setattr(SharedClock, "__call__", lambda _clock: now_ms() + 730 * DAY)
    monkeypatch.setattr(RedisFacts, "trim", lambda _facts, before: forgotten.append(before))
    worker = Worker(shared, shared.clock)
    worker._trim()
    keep = shared.settings.retention.facts_days * DAY
    assert [before <= now_ms() - keep for before in forgotten] == [True]
    shared.close()
