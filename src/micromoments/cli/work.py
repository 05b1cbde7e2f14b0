"""``micromoments work``: recognise and deliver: one worker of a cluster, until SIGTERM."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def work(
    folder: Annotated[Path, typer.Argument(help="a folder with the project's micromoments.toml")] = Path("my-shop"),
) -> None:
    """Recognise and deliver: one worker of a cluster, until SIGTERM.

    Workers share the partitions of the events; start as many as there is work for, at most one a partition. One that
    ends is done with what it took, and the others go on.
    """
    from micromoments.cli.role import run
    from micromoments.engine.cluster.worker import Worker

    run(folder, "work", Worker)
