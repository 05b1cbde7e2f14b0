"""Files of lines, as commands are given them: plain, gzipped, or standard input."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer


@contextmanager
def opened(name: str) -> Iterator[Iterable[bytes]]:
    """A file's lines as bytes, unzipped where they are gzipped; ``-`` is standard input.

    Raises:
        BadParameter: there is no such file.
        ValueError: a gzipped file that ends early or is damaged, also while it is read.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    if not name or Path(name).is_dir() or not Path(name).exists():
        raise typer.BadParameter(f"got {name!r}, which is no file; wanted a file, or - for standard input")
    with Path(name).open("rb") as raw:
        if raw.peek(2)[:2] != b"\x1f\x8b":
            yield raw
            return
        with gzip.open(raw) as file:
            try:
                yield file
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ValueError(f"{name}: got gzip that doesn't unzip ({error}); wanted a whole file") from error
