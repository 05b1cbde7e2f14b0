"""Policies' states on Redis: the newest as learned, with a revision that grows, and versions that are kept by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import Database
from micromoments.stores.embedded import codec


class RedisPolicies:
    """``ports.Policies`` on a database's first shard: there are few of them, and they are written together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name = database.name

    def load(self, *, later: bool = False) -> Mapping[str, bytes]:
        """Every policy's newest committed state; with ``later``, for who writes none, a newer release's too."""
        found = self._database.one(0, "HGETALL", self._name(0, "pol"))
        return {
            key.decode(): codec.unseal(body, f"policy {key.decode()} in Redis", later=later)
            for key, body in sorted(found.items())
        }

    def some(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Those of these states that there are."""
        if not keys:
            return {}
        found = self._database.one(0, "HMGET", self._name(0, "pol"), *keys)
        there = [(key, body) for key, body in zip(keys, found, strict=True) if body is not None]
        return {key: codec.unseal(body, f"policy {key} in Redis", later=True) for key, body in there}

    def revision(self) -> int:
        """A number that grows with every write."""
        return int(self._database.one(0, "GET", self._name(0, "polr")) or 0)

    def teach(self, states: Mapping[str, bytes | None], term: int = 0) -> int:
        """Write states, or let go of them (``None``); gives the new revision, -1 where ``term`` is of a lease that
        another holds by now.
        """
        sealed = [(key, codec.seal(body)) for key, body in states.items() if body is not None]
        gone = [(key,) for key, body in states.items() if body is None]
        return int(self._database.run(scripts.TEACH, 0, [term, *scripts.flat(gone), *scripts.flat(sealed)]))

    def keep(self, key: str, version: int, body: bytes) -> None:
        """Keep a named version; the same version again replaces it."""
        self._database.one(0, "HSET", self._name(0, "pv", key), version, codec.seal(body))

    def versions(self, key: str) -> Sequence[int]:
        """The kept versions, oldest first."""
        return sorted(int(version) for version in self._database.one(0, "HKEYS", self._name(0, "pv", key)))

    def version(self, key: str, version: int) -> bytes | None:
        """One kept version."""
        body = self._database.one(0, "HGET", self._name(0, "pv", key), version)
        return codec.unseal(body, f"policy {key} version {version} in Redis") if body is not None else None

    def forget(self, key: str) -> None:
        """Let go of the kept versions."""
        self._database.one(0, "DEL", self._name(0, "pv", key))

    def close(self) -> None:
        """Nothing of its own is open."""
