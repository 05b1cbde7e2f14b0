"""A project moves from its folder to a cluster and back, on real servers; what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import micromoments as mm
from micromoments.config import Cluster, load_cluster
from micromoments.core.event import Arrival, Event
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.engine.cluster.both import Moving, open_moving
from micromoments.engine.cluster.moving import Move
from micromoments.engine.cluster.returning import go_back
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.switching import rounds, switch
from micromoments.engine.cluster.tally import Held, alike, unlike
from micromoments.engine.cluster.wiring import open_shared
from micromoments.engine.cluster.worker import Worker
from micromoments.engine.service import now_ms
from micromoments.engine.wiring import asking, open_stores
from tests.cluster.counting import CONFIG, OUTCOMES, check, done, finished, folded
from tests.cluster.project import ITEMS, PATIENCE, Client, Project, Server, gather, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.timeout(1000)]


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project in a folder, with the table of the cluster that it will move to in a file beside."""
    (folder := tmp_path / "shop").mkdir()
    one = Project(folder, kafka, single, CONFIG, facts=str(tmp_path / "moved"))
    settings, table = (folder / "micromoments.toml").read_text().split("[cluster]")
    (folder / "micromoments.toml").write_text(settings)
    (folder / "cluster.toml").write_text(f"[cluster]{table}")
    yield one
    one.end()


def command(folder: Path, *options: str) -> subprocess.Popen[str]:
    """``micromoments migrate``, started."""
    words = [sys.executable, "-m", "micromoments", "migrate", str(folder), *options]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def migrated(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What both sides hold after a run of the command that did what it was asked."""
    with command(folder, *options, "--format", "json") as running:
        output, words = running.communicate()
    assert running.returncode == 0, words
    found: list[dict[str, Any]] = msgspec.json.decode(output)
    return found


def opened(folder: Path, table: Path) -> Moving:
    """Both sides, to look at."""
    cluster = load_cluster(table, os.environ)
    assert cluster is not None
    return open_moving(folder, cluster, Settings(), now_ms())


@pytest.mark.crash
def test_a_project_moves_to_a_cluster_and_back_while_clients_send(project: Project) -> None:
    """Copying is killed and run again, the folder's server stops for the switch, the cluster serves, everything goes
    back: each event, decision and click that was acknowledged anywhere is there in the end, once.
    """
    folder = project.folder
    server: Server = project.serve()
    until(lambda: server.call("PUT", "/v1/items", ITEMS) is not None, "items to be taken")
    clients = [Client([server], n, n) for n in range(4)]
    for one in clients:
        one.start()
    gather(clients, 80)

    with command(folder) as killed:
        moving = opened(folder, folder / "cluster.toml")
        until(lambda: moving.mark() is not None, "copying to begin")
        moving.shared.close()
        killed.kill()
    gather(clients, 40)
    held = migrated(folder, "--switch")
    assert all(one["same"] for one in held)
    assert {one["kind"]: one["cluster"] for one in held}["log"] >= 120

    server.process.wait(PATIENCE)  # type: ignore[union-attr] # it was told to end
    server.start()
    workers = [project.start("work"), project.start("learn")]
    gather(clients, 80)
    finished(clients)
    check(project, clients)

    more = [Client([server], n + 4, n + 4) for n in range(4)]
    for one in more:
        one.start()
    gather(more, 40)
    for worker in workers:
        assert worker.stop() == 0
    held = migrated(folder, "--back")
    assert all(one["same"] for one in held)
    assert server.stop() == 0  # it served until here, and took nothing more
    server.start()
    gather(more, 40)
    finished(more)
    assert server.stop() == 0
    in_folder(folder, clients + more)


def in_folder(folder: Path, clients: list[Client]) -> None:
    """Every event, decision and click that was acknowledged is a fact, and folded into whom it belongs to, once."""
    events = [e for c in clients for e in c.events]
    ask = asking(folder)
    assert ask("SELECT count(*) AS n FROM events", ()) == [{"n": len(events)}]
    assert {row["id"] for row in ask("SELECT id FROM decisions", ())} == {id for c in clients for id in c.decisions}
    clicked = [row["decision"] for row in ask(OUTCOMES.format("decision", "clicked"), ())]
    assert sorted(clicked) == sorted(id for c in clients for id in c.answered)
    stores = open_stores(folder, now=now_ms())
    try:
        names = {f"anon:{e['anonymousId']}" for e in events} | {f"user:u-{e['anonymousId']}" for e in events}
        assert folded(stores.state.load(sorted(names), [])[0]) == done(events)
    finally:
        stores.close()
    replayed = subprocess.run(
        [sys.executable, "-m", "micromoments", "replay", str(folder)], capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.slow
def test_who_is_erased_on_the_way_is_gone_on_both_sides(kafka: Kafka, single: Redis, tmp_path: Path) -> None:
    """One is erased from the folder after she was copied, one from the cluster: neither is found where they went."""
    cluster = Cluster(
        kafka=kafka.address,
        redis=single.address,
        project=f"p{os.getpid()}-erased",
        partitions=2,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "moved"),
    )
    folder = tmp_path / "shop"
    engine = mm.open(folder)
    engine.catalog.put([mm.Item(id="p1", kind="product", title="Trail shoe")])
    for name in ("ana", "bo", "cy"):
        engine.track(name, "Products Searched", {"query": f"shoes of {name}"})
    moving = open_moving(folder, cluster, Settings(), now_ms())
    move = Move(moving, folder, now_ms)
    copied = rounds(move, _unheard)
    assert not unlike(copied)
    with pytest.raises(ValueError, match="--switch"):
        open_shared(folder, cluster, Settings())
    engine.erase("ana")
    engine.close()
    settings = (folder / "micromoments.toml").read_text()
    table = f'{settings}\n[cluster]\nkafka = "{kafka.address}"\nredis = "{single.address}"\n'
    asyncio.run(switch(move, moving, folder, table, now_ms, _unheard))
    ends = {place: high for place, (_, high) in moving.copies.ends().items()}
    start = dict.fromkeys(moving.copies.places, 0)
    left = [r.key for *_, r in moving.copies.read(start, ends) if isinstance(r, EventRecord)]
    assert sorted(left) == ["user:bo", "user:cy"]
    assert moving.kinds["people"].ids() == {"user:bo", "user:cy"}
    with pytest.raises(ValueError, match="on a cluster"):
        mm.open(folder)

    asyncio.run(_bo_is_erased(cluster, tmp_path))
    alike(go_back(moving, folder, now_ms))
    with pytest.raises(ValueError, match="without"):
        open_shared(folder, cluster, Settings())
    moving.shared.close()
    with mm.open(folder) as engine:
        found = {name: engine.export(name) for name in ("ana", "bo", "cy", "di")}
    assert (found["ana"], found["bo"]) == (None, None)
    assert [len(found[name]["events"]) for name in ("cy", "di")] == [1, 1]  # type: ignore[arg-type,index]


async def _bo_is_erased(cluster: Cluster, folder: Path) -> None:
    """On the cluster somebody new comes, and one who moved there is erased."""
    serving = Serving(open_shared(folder, cluster, Settings()), now_ms)
    worker = Worker(open_shared(folder, cluster, Settings()), now_ms)
    stopping, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(worker.run(stopping, ready.set))
    await serving.start()
    body = b'{"type":"track","messageId":"m-di","userId":"di","event":"Product Viewed"}'
    event = msgspec.json.decode(body, type=Event)
    await serving.collect([Arrival(occurred=now_ms(), message_id="m-di", body=body, event=event)])
    gone = await serving.erase("user:bo")
    assert gone["people"] == 1
    stopping.set()
    await working
    await serving.stop()


def _unheard(_name: str, _held: list[Held]) -> None:
    """Nobody listens."""
