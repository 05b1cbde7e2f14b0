"""``micromoments report``: a question asked of the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from micromoments.cli.on_spark import On, checked
from micromoments.cli.table import Format

PATIENCE = 600.0
"""Seconds that a server has for a report over everything."""


def report(
    folder: Annotated[Path, typer.Argument(help="the project's folder")],
    name: Annotated[
        str,
        typer.Argument(
            help="scorecards, missed, lift, shadow, needs, unmet, worth, pain, preferences, items, guides, journeys, "
            "moments, decisions, deliveries, rendering, quality, calibration, freshness, behind or history"
        ),
    ],
    from_: Annotated[str, typer.Option("--from", help="first instant, RFC 3339")] = "",
    to: Annotated[str, typer.Option("--to", help="first instant not counted, RFC 3339")] = "",
    tz: Annotated[str, typer.Option(help="IANA zone of days and hours")] = "",
    by: Annotated[str, typer.Option(help="type, channel, device, place, hour or day")] = "",
    segment: Annotated[str, typer.Option(help="only this part, such as type:buy")] = "",
    goal: Annotated[str, typer.Option(help="the goal that counts as success")] = "",
    on: Annotated[On, typer.Option(help="what asks the facts: the project's process, or Spark")] = On.here,
    master: Annotated[str, typer.Option(help="Spark's master, such as local[4]; else spark-submit's")] = "",
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Answer a question from the facts, saying as of when and counting what. A server that has the folder open is
    asked; Spark reads the facts themselves, where they lie.
    """
    from micromoments.cli.table import put_json

    given = {"from": from_, "to": to, "tz": tz, "by": by, "segment": segment, "goal": goal}
    params = {key: value for key, value in given.items() if value}
    checked(on, master)
    reply = _asked(folder, name, params) if on is On.here else _on_spark(folder, name, params, master)
    if format is Format.json:
        put_json(reply)
    elif format is Format.html:
        from micromoments.report.html import page

        typer.echo(page(reply))
    else:
        show(reply)


def _asked(folder: Path, name: str, params: dict[str, str]) -> dict[str, Any]:
    from micromoments.cli.owner import asked

    path = f"/v1/reports/{quote(name, safe='')}"
    return asked(folder, lambda engine: engine.report(name, **params), "GET", path, params=params, timeout=PATIENCE)


def _on_spark(folder: Path, name: str, params: dict[str, str], master: str) -> dict[str, Any]:
    from micromoments.config import load
    from micromoments.engine.spark.facts import report
    from micromoments.engine.spark.stored import stored_facts

    return report(stored_facts(folder), name, params, load(folder), master)


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
