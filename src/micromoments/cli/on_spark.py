"""Where a command's work is done: in this process, or on Spark."""

from __future__ import annotations

from enum import StrEnum

import typer


class On(StrEnum):
    """What does the work."""

    here = "here"
    spark = "spark"


def checked(on: On, master: str) -> None:
    """Refuse what only Spark can use.

    Raises:
        typer.BadParameter: a master without it.
    """
    if on is On.here and master:
        raise typer.BadParameter("got --master; wanted it with --on spark")
