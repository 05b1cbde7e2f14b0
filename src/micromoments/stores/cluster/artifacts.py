"""Artifacts on Redis, named by their SHA-256 digest: settings, models and weights, of which there are few.

What the learner replaces goes by itself a while later, as whoever read its name a moment before may still ask for it.
"""

from __future__ import annotations

from hashlib import sha256

from micromoments.core.event import Millis
from micromoments.ports import Corrupt
from micromoments.stores.cluster.database import Command, Database

DAY: Millis = 86_400_000
_PREFIX = "sha256:"


class RedisArtifacts:
    """``ports.Artifacts`` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, body: bytes) -> str:
        """Keep the bytes; give their digest, ``sha256:<hex>``. Repeating it is harmless."""
        return self._put(body)

    def put_unnamed(self, body: bytes) -> str:
        """The same for a day at the most, unless ``keep`` is called when something durable names it: whoever dies in
        between leaves nothing behind.
        """
        return self._put(body, "PX", DAY)

    def keep(self, digest: str) -> None:
        """Something durable names these bytes now."""
        self._database.many([self._of(digest, "PERSIST")])

    def let_go(self, digest: str, after: Millis) -> None:
        """Nothing durable names these bytes any more: they go so much later."""
        self._database.many([self._of(digest, "PEXPIRE", after)])

    def _put(self, body: bytes, *more: object) -> str:
        digest = _PREFIX + sha256(body).hexdigest()
        self._database.many([self._of(digest, "SET", body, *more)])
        return digest

    def _of(self, digest: str, word: str, *more: object) -> Command:
        name = digest.removeprefix(_PREFIX)
        shard = self._database.shard(name)
        return shard, (word, self._database.name(shard, "a", name), *more)

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
