"""``micromoments restore``: make a project's folder from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.table import Format, say


def restore(
    target: Annotated[Path, typer.Argument(help="the backup")],
    folder: Annotated[Path, typer.Argument(help="the project's folder to make; empty or absent")],
    format: Annotated[Format, typer.Option(help="how to show what it holds: table or json")] = Format.table,
) -> None:
    """Make a project's folder from a backup; every file is checked against the manifest before and after."""
    from micromoments.cli.backup import show
    from micromoments.engine.wiring import restore_backup

    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    show(restore_backup(target, folder), format)
    say(f"{folder} is made from {target}; serve it with: micromoments serve {folder}")
