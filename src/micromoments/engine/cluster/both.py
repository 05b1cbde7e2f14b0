"""Opens both sides of a move: beside ``wiring``, the only place here that names stores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from micromoments.config import Cluster
from micromoments.core.event import Millis
from micromoments.core.settings import Settings
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.stores.cluster.carried import Kind, Mark, excused, forgotten, kinds_of, mark_of, say, taken
from micromoments.stores.cluster.copies import Copies, Place
from micromoments.stores.cluster.facts import RedisFacts
from micromoments.stores.embedded.carried import KINDS, WATCHED, FolderCarried, Row
from micromoments.stores.embedded.codec import unseal
from micromoments.stores.embedded.folder import Folder, Locked

__all__ = ["KINDS", "WATCHED", "Folder", "Kind", "Locked", "Mark", "Moving", "Place", "Row", "open_moving", "unseal"]


@dataclass(frozen=True, slots=True)
class Moving:
    """A folder and the cluster that it moves to or came from. ``kinds`` are the state's, ``facts`` the files."""

    shared: Shared
    source: FolderCarried
    kinds: Mapping[str, Kind]
    facts: RedisFacts
    copies: Copies

    def mark(self) -> Mark | None:
        """How far the project has moved."""
        return mark_of(self.shared.database)

    def say(self, mark: Mark) -> None:
        """Write that down."""
        say(self.shared.database, mark)

    def taken(self) -> bool:
        """Whether the cluster holds anything of this project."""
        return taken(self.shared.database)

    def excused(self, hashes: Iterable[bytes] = ()) -> set[bytes]:
        """The hashes of ids whose sealing keys were destroyed while copying, as they were erased; with more of them."""
        return excused(self.shared.database, hashes)

    def forgotten(self, keys: Iterable[str]) -> list[str]:
        """Those of the source ids that were erased since the project moved."""
        gone = forgotten(self.shared.database)
        return [key for key in keys if self.shared.vault.hash(key) in gone]


def open_moving(folder: Path, cluster: Cluster, settings: Settings, now: Millis) -> Moving:
    """Open both sides of a move.

    Raises:
        StoreError: Kafka or Redis can't be reached.
        ValueError: a setting that a cluster doesn't take.
    """
    shared = open_shared(folder, cluster, settings, moving=True)
    broker, keep = shared.events.broker, settings.retention
    return Moving(
        shared,
        FolderCarried(folder),
        kinds_of(shared.database, keep.people_days, keep.log_days, now),
        RedisFacts(shared.database, cluster.facts),
        Copies(broker, cluster.project, shared.events, shared.vault),
    )
