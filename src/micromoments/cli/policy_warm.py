"""``micromoments policy warm``: a slot's policy learns a log before it serves anybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from micromoments.cli.lines import opened
from micromoments.cli.owner import is_project, through_owner
from micromoments.cli.table import Format, put_json, put_table, say

PATIENCE = 1_800.0
"""Seconds that a server may take to learn a log."""


def warm(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    slot: Annotated[
        str, typer.Argument(help="the slot whose policy learns; `personalizer` for the rank door's actions")
    ],
    log: Annotated[
        str,
        typer.Option(help="as `backtest policy` takes it: JSON lines, Azure Personalizer's dsjson, or VW's text"),
    ],
    dry_run: Annotated[bool, typer.Option(help="say what it would be worth, and change nothing")] = False,
    format: Annotated[Format, typer.Option(help="table or json")] = Format.table,
) -> None:
    """Teach a slot's policy a log of decisions, judge it by the newest fifth, and put it in force."""
    if not is_project(folder):
        raise ValueError(f"got {folder}, which is no project's folder; wanted one")
    with opened(log) as lines:
        text = b"".join(lines)
    query = {"slot": slot, "dryRun": "true" if dry_run else "false"}
    told = through_owner(folder, "POST", "/v1/policies/warm", content=text, params=query, timeout=PATIENCE)
    found = _taught(folder, slot, text, dry_run=dry_run) if told is None else _snake(told)
    if format is Format.json:
        put_json(found)
    else:
        _table(found, dry_run=dry_run)
    if found["set_aside"]:
        say(f"set aside {found['set_aside']:,} decisions; first: " + "; ".join(found["why"][:3]))
        raise typer.Exit(3)


def _taught(folder: Path, slot: str, text: bytes, *, dry_run: bool) -> dict[str, Any]:
    """What came of teaching it in a folder that nobody has open."""
    import micromoments as mm
    from micromoments.learn.logged import read
    from micromoments.learn.warm import with_unread

    records, wrong = read(text.splitlines())
    with mm.open(folder) as engine:
        return with_unread(engine.policies.warm(slot, records, dry_run=dry_run), wrong)


def _snake(found: Any) -> Any:
    """A door's answer with the names that this command prints."""
    if not isinstance(found, dict):
        return found
    return {re.sub("[A-Z]", lambda at: f"_{at[0].lower()}", name): _snake(value) for name, value in found.items()}


def _table(found: dict[str, Any], *, dry_run: bool) -> None:
    judged = found["judged"]
    if judged is not None:
        rows = [{"policy": name, **judged[name]} for name in ("before", "after")]
        put_table(f"reward a decision on the newest {judged['decisions']:,}, 95 % intervals", rows)
        typer.echo(f"the log's own policy earned {judged['logged']:.5g} there")
        for one in judged["warnings"]:
            typer.echo(f"warning: this log cannot answer well: {one}")
    else:
        typer.echo("too few decisions to judge what it is worth: the newest fifth would be under 50")
    learned = f"{found['learned']:,} logged decisions, worth {found['worth']:,.0f}"
    if dry_run:
        typer.echo(f"{found['policy']} would learn {learned}; nothing was changed")
        return
    typer.echo(
        f"{found['policy']} learned {learned}; version {found['version']} is in force, version {found['was']} is kept: "
        f"`micromoments policy rollback FOLDER {found['policy']} {found['was']}` puts it back"
    )
