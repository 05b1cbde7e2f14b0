"""What the log holds of an id and nobody has folded yet, on Redis: a decision sees what was sent a moment before.

By every source id that a record names a sorted set of (partition and offset, record), written when Kafka has
acknowledged it, taken out by the worker that folded it. The newest ``MOST`` are kept, for an hour at the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from micromoments.core.event import Millis
from micromoments.core.record import EventRecord, Logged, Record
from micromoments.ports import Later
from micromoments.stores.cluster.database import Command, Database
from micromoments.stores.embedded import codec

MOST = 64
KEEP: Millis = 3_600_000


class Pending:
    """Unfolded records by source id, on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def noting(self, records: Sequence[Record], partitions: Sequence[int], offsets: Sequence[int]) -> list[Command]:
        """The commands that note records which Kafka has there."""
        db = self._database
        commands: list[Command] = []
        for record, partition, offset in zip(records, partitions, offsets, strict=True):
            place = _place(partition, offset)
            body = place.to_bytes(8, "big") + codec.encode_group([record])
            for key in names(record):
                shard = db.shard(key)
                name = db.name(shard, "q", key)
                commands += [
                    (shard, ("ZADD", name, place, body)),
                    (shard, ("ZREMRANGEBYRANK", name, 0, -MOST - 1)),
                    (shard, ("PEXPIRE", name, KEEP)),
                ]
        return commands

    def asking(self, keys: Sequence[str]) -> list[Command]:
        """The commands that ask for what is pending of these ids; ``read`` makes sense of the answers."""
        db = self._database
        return [(s := db.shard(key), ("ZRANGE", db.name(s, "q", key), 0, -1)) for key in keys]

    def read(self, answers: Iterable[Sequence[bytes]]) -> list[Logged]:
        """The records in these answers, each with a number that tells it from others and grows in its partition;
        without those of a newer release, which its workers will fold.
        """
        found: list[Logged] = []
        for body in (body for answer in answers for body in answer):
            with suppress(Later):
                records = codec.decode_group(body[8:], "a pending record in Redis")
                found += [Logged(int.from_bytes(body[:8], "big"), record) for record in records]
        return found

    def forgetting(self, partition: int, folded: Mapping[str, int]) -> list[Command]:
        """The commands that take out what lies below an offset of a partition, by id."""
        db = self._database
        return [
            (
                s := db.shard(k),
                ("ZREMRANGEBYSCORE", db.name(s, "q", k), _place(partition, 0), f"({_place(partition, n)}"),
            )
            for k, n in folded.items()
        ]


def names(record: Record) -> list[str]:
    """The source ids that a record is about: that which it was sent under first."""
    if not isinstance(record, EventRecord):
        return [record.key] if record.key else []
    event = record.event
    named = (("anon", event.anonymous_id), ("user", event.user_id), ("user", event.previous_id))
    return list(dict.fromkeys([record.key, *(f"{kind}:{id}" for kind, id in named if id)]))


def _place(partition: int, offset: int) -> int:
    """A number of 50 bits at the most, which a sorted set keeps exactly."""
    return partition << 40 | offset
