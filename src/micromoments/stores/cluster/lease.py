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
