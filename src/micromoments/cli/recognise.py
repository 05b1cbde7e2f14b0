"""``micromoments recognise FILE``: what people want, one query a line."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile

import typer

from micromoments.recognise.batch import recognise_lines
from micromoments.recognise.text import TextModel


def recognise(
    file: Annotated[str, typer.Argument(help="A file with one query a line; - is standard input.")],
    weights: Annotated[
        str, typer.Option(help="A weights file that tools/train_text wrote, of another language for instance.")
    ] = "",
) -> None:
    """Write a JSON line for each query: its probabilities of know, go, do, buy and none, summing to 1."""
    model = _model(weights)
    if file == "-":
        _write(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"), model)
        return
    path = Path(file)
    if not path.is_file():
        typer.echo(
            f"micromoments: got {file!r}, which is no file; name a text file with one query a line, or - for stdin",
            err=True,
        )
        raise typer.Exit(2)
    with path.open(encoding="utf-8", errors="replace") as lines:
        _write(lines, model)


def _model(weights: str) -> TextModel:
    """The model in a weights file, or the one that ships."""
    try:
        return TextModel.load(Path(weights).read_bytes() if weights else None)
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        typer.echo(
            f"micromoments: got weights {weights!r} that can't be used: {error}; "
            "name a file written by python -m tools.train_text.language",
            err=True,
        )
        raise typer.Exit(2) from error


def _write(lines: Iterable[str], model: TextModel) -> None:
    for answer in recognise_lines(lines, model):
        sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
