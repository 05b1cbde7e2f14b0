"""How far each forward is in each partition, on Redis: apart from the policies, which everybody reads anew when one
of them was written.
"""

from __future__ import annotations

from micromoments.stores.cluster.database import Database


class RedisCursors:
    """Cursors by name, of one project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> dict[str, bytes]:
        """All of them."""
        found = self._database.one(0, "HGETALL", self._database.name(0, "fw"))
        return {name.decode(): value for name, value in found.items()}

    def keep(self, name: str, value: bytes) -> None:
        """Write one."""
        self._database.one(0, "HSET", self._database.name(0, "fw"), name, value)
