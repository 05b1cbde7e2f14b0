"""The doors over a cluster: the same conformance files, decisions and published clients as on one machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from micromoments.config import Cluster
from micromoments.core.settings import Budget, Recommend, Settings, Slot
from micromoments.engine.cluster.learner import Lead, Learner
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.wiring import open_shared
from micromoments.engine.cluster.worker import Worker
from micromoments.engine.service import now_ms
from micromoments.engine.tracing import Tracing
from micromoments.server.app import App
from micromoments.server.keys import Keys
from micromoments.stores.cluster.facts import RedisFacts
from tests.clients.conftest import SETTINGS, Shop
from tests.clients.relay import relay
from tests.clients.table import Row
from tests.clients.test_python import test_cloudevents as _cloudevents
from tests.clients.test_python import test_ofrep as _ofrep
from tests.clients.test_python import test_personalizer as _personalizer
from tests.clients.test_python import test_rudderstack as _rudderstack
from tests.clients.test_python import test_segment as _segment
from tests.clients.test_python import test_snowplow as _snowplow
from tests.cluster.project import until
from tests.cluster.test_log import project
from tests.server.asgi import SECRET_KEY, WRITE_KEY, Client
from tests.server.serving import running
from tests.server.test_real import test_conformance_files_are_read_back_from_the_log as _conformance
from tests.server.test_real import test_event_to_moment_to_decision_to_nothing as _to_nothing
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

test_segment, test_rudderstack, test_snowplow = _segment, _rudderstack, _snowplow
test_ofrep, test_personalizer, test_cloudevents = _ofrep, _personalizer, _cloudevents
test_conformance_files_are_read_back_from_the_log, test_event_to_moment_to_decision_to_nothing = (
    _conformance,
    _to_nothing,
)


@pytest.fixture
def cluster(kafka: Kafka, single: Redis, tmp_path: Path) -> Cluster:
    """A project of its own on one broker and one Redis."""
    return Cluster(
        kafka=kafka.address,
        redis=single.address,
        project=project(tmp_path),
        partitions=2,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "facts"),
    )


@pytest.fixture
def shop(cluster: Cluster, tmp_path: Path) -> Iterator[Shop]:
    """A server of the cluster behind a relay, with a slot, an experiment and two items."""
    app = App(Serving(open_shared(tmp_path, cluster, SETTINGS), now_ms), Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    with running(app) as (port, _), relay(port) as between:
        yield Shop(port, between)


@pytest.fixture
def seen() -> list[Row]:
    """Rows that no table takes."""
    return []


@pytest_asyncio.fixture
async def worker(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Worker]:
    """A worker that runs."""
    settings = Settings(
        consent=("measure", "personalise"),
        slots={"home": Slot(), "offers": Slot(limit=1)},
        budgets={"spring": Budget(units=3)},
    )
    worker = Worker(open_shared(tmp_path, cluster, settings), now_ms)
    stopping, begun = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def ready() -> None:
        """Work has begun."""
        loop.call_soon_threadsafe(begun.set)

    task = loop.create_task(worker.run(stopping, ready))
    await begun.wait()
    yield worker
    stopping.set()
    await task


@pytest.fixture
def engine(worker: Worker) -> Serving:
    """A server of a cluster in which a worker runs."""
    return worker.serving


@pytest.fixture
def real(engine: Serving) -> Client:
    """Its doors, asked by the business's own server."""
    return door(engine)


def door(server: Serving) -> Client:
    """A server's doors, asked with the secret key."""
    return Client(App(server, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms)), f"Bearer {SECRET_KEY}")


async def test_another_server_sees_what_was_sent_a_moment_before(cluster: Cluster, tmp_path: Path) -> None:
    """Two servers and no worker: what one accepted counts in the other's decision at once, linked ids too, and what
    is sent again is told apart.
    """
    servers = [Serving(open_shared(tmp_path, cluster, Settings()), now_ms) for _ in range(2)]
    one, other = map(door, servers)
    for server in servers:
        await server.start()
    search = {
        "anonymousId": "a",
        "event": "Products Searched",
        "properties": {"query": "trail shoes"},
        "messageId": "m1",
    }
    assert (await one("POST", "/v1/track", search)).status == 200
    assert (await other("POST", "/v1/track", search)).status == 200
    assert [server.duplicates for server in servers] == [0, 1]
    decided = (await other("POST", "/v1/decide", {"anonymousId": "a", "slot": "home"})).json
    assert decided["moment"]["need"]["query"] == "trail shoes"
    await one("POST", "/v1/identify", {"anonymousId": "a", "userId": "ana"})
    (moment,) = (await other("GET", "/v1/people/ana/moments")).json["moments"]
    assert moment["id"] == decided["moment"]["id"]
    for server in servers:
        await server.stop()


async def test_what_somebody_buys_again_comes_back_on_any_server(cluster: Cluster, tmp_path: Path) -> None:
    """Three purchases that one server accepted, and no worker folded yet: another proposes the fourth."""
    servers = [Serving(open_shared(tmp_path, cluster, Settings(consent=("personalise",))), now_ms) for _ in range(2)]
    one, other = map(door, servers)
    for server in servers:
        await server.start()
    assert (await one("PUT", "/v1/items", [{"id": "oil", "kind": "product", "title": "Oil"}])).json["rejected"] == []
    await servers[1].follower.look()
    for days in (61, 41, 21):
        at = datetime.fromtimestamp(time.time() - 86_400 * days, tz=UTC).isoformat()
        order = {"order_id": f"o{days}", "products": [{"product_id": "oil"}]}
        said = {"userId": "ana", "event": "Order Completed", "properties": order, "timestamp": at}
        assert (await one("POST", "/v1/track", {**said, "messageId": f"m{days}"})).status == 200
    (served,) = (await other("POST", "/v1/decide", {"userId": "ana", "slot": "home"})).json["items"]
    assert "you buy this about every 20 days" in served["reasons"]
    for server in servers:
        await server.stop()


async def test_a_decision_asked_twice_at_once_is_made_once(cluster: Cluster, tmp_path: Path) -> None:
    """The same decisionId at two servers in the same moment gives the same answer; another body is refused."""
    servers = [Serving(open_shared(tmp_path, cluster, Settings()), now_ms) for _ in range(2)]
    doors = [door(server) for server in servers]
    for server in servers:
        await server.start()
    items = [{"id": f"p{n}", "kind": "product", "title": f"Shoe {n}"} for n in range(9)]
    await doors[0]("PUT", "/v1/items", items)
    ask = {"anonymousId": "a", "slot": "home", "decisionId": "d1"}
    answers = await asyncio.gather(*(one("POST", "/v1/decide", ask) for one in doors * 3))
    assert {tuple(i["id"] for i in answer.json["items"]) for answer in answers} == {
        tuple(i["id"] for i in answers[0].json["items"])
    }
    refused = await doors[1]("POST", "/v1/decide", {**ask, "slot": "other"})
    assert refused.status == 409
    for server in servers:
        await server.stop()


async def test_a_policy_that_fails_is_no_error(cluster: Cluster, tmp_path: Path) -> None:
    """A slot whose policy fails is decided by the default, as on one machine, and says so."""
    server = Serving(open_shared(tmp_path, cluster, Settings()), now_ms)
    await server.start()
    ask = door(server)
    await ask("PUT", "/v1/items", [{"id": "p1", "kind": "product", "title": "Shoe"}])

    class Broken:
        """A policy that somebody wrote."""

        name, version = "adaptive", 1

    server.follower.brain._policies["home:adaptive"] = Broken()  # type: ignore[assignment]
    answer = await ask("POST", "/v1/decide", {"anonymousId": "a", "slot": "home"})
    assert (answer.status, answer.json["policy"]["name"]) == (200, "popular")
    assert "policy_failed" in answer.json["degraded"]
    assert [item["id"] for item in answer.json["items"]] == ["p1"]
    await server.stop()


async def test_a_budget_is_never_over_on_two_servers(cluster: Cluster, tmp_path: Path) -> None:
    """Twelve decisions at once over two servers take the three units that there are, and no more."""
    settings = Settings(slots={"offers": Slot(limit=1)}, budgets={"spring": Budget(units=3)})
    servers = [Serving(open_shared(tmp_path, cluster, settings), now_ms) for _ in range(2)]
    doors = [door(server) for server in servers]
    for server in servers:
        await server.start()
    offer = {"id": "o1", "kind": "offer", "title": "A tenth off", "attributes": {}, "budget": "spring"}
    assert (await doors[0]("PUT", "/v1/items", [offer])).json["rejected"] == []
    await servers[1].follower.look()
    assert servers[1].catalog.get("o1") is not None
    asks = [doors[n % 2]("POST", "/v1/decide", {"anonymousId": f"a{n}", "slot": "offers"}) for n in range(12)]
    answers = await asyncio.gather(*asks)
    assert sum(len(answer.json["items"]) for answer in answers) == 3
    for server in servers:
        await server.stop()


async def test_what_the_learner_learns_of_sessions_every_server_recommends_by(cluster: Cluster, tmp_path: Path) -> None:
    """A table is learned from the workers' facts in a process of its own, and in force on a server that runs, on one
    that starts, and at the next learner.
    """
    settings = Settings(consent=("measure", "personalise"), recommend=Recommend(least_sessions=40))
    worker = Worker(open_shared(tmp_path, cluster, settings), now_ms)
    stopping, begun = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def ready() -> None:
        """Work has begun."""
        loop.call_soon_threadsafe(begun.set)

    task = loop.create_task(worker.run(stopping, ready))
    await begun.wait()
    ask = door(worker.serving)
    looks = [
        {"type": "track", "userId": f"u{n}", "messageId": f"m{n}{side}", "event": "Product Viewed",
         "properties": {"product_id": f"{side}{n % 4}"}}
        for n in range(40)
        for side in ("left", "right")
    ]  # fmt: skip
    assert (await ask("POST", "/v1/batch", {"batch": looks})).status == 200
    shared = open_shared(tmp_path, cluster, settings)

    def there() -> int:
        """Facts of events that the workers have committed."""
        with RedisFacts(shared.database, cluster.facts).query() as query:
            return int(query("SELECT count(*) AS n FROM events")[0]["n"])

    def learn() -> None:
        """Wait for all facts, then for what is learned from them."""
        while there() < len(looks):
            time.sleep(0.1)
        lead.rounds.begin()
        while lead.rounds.learning:
            time.sleep(0.1)
            lead.rounds.look()

    lease = shared.lease("learn", 600_000)
    assert lease.hold()
    lead = Lead(shared, lease, now_ms, Learner(shared, now_ms))
    await asyncio.to_thread(learn)
    fresh = Serving(open_shared(tmp_path, cluster, settings), now_ms)
    await fresh.start()
    await worker.serving.follower.look()
    lead._follow()
    assert lead._write()
    again = Lead(shared, lease, now_ms, Learner(shared, now_ms))
    foreseen = {one.foreseen_at for one in (worker.serving.catalog, fresh.catalog, lead._catalog, again._catalog)}
    assert len(foreseen) == 1
    assert min(foreseen) > 0
    await fresh.stop()
    shared.close()
    stopping.set()
    await task


async def test_an_event_keeps_its_callers_trace_on_its_way_to_a_worker(worker: Worker, engine: Serving) -> None:
    """What came to a server in a caller's trace is, once a worker has folded it, a span below the caller's."""
    exporter = InMemorySpanExporter()
    app = App(engine, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    worker.traced = app.collector.traced = Tracing(SimpleSpanProcessor(exporter))
    search = {"anonymousId": "called", "event": "Products Searched", "properties": {"query": "buy trail shoes"}}
    parent = ("traceparent", "00-000000000000000000000000000000c1-00000000000000d1-01")
    reply = await Client(app, f"Bearer {SECRET_KEY}")("POST", "/v1/track", search, headers=[parent])
    assert reply.status == 200
    await asyncio.to_thread(until, lambda: len(exporter.get_finished_spans()) == 2, "the span in either trace")
    ours, theirs = sorted(
        exporter.get_finished_spans(), key=lambda s: s.context is not None and s.context.trace_id == 0xC1
    )
    assert theirs.parent is not None
    assert theirs.parent.span_id == 0xD1
    assert [link.context for link in theirs.links] == [ours.context]
    assert [link.context for link in ours.links] == [theirs.context]


async def test_one_trace_from_event_to_outcome(worker: Worker, real: Client) -> None:
    """What a server takes and answers and a worker folds is one trace: the search, the decision for it, its click."""
    exporter = InMemorySpanExporter()
    worker.traced = Tracing(SimpleSpanProcessor(exporter))
    assert (await real("PUT", "/v1/items", [{"id": "p1", "kind": "product", "title": "Trail shoe"}])).status == 200
    search = {"anonymousId": "a", "event": "Products Searched", "properties": {"query": "buy trail shoes"}}
    assert (await real("POST", "/v1/track", search)).status == 200
    decided = (await real("POST", "/v1/decide", {"anonymousId": "a", "slot": "home"})).json
    said = {"decision_id": decided["decisionId"], "item_id": decided["items"][0]["id"]}
    click = {"anonymousId": "a", "event": "Decision Clicked", "properties": said}
    assert (await real("POST", "/v1/track", click)).status == 200
    names = ("Products Searched", "decide home", "clicked")
    await asyncio.to_thread(until, lambda: {*names} <= {s.name for s in exporter.get_finished_spans()}, "the spans")
    spans = {s.name: s for s in exporter.get_finished_spans()}
    of = [spans[name].context for name in names]
    assert len({one.trace_id for one in of if one is not None}) == 1
    assert of[1] is not None
    assert spans["clicked"].parent is not None
    assert spans["clicked"].parent.span_id == of[1].span_id
