"""Leases on Redis: who is the one that does something, for a while; each new holder has a higher term."""

from __future__ import annotations

import os

from micromoments.core.event import Millis
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import Database


class Lease:
    """One name that one process holds at a time, as long as it renews it. ``term`` fences what an earlier holder does.

    Args:
        database: where. name: of what. shard: where its fence must be looked at. ttl: milliseconds until another may
            take it.
    """

    def __init__(self, database: Database, name: str, ttl: Millis, shard: int = 0) -> None:
        self._database, self._name, self._ttl, self._shard = database, name, ttl, shard
        self._who = os.urandom(12).hex()
        self.term = 0

    def hold(self) -> bool:
        """Take it, or renew it; False where another holds it."""
        self.term = int(self._database.run(scripts.HOLD, self._shard, [self._name, self._who, self._ttl]))
        return self.term > 0

    def release(self) -> None:
        """Let go of it, so that another need not wait."""
        self._database.run(scripts.RELEASE, self._shard, [self._name, self._who])
        self.term = 0


class Turn:
    """One after the other in something short: a lease without a term, which leaves nothing behind."""

    def __init__(self, database: Database, name: str, ttl: Millis) -> None:
        self._database, self._ttl = database, ttl
        self._shard = database.shard(name)
        self._name = database.name(self._shard, "t", name)
        self._who = os.urandom(12)

    def take(self) -> bool:
        """Take it; False where another has it."""
        return self._database.one(self._shard, "SET", self._name, self._who, "NX", "PX", self._ttl, "GET") in (
            None,
            self._who,
        )

    def give(self) -> None:
        """Let the next one."""
        self._database.run(scripts.GIVE, self._shard, [self._name, self._who])
