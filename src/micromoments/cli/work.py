"""``micromoments work``: recognise and deliver: one worker of a cluster, until SIGTERM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.role import Host, Port, run


def work(
    folder: Annotated[Path, typer.Argument(help="a folder with the project's micromoments.toml")] = Path("my-shop"),
    host: Host = "127.0.0.1",
    port: Port = None,
) -> None:
    """Recognise and deliver: one worker of a cluster, until SIGTERM.

    Workers share the partitions of the events; start as many as there is work for, at most one a partition. One that
    ends is done with what it took, and the others go on.
    """
    from micromoments.engine.cluster.worker import Worker

    run(folder, "work", Worker, host, port)
