"""The keys that seal what the log holds of a person: destroy a key, and nothing that it sealed can be read again.

A key belongs to a source id (``anon:<id>``, ``user:<id>``), made when it is first needed and kept in Redis under a
keyed hash of the id. Kafka sees that hash as the message's key, and never the id. Sealing is AES-256-GCM.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from hashlib import blake2b
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from micromoments.stores.cluster.database import Command, Database

FRESH = 5.0
"""Seconds that a key is kept in memory: how long a process may go on sealing with a key that another destroyed."""
MOST = 200_000
"""Keys in memory."""
_SEALED = b"S1"
_NONCE = 12
_MARK = 4


class Vault:
    """Keys by source id, over a database; safe for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, tuple[float, bytes]] = {}
        self._lock = Lock()
        pepper = os.urandom(32)
        name = database.name(0, "pepper")
        database.one(0, "SET", name, pepper, "NX")
        self._pepper: bytes = database.one(0, "GET", name)

    def hash(self, key: str) -> bytes:
        """What stands for a source id outside: 16 bytes, the same in every process of the project."""
        return blake2b(key.encode(), digest_size=16, key=self._pepper).digest()

    def _name(self, hashed: bytes) -> tuple[int, bytes]:
        shard = self._database.shard(hashed.hex())
        return shard, self._database.name(shard, "k", hashed.hex())

    def keys(self, hashes: Iterable[bytes], *, make: bool) -> dict[bytes, bytes]:
        """The keys of these ids, from memory or in one round trip; those without one are made, or are left out."""
        now = time.monotonic()
        wanted = set(hashes)
        with self._lock:
            found = {h: k[1] for h in wanted if (k := self._known.get(h)) is not None and now - k[0] < FRESH}
        missing = sorted(wanted - found.keys())
        if not missing:
            return found
        names = [self._name(h) for h in missing]
        new = [os.urandom(32) if make else b"" for _ in missing]
        commands: list[Command] = [
            (s, ("SET", n, k, "NX", "GET") if make else ("GET", n)) for (s, n), k in zip(names, new, strict=True)
        ]
        got = self._database.many(commands)
        with self._lock:
            if len(self._known) > MOST:
                self._known.clear()
            for hashed, old, made in zip(missing, got, new, strict=True):
                if key := old or made:
                    found[hashed] = key
                    self._known[hashed] = (now, key)
        return found

    def seal(self, key: bytes, hashed: bytes, payload: bytes) -> bytes:
        """The payload, readable with this key only."""
        nonce = os.urandom(_NONCE)
        return _SEALED + _mark(key) + nonce + AESGCM(key).encrypt(nonce, payload, hashed)

    def open(self, key: bytes | None, hashed: bytes, body: bytes) -> bytes | None:
        """What was sealed; None where its key was destroyed. What was never sealed comes as it is."""
        if not body.startswith(_SEALED):
            return body
        start = len(_SEALED) + _MARK
        if key is None or body[len(_SEALED) : start] != _mark(key):
            return None
        try:
            return AESGCM(key).decrypt(body[start : start + _NONCE], body[start + _NONCE :], hashed)
        except InvalidTag:
            return None

    def destroy(self, keys: Iterable[str]) -> int:
        """Destroy the keys of these source ids; give how many there were. Redis's files hold them until it rewrites
        them, which this starts.
        """
        hashes = [self.hash(key) for key in keys]
        if not hashes:
            return 0
        names = [self._name(h) for h in hashes]
        gone = sum(self._database.many([(shard, ("DEL", name)) for shard, name in names]))
        with self._lock:
            for hashed in hashes:
                self._known.pop(hashed, None)
        return int(gone)


def _mark(key: bytes) -> bytes:
    """Which key sealed: so that a key made anew for an id isn't tried on what an older one sealed."""
    return blake2b(key, digest_size=_MARK).digest()
