"""``micromoments report``: a question asked of the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from micromoments.cli.table import Format

PATIENCE = 600.0
"""Seconds that a server has for a report over everything."""


def report(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    name: Annotated[
        str,
        typer.Argument(
            help="scorecards, missed, lift, shadow, needs, unmet, worth, pain, preferences, items, journeys, moments, "
            "decisions, deliveries, rendering, quality, calibration, freshness, behind or history"
        ),
    ],
    from_: Annotated[str, typer.Option("--from", help="first instant, RFC 3339")] = "",
    to: Annotated[str, typer.Option("--to", help="first instant not counted, RFC 3339")] = "",
    tz: Annotated[str, typer.Option(help="IANA zone of days and hours")] = "",
    by: Annotated[str, typer.Option(help="type, channel, device, place, hour or day")] = "",
    segment: Annotated[str, typer.Option(help="only this part, such as type:buy")] = "",
    goal: Annotated[str, typer.Option(help="the goal that counts as success")] = "",
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Answer a question from the facts, saying as of when and counting what. A server that has the folder open is
    asked.
    """
    from micromoments.cli.owner import asked
    from micromoments.cli.table import put_json

    given = {"from": from_, "to": to, "tz": tz, "by": by, "segment": segment, "goal": goal}
    params = {key: value for key, value in given.items() if value}
    path = f"/v1/reports/{quote(name, safe='')}"
    reply = asked(folder, lambda engine: engine.report(name, **params), "GET", path, params=params, timeout=PATIENCE)
    if format is Format.json:
        put_json(reply)
    elif format is Format.html:
        from micromoments.report.html import page

        typer.echo(page(reply))
    else:
        show(reply)


def show(reply: dict[str, Any]) -> None:
    """A report's reply for people: its figures, its rows, and what they count."""
    from micromoments.cli.table import put_table
    from micromoments.report.flat import cards, tables

    title, words = str(reply.get("title", "")), reply.get("kinds", {})
    for kinds in (cards(reply.get("figures", ())), tables(reply.get("rows", ()))):
        for kind, some in kinds.items():
            put_table(f"{title}: {words.get(kind, kind)}" if kind else title, some)
    for note in reply.get("notes", ()):
        typer.echo(note)
    for key in ("sentence", "counting", "as_of"):
        if reply.get(key):
            typer.echo(f"{key.replace('_', ' ')}: {reply[key]}")
