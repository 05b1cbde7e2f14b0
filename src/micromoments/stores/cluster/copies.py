"""A folder's log on Kafka: each message says which position it had there, so a copy that was cut short goes on where it
was, and what is there can be held against the folder's. Also the way back, and the fence before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupState, TopicPartition, admin

from micromoments.core.record import (
    ActivationRecord,
    ErasedRecord,
    ItemRecord,
    Logged,
    OutcomeRecord,
    Record,
)
from micromoments.ports import StoreError
from micromoments.stores.cluster.events import Events
from micromoments.stores.cluster.log import (
    PATIENCE,
    Broker,
    KafkaLog,
    ends_of,
    failing,
    reading,
)
from micromoments.stores.cluster.messages import messages_of, opened
from micromoments.stores.cluster.vault import Vault

FROM = "from"
"""The header that says which position a record had in the folder's log."""
Place = tuple[str, int]
"""A topic and a partition of it."""
AT_ONCE = 1000


kafka: Any = admin
"""Its names are there, and not said to be exported."""


class Copies:
    """The three topics of a project as the copy of one log."""

    def __init__(self, broker: Broker, project: str, events: Events, vault: Vault) -> None:
        self._broker, self._project, self._events, self._vault = broker, project, events, vault
        self.control, self.lessons = (f"{project}.control", 0), (f"{project}.lessons", 0)
        self.group = f"{project}.work"
        self.blanks = 0
        """How many records that were erased ``since`` has met."""
        self.places: list[Place] = [(events.topic, p) for p in range(events.count)] + [self.control, self.lessons]

    def place(self, record: Record) -> Place | None:
        """Where a record goes; what was erased goes nowhere."""
        if isinstance(record, ErasedRecord):
            return None
        if isinstance(record, OutcomeRecord):
            return self.lessons
        if isinstance(record, ItemRecord | ActivationRecord):
            return self.control
        return self._events.topic, self._events.partition(record.key)

    # --- there ------------------------------------------------------------------------------------

    def append(self, stretch: Sequence[Logged], last: Mapping[Place, int]) -> None:
        """Write records in their order; those that ``last`` shows to be there are left out.

        Raises:
            StoreError: not all are known to be there; some may be.
        """
        placed = [(place, x) for x in stretch if (place := self.place(x.record)) is not None]
        new = [(place, x) for place, x in placed if x.position > last.get(place, -1)]
        by_topic: dict[str, list[tuple[int, Logged]]] = {}
        for (topic, partition), x in new:
            by_topic.setdefault(topic, []).append((partition, x))
        for topic, some in by_topic.items():
            messages = messages_of([x.record for _, x in some], topic, [p for p, _ in some], self._vault)
            self._broker.produce(messages, [[(FROM, x.position.to_bytes(8, "big"))] for _, x in some])

    def last(self) -> dict[Place, int]:
        """The position of the last record that was copied to each place where there is one."""
        found: dict[Place, int] = {}
        for place, (low, high) in self.ends().items():
            if high > low:
                start = {place: high - 1}
                found.update((at, position) for at, _, position, _ in self.read(start, {place: high}))
        return found

    def ends(self) -> dict[Place, tuple[int, int]]:
        """The oldest offset that is kept, and the next, of each place."""
        with failing("asking for the ends of topics"):
            consumer = Consumer(reading(self._broker.connection, f"{self._project}.copies"))
            try:
                return {place: ends_of(consumer, *place) for place in self.places}
            finally:
                consumer.close()

    def read(self, start: Mapping[Place, int], end: Mapping[Place, int]) -> Iterator[tuple[Place, int, int, Record]]:
        """(place, offset, the position that it had in the folder or -1, record) between these offsets, each place in
        its order.
        """
        todo = {place for place in start if start[place] < end[place]}
        left = sum(end[place] - start[place] for place in todo)
        config = reading(self._broker.connection, f"{self._project}.copies") | {"queued.max.messages.kbytes": 16_384}
        consumer: Any = Consumer(config)
        try:
            with failing("reading a copy"):
                consumer.assign([TopicPartition(*place, start[place]) for place in todo])
            until = time.monotonic() + PATIENCE
            while todo:
                with failing("reading a copy"):
                    # No more than there are: it waits until it has so many.
                    messages = [m for m in consumer.consume(max(1, min(AT_ONCE, left)), 0.5) if m.error() is None]
                    records = opened(messages, self._vault)
                if messages:
                    until = time.monotonic() + PATIENCE
                elif time.monotonic() > until:
                    raise StoreError("Kafka gives no more of a copy that isn't at its end; look at the brokers, retry")
                for message, logged in zip(messages, records, strict=True):
                    place = message.topic(), message.partition()
                    if place not in todo or logged.position >= end[place]:
                        continue
                    left -= 1
                    yield place, logged.position, _from(message), logged.record
                    if logged.position + 1 == end[place]:
                        todo.discard(place)
        finally:
            consumer.close()

    # --- and back ---------------------------------------------------------------------------------

    def since(self, start: Mapping[Place, int], end: Mapping[Place, int]) -> Iterator[Record]:
        """What came to these places between these offsets, as it arrived: each place in its order, by time among them.

        Outcomes come after the event that brought them, as they have its time or a later one; those that were written
        twice, timers, blanks, and events that only taught the catalogue are left out.
        """
        told: set[str] = set()
        streams = [self._ordered(n, place, start[place], end[place]) for n, place in enumerate(self.places)]
        for _, _, _, place, record in merge(*streams):
            if place == self.lessons:
                if not isinstance(record, OutcomeRecord) or record.outcome.id in told:
                    continue
                told.add(record.outcome.id)
            yield record

    def _ordered(
        self, number: int, place: Place, start: int, end: int
    ) -> Iterator[tuple[int, int, int, Place, Record]]:
        at = 0
        log = KafkaLog(self._broker, *place, self._vault)
        try:
            while start < end and (stretch := log.read(start, min(AT_ONCE, end - start))):
                for one in stretch:
                    at = max(at, one.record.at)  # a clock that was put back doesn't undo a place's order
                    if isinstance(one.record, ErasedRecord):
                        self.blanks += 1
                    else:
                        yield at, number, one.position, place, one.record
                start = stretch[-1].position + 1
        finally:
            log.close()

    def fence(self) -> None:
        """Let no broker take anything more for this project, whoever sends it; returns when none does."""
        self._close()
        for topic, partition in self.places:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    blank = messages_of([ErasedRecord()], topic, [partition], self._vault)
                    self._broker.produce(blank)
                except StoreError as error:
                    if "MSG_SIZE_TOO_LARGE" in str(error):
                        break
                    raise
                if time.monotonic() > until:
                    raise StoreError(f"{topic} still takes records; wanted it closed; look at the brokers, then retry")
                time.sleep(0.1)

    def _close(self) -> None:
        how = kafka.AlterConfigOpType.SET
        topics = sorted({topic for topic, _ in self.places})
        with failing("closing topics"):
            entry = [kafka.ConfigEntry("max.message.bytes", "0", incremental_operation=how)]
            topic_of = kafka.ResourceType.TOPIC
            asked = [kafka.ConfigResource(topic_of, topic, incremental_configs=entry) for topic in topics]
            admin = self._admin()  # kept until it has answered: its answers go with it
            for future in admin.incremental_alter_configs(asked, request_timeout=PATIENCE).values():
                future.result(PATIENCE)

    def _admin(self) -> Any:
        return kafka.AdminClient(dict(self._broker.connection))

    def workers(self) -> int:
        """How many workers are in the group."""
        with failing("asking for workers"):
            admin = self._admin()
            (future,) = admin.describe_consumer_groups([self.group], request_timeout=PATIENCE).values()
            found = future.result(PATIENCE)
        return 0 if found.state == ConsumerGroupState.DEAD else len(found.members)


def _from(message: Any) -> int:
    """Which position a message's record had in the folder's log; -1 for one that came later."""
    headers = dict(message.headers() or ())
    return int.from_bytes(headers[FROM], "big") if FROM in headers else -1
