"""The file of word vectors that a project names."""

from __future__ import annotations

from pathlib import Path

from micromoments.ports import StoreError
from micromoments.retrieve.meaning import read
from micromoments.retrieve.search import Meaning


def near(path: Path) -> Meaning:
    """What gives the words nearest to one.

    Raises:
        StoreError: the file can't be read, or is none of word vectors.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return read(lines).alike
    except (OSError, ValueError) as error:
        todo = "wanted a file of word vectors as text: correct `meaning` in micromoments.toml, or take it out"
        raise StoreError(f"got {path.name} for meaning, which can't be read ({error}); {todo}") from error
