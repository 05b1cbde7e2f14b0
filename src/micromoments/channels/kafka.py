"""Deliveries and events to a Kafka topic: each a message, under the person's key, with its id as the header ``id``.

Source: librdkafka, "CONFIGURATION.md" and "INTRODUCTION.md" (idempotent producer). Needs the extra ``kafka``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from micromoments.core.delivery import Delivery, Receipt, later, never, taken
from micromoments.core.event import Millis
from micromoments.core.settings import Destination, topic_at


class Sent(NamedTuple):
    """One message."""

    key: str
    id: str
    value: bytes


class KafkaChannel:
    """One topic, ``kafka://broker:9092,other:9092/topic``; a message counts once every replica in sync has it.

    Args:
        destination: ``url`` names the brokers and the topic.
        secret: librdkafka's own settings as a JSON object (``security.protocol``, ``sasl.username``); may be empty.

    Raises:
        ValueError: the library is not installed, or refuses a setting.
    """

    def __init__(self, destination: Destination, secret: str) -> None:
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError:
            raise ValueError("got kind = kafka without its library; pip install 'micromoments[kafka]'") from None
        self._brokers, self._topic = topic_at(destination.url)
        self._seconds = destination.timeout_seconds
        try:
            more: dict[str, Any] = msgspec.json.decode(secret, type=dict[str, Any]) if secret else {}
            self._producer = Producer(
                {
                    "bootstrap.servers": self._brokers,
                    "enable.idempotence": True,
                    "acks": "all",
                    "delivery.timeout.ms": max(1000, round(1000 * self._seconds)),
                    "request.timeout.ms": max(1000, round(1000 * self._seconds) // 2),
                    "linger.ms": 1,
                    "log_level": 0,
                    **more,
                }
            )
        except (KafkaException, msgspec.DecodeError) as error:
            raise ValueError(f"got a secret that Kafka's library can't use: {error}"[:200]) from None

    def send(self, delivery: Delivery, now: Millis) -> Receipt:  # noqa: ARG002 the port has it
        """Hand over the messages; what no broker acknowledged in the destination's time is tried again, all of it."""
        sent, failed = messages(delivery), list[Any]()
        left = [len(sent)]

        def heard(error: Any, _message: Any) -> None:
            left[0] -= 1
            if error is not None:
                failed.append(error)

        try:
            for one in sent:
                headers: dict[str, str | bytes | None] = {"id": one.id}
                self._producer.produce(self._topic, one.value, one.key or None, headers=headers, on_delivery=heard)
            self._producer.flush(self._seconds + 1)
        except BufferError:
            return later("the producer's queue is full")
        except Exception as error:  # noqa: BLE001 - whatever the library calls it
            return never(f"{type(error).__name__}: {error}"[:200])
        if failed:
            # Too large, or not what the topic takes: no later try mends it.
            lasting = all(error.name() in ("MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD") for error in failed)
            return never(str(failed[0])[:200]) if lasting else later(str(failed[0])[:200])
        return taken() if not left[0] else later("no broker answered in time")

    def close(self) -> None:
        """Wait a little for what is on its way."""
        self._producer.flush(1)


def messages(delivery: Delivery) -> list[Sent]:
    """A delivery's news as one message, or each of its events as one, under its person's id as sent."""
    if not delivery.events:
        return [Sent(delivery.person, delivery.id, delivery.data)]
    calls = msgspec.json.decode(delivery.data)["batch"]
    return [Sent(_key(call), str(call["messageId"]), msgspec.json.encode(call)) for call in calls]


def _key(call: dict[str, Any]) -> str:
    for name, kind in (("anonymousId", "anon"), ("userId", "user")):
        if call.get(name):
            return f"{kind}:{call[name]}"
    return ""
