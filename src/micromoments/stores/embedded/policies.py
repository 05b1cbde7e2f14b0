"""Policies' states in ``state.sqlite``: the newest as ``SqliteState.commit`` wrote it, and versions that are kept by
name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock

from micromoments.stores.embedded import codec, migrate
from micromoments.stores.embedded.database import connect, failing, transaction


class SqlitePolicies:
    """``ports.Policies`` on the state's file."""

    def __init__(self, state: Path | str) -> None:
        self._lock = RLock()
        self._db = connect(Path(state), full=True, cache_mib=2, checkpoint_pages=16_000)
        migrate.migrate(self._db, migrate.STATE, "state.sqlite")

    def load(self) -> Mapping[str, bytes]:
        """Every policy's newest committed state."""
        with self._lock, failing("reading policies"):
            rows = self._db.execute("SELECT key, body FROM policies ORDER BY key").fetchall()
        return {key: codec.unseal(body, f"policy {key} in state.sqlite") for key, body in rows}

    def keep(self, key: str, version: int, body: bytes) -> None:
        """Keep a named version, durably; the same version again replaces it."""
        with transaction(self._db, self._lock, "keeping a policy's version") as db:
            db.execute("INSERT OR REPLACE INTO policy_versions VALUES (?, ?, ?)", (key, version, codec.seal(body)))

    def versions(self, key: str) -> Sequence[int]:
        """The kept versions, oldest first."""
        with self._lock, failing("reading policies"):
            rows = self._db.execute("SELECT version FROM policy_versions WHERE key = ? ORDER BY version", (key,))
            return [version for (version,) in rows]

    def version(self, key: str, version: int) -> bytes | None:
        """One kept version."""
        with self._lock, failing("reading policies"):
            row = self._db.execute(
                "SELECT body FROM policy_versions WHERE key = ? AND version = ?", (key, version)
            ).fetchone()
        return codec.unseal(row[0], f"policy {key} version {version} in state.sqlite") if row else None

    def forget(self, key: str) -> None:
        """Let go of the kept versions, durably."""
        with transaction(self._db, self._lock, "letting go of a policy's versions") as db:
            db.execute("DELETE FROM policy_versions WHERE key = ?", (key,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
