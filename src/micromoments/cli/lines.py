"""Files of lines, as commands are given them: plain, gzipped, or standard input."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def opened(name: str) -> Iterator[Iterable[bytes]]:
    """A file's lines as bytes, unzipped where they are gzipped; ``-`` is standard input."""
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as raw:
        if raw.peek(2)[:2] == b"\x1f\x8b":
            with gzip.open(raw) as file:
                yield file
        else:
            yield raw
