"""Every process is killed while a load runs; what was acknowledged is there, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from micromoments.core.person import Person
from micromoments.engine.brain import Policies
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.intake import message_hash
from tests.cluster.project import ITEMS, Client, Process, Project, gather, until
from tools.cluster import Absent, Kafka, Redis

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1000)]

CLICKED = "SELECT {} FROM outcomes WHERE what = 'clicked'"
CONFIG = 'consent = ["measure", "personalise"]\n'


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis."""
    one = Project(tmp_path, kafka, single, CONFIG)
    yield one
    one.end()


def clients_of(project: Project, servers: int, clients: int) -> list[Client]:
    """Clients over servers that have items."""
    running = [project.serve() for _ in range(servers)]
    until(lambda: running[0].call("PUT", "/v1/items", ITEMS) is not None, "items to be taken")
    made = [Client(running, n, n) for n in range(clients)]
    for one in made:
        one.start()
    return made


def finished(clients: list[Client]) -> None:
    """Every client stops after the request under way."""
    for one in clients:
        one.done.set()
    for one in clients:
        one.join(120)
        assert not one.is_alive()


def asked(shared: Shared, sql: str) -> list[tuple[object, ...]]:
    """An answer of the facts."""
    with shared.stores.facts().query() as ask:  # type: ignore[attr-defined] # as the reports do
        return [tuple(row.values()) for row in ask(sql)]


def done(events: list[dict[str, Any]]) -> dict[str, set[int]]:
    """The messages of everything that anybody did, by anonymousId; an identify says who, and not what."""
    found: dict[str, set[int]] = {}
    for e in events:
        if e["type"] == "track":
            found.setdefault(e["anonymousId"], set()).add(message_hash(e["messageId"]))
    return found


def folded(people: Mapping[str, Person]) -> dict[str, set[int]]:
    """The same as people's parts have it; each part's count is that of its traces, so nothing was counted twice."""
    found: dict[str, set[int]] = {}
    for person in people.values():
        for key, part in person.parts.items():
            if key.startswith("anon:"):
                assert part.total == len(part.traces) == sum(part.counts.values())
                found.setdefault(key[5:].partition(">")[0], set()).update(t.mid for t in part.traces)
    return found


def check(project: Project, clients: list[Client]) -> None:
    """Every event, decision and click that was acknowledged is a fact, and folded into whom it belongs to, once."""
    events = [e for c in clients for e in c.events]
    decided = {id for c in clients for id in c.decisions}
    clicked = {id for c in clients for id in c.clicked}
    shared = project.open()
    try:
        counts = ("SELECT count(*) FROM events", "SELECT count(*) FROM decisions", CLICKED.format("count(*)"))
        wanted_counts = [(len(events),), (len(decided),), (len(clicked),)]
        until(
            lambda: [asked(shared, sql)[0] for sql in counts] == wanted_counts,
            lambda: f"{wanted_counts} events, decisions and clicks; got {[asked(shared, sql) for sql in counts]}",
        )
        assert {id for (id,) in asked(shared, "SELECT id FROM decisions")} == decided
        assert {d for (d,) in asked(shared, CLICKED.format("decision"))} == clicked
        names = {f"anon:{e['anonymousId']}" for e in events} | {f"user:u-{e['anonymousId']}" for e in events}
        people = shared.state.load(sorted(names), [])[0]
        assert folded(people) == done(events)
        known = {e["userId"] for e in events if e["type"] == "identify"}
        assert {id for id in people if id.startswith("user:")} == {f"user:{id}" for id in known}
    finally:
        shared.close()


def test_workers_are_killed_paused_and_replaced(project: Project) -> None:
    """A worker that is killed, and one that is paused until another has its partitions and then comes back, lose and
    double nothing.
    """
    clients = clients_of(project, 2, 6)
    one, two = project.start("work"), project.start("work")
    gather(clients, 60)
    one.signal(signal.SIGKILL)
    gather(clients, 60)
    three = project.start("work")
    until(lambda: "works" in three.said(), "a new worker")
    gather(clients, 60)
    two.signal(signal.SIGSTOP)
    gather(clients, 60)
    shared = project.open()
    count = sum(len(c.events) for c in clients)
    until(lambda: asked(shared, "SELECT count(*) FROM events")[0][0] >= count, "the other worker to take over")  # type: ignore[operator]
    shared.close()
    two.signal(signal.SIGCONT)
    gather(clients, 60)
    finished(clients)
    check(project, clients)
    assert (two.stop(), three.stop()) == (0, 0)


def test_servers_redis_and_the_broker_are_killed(project: Project, kafka: Kafka, single: Redis) -> None:
    """A server, Redis and the broker are killed and started again; nothing that was acknowledged is lost or doubled."""
    clients = clients_of(project, 2, 6)
    project.start("work")
    server = next(p for p in project.processes if "serve" in p.command)
    gather(clients, 60)
    server.signal(signal.SIGKILL)
    gather(clients, 30)
    server.start()
    gather(clients, 30)
    for program in (single.masters[0], kafka.brokers[0]):
        program.kill()
        program.start()
        program.wait()
        gather(clients, 40)
    finished(clients)
    check(project, clients)


def test_a_learner_that_stands_by_takes_over(project: Project) -> None:
    """The active learner is killed; the other goes on where it was, and every outcome is learned once."""
    learners = [project.start("learn"), project.start("learn")]
    clients = clients_of(project, 1, 4)
    project.start("work")

    def active() -> list[Process]:
        return [p for p in learners if "the active one" in p.said()]

    until(lambda: len(active()) == 1, "one learner that is active")
    gather(clients, 80)
    active()[0].signal(signal.SIGKILL)
    until(lambda: len(active()) == 2, "the other to take over")
    gather(clients, 80)
    finished(clients)
    check(project, clients)
    shared = project.open()
    clicked = sum(len(c.clicked) for c in clients)
    learned = {"version": 0}

    def all_learned() -> bool:
        learned["version"] = sum(Policies(shared.policies.load())[k].version for k in ("home:adaptive",))
        return learned["version"] >= clicked

    until(all_learned, f"{clicked} outcomes learned, got {learned}")
    assert learned["version"] == clicked
    shared.close()


@pytest.mark.skipif("MICROMOMENTS_BROKERS" not in os.environ, reason="set MICROMOMENTS_BROKERS to start three brokers")
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
        clients = clients_of(project, 1, 4)
        project.start("work")
        gather(clients, 40)
        kafka.brokers[0].kill()
        gather(clients, 40)
        for broker in kafka.brokers[1:]:
            broker.kill()
        kafka.start()
        gather(clients, 40)
        finished(clients)
        check(project, clients)
    finally:
        project.end()
        kafka.stop()
