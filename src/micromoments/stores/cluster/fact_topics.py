"""Facts as Kafka topics, ``<project>.facts.<table>``, for ClickHouse, Flink or a lake to take: one JSON object a fact.

A message's key is the fact's id, so the last message of a key is what is known of it, and an empty one says that it was
erased. What is published is read from the streams of live facts, up to where each was published: at least once, each
fact after those that its shard committed before it. The columns are ``schema``'s; the header ``schema`` names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_type_hints

import msgspec
from xxhash import xxh3_64_intdigest

from micromoments.core.fact import SCHEMAS, TABLES, Fact, Table
from micromoments.core.settings import DAY
from micromoments.stores.cluster.database import SHARDS, Command, Database
from micromoments.stores.cluster.log import Broker
from micromoments.stores.cluster.messages import Message
from micromoments.stores.embedded import codec

VERSION = 1
"""Of the schema: columns are only ever added, at the end."""
AT_ONCE = 200
"""Frames of a shard that are read at a time."""
_JSON: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    list[str]: {"type": "array", "items": {"type": "string"}},
    list[float]: {"type": "array", "items": {"type": "number"}},
}


class FactTopics:
    """The topics of one project, kept for ``days``; ``make`` them before the first ``publish``."""

    def __init__(self, database: Database, broker: Broker, project: str, partitions: int, days: float) -> None:
        self._database, self._broker, self._partitions, self._days = database, broker, partitions, days
        self.names = {table: f"{project}.facts.{table}" for table in TABLES}

    def make(self, copies: int, in_sync: int) -> None:
        """Make those topics that there aren't."""
        kept = {"cleanup.policy": "compact,delete", "retention.ms": str(int(self._days * DAY))}
        self._broker.make(dict.fromkeys(self.names.values(), self._partitions), copies, in_sync, kept)

    def publish(self) -> int:
        """Send what was committed since; gives how many facts, when every replica in sync has them. One at a time."""
        count = 0
        while sent := self._some():
            count += sent
        return count

    def _some(self) -> int:
        db, name = self._database, self._database.name(0, "published")
        upto = {int(shard): id for shard, id in db.one(0, "HGETALL", name).items()}
        ask: list[Command] = [
            (s, ("XRANGE", db.name(s, "f"), b"(" + upto[s] if s in upto else "-", "+", "COUNT", AT_ONCE))
            for s in range(SHARDS)
        ]
        messages: list[Message] = []
        last: dict[int, bytes] = {}
        for shard, frames in enumerate(db.many(ask)):
            for id, row in frames:
                messages += self._messages(row[b"t"].decode(), row[b"b"])
                last[shard] = id
        if last:
            self._broker.produce(messages, [[("schema", _name(m[0]))] for m in messages])
            db.many([(0, ("HSET", name, shard, id)) for shard, id in last.items()])
        return len(messages)

    def erased(self, table: Table, ids: Sequence[str]) -> None:
        """Say that these facts are no more."""
        topic = self.names[table]
        self._broker.produce([(topic, self._partition(id), id.encode(), None, 0) for id in ids])

    def _messages(self, table: Table, body: bytes) -> Iterator[Message]:
        fact: Fact
        for fact in codec.decode_facts(table, body, f"live {table} in Redis"):
            value = msgspec.json.encode(msgspec.structs.asdict(fact))
            yield self.names[table], self._partition(fact.id), fact.id.encode(), value, fact.received_at

    def _partition(self, id: str) -> int:
        return xxh3_64_intdigest(id.encode()) % self._partitions


def _name(topic: str) -> bytes:
    return f"micromoments.facts.{topic.rpartition('.')[2]}/{VERSION}".encode()


def schema(table: Table) -> dict[str, Any]:
    """The JSON schema of a table's messages."""
    hints = get_type_hints(SCHEMAS[table])
    fields = msgspec.structs.fields(SCHEMAS[table])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"micromoments.facts.{table}/{VERSION}",
        "type": "object",
        "properties": {field.name: _JSON[hints[field.name]] for field in fields},
        "required": [field.name for field in fields],
    }
