"""The items on Redis; ``RedisState.commit`` writes them."""

from __future__ import annotations

from collections.abc import Sequence

from micromoments.core.item import Item
from micromoments.stores.cluster.database import SHARDS, Command, Database
from micromoments.stores.embedded import codec


class RedisCatalogue:
    """``ports.Catalogue`` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id: str) -> Item | None:
        """One item."""
        shard = self._database.shard(id)
        body = self._database.one(shard, "HGET", self._database.name(shard, "it"), id)
        return codec.decode(Item, body, f"item {id} in Redis", later=True) if body is not None else None

    def items(self, after: str = "", limit: int = 1000) -> Sequence[Item]:
        """Items in the order of their ids' bytes, after one."""
        page = listed(self._database, "ii", "it", after, limit)
        return [codec.decode(Item, body, f"item {id} in Redis", later=True) for id, body in page]

    def size(self) -> int:
        """How many items there are."""
        db = self._database
        return sum(db.many([(s, ("HLEN", db.name(s, "it"))) for s in range(SHARDS)]))

    def close(self) -> None:
        """Nothing of its own is open."""


def listed(database: Database, index: str, values: str, after: str, limit: int) -> list[tuple[str, bytes]]:
    """A page over all shards in the order of ids' bytes, after one: from a sorted set of ids and a hash of values."""
    db = database
    start = f"({after}" if after else "-"
    ask: list[Command] = [(s, ("ZRANGEBYLEX", db.name(s, index), start, "+", "LIMIT", 0, limit)) for s in range(SHARDS)]
    page = sorted((id, s) for s, ids in enumerate(db.many(ask)) for id in ids)[:limit]
    bodies = db.many([(s, ("HGET", db.name(s, values), id)) for id, s in page])
    return [(id.decode(), body) for (id, _), body in zip(page, bodies, strict=True) if body is not None]
