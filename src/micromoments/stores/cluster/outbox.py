"""The outbox on Redis: each delivery in the shard of its person, written by ``RedisState`` with the person.

Taking one is a lease: several couriers serve a destination, and each is given what no other has taken.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from micromoments.core.delivery import Delivery, Status
from micromoments.core.event import Millis
from micromoments.core.fact import Fact
from micromoments.ports import Later
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.catalogue import listed
from micromoments.stores.cluster.database import SHARDS, Command, Database, pairs
from micromoments.stores.cluster.state import delivery_row
from micromoments.stores.embedded import codec

MOST = 256
"""Deliveries of one person that are looked at for caps."""
LEASE: Millis = 120_000
"""How long what was taken is nobody else's: longer than a destination may take."""


class RedisOutbox:
    """``ports.Outbox`` on a database; one object is one courier."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._who = os.urandom(8)

    def due(self, destination: str, until: Millis, limit: int) -> Sequence[Delivery]:
        """Deliveries of a destination that are due and that no other courier has taken, earliest first."""
        db = self._database
        lane = f"od:{destination}"
        ask: list[Command] = [
            (s, ("ZRANGEBYSCORE", db.name(s, lane), "-inf", until, "LIMIT", 0, limit + MOST, "WITHSCORES"))
            for s in range(SHARDS)
        ]
        found = sorted((score, id, s) for s, got in enumerate(db.many(ask)) for id, score in pairs(got))
        mine: list[tuple[int, bytes]] = []
        for start in range(0, len(found), limit):
            some = found[start : start + limit]
            take: list[Command] = [
                (s, ("SET", db.name(s, "oe", id.decode()), self._who, "NX", "PX", LEASE, "GET")) for _, id, s in some
            ]
            taken = zip(some, db.many(take), strict=True)
            mine += [(s, id) for (_, id, s), holder in taken if holder in (None, self._who)]
            if len(mine) >= limit:
                break
        bodies = db.many([(s, ("HGET", db.name(s, "o"), id)) for s, id in mine[:limit]])
        found_due: list[Delivery] = []
        for (shard, id), body in zip(mine, bodies, strict=False):
            try:
                found_due += [codec.decode(Delivery, body, "a delivery in Redis")] if body is not None else []
            except Later:  # a courier of that release takes it
                db.one(shard, "DEL", db.name(shard, "oe", id.decode()))
        return found_due

    def settle(self, deliveries: Sequence[Delivery], facts: Sequence[Fact]) -> None:
        """Write deliveries back with what became of them, by shard; those that were erased meanwhile are left out."""
        db = self._database
        shards: dict[int, tuple[list[Sequence[object]], list[Sequence[object]]]] = {}
        homes = {d.id: db.shard(d.person) for d in deliveries}
        for d in deliveries:
            shards.setdefault(homes[d.id], ([], []))[0].append(delivery_row(d))
        for fact in facts:
            if fact.id in homes:
                shards[homes[fact.id]][1].append((fact.id, fact.received_at, codec.encode_facts([fact])))
        flat = scripts.flat
        db.many([db.call(scripts.SETTLE, s, [*flat(told), *flat(came)]) for s, (told, came) in shards.items()])

    def listed(self, status: Status | None, destination: str, after: str, limit: int) -> Sequence[Delivery]:
        """Deliveries in the order of their ids, after one; of a status and a destination where they are given."""
        found: list[Delivery] = []
        while len(found) < limit and (page := listed(self._database, "oi", "o", after, max(limit, 100))):
            after = page[-1][0]
            for _, body in page:
                d = codec.decode(Delivery, body, "a delivery in Redis", later=True)
                lane = "" if d.status == "intended" else d.destination
                if status in (None, d.status) and destination in ("", lane):
                    found.append(d)
        return found[:limit]

    def of(self, person: str, since: Millis) -> Sequence[Delivery]:
        """A person's deliveries that were last due after an instant, the newest ``MOST``."""
        db, shard = self._database, self._database.shard(person)
        asked = ("ZREVRANGEBYSCORE", db.name(shard, "op", person), "+inf", f"({since}", "LIMIT", 0, MOST)
        ids = db.one(shard, *asked)
        bodies = db.one(shard, "HMGET", db.name(shard, "o"), *ids) if ids else []
        return [codec.decode(Delivery, body, "a delivery in Redis", later=True) for body in bodies if body is not None]

    def trim(self, before: Millis) -> int:
        """Forget what was done before an instant; give how many went."""
        db = self._database
        ask: list[Command] = [
            (s, ("ZRANGEBYSCORE", db.name(s, "oz"), "-inf", f"({before}", "LIMIT", 0, 1000)) for s in range(SHARDS)
        ]
        gone = 0
        while any(found := db.many(ask)):
            bodies = db.many([(s, ("HMGET", db.name(s, "o"), *ids)) for s, ids in enumerate(found) if ids])
            done = [body for some in bodies for body in some if body]
            people = [codec.decode(Delivery, body, "a delivery in Redis", later=True) for body in done]
            gone += sum(db.many([db.call(scripts.FORGET_DELIVERIES, s, ids) for s, ids in enumerate(found) if ids]))
            db.many([(s := db.shard(d.person), ("ZREM", db.name(s, "op", d.person), d.id)) for d in people])
        return int(gone)

    def close(self) -> None:
        """Nothing of its own is open."""
