"""The log on Kafka: a partition is a log of its own, whose positions are its offsets.

One producer a process, idempotent, acknowledged by every replica in sync before ``append`` returns. No transactions, as
their markers would leave gaps in the offsets. Each record is a message, sealed with the key of the id that it was sent
under (``vault``); items and activations are nobody's, and go as they are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from threading import Event, Lock, RLock, Thread
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from micromoments.core.event import Millis
from micromoments.core.record import Logged, Record
from micromoments.ports import StoreError, Whose, nobodys
from micromoments.stores.cluster.messages import Message, messages_of, opened
from micromoments.stores.cluster.vault import Vault

DELIVERY = 15.0
"""Seconds until what no broker acknowledged has failed; the client is told to send it again."""
PATIENCE = 20.0
"""Seconds to wait for an answer of a broker when reading."""
_BEGINNING = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
)
"""What is said of a partition just made: by its broker, or by the client, of a broker that has not heard of it yet."""
_KEPT = {"retention.ms": "-1", "retention.bytes": "-1"}
"""How long the logs are kept: Kafka's own retention is off."""
Headers = list[tuple[str, bytes]]
"""What stands beside a message: (name, value)."""
NOTHING: Mapping[str, object] = {}
_QUIET = {"log_level": 0, "socket.keepalive.enable": True, "reconnect.backoff.max.ms": 1000}


class _Group:
    """Messages on their way: who produced them waits until each is acknowledged or has failed."""

    def __init__(self, count: int) -> None:
        self.offsets: list[int] = [-1] * count
        self.left = count
        self.done = Event()
        self.error: Any = None

    def heard(self, index: int, error: Any, message: Any) -> None:
        """What became of one message."""
        if error is not None:
            self.error = error
        else:
            self.offsets[index] = message.offset()
        self.left -= 1
        if not self.left:
            self.done.set()


class _Trouble:
    """What the library said of a connection last, such as that the password is wrong."""

    text = ""

    def __call__(self, error: Any) -> None:
        """Hear it."""
        if error.name() not in ("_ALL_BROKERS_DOWN", "_TRANSPORT") or not self.text:  # these say less
            self.text = f"; the last trouble was {error.name()}: {error.str()}"


class Broker:
    """A process's producer to one Kafka; every topic and partition goes through it. Safe for several threads.

    Args:
        address: brokers, with commas. secret: librdkafka's own settings of how to get in, such as ``sasl.username``.

    Raises:
        ValueError: librdkafka can't use one of them.
    """

    def __init__(self, address: str, secret: Mapping[str, object] = NOTHING) -> None:
        self.address = address
        self._trouble = _Trouble()
        self.connection: dict[str, Any] = {"bootstrap.servers": address, **_QUIET, **secret, "error_cb": self._trouble}
        """What every client of this process begins with."""
        self._lock = Lock()
        self._producer = self._made()
        self._closed = False
        self._thread = Thread(target=self._poll, name="micromoments-kafka", daemon=True)
        self._thread.start()
        self.groups = 0

    def _made(self) -> Any:
        config = {
            **self.connection,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 0.5,
            "delivery.timeout.ms": round(DELIVERY * 1000),
            "request.timeout.ms": 5000,
            "retry.backoff.ms": 50,
            "queue.buffering.max.messages": 200_000,
        }
        try:
            return Producer(config)
        except KafkaException as error:
            raise ValueError(f"got a kafka_secret that Kafka's library can't use: {error.args[0].str()}") from None

    def _poll(self) -> None:
        while not self._closed:
            self._producer.poll(0.1)

    def produce(self, messages: Sequence[Message], headers: Sequence[Headers] = ()) -> list[int]:
        """Write messages, each with its headers where some are given; returns their offsets when every replica in sync
        has them.

        Raises:
            StoreError: a broker did not acknowledge one in ``DELIVERY`` seconds; others, and that one too, may be
                there.
        """
        group = _Group(len(messages))
        if not messages:
            return []
        for index, message in enumerate(messages):
            self._hand_over(group, index, message, headers[index] if headers else None)
        self._producer.poll(0)
        if not group.done.wait(DELIVERY + 5) or group.error is not None:
            self._anew(group.error)
            raise StoreError(
                f"Kafka at {self.address} did not take a record: {group.error or 'no answer'}{self._trouble.text}; "
                "look at the brokers, then send it again"
            )
        self.groups += 1
        self._trouble.text = ""
        return group.offsets

    def _hand_over(self, group: _Group, index: int, message: Message, headers: Headers | None) -> None:
        topic, partition, key, body, at = message

        def heard(error: Any, message: Any) -> None:
            group.heard(index, error, message)

        until = time.monotonic() + DELIVERY
        while True:
            try:
                self._producer.produce(topic, body, key, partition, heard, timestamp=max(0, at), headers=headers)
                return
            except BufferError:
                if time.monotonic() > until:
                    raise StoreError("Kafka takes nothing: too much is on its way; slow down, then retry") from None
                time.sleep(0.01)
            except KafkaException as error:
                self._anew(error.args[0])
                raise StoreError(f"Kafka at {self.address} refused a record: {error}; retry") from error

    def _anew(self, error: Any) -> None:
        """After an error that a producer doesn't get over, another takes its place."""
        if error is not None and hasattr(error, "fatal") and error.fatal():
            with self._lock:
                self._producer = self._made()

    def make(self, topics: dict[str, int], copies: int, in_sync: int, kept: Mapping[str, str] = _KEPT) -> None:
        """Make those topics (name to partitions) that there aren't. Unless ``kept`` says how long records stay, Kafka's
        own retention is off: what may be forgotten is known by the engine, which trims.

        Raises:
            StoreError: Kafka can't be reached, or refuses.
        """
        with self._asking("making topics") as admin:
            there = admin.list_topics(timeout=PATIENCE).topics
            config = {**kept, "min.insync.replicas": str(in_sync)}
            new = [NewTopic(t, n, copies, config=config) for t, n in topics.items() if t not in there]
            for name, future in admin.create_topics(new, request_timeout=PATIENCE).items() if new else ():
                try:
                    future.result()
                except KafkaException as error:
                    if "TOPIC_ALREADY_EXISTS" not in str(error):
                        raise StoreError(f"topic {name} can't be made: {error}; look at the brokers") from error
            until = time.monotonic() + PATIENCE
            while not all(_led(admin, t, n) for t, n in topics.items()):
                if time.monotonic() > until:
                    raise StoreError(f"topics {', '.join(topics)} have no leader yet; wait for the brokers, then retry")
                time.sleep(0.05)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has; waits for a broker that hasn't heard of it yet.

        Raises:
            StoreError: Kafka can't be reached, or has no such topic.
        """
        with self._asking("asking for a topic") as admin:
            until = time.monotonic() + PATIENCE
            while not (found := len(admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions)):
                if time.monotonic() > until:
                    raise StoreError(f"no broker knows topic {topic}; wait for the brokers, then retry")
                time.sleep(0.05)
            return found

    @contextmanager
    def _asking(self, what: str) -> Iterator[Any]:
        """Questions to the brokers themselves; an error says what the connections came to."""
        admin = AdminClient(dict(self.connection))
        with failing(what, self._said(admin)):
            yield admin

    def _said(self, client: Any) -> Callable[[], str]:
        def said() -> str:
            client.poll(0)  # so that it tells
            return self._trouble.text

        return said

    def close(self) -> None:
        """Let go of the connections; what was acknowledged is safe."""
        self._closed = True
        self._thread.join()
        self._producer.flush(1)


def _led(admin: Any, topic: str, count: int) -> bool:
    known = admin.list_topics(topic, timeout=PATIENCE).topics.get(topic)
    return (
        known is not None and len(known.partitions) >= count and all(p.leader >= 0 for p in known.partitions.values())
    )


class KafkaLog:
    """``ports.Log`` on one partition of one topic.

    What it can't do: a group isn't a unit once written (other processes' records may stand between, and trimming goes
    by record); a record whose ``append`` failed may be there all the same; ``erase`` destroys keys, so it doesn't know
    how many records they sealed, and doesn't reach what others' records say of a decision. ``later`` is for who may
    pass over what a newer release wrote.
    """

    def __init__(self, broker: Broker, topic: str, partition: int, vault: Vault, *, later: bool = False) -> None:
        self._later = later
        self._broker, self._topic, self._partition, self._vault = broker, topic, partition, vault
        self._writing = Lock()
        self._reading = RLock()
        self._consumer: Any = None
        self._next = -1

    def append(self, records: Sequence[Record]) -> int:
        """Write records and give the position of the first, when every replica in sync has all of them.

        Raises:
            StoreError: not all are known to be there; some may be.
        """
        if not records:
            return self.end()
        with self._writing:
            messages = messages_of(records, self._topic, [self._partition] * len(records), self._vault)
            return self._broker.produce(messages)[0]

    def read(self, start: int, limit: int = 10_000, only: Set[bytes] | None = None) -> Sequence[Logged]:
        """At most ``limit`` records from ``start`` on; from the oldest kept if it's gone. With ``only`` those whose key
        is among these hashes, and the last whatever it is.
        """
        found: list[Logged] = []
        with self._reading, failing(f"reading {self._topic}"):
            low, high = self._ends()
            start = max(low, start)
            until = time.monotonic() + PATIENCE
            while start < high and len(found) < limit and time.monotonic() < until:
                if self._next != start:
                    self._opened().assign([TopicPartition(self._topic, self._partition, start)])
                self._next = -1  # where the reader stands, should what comes not be opened
                messages = self._opened().consume(min(1000, limit - len(found), high - start), 0.5)
                if not messages:
                    self._next = start
                    continue
                last = messages[-1]
                found += opened(
                    [m for m in messages if only is None or m.key() in only or m is last], self._vault, self._later
                )
                start = self._next = found[-1].position + 1
        return found

    def only(self, hashes: Set[bytes]) -> Iterator[Logged]:
        """Every record whose key is among these hashes, in order."""
        start = 0
        while stretch := self.read(start, only=hashes):
            yield from (x for x in stretch if self._vault.hash(x.record.key) in hashes)
            start = stretch[-1].position + 1

    def end(self) -> int:
        """The position that the next record will get."""
        with self._reading, failing(f"asking for the end of {self._topic}"):
            return self._ends()[1]

    def _ends(self) -> tuple[int, int]:
        return ends_of(self._opened(), self._topic, self._partition)

    def _opened(self) -> Any:
        if self._consumer is None:
            self._consumer = Consumer(reading(self._broker.connection, f"{self._topic}.reader"))
        return self._consumer

    def trim(self, before: Millis, below: int, now: Millis) -> int:  # noqa: ARG002 a declared gap
        """Forget records that arrived before an instant and lie below a position, oldest first; give how many went."""
        with self._reading, failing(f"trimming {self._topic}"):
            low, high = self._ends()
            asked = TopicPartition(self._topic, self._partition, max(0, before))
            (young,) = self._opened().offsets_for_times([asked], timeout=PATIENCE)
            until = min(below, young.offset if young.offset >= 0 else high)
            if until <= low:
                return 0
            admin = AdminClient(dict(self._broker.connection))
            wanted = TopicPartition(self._topic, self._partition, until)
            for future in admin.delete_records([wanted]).values():
                future.result()
        return until - low

    def erase(
        self,
        keys: frozenset[str],
        mentions: frozenset[str],  # noqa: ARG002 a declared gap
        others: Whose = nobodys,  # noqa: ARG002 a declared gap
    ) -> int:
        """Destroy the keys that seal what was sent under these ids; give how many keys there were."""
        return self._vault.destroy(keys)

    def close(self) -> None:
        """Let go of the reader; the producer is the process's."""
        with self._reading:
            if self._consumer is not None:
                self._consumer.close()
                self._consumer = None


def ends_of(consumer: Any, topic: str, partition: int) -> tuple[int, int]:
    """The oldest offset that is kept, and the next; waits for a partition whose leader is just beginning."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=PATIENCE, cached=False)
        except KafkaException as error:
            if (not error.args[0].retriable() and error.args[0].code() not in _BEGINNING) or time.monotonic() > until:
                raise
        else:
            return int(low), int(high)
        time.sleep(0.05)


def reading(connection: Mapping[str, object], group: str) -> dict[str, object]:
    """How a consumer reads: from where it is told, in small waits, nothing committed behind our back."""
    return {
        **connection,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 50,
        "fetch.error.backoff.ms": 50,
        "isolation.level": "read_committed",
    }


@contextmanager
def failing(what: str, more: Callable[[], str] = str) -> Iterator[None]:
    """Kafka's errors as ``StoreError``s that say what was being done, and ``more``."""
    try:
        yield
    except KafkaException as error:
        raise StoreError(f"{what} on Kafka failed: {error}{more()}; look at the brokers, then retry") from error
