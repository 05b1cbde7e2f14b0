"""A process of a cluster that serves nobody: opened by the project's file, run until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import typer

from micromoments.core.event import Millis
from micromoments.engine.cluster.wiring import Shared


class Role(Protocol):
    """What a process does."""

    async def run(self, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        """Do it until ``stopping`` is set; call ``ready`` once it has begun."""
        ...

    def stats(self) -> dict[str, float]:
        """What it counted, by name."""
        ...


def run(folder: Path, name: str, make: Callable[[Shared, Callable[[], Millis]], Role]) -> None:
    """Run a role until SIGTERM or SIGINT; returns when what it took is done."""
    from micromoments.config import load_cluster
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.engine.tuning import tune_process

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    cluster = load_cluster(folder, os.environ)
    if cluster is None:
        raise ValueError(
            f"got {folder}, whose micromoments.toml has no table [cluster]; wanted one with kafka and redis; "
            f"on one machine `micromoments serve` does what `{name}` does"
        )
    shared = open_shared(folder, cluster)

    def ready() -> None:
        typer.echo(f"micromoments: {cluster.project} {name}s, process {os.getpid()}", err=True)

    async def running() -> None:
        stopping = asyncio.Event()
        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, stopping.set)
        tune_process()
        role = make(shared, shared.clock)
        await role.run(stopping, ready)
        counted = ", ".join(f"{what} {value:.0f}" for what, value in role.stats().items())
        typer.echo(f"micromoments: {name} ended; {counted}", err=True)

    asyncio.run(running())
