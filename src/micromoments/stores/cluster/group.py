"""One worker among several that share the partitions of a topic: a Kafka consumer group.

Offsets that count lie in the state, committed with what was folded; Kafka's own are only for looking at the lag. A
partition that is given to this worker is read from where the state says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from micromoments.core.record import Logged
from micromoments.stores.cluster.log import PATIENCE, ends_of, failing, reading
from micromoments.stores.cluster.messages import opened
from micromoments.stores.cluster.vault import Vault

GATHER = 0.05
"""Seconds that more may come after the first record: many together cost little more to fold and commit than one."""
SESSION_MS = 10_000
"""How long a worker may be silent before its partitions go to others."""


class KafkaGroup:
    """A member of the group; ``poll`` is called by one thread, and everything happens in it.

    Args:
        connection, topic, name: which Kafka, topic, group. vault: opens what was sealed.
        given: called with a partition that is this worker's now; gives the offset to read from.
        taken: called with partitions that go to others, before they do; what is under way must end in it.
    """

    def __init__(
        self,
        connection: Mapping[str, object],
        topic: str,
        name: str,
        vault: Vault,
        given: Callable[[int], int],
        taken: Callable[[Sequence[int]], None],
    ) -> None:
        self._topic, self._vault, self._given, self._taken = topic, vault, given, taken
        config = reading(connection, name) | {
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": 1000,
            "max.poll.interval.ms": 300_000,
            "partition.assignment.strategy": "range",
            "queued.max.messages.kbytes": 65_536,
        }
        self._consumer: Any = Consumer(config)
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        self.partitions: set[int] = set()

    def _assigned(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            one.offset = self._given(one.partition)
            self.partitions.add(one.partition)
        consumer.assign(list(partitions))

    def _revoked(self, consumer: Any, partitions: Sequence[TopicPartition]) -> None:
        gone = [one.partition for one in partitions]
        self.partitions.difference_update(gone)
        self._taken(gone)
        consumer.unassign()

    def poll(self, limit: int, seconds: float) -> dict[int, list[Logged]]:
        """What has come, by partition in order: at most ``limit`` records, after at most so many seconds.

        Raises:
            StoreError: a broker can't be read from; Corrupt: a record fails its checksum.
        """
        with failing(f"reading {self._topic}"):
            messages = self._consumer.consume(1, seconds)
            if messages and limit > 1:
                messages += self._consumer.consume(limit - 1, GATHER)
        found: dict[int, list[Logged]] = {}
        good = [m for m in messages if m.error() is None]
        for message, logged in zip(good, opened(messages, self._vault), strict=True):
            if message.partition() in self.partitions:
                found.setdefault(message.partition(), []).append(logged)
        return found

    def again(self, partition: int, offset: int) -> None:
        """Read a partition from there again."""
        with failing(f"reading {self._topic}"):
            self._consumer.seek(TopicPartition(self._topic, partition, offset))

    def oldest(self, partition: int) -> int:
        """The position of the oldest record that Kafka keeps of a partition."""
        with failing(f"reading {self._topic}"):
            low, _ = ends_of(self._consumer, self._topic, partition)
        return low

    def folded(self, partition: int, offset: int) -> None:
        """Tell Kafka how far this group has come in a partition: for whoever looks at the lag."""
        try:
            self._consumer.commit(offsets=[TopicPartition(self._topic, partition, offset)], asynchronous=True)
        except KafkaException:
            return  # the offset that counts is the state's

    def lag(self, folded: Mapping[int, int]) -> int:
        """How many records lie beyond these offsets of this worker's partitions, as far as it knows."""
        behind = 0
        with failing(f"asking how far {self._topic} is read"):
            for partition, offset in folded.items():
                one = TopicPartition(self._topic, partition)
                _, high = self._consumer.get_watermark_offsets(one, timeout=PATIENCE, cached=True)
                behind += max(0, high - offset)
        return behind

    def close(self) -> None:
        """Leave the group at once, so that others take over without waiting."""
        self._consumer.close()
