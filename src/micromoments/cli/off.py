"""``micromoments off`` and ``on``: stop serving, at once, and go on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.owner import asked, is_project

DEFAULT = Path("my-shop")
_ARGUMENT = "the slot; every slot where none is named. The folder may stand before it"
Names = Annotated[list[str] | None, typer.Argument(metavar="[SLOT]", help=_ARGUMENT)]
Folder = Annotated[Path | None, typer.Option("--folder", help="the project's folder; found from here unless given")]


def off(names: Names = None, folder: Folder = None) -> None:
    """Stop serving in a slot, or everywhere: from the next decision on its answer is empty. Events are taken on."""
    switch(names or [], folder, off=True)


def switch(names: list[str], folder: Path | None, *, off: bool) -> None:
    """Switch by the folder's owner process, or in the folder where nobody has it open; print what is off."""
    from micromoments.cli.table import say

    project, slot = where(names, folder)
    body = {"slot": slot, "off": off}
    told = asked(
        project, lambda engine: {"off": engine.off(slot) if off else engine.on(slot)}, "PUT", "/v1/switch", body=body
    )
    left: list[str] = told["off"]
    typer.echo(" ".join("every slot" if name == "*" else name for name in left) or "nothing")
    if off and slot and slot not in (known := _configured(project)):
        say(
            f"micromoments: {slot!r} is no slot of micromoments.toml (there is {', '.join(known) or 'none'}); "
            f"was it another? micromoments on {slot}"
        )
    say(f"micromoments: off in {project}: {', '.join('every slot' if n == '*' else n for n in left) or 'nothing'}")


def _configured(project: Path) -> list[str]:
    """The slots that the settings name; what is wrong with the settings is no reason not to stop."""
    from micromoments.config import ConfigError, load

    try:
        return list(load(project).slots)
    except (ConfigError, OSError):
        return []


def where(names: list[str], folder: Path | None) -> tuple[Path, str]:
    """The project's folder and the slot (empty: all) that arguments mean.

    Raises:
        BadParameter: there are too many of them.
        ValueError: no project is there.
    """
    rest = list(names)
    if folder is None and rest and is_project(Path(rest[0])):
        folder = Path(rest.pop(0))
    if len(rest) > 1:
        raise typer.BadParameter(f"got {len(names)} names; wanted a slot, with the project's folder before it or not")
    if folder is None:
        said = os.environ.get("MICROMOMENTS_FOLDER")
        folder = Path(said) if said else Path() if is_project(Path()) else DEFAULT
    if not is_project(folder):
        raise ValueError(f"got {folder}, which is no project's folder; wanted one; name it with --folder")
    return folder, rest[0] if rest else ""
