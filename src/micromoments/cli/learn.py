"""``micromoments learn``: learn from outcomes: one learner of a cluster is active, the others stand by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.role import Host, Port, run


def learn(
    folder: Annotated[Path, typer.Argument(help="a folder with the project's micromoments.toml")] = Path("my-shop"),
    host: Host = "127.0.0.1",
    port: Port = None,
) -> None:
    """Learn from outcomes: one learner of a cluster is active, the others stand by.

    Start two: when the active one is gone, another goes on within seconds.
    """
    from micromoments.engine.cluster.learner import Learner

    run(folder, "learn", Learner, host, port)
