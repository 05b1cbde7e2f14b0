"""A question to a project that is on a cluster: a server of its own answers it, in this process, and is gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from micromoments.config import Cluster
    from micromoments.report.ask import Query


def answered(folder: Path, cluster: Cluster, method: str, path: str, **given: Any) -> httpx.Response:
    """What a server of the cluster answers to one request; ``given`` as for ``httpx``'s requests.

    Raises:
        StoreError: Kafka or Redis can't be reached.
        ValueError: the project's move isn't done, or a setting that a cluster doesn't take.
    """
    return asyncio.run(_answered(folder, cluster, method, path, given))


async def _answered(folder: Path, cluster: Cluster, method: str, path: str, given: dict[str, Any]) -> httpx.Response:
    import httpx

    from micromoments.engine.cluster.serving import Serving
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.engine.service import now_ms
    from micromoments.server.app import App
    from micromoments.server.keys import Keys

    key = token_urlsafe(24)
    serving = Serving(open_shared(folder, cluster), now_ms)
    app = App(serving, Keys([], [key], clock=now_ms))
    await serving.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.request(method, path, headers={"authorization": f"Bearer {key}"}, **given)
    finally:
        await serving.stop()


@contextmanager
def asking(folder: Path) -> Iterator[Query]:
    """Ask the facts of a project in SQL without owning it, in its folder or on its cluster, as last committed.

    Raises:
        StoreError: there are none, or they can't be read.
    """
    from micromoments.config import load_cluster

    cluster = load_cluster(folder, os.environ)
    if cluster is not None:
        from micromoments.engine.cluster.wiring import asking as asking_there

        with asking_there(str(cluster.redis), cluster.project, cluster.facts) as ask:
            yield ask
        return
    from micromoments.engine.wiring import asking as asking_here

    yield asking_here(folder)
