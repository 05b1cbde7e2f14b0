"""A process of a cluster that serves nobody: opened by the project's file, run until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from micromoments.core.event import Millis
    from micromoments.engine.cluster.wiring import Shared


class Role(Protocol):
    """What a process does; ``beat`` is when it last turned its loop (``time.monotonic``)."""

    beat: float

    async def run(self, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        """Do it until ``stopping`` is set; call ``ready`` once it has begun."""
        ...

    def stats(self) -> dict[str, float]:
        """What it counted, by name."""
        ...


Host = Annotated[str, typer.Option(help="address to answer probes and scrapes at")]
Port = Annotated[
    int | None, typer.Option(help="port of /healthz, /readyz and /metrics; none by default", min=0, max=65535)
]


def run(
    folder: Path, name: str, make: Callable[[Shared, Callable[[], Millis]], Role], host: str, port: int | None
) -> None:
    """Run a role until SIGTERM or SIGINT, with probes at a port where one is given; returns when what it took is done.

    Raises:
        ValueError: the folder's project has no cluster.
        OSError: the port is taken.
    """
    from micromoments.config import load_cluster
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.engine.tuning import tune_process
    from micromoments.server.probes import Probes

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    cluster = load_cluster(folder, os.environ)
    if cluster is None:
        raise ValueError(
            f"got {folder}, whose micromoments.toml has no table [cluster]; wanted one with kafka and redis; "
            f"on one machine `micromoments serve` does what `{name}` does"
        )
    shared = open_shared(folder, cluster)

    async def running() -> None:
        stopping = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, stopping.set)
        tune_process()
        role = make(shared, shared.clock)
        probes = Probes(role.stats, lambda: role.beat)
        close = probes.listen(host, port) if port is not None else lambda: None

        def ready() -> None:
            probes.ready = True
            typer.echo(f"micromoments: {cluster.project} {name}s, process {os.getpid()}", err=True)

        try:
            await role.run(stopping, ready)
        finally:
            close()
        counted = ", ".join(f"{what} {value:.0f}" for what, value in role.stats().items())
        typer.echo(f"micromoments: {name} ended; {counted}", err=True)

    asyncio.run(running())
