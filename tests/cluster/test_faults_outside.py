"""What goes wrong around the processes while a load runs: brokers, cables, disks, clocks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from micromoments.ports import StoreError
from tests.cluster.counting import (
    CONFIG,
    OFFERS,
    Buyer,
    asked,
    caught_up,
    check,
    check_budget,
    finished,
    load,
    recovered,
)
from tests.cluster.outside import MIB, WrongClock, disk, network
from tests.cluster.project import Project, gather, until
from tools.cluster import Absent, Kafka, Program, Redis

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1000)]

HOUR = 3_600_000


def test_one_of_three_brokers_is_killed_and_then_all(single: Redis, tmp_path: Path) -> None:
    """With three copies and two in sync one broker may go; all three may, and come back."""
    try:
        kafka = Kafka(tmp_path / "kafka", 3)
        kafka.start()
    except Absent as absent:
        pytest.skip(f"{absent}")
    (folder := tmp_path / "shop").mkdir()
    project = Project(folder, kafka, single, CONFIG)
    try:
        clients = load([project.serve()], 4)
        project.begin("work")
        gather(clients, 40)
        kafka.brokers[0].kill()
        recovered(clients, 40, "one of three brokers killed")
        for broker in kafka.brokers[1:]:
            broker.kill()
        kafka.start()
        recovered(clients, 40, "all three brokers killed, once they are started again")
        finished(clients)
        check(project, clients)
    finally:
        project.end()
        kafka.stop()


def test_cables_are_pulled_and_put_back(tmp_path: Path) -> None:
    """A worker, then a server, then the active learner is cut off from Kafka and Redis in a network of its own, while
    another of its kind goes on; each comes back.
    """
    with network() as net:
        redis, kafka = servers_at(tmp_path, net.host)
        (folder := tmp_path / "shop").mkdir()
        project = Project(folder, kafka, redis, CONFIG)
        try:
            cables = [net.cable() for _ in range(3)]
            far = project.serve(cables[0].host, cables[0].inside)
            far.patience = 10.0
            project.begin("work", under=cables[1].inside)
            learner = project.begin("learn", under=cables[2].inside)
            until(lambda: "the active one" in learner.said(), "a learner that is active")
            near = project.serve()
            project.begin("work")
            other = project.begin("learn")
            clients = load([near, far], 6)
            gather(clients, 40)
            for cable, who in zip(cables, ("a server", "a worker", "the active learner"), strict=True):
                cable.pull()
                gather(clients, 40)
                caught_up(project, clients, f"{who} is cut off")
                if cable is cables[2]:
                    until(lambda: "the active one" in other.said(), "the other learner to take over")
                cable.plug()
                gather(clients, 40)
            finished(clients)
            check(project, clients)
        finally:
            project.end()
            kafka.stop()
            redis.stop()


def test_the_disk_is_full(tmp_path: Path) -> None:
    """Kafka and Valkey end when their disk is full, and go on from what they had once there is room and somebody starts
    them. Facts that find no room stay where they are, and leave nothing half written.
    """
    with disk(tmp_path / "disk", 192 * MIB) as full, disk(tmp_path / "lake", MIB) as lake:
        redis, kafka = servers_at(full.folder, "127.0.0.1")
        programs = [redis.masters[0], kafka.brokers[0]]
        (folder := tmp_path / "shop").mkdir()
        project = Project(folder, kafka, redis, CONFIG, str(lake.folder))
        try:
            clients = load([project.serve()], 4)
            project.begin("work")
            gather(clients, 40)
            full.fill()
            until(lambda: any(map(ended, programs)), "a server that ends, as its disk is full")
            full.free()
            keeping = threading.Event()
            keeper = threading.Thread(target=kept, args=(programs, keeping))
            keeper.start()
            recovered(clients, 40, "the disk was full, and has room again")
            keeping.set()
            keeper.join()
            finished(clients)
            check(project, clients)
            lake.fill()
            shared = project.open()
            facts = shared.stores.facts()
            with pytest.raises(StoreError, match="nothing was sealed"):
                facts.seal(shared.clock() + HOUR)
            lake.free()
            assert not list(lake.folder.rglob("*.parquet"))
            assert facts.seal(shared.clock() + HOUR) > 0
            shared.close()
            check(project, clients)
        finally:
            project.end()
            kafka.stop()
            redis.stop()


def test_a_clock_jumps(kafka: Kafka, valkey: Redis, tmp_path: Path) -> None:
    """All roles run where the clock is a day ahead, then a day behind: what came is as old as it is, reservations are
    held for as long as they should, and nothing is lost or doubled.
    """
    wrong = WrongClock(tmp_path)
    project = Project(tmp_path, kafka, valkey, OFFERS)
    shared = project.open()
    begin = shared.clock()
    try:
        server = project.serve(more=wrong.environment)
        for role in ("work", "learn"):
            project.begin(role, more=wrong.environment)
        clients = load([server], 4, Buyer)
        gather(clients, 40)
        for seconds in (24 * HOUR, -24 * HOUR, 0):
            wrong.jump(seconds // 1000)
            gather(clients, 60)
            caught_up(project, clients)
        finished(clients)
        check(project, clients)
        check_budget(project, clients, killed=False)
        sql = "SELECT min(received_at), max(received_at) FROM events"
        ((first, last),) = asked(shared, sql)
        assert begin <= first <= last <= shared.clock()  # type: ignore[operator]
    finally:
        shared.close()
        project.end()


def servers_at(folder: Path, host: str) -> tuple[Redis, Kafka]:
    """A Valkey and a broker of the test's own, running; skipped where they can't be."""
    try:
        redis, kafka = Redis(folder, make="valkey", host=host), Kafka(folder, host=host)
        redis.start()
        kafka.start()
    except Absent as absent:
        pytest.skip(f"{absent}")
    return redis, kafka


def ended(program: Program) -> bool:
    """Whether a server has ended by itself."""
    return program.process is not None and program.process.poll() is not None


def kept(programs: list[Program], enough: threading.Event) -> None:
    """Start what ends, as an operator's supervisor does."""
    while not enough.wait(0.5):
        for program in programs:
            if ended(program):
                program.start()
