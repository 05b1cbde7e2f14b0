"""``micromoments backup``: copy a project, also while it serves, and check a copy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.table import Format, put_json, say


def backup(
    folder: Annotated[Path, typer.Argument(help="the project's folder; with --verify, the backup to check")],
    target: Annotated[Path | None, typer.Argument(help="a new folder for the copy")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="read a backup whole and check it against its manifest")
    ] = False,
    format: Annotated[Format, typer.Option(help="how to show what it holds: table or json")] = Format.table,
) -> None:
    """Copy a project's folder to a new one while it serves; or check a backup, value by value.

    Keys are not copied: they are in the environment or in files of their own.
    """
    from micromoments.engine.wiring import back_up, verify_backup

    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if verify:
        if target is not None:
            raise typer.BadParameter("got two folders with --verify; wanted the backup alone: backup --verify TARGET")
        show(verify_backup(folder), format)
        say(f"{folder} is whole")
        return
    if target is None:
        raise typer.BadParameter("got no target; wanted: backup FOLDER TARGET, or backup --verify TARGET")
    _in_folder(folder)
    show(back_up(folder, target), format)
    say(f"{folder} is copied to {target}; check it with: micromoments backup --verify {target}")


def _in_folder(folder: Path) -> None:
    """Say how a cluster is backed up, where the project is on one.

    Raises:
        ValueError: it is.
    """
    import os

    from micromoments.config import load_cluster

    cluster = load_cluster(folder, os.environ)
    if cluster is not None:
        raise ValueError(
            f"got {folder}, whose project is on a cluster; wanted one in its folder. Copy Redis first (redis-cli --rdb "
            f"FILE), then Kafka's disks, by their own tools; facts are files in {cluster.facts}; docs/howto/backup has "
            "the steps. Or take the project back to a folder: micromoments migrate FOLDER --back"
        )


def show(counts: object, format: Format) -> None:
    """How much there is of what."""
    held = dict(counts) if isinstance(counts, dict) else {}
    if format is Format.json:
        put_json(held)
        return
    for what, count in held.items():
        typer.echo(f"{what:<14}{count:>14,}")
