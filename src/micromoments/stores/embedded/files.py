"""Files that appear whole or not at all: written beside their place, synced, renamed, and the folder synced."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from micromoments.ports import StoreError
from micromoments.stores.embedded.database import failing

PARTIAL = ".partial"
"""The ending of a file that is still being written; one that a crash left is swept at the next start."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Gives the path to write to; on leaving, that file becomes ``path``, durably. On an error nothing appears.

    Raises:
        StoreError: it could not be written.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        yield partial
        sync(partial)
        partial.replace(path)
        sync(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StoreError(f"can't write {path.name}: {error}; nothing was half done; free space, then retry") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def facts_lock(folder: Path) -> Iterator[None]:
    """Keep every other process from sealing, replacing or removing files of facts."""
    with failing("locking facts"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
