"""``micromoments consume``: events of a Kafka topic, taken to a server."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from micromoments.core.settings import topic_at
from micromoments.sources.called import NAME as TRACEPARENT
from micromoments.sources.kafka import calls

if TYPE_CHECKING:
    from micromoments.client import Client

MOST_BYTES = 400_000
"""Of one batch, below what the door takes."""
LOOK = 1.0
"""Seconds that a batch waits to become full."""
PATIENCE = 60.0
"""The longest seconds between tries while the server can't take a batch."""
FOREVER = (400, 401, 403, 404, 405, 413)
"""Statuses after which the same batch would be refused again."""


Message = tuple[str, bytes, str]
"""A message's place, its value, and its ``traceparent``."""


class Taken(NamedTuple):
    """What became of messages: events sent on, and set aside."""

    sent: int
    aside: int


def consume(
    topic: Annotated[str, typer.Argument(help="kafka://broker:9092/topic")],
    server: Annotated[str, typer.Argument(help="the server's address")] = "http://127.0.0.1:8000",
    group: Annotated[str, typer.Option(help="the consumer group, whose offsets are kept in Kafka")] = "micromoments",
    most: Annotated[int, typer.Option(help="events in a batch", min=1, max=2500)] = 500,
    until_end: Annotated[bool, typer.Option("--until-end", help="stop where the topic ends now")] = False,
) -> None:
    """Take a topic's events to a server: a message is a call in the Segment shape, a batch of them, or a CloudEvent.

    MICROMOMENTS_SECRET_KEY is the server's key, MICROMOMENTS_KAFKA further settings of librdkafka as JSON. An offset is
    kept once the server has the events on its disk; a call without messageId gets one from its place in the topic, so
    twice is once.
    """
    from importlib.util import find_spec

    if find_spec("confluent_kafka") is None:
        raise ValueError("got no Kafka library; install it: pip install 'micromoments[kafka]'")
    from micromoments.client import Client

    with Client(server, os.environ.get("MICROMOMENTS_SECRET_KEY", "")) as client:
        done = _run(topic, client, group, most, until_end=until_end)
    typer.echo(f"micromoments: {done.sent} events taken, {done.aside} messages set aside", err=True)
    if done.aside:
        raise typer.Exit(3)


def _run(topic: str, client: Client, group: str, most: int, *, until_end: bool) -> Taken:
    from confluent_kafka import Consumer, KafkaException

    brokers, name = topic_at(topic)
    told: dict[str, Any] = {
        "bootstrap.servers": brokers,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": until_end,
        "log_level": 0,
        **_further(os.environ.get("MICROMOMENTS_KAFKA") or "{}"),
    }
    try:
        consumer = Consumer(told)
    except KafkaException as error:
        raise ValueError(f"got settings that Kafka's library can't use: {error}; look at MICROMOMENTS_KAFKA") from None
    consumer.subscribe([name])
    stop: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
    sent = aside = 0
    try:
        for messages in _batches(consumer, most, stop):
            one = take(messages, client, stop)
            sent, aside = sent + one.sent, aside + one.aside
            if not stop:
                _keep(consumer, KafkaException)
    finally:
        signal.signal(signal.SIGTERM, before)
        consumer.close()
    return Taken(sent, aside)


def _further(text: str) -> dict[str, Any]:
    """Further settings.

    Raises:
        ValueError: they are no JSON object.
    """
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise ValueError('got MICROMOMENTS_KAFKA that is no JSON object; wanted {"security.protocol": "SSL", ...}')
    return told


def _keep(consumer: Any, failed: type[Exception]) -> None:
    """Keep the offsets; where another consumer took over meanwhile, it reads them again, and twice is once."""
    try:
        consumer.commit(asynchronous=False)
    except failed as error:
        typer.echo(f"micromoments: offsets could not be kept ({error}); what follows may be read again", err=True)


def _batches(consumer: Any, most: int, stop: Sequence[int]) -> Iterator[list[Message]]:
    """Messages, a batch at a time, until told to stop, or until every partition ended."""
    ended: set[int] = set()
    while not stop:
        batch: list[Message] = []
        for message in consumer.consume(most, LOOK):
            if (error := message.error()) is None:
                place = f"{message.topic()}/{message.partition()}/{message.offset()}"
                parent = dict(message.headers() or ()).get(TRACEPARENT) or b""
                batch.append((place, message.value() or b"", parent.decode("latin-1")))
                ended.discard(message.partition())
            elif error.name() == "_PARTITION_EOF":
                ended.add(message.partition())
            elif not error.retriable():
                raise OSError(f"got {error.str()} from Kafka; look at the topic and the brokers")
        if batch:
            yield batch
        elif ended and ended >= {p.partition for p in consumer.assignment()}:
            return


def take(messages: Iterable[Message], client: Client, stop: Sequence[int] = ()) -> Taken:
    """Send messages on, each named by its place; returns once the server has them on its disk."""
    sent = aside = size = 0
    batch: list[dict[str, Any]] = []
    for place, value, parent in messages:
        found = calls(place, value, parent)
        aside += not found
        for call in found:
            if batch and size + len(value) > MOST_BYTES:
                one = _post(batch, client, stop)
                sent, aside, batch, size = sent + one.sent, aside + one.aside, [], 0
            batch.append(call)
            size += len(value) // len(found)
    one = _post(batch, client, stop) if batch else Taken(0, 0)
    return Taken(sent + one.sent, aside + one.aside)


def _post(batch: list[dict[str, Any]], client: Client, stop: Sequence[int]) -> Taken:
    """One batch, tried until the server takes it; one that it refuses whole is halved until the wrong one is alone."""
    from time import sleep

    import httpx

    from micromoments.client import Refused

    wait = 0.5
    while not stop:
        try:
            answer = client.send(batch)
        except Refused as refused:
            if refused.status in (401, 403):
                raise ValueError(f"got {refused}; wanted MICROMOMENTS_SECRET_KEY, the server's secret key") from None
            if refused.status in FOREVER:
                if len(batch) == 1:
                    return Taken(0, 1)
                half = len(batch) // 2
                one, two = _post(batch[:half], client, stop), _post(batch[half:], client, stop)
                return Taken(one.sent + two.sent, one.aside + two.aside)
        except httpx.HTTPError:
            pass
        else:
            rejected = len(answer["rejected"])
            return Taken(len(batch) - rejected, rejected)
        sleep(wait)
        wait = min(PATIENCE, wait * 2)
    return Taken(0, 0)
