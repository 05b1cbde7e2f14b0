"""Kafka as a door: events come from a topic, deliveries and events go to one. On a real broker."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from micromoments.channels.kafka import KafkaChannel
from micromoments.core.delivery import Delivery
from micromoments.core.record import EventRecord
from micromoments.core.settings import Destination
from micromoments.engine.service import now_ms, open_service
from micromoments.ports import replay
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.serving import running
from tools.cluster import Kafka

QUIET = {"log_level": 0}
OWN = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}


def topic(kafka: Kafka, partitions: int = 2) -> str:
    """A new topic."""
    name = f"doors-{uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": kafka.address, **QUIET})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(60)
    return name


def delivery(id: str, data: dict[str, Any]) -> Delivery:
    """What a trigger or a forward hands over."""
    body = msgspec.json.encode(data)
    return Delivery(id=id, trigger="t", person="user:ana", surrogate=1, moment="", at=1, due=1, until=1, data=body)


def read(kafka: Kafka, name: str, count: int) -> list[tuple[bytes | None, dict[str, bytes], Any]]:
    """So many messages of a topic: key, headers, value."""
    consumer = Consumer(
        {"bootstrap.servers": kafka.address, "group.id": uuid4().hex, "auto.offset.reset": "earliest", **QUIET}
    )
    consumer.subscribe([name])
    found: list[tuple[bytes | None, dict[str, bytes], Any]] = []
    while len(found) < count:
        for message in consumer.consume(count, 60):
            assert message.error() is None
            headers = dict(message.headers() or [])
            found.append((message.key(), headers, json.loads(message.value() or b"null")))  # type: ignore[arg-type]
    consumer.close()
    return found


def consumed(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """One run of the command."""
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=240)


def test_deliveries_and_events_are_messages(kafka: Kafka) -> None:
    """A moment's news is one message under the person's key, a forward's batch one for each event, each with its id."""
    name = topic(kafka, 1)
    channel = KafkaChannel(Destination(kind="kafka", url=f"kafka://{kafka.address}/{name}", timeout_seconds=60), "")
    calls = [{"messageId": f"m{n}", "anonymousId": "a", "type": "track", "event": "Cart Viewed"} for n in range(3)]
    try:
        assert channel.send(delivery("dlv_1", {"type": "moment.opened"}), 5).taken
        assert channel.send(delivery("fwd_1", {"batch": calls}), 5).taken
    finally:
        channel.close()
    news, *events = read(kafka, name, 4)
    assert (news[0], news[1]["id"], news[2]) == (b"user:ana", b"dlv_1", {"type": "moment.opened"})
    assert [(key, headers["id"], value) for key, headers, value in events] == [
        (b"anon:a", call["messageId"].encode(), call) for call in calls
    ]


def test_a_broker_that_is_away_is_tried_again(kafka: Kafka) -> None:
    """Nobody at the address, and a topic that there isn't: not taken within its time, and to be tried again."""
    for url in ("kafka://127.0.0.1:1/x", f"kafka://{kafka.address}/{uuid4().hex}"):
        channel = KafkaChannel(Destination(kind="kafka", url=url, timeout_seconds=1), "")
        receipt = channel.send(delivery("dlv_1", {}), 5)
        channel.close()
        assert not receipt.taken
        assert receipt.again


async def test_a_topic_s_events_are_taken_once(kafka: Kafka, tmp_path: Path) -> None:
    """Calls, batches and CloudEvents of all partitions are in the server's log; what can't be read is set aside; read
    again from the beginning they are known already.
    """
    name = topic(kafka)
    producer = Producer({"bootstrap.servers": kafka.address, **QUIET})
    cart = {"type": "track", "event": "Cart Viewed"}
    cloud = {"specversion": "1.0", "id": "1", "source": "/t", "type": "Order Completed", "subject": "ana", "data": {}}
    told: list[Any] = [{**cart, "userId": f"u{n}"} for n in range(20)]
    told += [{"batch": [{**cart, "anonymousId": "a", "messageId": f"b{n}"} for n in range(3)]}, cloud]
    for n, one in enumerate(told):
        producer.produce(name, json.dumps(one), partition=n % 2)
    producer.produce(name, b"no json", partition=0)
    assert producer.flush(60) == 0
    service = open_service(tmp_path / "shop", None, now_ms)
    app = App(service, Keys(["wk"], ["a-secret-key"], clock=now_ms))
    with running(app) as (port, _):
        command = [sys.executable, "-m", "micromoments", "consume", f"kafka://{kafka.address}/{name}"]
        command += [f"http://127.0.0.1:{port}", "--until-end", "--most", "7", "--group"]
        environment = OWN | {"MICROMOMENTS_SECRET_KEY": "a-secret-key"}
        words = []
        for group in ("one", "one", "two"):
            done = await asyncio.to_thread(consumed, [*command, group], environment)
            words.append((done.returncode, done.stderr.strip()))
    assert words == [
        (3, "micromoments: 24 events taken, 1 messages set aside"),
        (0, "micromoments: 0 events taken, 0 messages set aside"),
        (3, "micromoments: 24 events taken, 1 messages set aside"),
    ]
    again = open_service(tmp_path / "shop", None, now_ms)
    try:
        kept = [one.record.message_id for one in replay(again._stores.log) if isinstance(one.record, EventRecord)]
    finally:
        await again.start()
        await again.stop()
    assert len(kept) == len(set(kept)) == 24
