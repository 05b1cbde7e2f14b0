"""A folder's facts kept open between questions: live facts are decoded once, files are looked into once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from micromoments.stores.embedded.rolled import Rolled

_LOCK = RLock()
_OPEN: dict[Path, tuple[int, Rolled]] = {}
"""By folder: the state's inode, as a folder may be made anew, and its question."""


@contextmanager
def standing(folder: Path) -> Iterator[Rolled]:
    """The folder's facts as committed now, over their roll-ups; one question at a time in this process."""
    with _LOCK:
        inode = (folder / "state.sqlite").stat().st_ino
        had = _OPEN.get(folder)
        if had is not None and had[0] == inode:
            had[1].refresh()
        else:
            let_go(folder)
            _OPEN[folder] = (inode, Rolled(folder / "facts", folder / "state.sqlite"))
        yield _OPEN[folder][1]


def let_go(folder: Path) -> None:
    """Close the folder's facts, if they are open."""
    with _LOCK:
        had = _OPEN.pop(folder, None)
        if had is not None:
            had[1].close()
