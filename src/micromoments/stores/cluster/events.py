"""All events of a project: a topic of many partitions, to each of which an id belongs for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer

from micromoments.core.record import Logged, Record
from micromoments.stores.cluster.log import Broker, KafkaLog, ends_of, failing, reading
from micromoments.stores.cluster.messages import messages_of
from micromoments.stores.cluster.vault import Vault


class Events:
    """The partitions of a topic as one place to write to; each is a ``KafkaLog`` to read."""

    def __init__(self, broker: Broker, topic: str, partitions: int, vault: Vault) -> None:
        self.broker, self.topic, self.count, self._vault = broker, topic, partitions, vault

    def partition(self, key: str) -> int:
        """The partition of a source id."""
        return int.from_bytes(self._vault.hash(key)[:8], "big") % self.count

    def append(self, records: Sequence[Record]) -> list[int]:
        """Write records, each to its id's partition; their offsets there, when every replica in sync has them.

        Raises:
            StoreError: not all are known to be there; some may be.
        """
        partitions = [self.partition(r.key) for r in records]
        return self.broker.produce(messages_of(records, self.topic, partitions, self._vault))

    def log(self, partition: int) -> KafkaLog:
        """One partition as a log."""
        return KafkaLog(self.broker, self.topic, partition, self._vault)

    def ends(self) -> dict[int, int]:
        """The offset that the next record of each partition will get."""
        with failing(f"asking for the ends of {self.topic}"):
            consumer = Consumer(reading(self.broker.connection, f"{self.topic}.ends"))
            try:
                return {partition: ends_of(consumer, self.topic, partition)[1] for partition in range(self.count)}
            finally:
                consumer.close()

    def since(self, ends: Mapping[int, int]) -> Iterator[Logged]:
        """Every record that came after these ends and before now, partition by partition."""
        for partition, after in ends.items():
            start, log = after, self.log(partition)
            try:
                end = log.end()
                while start < end and (stretch := log.read(start, end - start)):
                    yield from stretch
                    start = stretch[-1].position + 1
            finally:
                log.close()

    def of(self, keys: Sequence[str]) -> Iterator[Logged]:
        """Every record under these ids that is still kept. Reads their partitions whole, and opens what is theirs."""
        hashes = {self._vault.hash(key) for key in keys}
        for partition in sorted({self.partition(key) for key in keys}):
            log = self.log(partition)
            try:
                yield from log.only(hashes)
            finally:
                log.close()
