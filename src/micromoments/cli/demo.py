"""``micromoments demo``: a simulated town, live in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    experience: Annotated[str, typer.Argument(help="coffee, ride or shop alone; all that there are unless given")] = "",
    port: Annotated[int, typer.Option(help="port of the page; 0 takes a free one", min=0, max=65535)] = 8080,
    folder: Annotated[
        Path | None, typer.Option(help="keep the project in this new folder instead of a temporary one")
    ] = None,
    seed: Annotated[int, typer.Option(help="the same seed gives the same town and people", min=0)] = 1,
) -> None:
    """A simulated town on one page: moments open, are served and close live, and what that was worth.

    Fourteen simulated days go by first. Everything made up is marked so. Ctrl-C leaves nothing behind.
    """
    from micromoments.demo import NAMES, Demo, existing

    there = existing()
    if experience and experience not in there:
        said = "is not part of this release" if experience in NAMES else "is no experience that there is"
        typer.echo(
            f"micromoments demo: got {experience!r}, which {said}; run: micromoments demo --port {port}", err=True
        )
        raise typer.Exit(2)
    from micromoments.engine.tuning import tune_process

    tune_process()
    Demo(port, seed, folder=folder, experiences=(experience,) if experience else there).run()
