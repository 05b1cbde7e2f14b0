"""Where a project's facts lie, in a folder or on a cluster, for Spark to read; beside the wirings, it names stores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from micromoments.config import Cluster, load_cluster
from micromoments.core.fact import TABLES, Table
from micromoments.ports import StoreError
from micromoments.stores.embedded.columns import LATER
from micromoments.stores.embedded.query import Query, resolve

__all__ = ["LATER", "StoredFacts", "resolve", "stored_facts"]


class StoredFacts(NamedTuple):
    """Every fact there is, each version: Arrow tables of what isn't sealed yet, and Parquet files as paths or
    ``s3://...``. ``twice``: an event may be among them twice. ``places``: the bucket that files lie in, as it is
    configured; none where they lie in a folder.
    """

    live: Mapping[Table, Any]
    files: Mapping[Table, Sequence[str]]
    twice: bool
    places: Sequence[str] = ()


def stored_facts(folder: Path) -> StoredFacts:
    """The facts of a project as committed now, in its folder or on its cluster; a server may go on with it.

    Raises:
        StoreError: there are none, or they can't be read.
    """
    cluster = load_cluster(folder, os.environ)
    if cluster is not None:
        return _on_cluster(folder, cluster)
    if not (folder / "state.sqlite").exists():
        raise StoreError(f"got {folder}, which is no project's folder; wanted one that a server or an import made")
    with Query(folder / "facts", folder / "state.sqlite") as query:
        live, files = query.sources()
    return StoredFacts(live, files, query.twice)


def _on_cluster(folder: Path, cluster: Cluster) -> StoredFacts:
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.stores.cluster.facts import RedisFacts, live_rows

    shared = open_shared(folder, cluster)
    try:
        facts = RedisFacts(shared.database, cluster.facts)
        live = live_rows(shared.database)  # first: what is sealed meanwhile is then there twice, and not missing
        files = {table: [os.fspath(name) for name in facts.files(table)] for table in TABLES}
        places = [cluster.facts] if "://" in cluster.facts else []
        return StoredFacts(live, files, twice=True, places=places)
    finally:
        shared.close()
