"""Files of lines, as commands are given them: plain, gzipped, or standard input."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import typer

from micromoments.sources.opened import narrowed, wide

LONGEST = 1 << 26
"""Bytes of a line; what goes on for longer without an end is no text (``/dev/zero``, an image)."""


@contextmanager
def opened(name: str) -> Iterator[Iterable[bytes]]:
    """A file's lines as bytes, unzipped where they are gzipped, UTF-16 as UTF-8; ``-`` is standard input.

    Raises:
        BadParameter: there is no such file.
        ValueError: a gzipped file that ends early or is damaged, or a line without an end, also while it is read.
    """
    if name == "-":
        yield _lines(cast("io.BufferedReader", sys.stdin.buffer), "standard input")
        return
    if not name or Path(name).is_dir() or not Path(name).exists():
        raise typer.BadParameter(f"got {name!r}, which is no file; wanted a file, or - for standard input")
    with Path(name).open("rb") as raw:
        if raw.peek(2)[:2] != b"\x1f\x8b":
            yield _lines(raw, name)
            return
        with gzip.open(raw) as file:
            try:
                yield _lines(io.BufferedReader(file), name)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise ValueError(f"{name}: got gzip that doesn't unzip ({error}); wanted a whole file") from error


def _lines(file: io.BufferedReader, name: str) -> Iterator[bytes]:
    encoding = wide(file.peek(4)[:4])
    plain: BinaryIO = narrowed(file, encoding) if encoding else file
    number = 0
    while line := plain.readline(LONGEST):
        number += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            raise ValueError(f"{name}, line {number}: got {LONGEST:,} bytes without an end; wanted text by lines")
        yield line
