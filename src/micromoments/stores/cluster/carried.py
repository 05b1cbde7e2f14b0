"""What a project holds on Redis, kind by kind, as the bytes that a folder holds alike: for moving here and back.

``stores.embedded.carried`` says what a row is. Nobody else writes meanwhile, which ``Mark`` says to whoever wants to
open the project. A value is read back from the server whenever it is compared.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.event import Millis
from micromoments.core.person import Link, Person
from micromoments.ports import Batch
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import SHARDS, Command, Database, pairs
from micromoments.stores.cluster.state import RedisState
from micromoments.stores.cluster.vault import Vault
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.carried import Row, timed

DAY: Millis = 86_400_000
_VERSION = 8


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a project has moved: ``copying`` into the cluster, ``moved`` and served from there, or gone ``back``.

    ``at`` is when it was said; ``position`` up to where the folder's log is copied; ``ends`` the offset of each
    ``topic/partition`` when the cluster began to be served from.
    """

    state: str
    at: Millis
    position: int = 0
    ends: dict[str, int] = {}


def mark_of(database: Database) -> Mark | None:
    """How far a project has moved; ``None`` where it never did."""
    body = database.one(0, "GET", database.name(0, "moved"))
    return msgspec.json.decode(body, type=Mark) if body is not None else None


def say(database: Database, mark: Mark) -> None:
    """Write down how far a project has moved."""
    database.one(0, "SET", database.name(0, "moved"), msgspec.json.encode(mark))


def forgetting(database: Database, vault: Vault, keys: Iterable[str]) -> None:
    """Note who was erased from a project that has moved, without their ids: its folder still knows them."""
    if mark_of(database) is not None and (hashes := [vault.hash(key) for key in keys]):
        database.one(0, "SADD", database.name(0, "forgotten"), *hashes)


def forgotten(database: Database) -> frozenset[bytes]:
    """The hashes of the source ids that were erased since the project moved."""
    return frozenset(database.one(0, "SMEMBERS", database.name(0, "forgotten")))


def excused(database: Database, more: Iterable[bytes]) -> set[bytes]:
    """The hashes of ids whose sealing keys were destroyed while their log was copied; with more of them."""
    name = database.name(0, "excused")
    database.many([(0, ("SADD", name, hashed)) for hashed in more])
    return set(database.one(0, "SMEMBERS", name))


def taken(database: Database) -> bool:
    """Whether a project holds anything: somebody's position, an item, something learned."""
    there: list[Command] = [(s, ("EXISTS", database.name(s, kind))) for s in range(SHARDS) for kind in ("m", "it")]
    return any(database.many([*there, (0, ("EXISTS", database.name(0, "pol")))]))


class Kind:
    """One kind of value: each under a name of its own, ``<kind>:<id>`` in the id's shard, behind ``skip`` bytes."""

    def __init__(self, database: Database, name: str, skip: int = 0) -> None:
        self._db, self._name, self._skip = database, name, skip

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The values of these ids, ``None`` where there is none."""
        found = self._db.many([self._one("GET", id) for id in ids])
        return [body[self._skip :] if body is not None else None for body in found]

    def put(self, rows: Sequence[Row]) -> None:
        """Write values over what is there."""
        self._db.many([command for id, body in rows for command in self._putting(id, body)])

    def ids(self) -> set[str]:
        """Every id that there is."""
        return {id.decode() for id in self._db.names(self._name)}

    def drop(self, ids: Iterable[str]) -> None:
        """Remove what the other side doesn't have."""
        self._db.many([command for id in ids for command in self._dropping(id)])

    def _one(self, word: str, id: str, *more: object) -> Command:
        shard = self._db.shard(id)
        return shard, (word, self._db.name(shard, self._name, id), *more)

    def _of_shard(self, word: str, name: str, id: str, *more: object) -> Command:
        shard = self._db.shard(id)
        return shard, (word, self._db.name(shard, name), *more)

    def _putting(self, id: str, body: bytes) -> list[Command]:
        return [self._one("SET", id, body)]

    def _dropping(self, id: str) -> list[Command]:
        return [self._one("DEL", id)]


class People(Kind):
    """People with their timers, each kept as long as is left since they were last heard of; a day at the least, as the
    folder may be late in forgetting them.
    """

    def __init__(self, database: Database, ttl: Millis, now: Millis) -> None:
        super().__init__(database, "p", _VERSION)
        self._ttl, self._now = ttl, now

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """People, each with when they are to be woken."""
        wakes = self._db.many([self._of_shard("ZSCORE", "w", id, id) for id in ids])
        found = zip(wakes, super().get(ids), strict=True)
        return [timed(int(float(wake or 0)), body) if body is not None else None for wake, body in found]

    def _putting(self, id: str, body: bytes) -> list[Command]:
        wake, body = int.from_bytes(body[:8], "big"), body[8:]
        left = max(DAY, codec.decode(Person, body, id).last + self._ttl - self._now)
        timer = self._of_shard("ZADD", "w", id, wake, id) if wake else self._of_shard("ZREM", "w", id, id)
        return [self._one("SET", id, os.urandom(_VERSION) + body, "PX", left), timer]

    def _dropping(self, id: str) -> list[Command]:
        return [*super()._dropping(id), self._of_shard("ZREM", "w", id, id)]


class Links(Kind):
    """Links, and what finds them by the users that they name."""

    def _putting(self, id: str, body: bytes) -> list[Command]:
        link = codec.decode(Link, body, id)
        users = sorted({*(c.user for c in link.claims), *link.joined})
        named = [(s := self._db.shard(f"user:{u}"), ("SADD", self._db.name(s, "u", u), id)) for u in users]
        return [self._one("SET", id, os.urandom(_VERSION) + body), *named]


class Decisions(Kind):
    """Decisions that the log has, each for as long as is left to it (a day at the least), and whose they are."""

    def __init__(self, database: Database, state: RedisState, ttl: Millis, now: Millis) -> None:
        super().__init__(database, "d", 1)
        self._state, self._ttl, self._now = state, ttl, now

    def _putting(self, id: str, body: bytes) -> list[Command]:
        decision = codec.decode(Decision, body, id)
        left = max(DAY, decision.at + self._ttl - self._now)
        return [*self._state.keeping([decision]), self._one("SET", id, b"\1" + body, "PX", left)]


class Fields(Kind):
    """Values that are fields of one hash a shard, or of one in the first shard; ``order`` is a set of their ids."""

    def __init__(self, database: Database, name: str, order: str = "", *, first: bool = False) -> None:
        super().__init__(database, name)
        self._order, self._shards = order, [0] if first else list(range(SHARDS))

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The values of these ids."""
        return self._db.many([self._field("HGET", id) for id in ids])

    def ids(self) -> set[str]:
        """Every field."""
        found = self._db.many([(s, ("HKEYS", self._db.name(s, self._name))) for s in self._shards])
        return {id.decode() for some in found for id in some}

    def _field(self, word: str, id: str, *more: object) -> Command:
        shard = self._db.shard(id) if len(self._shards) > 1 else 0
        return shard, (word, self._db.name(shard, self._name), id, *more)

    def _putting(self, id: str, body: bytes) -> list[Command]:
        ordered = [self._of_shard("ZADD", self._order, id, 0, id)] if self._order else []
        return [self._field("HSET", id, body), *ordered]

    def _dropping(self, id: str) -> list[Command]:
        ordered = [self._of_shard("ZREM", self._order, id, id)] if self._order else []
        return [self._field("HDEL", id), *ordered]


class Versions(Kind):
    """Kept versions of policies: a hash a policy in the first shard; an id is the policy, a line's end, the version."""

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The values of these ids."""
        return self._db.many([self._version("HGET", id) for id in ids])

    def ids(self) -> set[str]:
        """Every kept version."""
        keys = sorted(key.decode() for key in self._db.names(self._name))
        found = self._db.many([(0, ("HKEYS", self._db.name(0, self._name, key))) for key in keys])
        return {f"{key}\n{version.decode()}" for key, some in zip(keys, found, strict=True) for version in some}

    def _version(self, word: str, id: str, *more: object) -> Command:
        key, version = id.split("\n")
        return 0, (word, self._db.name(0, self._name, key), version, *more)

    def _putting(self, id: str, body: bytes) -> list[Command]:
        return [self._version("HSET", id, body)]

    def _dropping(self, id: str) -> list[Command]:
        return [self._version("HDEL", id)]


class Deliveries(Kind):
    """Deliveries, which lie with their people: looked for in every shard."""

    def __init__(self, database: Database, state: RedisState) -> None:
        super().__init__(database, "o")
        self._state = state

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The deliveries of these ids."""
        found = self._db.many([(s, ("HMGET", self._db.name(s, "o"), *ids)) for s in range(SHARDS)])
        return [next((body for body in some if body is not None), None) for some in zip(*found, strict=True)]

    def put(self, rows: Sequence[Row]) -> None:
        """Write deliveries as they are now, wherever they stood before."""
        found = self.get([id for id, _ in rows])
        self.drop(id for (id, _), old in zip(rows, found, strict=True) if old is not None)
        parts: dict[int, list[Delivery]] = {}
        for id, body in rows:
            delivery = codec.decode(Delivery, body, id)
            parts.setdefault(self._db.shard(delivery.person), []).append(delivery)
        nothing = Batch(people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items={}, position=-1)
        self._state.commit_shards({s: msgspec.structs.replace(nothing, outbox=some) for s, some in parts.items()})

    def ids(self) -> set[str]:
        """Every delivery."""
        found = self._db.many([(s, ("HKEYS", self._db.name(s, "o"))) for s in range(SHARDS)])
        return {id.decode() for some in found for id in some}

    def _dropping(self, id: str) -> list[Command]:
        return [self._db.call(scripts.FORGET_DELIVERIES, s, [id]) for s in range(SHARDS)]


class Budgets(Kind):
    """Units spent and reserved, a hash each in the first shard."""

    fields: tuple[str, ...] = ("spent", "reserved")

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The budgets of these names."""
        found = self._db.many([(0, ("HMGET", self._db.name(0, self._name, id), *self.fields)) for id in ids])
        return [
            self._row(id, some) if any(s is not None for s in some) else None
            for id, some in zip(ids, found, strict=True)
        ]

    def _row(self, _id: str, fields: Sequence[Any]) -> bytes:
        return msgspec.msgpack.encode([int(value or 0) for value in fields])

    def _putting(self, id: str, body: bytes) -> list[Command]:
        spent, reserved = msgspec.msgpack.decode(body)
        return [(0, ("HSET", self._db.name(0, "b", id), "spent", spent, "reserved", reserved))]

    def _dropping(self, id: str) -> list[Command]:
        return [(0, ("DEL", self._db.name(0, self._name, id)))]


class Reservations(Budgets):
    """Reservations, and until when they hold."""

    fields = ("budget", "units", "state")

    def _row(self, id: str, fields: Sequence[Any]) -> bytes:
        until = self._db.one(0, "ZSCORE", self._db.name(0, "ru"), id)
        return msgspec.msgpack.encode((fields[0].decode(), int(fields[1]), int(float(until or 0)), fields[2].decode()))

    def _putting(self, id: str, body: bytes) -> list[Command]:
        budget, units, until, state = msgspec.msgpack.decode(body)
        fields = ("budget", budget, "units", units, "state", state)
        return [(0, ("HSET", self._db.name(0, "r", id), *fields)), (0, ("ZADD", self._db.name(0, "ru"), until, id))]

    def _dropping(self, id: str) -> list[Command]:
        return [*super()._dropping(id), (0, ("ZREM", self._db.name(0, "ru"), id))]


class Audit(Kind):
    """Entries of the audit by their numbers; the next gets a higher one."""

    def get(self, ids: Sequence[str]) -> list[bytes | None]:
        """The entries of these numbers."""
        found = self._db.many([(0, ("ZRANGEBYSCORE", self._db.name(0, "audit"), id, id)) for id in ids])
        return [msgspec.msgpack.decode(some[0])[1] if some else None for some in found]

    def put(self, rows: Sequence[Row]) -> None:
        """Write entries, and count on from the last."""
        super().put(rows)
        number = self._db.name(0, "audit-number")
        last = max(int(self._db.one(0, "GET", number) or 0), *(int(id) for id, _ in rows))
        self._db.one(0, "SET", number, last)

    def ids(self) -> set[str]:
        """Every number."""
        got = self._db.one(0, "ZRANGE", self._db.name(0, "audit"), 0, -1, "WITHSCORES")
        return {str(int(score)) for _, score in pairs(got)}

    def _putting(self, id: str, body: bytes) -> list[Command]:
        entry = msgspec.msgpack.encode((int(id), body))
        return [*self._dropping(id), (0, ("ZADD", self._db.name(0, "audit"), int(id), entry))]

    def _dropping(self, id: str) -> list[Command]:
        return [(0, ("ZREMRANGEBYSCORE", self._db.name(0, "audit"), id, id))]


def kinds_of(database: Database, people_days: float, log_days: float, now: Millis) -> dict[str, Kind]:
    """Every kind by its name; people and decisions stay so many days."""
    people, decisions = int(people_days * DAY), int(log_days * DAY)
    state = RedisState(database, "", people_days, log_days)
    return {
        "people": People(database, people, now),
        "links": Links(database, "l", _VERSION),
        "decisions": Decisions(database, state, decisions, now),
        "items": Fields(database, "it", "ii"),
        "policies": Fields(database, "pol", first=True),
        "versions": Versions(database, "pv"),
        "deliveries": Deliveries(database, state),
        "budgets": Budgets(database, "b"),
        "reservations": Reservations(database, "r"),
        "audit": Audit(database, "audit"),
        "artifacts": Kind(database, "a"),
    }
