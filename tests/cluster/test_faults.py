"""Every process is killed or paused while a load runs; what was acknowledged is there, once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from micromoments.engine.brain import Policies
from tests.cluster.counting import (
    CONFIG,
    OFFERS,
    Buyer,
    caught_up,
    check,
    check_budget,
    finished,
    load,
    recovered,
    said,
    scraped,
)
from tests.cluster.project import Process, Project, gather, until
from tests.deploy.test_deploy import ROLES
from tests.ports import free_port
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1000)]

PAUSE = 7.0
"""Seconds: longer than a process waits for an answer of Redis or the broker."""


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis."""
    one = Project(tmp_path, kafka, single, CONFIG)
    yield one
    one.end()


def test_workers_are_killed_paused_and_replaced(project: Project) -> None:
    """A worker that is killed, and one that is paused until another has its partitions and then comes back, lose and
    double nothing.
    """
    clients = load([project.serve(), project.serve()], 6)
    one, two = project.begin("work"), project.begin("work")
    gather(clients, 60)
    one.signal(signal.SIGKILL)
    gather(clients, 60)
    port = free_port()
    three = project.begin("work", "--port", str(port))
    gather(clients, 60)
    two.signal(signal.SIGSTOP)
    gather(clients, 60)
    caught_up(project, clients, "a worker stopped, another takes over")
    two.signal(signal.SIGCONT)
    gather(clients, 60)
    finished(clients)
    check(project, clients)
    assert ROLES["work"] <= scraped(port)
    assert (two.stop(), three.stop()) == (0, 0)


def test_servers_redis_and_the_broker_are_killed(project: Project, kafka: Kafka, single: Redis) -> None:
    """A server, Redis and the broker are killed and started again; nothing that was acknowledged is lost or doubled."""
    clients = load([project.serve(), project.serve()], 6)
    project.begin("work")
    server = next(p for p in project.processes if "serve" in p.command)
    gather(clients, 60)
    server.signal(signal.SIGKILL)
    gather(clients, 30)
    server.start()
    server.wait()
    gather(clients, 30)
    for program in (single.masters[0], kafka.brokers[0]):
        program.kill()
        program.start()
        recovered(clients, 40, f"{Path(program.command[0]).name} killed and started again")
    finished(clients)
    check(project, clients)


def test_paused_processes_come_back(project: Project, kafka: Kafka, single: Redis) -> None:
    """A server, Redis and the broker stand still for longer than anybody waits for them, and then go on: a request that
    was under way may have been done or not, and what is sent again counts once.
    """
    one, two = project.serve(), project.serve()
    one.patience = two.patience = 10.0
    clients = load([one, two], 6)
    project.begin("work")
    gather(clients, 40)
    one.signal(signal.SIGSTOP)
    gather(clients, 40)
    one.signal(signal.SIGCONT)
    for program in (single.masters[0], kafka.brokers[0]):
        program.kill(signal.SIGSTOP)
        time.sleep(PAUSE)
        program.kill(signal.SIGCONT)
        recovered(clients, 40, f"{Path(program.command[0]).name} stood still for {PAUSE:.0f} s")
    finished(clients)
    check(project, clients)


def test_a_learner_that_stands_by_takes_over(project: Project) -> None:
    """The active learner stands still, and the other goes on where it was; the first comes back, and takes over when
    the other is killed. Every outcome is learned once.
    """
    learners = {project.begin("learn", "--port", str(port)): port for port in (free_port(), free_port())}
    clients = load([project.serve()], 4)
    project.begin("work")

    def terms(learner: Process) -> int:
        return learner.said().count("the active one")

    until(lambda: sum(map(terms, learners)) == 1, "one learner that is active")
    one, two = sorted(learners, key=terms, reverse=True)
    gather(clients, 60)
    one.signal(signal.SIGSTOP)
    start = time.monotonic()
    until(lambda: terms(two) == 1, "the other to take over")
    said.info("the active learner stands still: another is active after %.1f s", time.monotonic() - start)
    gather(clients, 60)
    one.signal(signal.SIGCONT)
    gather(clients, 60)
    two.signal(signal.SIGKILL)
    until(lambda: terms(one) == 2, "the first to take over again")
    gather(clients, 60)
    finished(clients)
    check(project, clients)
    assert ROLES["learn"] <= scraped(learners[one])
    shared = project.open()
    clicked = sum(len(c.answered) for c in clients)
    learned = {"version": 0}

    def all_learned() -> bool:
        learned["version"] = sum(Policies(shared.policies.load())[k].version for k in ("home:adaptive",))
        return learned["version"] >= clicked

    until(all_learned, f"{clicked} outcomes learned, got {learned}")
    assert learned["version"] == clicked
    shared.close()


def test_no_budget_is_overspent_whatever_is_killed(kafka: Kafka, single: Redis, tmp_path: Path) -> None:
    """Each role and Redis is killed while clients take and redeem the units of a budget that is too small for them."""
    project = Project(tmp_path, kafka, single, OFFERS)
    try:
        clients = load([project.serve(), project.serve()], 6, Buyer)
        project.begin("work")
        project.begin("learn")
        for process in list(project.processes):
            gather(clients, 20)
            process.signal(signal.SIGKILL)
            process.start()
            process.wait()
        single.masters[0].kill()
        single.masters[0].start()
        gather(clients, 60)
        finished(clients)
        check(project, clients)
        check_budget(project, clients, killed=True)
    finally:
        project.end()
