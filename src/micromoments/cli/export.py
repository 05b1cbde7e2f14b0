"""``micromoments export``: all that is held of a person, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    person: Annotated[str, typer.Argument(help="a user id, or anon:<anonymousId>")],
) -> None:
    """Print all that is held of a person: profile, consent, moments, events as sent, decisions."""
    import micromoments as mm
    from micromoments.cli.table import put_json, say

    with mm.open(folder) as engine:
        held = engine.export(person)
    if held is None:
        say(f"nobody is known as {person!r}; a user id, or anon:<anonymousId>, is wanted")
        raise typer.Exit(1)
    put_json(held)
