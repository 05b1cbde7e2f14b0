"""What commands print: a table for people, JSON for programs, a page for sharing. Data goes to stdout, words to
stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec


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
    """Rows as a table on stdout; the columns are the keys of all rows, in the order in which they first come."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        numeric = all(isinstance(r.get(name), int | float) for r in rows)
        table.add_column(name, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(cell(row.get(name)) for name in names))
    Console().print(table)


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(v) for v in value)
    return str(value)
