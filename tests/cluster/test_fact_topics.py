"""Facts as Kafka topics: each message is as its schema says, none is missing, and the erased are said to be gone."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from micromoments.config import Cluster
from micromoments.core.event import Arrival, Event
from micromoments.core.fact import TABLES
from micromoments.core.settings import Settings
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.cluster.worker import Worker
from micromoments.engine.service import now_ms
from micromoments.stores.cluster.fact_topics import schema
from micromoments.stores.cluster.log import ends_of, reading
from tests.cluster.project import until
from tests.cluster.test_log import project
from tools.cluster import Kafka, Redis

jsonschema: Any = pytest.importorskip("jsonschema")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SCHEMAS = Path(__file__).parents[2] / "docs" / "reference" / "facts.schema.json"
SETTINGS = Settings(consent=("measure", "personalise"))


def test_the_schemas_of_the_documentation_are_those_of_the_code() -> None:
    """What is documented of each table's messages is what is sent; `python tools/write_schema.py` writes it anew."""
    assert json.loads(SCHEMAS.read_text()) == {table: schema(table) for table in TABLES}


def test_facts_go_to_topics_and_the_erased_are_said_to_be_gone(kafka: Kafka, single: Redis, tmp_path: Path) -> None:
    """Every fact that the project has is in its topic, also after sealing; an erasure empties the person's keys."""
    cluster = Cluster(
        kafka=kafka.address,
        redis=single.address,
        project=project(tmp_path),
        partitions=2,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "facts"),
        fact_topics=True,
    )
    asyncio.run(_ana_and_bo(cluster, tmp_path))
    shared = open_shared(tmp_path, cluster, SETTINGS)
    shared.publish()
    sent = {table: newest(kafka, f"{cluster.project}.facts.{table}") for table in TABLES}
    for table in TABLES:
        for fact in sent[table].values():
            jsonschema.validate(fact, json.loads(SCHEMAS.read_text())[table])
        assert sent[table] == asked(shared, table)
    assert {len(sent[table]) for table in ("events", "moments")} == {2}

    shared.stores.facts().seal(2**62)
    (ana,) = {fact["surrogate"] for fact in sent["events"].values() if fact["query"] == "shoes of ana"}
    shared.stores.facts().erase(frozenset({ana}))
    left = newest(kafka, f"{cluster.project}.facts.events")
    assert [fact and fact["query"] for fact in left.values()].count(None) == 1
    assert {id: fact for id, fact in left.items() if fact is not None} == asked(shared, "events")
    shared.close()


async def _ana_and_bo(cluster: Cluster, folder: Path) -> None:
    """Two search for shoes."""
    serving = Serving(open_shared(folder, cluster, SETTINGS), now_ms)
    worker = Worker(open_shared(folder, cluster, SETTINGS), now_ms)
    stopping, ready = asyncio.Event(), asyncio.Event()
    working = asyncio.create_task(worker.run(stopping, ready.set))
    await serving.start()
    for name in ("ana", "bo"):
        told: dict[str, Any] = {"type": "track", "userId": name, "event": "Products Searched"}
        told["properties"] = {"query": f"shoes of {name}"}
        body = json.dumps(told).encode()
        event = msgspec.json.decode(body, type=Event)
        await serving.collect([Arrival(occurred=now_ms(), message_id=f"m-{name}", body=body, event=event)])
    await asyncio.to_thread(until, lambda: worker.applied >= 2, "both to be folded")
    stopping.set()
    await working
    await serving.stop()


def asked(shared: Shared, table: str) -> dict[str, Any]:
    """The facts of a table as the reports see them, by id."""
    with shared.stores.facts().query() as ask:  # type: ignore[attr-defined] # as the reports do
        return {row["id"]: row for row in ask(f"SELECT * FROM {table}")}


def newest(kafka: Kafka, topic: str) -> dict[str, Any]:
    """The last message of each key of a topic, of those of one key that of the highest version."""
    consumer = Consumer(reading({"bootstrap.servers": kafka.address}, "facts"))
    named = f"micromoments.facts.{topic.rpartition('.')[2]}/1".encode()
    found: dict[str, Any] = {}
    for partition in range(2):
        low, high = ends_of(consumer, topic, partition)
        consumer.assign([TopicPartition(topic, partition, low)])
        while low < high:
            for message in consumer.consume(100, 1.0):
                assert message.error() is None
                low = (message.offset() or 0) + 1
                body, key = message.value(), (message.key() or b"").decode()
                fact = json.loads(body) if body else None
                assert fact is None or message.headers() == [("schema", named)]
                before = found.get(key)
                if fact is None or before is None or fact["version"] >= before["version"]:
                    found[key] = fact
    consumer.close()
    return found
