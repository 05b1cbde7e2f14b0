"""Where a command's work is done: in this process, or on Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from micromoments.engine.spark.place import Place


class On(StrEnum):
    """What does the work."""

    here = "here"
    spark = "spark"


def checked(on: On, master: str, to: str = "") -> None:
    """Refuse what only Spark can use.

    Raises:
        typer.BadParameter: a master, or a place for the log, without it.
    """
    if on is On.here and (master or to):
        raise typer.BadParameter(f"got {'--master' if master else '--to'}; wanted it with --on spark")


@contextmanager
def passing(to: str) -> Iterator[Place]:
    """Where the log passes to Spark's workers: ``to``, or a folder of this machine that is gone afterwards."""
    from micromoments.engine.spark.place import Place

    if to:
        yield Place(to)
        return
    with TemporaryDirectory(prefix="micromoments-") as folder:
        yield Place(folder)
