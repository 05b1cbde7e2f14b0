"""What commands print: a table for people, JSON for programs, a page for sharing. Data goes to stdout, words to
stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rich.table import Table


MAX_WIDTH = 100_000
"""Characters; no table is wider."""


class Format(StrEnum):
    """How to show a result."""

    table = "table"
    json = "json"
    html = "html"


def say(words: str) -> None:
    """Words for the person at the terminal: stderr, so that data on stdout stays clean."""
    sys.stderr.write(words.rstrip() + "\n")


def put_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def put_table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as a table on stdout; the columns are the keys of all rows, in the order in which they first come. Where so
    many columns don't fit the terminal the rows stand side by side, or each is a list of its own: nothing is cut off.
    """
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    console = Console()
    unbound = console.options.update(max_width=MAX_WIDTH)
    names = list(dict.fromkeys(name for row in rows for name in row))
    across = Table(title=title, title_justify="left")
    for name in names:
        numeric = all(isinstance(r.get(name), int | float) for r in rows)
        across.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        across.add_row(*(cell(row.get(name)) for name in names))
    if Measurement.get(console, unbound, across).minimum <= console.width:
        console.print(across)
        return
    console.print(title, style="italic", markup=False, highlight=False)
    beside = _down(names, rows)
    if Measurement.get(console, unbound, beside).minimum <= console.width:
        console.print(beside)
        return
    for row in rows:
        console.print(_down(names, [row]))


def _down(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table of the names one below the other, and a column for each row; names that no row has are left out."""
    from rich.table import Table

    table = Table(show_header=False)
    for _ in range(len(rows) + 1):
        table.add_column()
    for name in names:
        told = [cell(row.get(name)) for row in rows]
        if any(told):
            table.add_row(name, *told)
    return table


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    return str(value)
