"""All events of a project: a topic of many partitions, to each of which an id belongs for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from micromoments.core.record import Logged, Record
from micromoments.stores.cluster.log import Broker, KafkaLog, messages_of
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

    def of(self, keys: Sequence[str]) -> Iterator[Logged]:
        """Every record under these ids that is still kept. Reads their partitions whole, and opens what is theirs."""
        hashes = {self._vault.hash(key) for key in keys}
        for partition in sorted({self.partition(key) for key in keys}):
            log = self.log(partition)
            try:
                yield from log.only(hashes)
            finally:
                log.close()
