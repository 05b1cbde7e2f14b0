"""``micromoments export``: all that is held of a person, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer


def export(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    person: Annotated[str, typer.Argument(help="a user id, or anon:<anonymousId>")],
) -> None:
    """Print all that is held of a person: profile, consent, moments, events as sent, decisions. A server that has the
    folder open is asked.
    """
    from micromoments.cli.owner import Missing, asked, named
    from micromoments.cli.table import put_json, say

    person = named(person)
    try:
        held = asked(folder, lambda engine: engine.export(person), "GET", f"/v1/people/{quote(person, safe='')}/export")
    except Missing:
        held = None
    if held is None:
        say(f"nobody is known as {person!r}; a user id, or anon:<anonymousId>, is wanted")
        raise typer.Exit(1)
    put_json(held)
