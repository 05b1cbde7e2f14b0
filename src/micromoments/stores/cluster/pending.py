"""What the log holds of an id and nobody has folded yet, on Redis: a decision sees what was sent a moment before.

By source id a sorted set of (offset, record), written when Kafka has acknowledged it, taken out by the worker that
folded it. An id's records are all in one partition. The newest ``MOST`` are kept, for an hour at the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from micromoments.core.event import Millis
from micromoments.core.record import Logged, Record
from micromoments.stores.cluster.database import Command, Database
from micromoments.stores.embedded import codec

MOST = 64
KEEP: Millis = 3_600_000


class Pending:
    """Unfolded records by source id, on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def noting(self, records: Sequence[Record], offsets: Sequence[int]) -> list[Command]:
        """The commands that note records which Kafka has."""
        db = self._database
        commands: list[Command] = []
        for record, offset in zip(records, offsets, strict=True):
            shard = db.shard(record.key)
            name = db.name(shard, "q", record.key)
            body = offset.to_bytes(8, "big") + codec.encode_group([record])
            commands += [
                (shard, ("ZADD", name, offset, body)),
                (shard, ("ZREMRANGEBYRANK", name, 0, -MOST - 1)),
                (shard, ("PEXPIRE", name, KEEP)),
            ]
        return commands

    def asking(self, keys: Sequence[str]) -> list[Command]:
        """The commands that ask for what is pending of these ids; ``read`` makes sense of the answers."""
        db = self._database
        return [(s := db.shard(key), ("ZRANGE", db.name(s, "q", key), 0, -1)) for key in keys]

    def read(self, answers: Iterable[Sequence[bytes]]) -> list[Logged]:
        """The records in these answers, with their offsets, oldest first for each id."""
        return [
            Logged(int.from_bytes(body[:8], "big"), record)
            for answer in answers
            for body in answer
            for record in codec.decode_group(body[8:], "a pending record in Redis")
        ]

    def forgetting(self, folded: Mapping[str, int]) -> list[Command]:
        """The commands that take out what lies below an offset, by id."""
        db = self._database
        return [
            (s := db.shard(key), ("ZREMRANGEBYSCORE", db.name(s, "q", key), "-inf", f"({below}"))
            for key, below in folded.items()
        ]
