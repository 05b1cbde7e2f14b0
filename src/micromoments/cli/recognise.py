"""``micromoments recognise FILE``: what people want, one query a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated
from zipfile import BadZipFile

import typer

from micromoments.cli.lines import opened
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
    with opened(file) as lines:
        for answer in recognise_lines(_texts(lines), model):
            sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    """The lines as text, without a byte order mark before the first."""
    for n, line in enumerate(lines):
        yield line.decode("utf-8" if n else "utf-8-sig", errors="replace")


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
