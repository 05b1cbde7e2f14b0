"""Artifacts on Redis, named by their SHA-256 digest: settings, models and weights, of which there are few."""

from __future__ import annotations

from hashlib import sha256

from micromoments.ports import Corrupt
from micromoments.stores.cluster.database import Database

_PREFIX = "sha256:"


class RedisArtifacts:
    """``ports.Artifacts`` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, body: bytes) -> str:
        """Keep the bytes; give their digest, ``sha256:<hex>``. Repeating it is harmless."""
        name = sha256(body).hexdigest()
        shard = self._database.shard(name)
        self._database.one(shard, "SET", self._database.name(shard, "a", name), body)
        return _PREFIX + name

    def get(self, digest: str) -> bytes:
        """The bytes.

        Raises:
            KeyError: nothing has that digest.
            Corrupt: they fail their digest.
        """
        name = digest.removeprefix(_PREFIX)
        shard = self._database.shard(name)
        body: bytes | None = self._database.one(shard, "GET", self._database.name(shard, "a", name))
        if body is None or not digest.startswith(_PREFIX):
            raise KeyError(digest)
        if sha256(body).hexdigest() != name:
            raise Corrupt(f"artifact {digest} fails its digest; wanted the bytes as kept; put it again")
        return body

    def close(self) -> None:
        """Nothing of its own is open."""
