"""The state on Redis or Valkey: people, links, timers, decisions, items, live facts and positions, in shards.

What lies in a shard is changed by one script, whole or not at all, and only where everyone in it still has the version
that was loaded: two workers who hold one person never lose what the other wrote. A person counts as changed where the
link of the same id was, and the other way round: an event and an alias that meet don't miss each other. A commit over
several shards is one script each, in an order in which every step can be repeated: those who stay, who go, links.
Measured in ``docs/decisions/0042-state-on-redis.md``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.delivery import STATUSES, Delivery
from micromoments.core.event import Millis
from micromoments.core.person import Link, Person
from micromoments.core.record import EventRecord, OutcomeRecord, Record
from micromoments.ports import FIRST, NOTHING, Batch, StoreError
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import SHARDS, Command, Database, pairs
from micromoments.stores.cluster.policies import RedisPolicies
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.rows import live_frames

T = TypeVar("T", Person, Link)

DAY: Millis = 86_400_000
_VERSION = 8
_NOTHING = Batch(people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items={}, position=-1)
_LOGGED = b"\1"
"""The first byte of a decision that the log has; another stands for one that is on its way there."""


class Changed(StoreError):
    """Somebody else wrote these people or links since they were loaded; nothing of their shards was written."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = tuple(ids)
        super().__init__(f"{len(self.ids)} people or links were changed by another worker; load them, then try again")


class Moved(StoreError):
    """The position of a partition isn't where this worker left it: another folds it, or the store lost its newest."""


class RedisState:
    """``ports.State`` on a database. That of a partition remembers the versions of what it loaded, and writes only over
    those; without a partition the last writer wins.

    Args:
        database: where. partition: whose positions a commit moves; empty for none.
        people_days: how long people are kept who are not heard of. log_days: how long decisions are.
    """

    def __init__(
        self, database: Database, partition: str = "", people_days: float = 400.0, log_days: float = 14.0
    ) -> None:
        self._database, self.partition = database, partition
        self._people_ttl, self._decisions_ttl = int(people_days * DAY), max(1, int(log_days * DAY))
        self._versions: dict[tuple[str, str], bytes] = {}
        self.at: list[int] = [-1] * SHARDS
        """Each shard's position in the partition, as last read or written by this object."""
        self.newest = 0
        """The highest version of facts in the shards that were looked at: what follows on that must be newer."""

    # --- reading ----------------------------------------------------------------------------------

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those of the people and links that exist, in one round trip; their versions are remembered.

        Raises:
            Corrupt: one of them fails its checksum.
        """
        _, found_people, found_links = self.load_after((), people, links)
        return found_people, found_links

    def load_after(
        self, first: Sequence[Command], people: Sequence[str], links: Sequence[str]
    ) -> tuple[list[Any], dict[str, Person], dict[str, Link]]:
        """As ``load``, and the answers to other commands, none of which is newer than what is loaded: in the same round
        trip where one server keeps that order.
        """
        wanted = [("p", key) for key in people] + [("l", key) for key in links]
        answers, bodies = self._get(wanted, first)
        found_people: dict[str, Person] = {}
        found_links: dict[str, Link] = {}
        for (kind, key), body in zip(wanted, bodies, strict=True):
            if self.partition:
                self._versions[kind, key] = body[:_VERSION] if body is not None else b""
            if body is None:
                continue
            what, later = f"{key} in Redis", not self.partition  # who doesn't write them may read more
            if kind == "p":
                found_people[key] = codec.decode(Person, body[_VERSION:], what, later=later)
            else:
                found_links[key] = codec.decode(Link, body[_VERSION:], what, later=later)
        return answers, found_people, found_links

    def _get(self, wanted: Sequence[tuple[str, str]], first: Sequence[Command] = ()) -> tuple[list[Any], list[Any]]:
        """The answers to ``first``, and the values of these names, one ``MGET`` a shard, all in one round trip; notes
        the newest version there.
        """
        db = self._database
        by_shard: dict[int, list[int]] = {}
        for index, (_, key) in enumerate(wanted):
            by_shard.setdefault(db.shard(key), []).append(index)
        commands: list[Command] = [
            (shard, ("MGET", *(db.name(shard, wanted[i][0], wanted[i][1]) for i in indexes), db.name(shard, "n")))
            for shard, indexes in by_shard.items()
        ]
        bodies: list[Any] = [None] * len(wanted)
        answers = [] if db.single else db.many(first)
        found = db.many([*first, *commands]) if db.single else [*answers, *db.many(commands)]
        for indexes, got in zip(by_shard.values(), found[len(first) :], strict=True):
            self.newest = max(self.newest, int(got.pop() or 0))
            for index, body in zip(indexes, got, strict=True):
                bodies[index] = body
        return found[: len(first)], bodies

    def due(
        self, until: Millis, limit: int, shards: Iterable[int] = range(SHARDS), *, after: tuple[Millis, str] = FIRST
    ) -> Sequence[tuple[Millis, str]]:
        """The people whose ``wake_at`` is at or before ``until``, earliest first, then by key; of some shards."""
        names, at = [(s, self._database.name(s, "w")) for s in shards], after[0]
        ask: list[Command] = [(s, ("ZRANGEBYSCORE", name, at, at, "WITHSCORES")) for s, name in names if at]
        ask += [(s, ("ZRANGEBYSCORE", n, f"({at}", until, "LIMIT", 0, limit, "WITHSCORES")) for s, n in names]
        found = [(int(at), key.decode()) for got in self._database.many(ask) for key, at in pairs(got)]
        return sorted(one for one in found if one > after)[:limit]

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept; one that is still on its way to the log isn't there yet."""
        return self.decisions([id]).get(id)

    def decisions(self, ids: Iterable[str]) -> dict[str, Decision]:
        """Those of these decisions that are kept, in one round trip."""
        wanted = [("d", id) for id in dict.fromkeys(ids)]
        return {
            id: codec.decode(Decision, body[1:], f"decision {id} in Redis", later=True)
            for (_, id), body in zip(wanted, self._get(wanted)[1], strict=True)
            if body is not None and body[:1] == _LOGGED
        }

    def decisions_of(self, people: Iterable[str], sources: Iterable[str]) -> Sequence[Decision]:
        """The kept decisions made for these people or asked for under these source keys, oldest first."""
        db, names = self._database, sorted({*people, *sources})
        ask: list[Command] = [(s := db.shard(n), ("ZRANGE", db.name(s, "i", n), 0, -1)) for n in names]
        ids = {id.decode() for got in db.many(ask) for id in got}
        return sorted(self.decisions(ids).values(), key=lambda d: (d.at, d.id))

    def sources(self, users: Iterable[str]) -> list[str]:
        """The source ids under which something came that named one of these user ids."""
        db = self._database
        ask: list[Command] = [
            (s := db.shard(f"user:{u}"), ("SMEMBERS", db.name(s, "u", u))) for u in sorted(set(users))
        ]
        return sorted({name.decode() for got in db.many(ask) for name in got})

    def links_naming(self, users: Iterable[str]) -> dict[str, Link]:
        """The links that name one of these user ids, by source id."""
        wanted = set(users)
        _, links = self.load([], self.sources(wanted))
        return {k: v for k, v in links.items() if not wanted.isdisjoint([*(c.user for c in v.claims), *v.joined])}

    def naming(self, records: Iterable[Record]) -> list[Command]:
        """The commands that note under which ids events came that name a user: an erasure must find them all."""
        db = self._database
        named = {
            (r.event.user_id, r.key)
            for r in records
            if isinstance(r, EventRecord) and r.event.user_id and r.key != f"user:{r.event.user_id}"
        }
        return [(s := db.shard(f"user:{user}"), ("SADD", db.name(s, "u", user), key)) for user, key in sorted(named)]

    # --- positions --------------------------------------------------------------------------------

    def positions(self) -> list[int]:
        """For each shard the position in this partition that its next record has; remembered for the commits."""
        db = self._database
        ask: list[Command] = [(s, ("HGET", db.name(s, "m"), f"p{self.partition}")) for s in range(SHARDS)]
        self.at = [int(got or 0) for got in db.many(ask)]
        return list(self.at)

    def position(self) -> int:
        """The first position that not every shard has folded: recovery reads the log from there."""
        return min(self.positions())

    # --- writing ----------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        """Write the batch, a script a shard. What was loaded by this object must still be as it was then.

        Raises:
            Changed: somebody else wrote one of them; nothing of that shard was written, others may be.
        """
        shards, change = self._split(batch), msgspec.structs.replace
        kept = {s: {k: v for k, v in part.people.items() if v is not None} for s, part in shards.items()}
        self._all({s: change(part, people=kept[s], links={}) for s, part in shards.items()})
        gone = {s: {k: v for k, v in part.people.items() if v is None} for s, part in shards.items()}
        self._all({s: change(_NOTHING, people=some) for s, some in gone.items() if some})
        self._all({s: change(_NOTHING, links=part.links) for s, part in shards.items() if part.links})
        if batch.policies:
            RedisPolicies(self._database).teach(batch.policies)

    def _all(self, parts: Mapping[int, Batch]) -> None:
        lost = self.commit_shards(parts) if parts else {}
        if lost:
            raise Changed(id for ids in lost.values() for id in ids)

    def commit_shards(
        self,
        parts: Mapping[int, Batch],
        *,
        outcomes: Mapping[int, Sequence[OutcomeRecord]] | None = None,
        upto: Mapping[int, int] | None = None,
    ) -> dict[int, tuple[str, ...]]:
        """Write each shard's part, all in one round trip a node; gives, for each that was refused, whose version is
        another. ``outcomes`` are kept in the shard until the log has them. A shard with an ``upto`` gets that
        as its position in the partition, where it is still as remembered.

        Raises:
            Moved: a position is not as remembered: nothing of those shards was written.
        """
        commands: list[Command] = []
        new: dict[int, dict[tuple[str, str], bytes]] = {}
        order, ends = list(parts), upto or {}
        for shard in order:
            body, new[shard] = self._packed(shard, parts[shard], (outcomes or {}).get(shard, ()), ends.get(shard, -1))
            commands.append(self._database.call(scripts.COMMIT, shard, body))
        extra = [c for part in parts.values() for c in (*self.keeping(part.decisions), *self._of_links(part))]
        answers = self._database.many([*commands, *extra])
        refused: dict[int, tuple[str, ...]] = {}
        moved = False
        for shard, got in zip(order, answers, strict=False):
            if not got:
                if self.partition:
                    self._versions.update(new[shard])
                self.at[shard] = ends.get(shard, self.at[shard])
            elif got[0] == b"position":
                moved = True
            else:
                refused[shard] = tuple(id.decode() for id in got[1:])
        if moved:
            raise Moved(f"partition {self.partition} was folded by another worker, or Redis lost its newest")
        return refused

    def mark(self, upto: int, shards: Iterable[int]) -> None:
        """Move these shards' positions to where nothing below is left to fold for them.

        Raises:
            Moved: as for ``commit_shards``.
        """
        moved = list(shards)
        self.commit_shards(dict.fromkeys(moved, _NOTHING), upto=dict.fromkeys(moved, upto))

    def let_go(self) -> None:
        """Forget the versions of what was loaded."""
        self._versions.clear()

    def told(self, shard: int, ids: Sequence[str]) -> Command:
        """The command that forgets outcomes which the log has."""
        return shard, ("HDEL", self._database.name(shard, "h"), *ids)

    def untold(self) -> dict[int, list[OutcomeRecord]]:
        """The outcomes that the log may not have, by shard."""
        db = self._database
        found = db.many([(s, ("HGETALL", db.name(s, "h"))) for s in range(SHARDS)])
        return {
            shard: [
                record
                for body in got.values()
                for record in codec.decode_group(body, "an outcome in Redis")
                if isinstance(record, OutcomeRecord)
            ]
            for shard, got in enumerate(found)
            if got
        }

    def _packed(
        self, shard: int, part: Batch, outcomes: Sequence[OutcomeRecord], upto: int
    ) -> tuple[list[object], dict[tuple[str, str], bytes]]:
        """The arguments of the commit's script, and the versions that hold when it has run."""
        version = os.urandom(_VERSION)
        new: dict[tuple[str, str], bytes] = {}

        def write(kind: str, values: Mapping[str, Any], beside: Iterable[str]) -> list[object]:
            rows: list[tuple[str, bytes, bytes]] = []
            for key, value in values.items():
                expected = self._versions.get((kind, key), scripts.ANY)
                rows.append((key, expected, version + codec.encode(value) if value is not None else b""))
                new[kind, key] = version if value is not None else b""
            read = ((key, self._versions[kind, key]) for key in beside if (kind, key) in self._versions)
            return scripts.flat([*rows, *((key, was, scripts.KEEP) for key, was in read if key not in values)])

        moving = upto >= 0
        words: list[object] = [os.urandom(8), self.partition]
        words += [self.at[shard] if moving else "", upto if moving else "", self._people_ttl]
        words += [max((f.version for f in part.facts), default=0)]
        words += write("p", part.people, part.links) + write("l", part.links, part.people)
        words += scripts.flat(part.timers.items())
        words += scripts.flat(live_frames(part.facts))
        words += scripts.flat(delivery_row(d) for d in part.outbox)
        words += scripts.flat((k, codec.encode(v) if v is not None else b"") for k, v in part.items.items())
        words += scripts.flat((o.outcome.id, codec.encode_group([o])) for o in outcomes)
        return words, new

    def keeping(self, decisions: Iterable[Decision]) -> list[Command]:
        """The commands that keep decisions which the log has, and whose they are: twice the days, as some come late."""
        db, ttl = self._database, self._decisions_ttl
        commands: list[Command] = []
        for d in decisions:
            shard = db.shard(d.id)
            commands.append((shard, ("SET", db.name(shard, "d", d.id), _LOGGED + codec.encode(d), "PX", ttl)))
            for name in dict.fromkeys((d.person, d.key)):
                index = db.name(shard := db.shard(name), "i", name)
                gone = ("ZREMRANGEBYSCORE", index, "-inf", f"({d.at - 2 * ttl}")
                commands += [(shard, c) for c in (("ZADD", index, d.at, d.id), ("PEXPIRE", index, ttl), gone)]
        return commands

    def _of_links(self, part: Batch) -> list[Command]:
        """What finds the links that name a user."""
        db = self._database
        commands: list[Command] = []
        for key, link in part.links.items():
            for user in {*(c.user for c in link.claims), *link.joined} if link is not None else ():
                shard = db.shard(f"user:{user}")
                commands.append((shard, ("SADD", db.name(shard, "u", user), key)))
        return commands

    def _split(self, batch: Batch) -> dict[int, Batch]:
        """The batch by shard: facts go where their person is among the batch's, else by their surrogate."""
        db = self._database
        parts: dict[int, dict[str, Any]] = {}
        homes = {p.surrogate: db.shard(k) for k, p in batch.people.items() if p is not None}

        def of(shard: int, field: str, kind: type) -> Any:
            return parts.setdefault(shard, {}).setdefault(field, kind())

        for field in ("people", "links", "timers", "items"):
            for key, value in getattr(batch, field).items():
                of(db.shard(key), field, dict)[key] = value
        for decision in batch.decisions:
            of(db.shard(decision.person), "decisions", list).append(decision)
        for delivery in batch.outbox:
            of(db.shard(delivery.person), "outbox", list).append(delivery)
        for fact in batch.facts:
            surrogate = int(getattr(fact, "surrogate", 0))
            of(homes.get(surrogate, surrogate % SHARDS), "facts", list).append(fact)
        return {shard: msgspec.structs.replace(_NOTHING, **fields) for shard, fields in parts.items()}

    # --- forgetting -------------------------------------------------------------------------------

    def erase(
        self,
        people: frozenset[str],
        links: frozenset[str],
        before: Millis,  # noqa: ARG002
        left: Mapping[str, Link] = NOTHING,
    ) -> frozenset[int]:
        """Remove these people and links, or all but what is ``left`` of them, with their timers, decisions, deliveries
        and live facts; give their surrogates.

        ``before`` does nothing here: people who are not heard of go by themselves, each after ``people_days``.
        """
        from micromoments.stores.cluster.facts import erase_live

        db = self._database
        theirs = {p.surrogate for p in self.load(sorted(people), [])[0].values()}
        gone, names = [d.id for d in self.decisions_of(people, links)], sorted(people | links)
        ask: list[Command] = [(s := db.shard(n), ("ZRANGE", db.name(s, "op", n), 0, -1)) for n in names]
        commands: list[Command] = []
        for name, ids in zip(names, db.many(ask), strict=True):
            shard = db.shard(name)
            if ids:
                commands.append(db.call(scripts.FORGET_DELIVERIES, shard, ids))
            commands.append((shard, ("DEL", *(db.name(shard, kind, name) for kind in ("i", "op", "q")))))
        for name in sorted(people):
            shard = db.shard(name)
            commands += [(shard, ("DEL", db.name(shard, "p", name))), (shard, ("ZREM", db.name(shard, "w"), name))]
        for name in sorted(links - left.keys()):
            commands.append((s := db.shard(name), ("DEL", db.name(s, "l", name))))
            if name.startswith("user:"):
                commands.append((s, ("DEL", db.name(s, "u", name[5:]))))
        commands += [(s := db.shard(id), ("DEL", db.name(s, "d", id))) for id in gone]
        db.many(commands)
        self.commit(msgspec.structs.replace(_NOTHING, links=left))
        return frozenset(erase_live(db, theirs)[0]) if theirs else frozenset()

    def close(self) -> None:
        """Nothing of its own is open: the database belongs to who opened it."""


def delivery_row(d: Delivery) -> tuple[str, int, str, int, str, bytes]:
    """A delivery as the scripts take it; what is still to be decided waits in the lane without a name."""
    lane = "" if d.status == "intended" else d.destination
    return d.id, STATUSES.index(d.status), lane, d.due, d.person, codec.encode(d)
