"""The audit log on Redis: numbered entries, the newest kept."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from micromoments.core.audit import Entry, Noted
from micromoments.stores.cluster.database import Database

MAX_ENTRIES = 200_000
"""Entries kept; the oldest go first."""
PAGE = 500


class RedisAudit:
    """``ports.Audit`` on a database's first shard; ``most`` entries are kept."""

    def __init__(self, database: Database, most: int = MAX_ENTRIES) -> None:
        self._database, self._most = database, most

    def note(self, entry: Entry) -> None:
        """Write one entry, and let the oldest go where there are too many."""
        db = self._database
        number = int(db.one(0, "INCR", db.name(0, "audit-number")))
        body = msgspec.msgpack.encode((number, msgspec.json.encode(msgspec.structs.asdict(entry))))
        db.many(
            [
                (0, ("ZADD", db.name(0, "audit"), number, body)),
                (0, ("ZREMRANGEBYSCORE", db.name(0, "audit"), "-inf", number - self._most)),
            ]
        )

    def newest(self, before: int = 0, limit: int = 100, containing: str = "") -> Sequence[Noted]:
        """The newest entries, the newest first: those below a number where it isn't 0, and whose words hold a text."""
        db, found = self._database, list[Noted]()
        wanted = containing.lower()
        while len(found) < limit:
            top = f"({before}" if before else "+inf"
            page = db.one(0, "ZREVRANGEBYSCORE", db.name(0, "audit"), top, "-inf", "LIMIT", 0, PAGE)
            if not page:
                break
            for body in page:
                before, fields = msgspec.msgpack.decode(body)
                noted = Noted(**msgspec.json.decode(fields), number=before)
                words = f"{noted.who} {noted.name} {noted.what} {noted.target} {noted.detail}".lower()
                if wanted in words and len(found) < limit:
                    found.append(noted)
        return found

    def close(self) -> None:
        """Nothing of its own is open."""
