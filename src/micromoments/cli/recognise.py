"""``micromoments recognise FILE``: what people want, one query a line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from micromoments.recognise.batch import recognise_lines


def recognise(
    file: Annotated[str, typer.Argument(help="A file with one query a line; - is standard input.")],
) -> None:
    """Write a JSON line for each query: its probabilities of know, go, do, buy and none, summing to 1."""
    if file == "-":
        _write(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
        return
    path = Path(file)
    if not path.is_file():
        typer.echo(
            f"micromoments: got {file!r}, which is no file; name a text file with one query a line, or - for stdin",
            err=True,
        )
        raise typer.Exit(2)
    with path.open(encoding="utf-8", errors="replace") as lines:
        _write(lines)


def _write(lines: Iterable[str]) -> None:
    for answer in recognise_lines(lines):
        sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
