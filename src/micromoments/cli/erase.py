"""``micromoments erase``: forget a person everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

PATIENCE = 600.0
"""Seconds that a server has to look through everything."""


def erase(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    person: Annotated[str, typer.Argument(help="a user id, or anon:<anonymousId>")],
    yes: Annotated[bool, typer.Option("--yes", help="don't ask first")] = False,
) -> None:
    """Remove a person from state, log and facts for good. What policies learned from them stays until retrained. A
    server that has the folder open is asked.
    """
    from micromoments.cli.owner import asked, named
    from micromoments.cli.table import put_json, say

    person = named(person)
    if not yes and not typer.confirm(f"Erase {person!r} for good?", err=True):
        say("nothing was erased")
        raise typer.Exit(1)
    path = f"/v1/people/{quote(person, safe='')}"
    gone = asked(folder, lambda engine: {"erased": engine.erase(person)}, "DELETE", path, timeout=PATIENCE)
    put_json(gone["erased"])
    if not gone["erased"]["people"] and not gone["erased"]["records"]:
        say(f"nothing was held of {person!r}; a user id, or anon:<anonymousId>, is wanted")
        return
    say("learned weights and aggregates hold no ids and remain until retrained; older backups still have the person")
