"""``micromoments learn``: learn from outcomes: one learner of a cluster is active, the others stand by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def learn(
    folder: Annotated[Path, typer.Argument(help="a folder with the project's micromoments.toml")] = Path("my-shop"),
) -> None:
    """Learn from outcomes: one learner of a cluster is active, the others stand by.

    Start two: when the active one is gone, another goes on within seconds.
    """
    from micromoments.cli.role import run
    from micromoments.engine.cluster.learner import Learner

    run(folder, "learn", Learner)
