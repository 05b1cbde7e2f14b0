"""``micromoments doctor``: what is wrong with a set-up, or with a file of events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from micromoments.cli.finding import Finding
from micromoments.cli.import_ import FileFormat, shape_of
from micromoments.cli.table import Format, put_json, say


def doctor(
    folder: Annotated[Path, typer.Argument(help="the project's folder")] = Path("my-shop"),
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="look at this file of events instead; nothing is imported")
    ] = None,
    file_format: Annotated[
        FileFormat | None, typer.Option("--file-format", help="how the file is written; by its ending unless given")
    ] = None,
    map: Annotated[list[str] | None, typer.Option("--map", help="its mapping, as for import")] = None,
    preset: Annotated[str, typer.Option(help="a mapping that ships with the package")] = "",
    rename: Annotated[list[str] | None, typer.Option("--rename", help="'view=Product Viewed', as for import")] = None,
    time: Annotated[str, typer.Option(help="how timestamps are written, as for import")] = "",
    format: Annotated[Format, typer.Option(help="how to show the findings: table or json")] = Format.table,
) -> None:
    """Look for what is wrong, say what was got, what was wanted, and what to do. Exit status 1 if something is wrong.

    A folder may be in use; nothing in it is changed.
    """
    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if data:
        findings = [
            finding
            for path in data
            for finding in _file(path, folder, (preset, map or [], rename or [], time, ""), file_format)
        ]
    else:
        findings = _setup(folder)
    if format is Format.json:
        put_json(findings)
    else:
        _show(findings)
    wrong = sum(f.severity == "error" for f in findings)
    hurting = sum(f.severity == "warning" for f in findings)
    say(f"{wrong or 'nothing'} wrong, {hurting or 'no'} warning{'' if hurting == 1 else 's'}, {len(findings)} findings")
    if wrong:
        raise typer.Exit(1)


def _setup(folder: Path) -> list[Finding]:
    import os

    from micromoments.cli import doctor_setup
    from micromoments.cli.doctor_outward import destinations
    from micromoments.config import load_cluster
    from micromoments.engine.service import now_ms
    from micromoments.engine.wiring import at_rest

    if not folder.is_dir():
        raise typer.BadParameter(f"got {str(folder)!r}, which is no folder; wanted a project's folder, or --data FILE")
    setup = doctor_setup.Setup(folder, at_rest(folder), os.environ, now_ms())
    if (cluster := load_cluster(folder, os.environ)) is not None:
        from micromoments.cli.doctor_cluster import examine

        return [*doctor_setup.examine(setup, doctor_setup.ANYWHERE), *examine(folder, cluster)]
    return [*doctor_setup.examine(setup), *destinations(setup)]


def _file(
    path: Path, folder: Path, mapped: tuple[str, list[str], list[str], str, str], file_format: FileFormat | None
) -> list[Finding]:
    from micromoments.cli import doctor_data
    from micromoments.config import load
    from micromoments.engine.service import now_ms
    from micromoments.sources.files import Source

    if not path.is_file():
        raise typer.BadParameter(f"got {str(path)!r}, which is no file; wanted a file of events")
    settings, now = load(folder), now_ms()
    keep = min(settings.retention.facts_days, settings.retention.people_days)
    these = doctor_data.checks(now, keep, settings.intake.max_events_per_minute)
    source = Source(path, shape_of(*mapped), now=now, format=file_format.value if file_format else None)
    return doctor_data.examine(source.rows(), these)


def _show(findings: list[Finding]) -> None:
    """One line a finding, the wrong ones with what was wanted and what to do."""
    for f in findings:
        wanted = f"; wanted {f.wanted}" if f.wanted else ""
        todo = f"; {f.todo}" if f.todo else ""
        typer.echo(f"{f.severity:<8} {f.check}: {f.got}{wanted}{todo}")
