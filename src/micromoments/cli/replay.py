"""``micromoments replay``: fold a folder's log again from nothing, and hold the result against its state."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from micromoments.cli.table import Format, put_json, say


def replay(
    folder: Annotated[Path, typer.Argument(help="the project's folder; it must not be serving")],
    format: Annotated[Format, typer.Option(help="how to show the result: table or json")] = Format.table,
) -> None:
    """Replay the whole log and compare people, links and policies with the state, byte for byte.

    Exit status 1 where they differ. Where the log no longer begins at its first record (retention trims it), people who
    are older than it differ by what was forgotten.
    """
    from time import perf_counter

    from micromoments.engine.service import now_ms
    from micromoments.engine.tuning import tune_process
    from micromoments.engine.verify import verify
    from micromoments.engine.wiring import open_stores

    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if not (folder / "log.sqlite").is_file():
        raise typer.BadParameter(f"got {str(folder)!r}, which has no log; wanted a project's folder")
    stores = open_stores(folder, now=now_ms())
    tune_process()
    try:
        start = perf_counter()
        verdict = verify(stores)
        seconds = perf_counter() - start
    finally:
        stores.close()
    if format is Format.json:
        put_json({**msgspec.structs.asdict(verdict), "seconds": round(seconds, 3)})
    else:
        for what in ("records", "people", "links", "policies"):
            typer.echo(f"{what:<12}{getattr(verdict, what):>12,}")
        typer.echo(f"{'differences':<12}{len(verdict.differences):>12,}")
        for difference in verdict.differences[:20]:
            typer.echo(difference)
    say(f"{verdict.records / max(seconds, 1e-9):,.0f} records a second")
    if verdict.differences:
        raise typer.Exit(1)
