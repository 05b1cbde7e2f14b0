"""What was imported into a folder, file by file: how far, so that a killed import goes on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from micromoments.core.event import Millis

FOLDER = "imports"


class Entry(msgspec.Struct, kw_only=True):
    """One file's import. ``digest`` is that of what the file says, gunzipped; its name may change.

    ``emitted`` rows, in the order of time, are durable in the log; ``at`` is the arrival of the last of them. ``as_of``
    is the present of the first run, against which timestamps were judged. Instants in milliseconds, UTC. ``ends``: on a
    cluster, where each partition of the events ended when this was noted.
    """

    file: str
    digest: str
    mapping: str
    window: int
    as_of: Millis
    at: Millis = 0
    emitted: int = 0
    imported: int = 0
    duplicates: int = 0
    first: Millis = 0
    last: Millis = 0
    set_aside: int = 0
    skipped: int = 0
    disordered: int = 0
    late: int = 0
    finished: bool = False
    ends: dict[int, int] = {}


class Ledger:
    """The entries of a project's folder, in ``imports/``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def find(self, digest: str) -> Entry | None:
        """The entry of a file by its digest.

        Raises:
            ValueError: the entry can't be read.
        """
        path = self.path / f"{digest}.json"
        if not path.exists():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Entry)
        except (OSError, msgspec.MsgspecError) as error:
            raise ValueError(
                f"{path} can't be read ({error}), so it isn't known how far the file was imported; restore a backup"
            ) from None

    def keep(self, entry: Entry) -> None:
        """Write an entry, durable when this returns."""
        path = self.path / f"{entry.digest}.json"
        whole(path, msgspec.json.format(msgspec.json.encode(entry), indent=1))


class Known:
    """Hashes of the messages that files named themselves, 8 bytes each on disk: another export that repeats them is not
    counted twice, however long ago the first was.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FOLDER / "known.ids"
        size = self._path.stat().st_size // 8 * 8 if self._path.exists() else 0
        body = self._path.read_bytes()[:size] if size else b""
        self._old: npt.NDArray[np.uint64] = np.sort(np.frombuffer(body, dtype="<u8"))
        self._new: set[int] = set()
        self._waiting: list[int] = []

    def fresh(self, mids: Sequence[int]) -> list[bool]:
        """Which of these are new; all of them are noted."""
        wanted = np.array(mids, dtype=np.uint64)
        places = np.searchsorted(self._old, wanted)
        inside = places < len(self._old)
        places[~inside] = 0
        seen = (inside & (self._old[places] == wanted)).tolist() if len(self._old) else [False] * len(mids)
        answers = []
        for mid, old in zip(mids, seen, strict=True):
            new = not old and mid not in self._new
            answers.append(new)
            if new:
                self._new.add(mid)
                self._waiting.append(mid)
        return answers

    def keep(self) -> None:
        """Write what was noted, durable when this returns; call it once the messages are durable themselves."""
        if self._waiting:
            body = np.array(self._waiting, dtype="<u8").tobytes()
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.truncate(file.tell() // 8 * 8)  # a crash may have left part of a number
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            self._waiting = []


def whole(path: Path, body: bytes) -> None:
    """Write a private file whole or not at all, durable when this returns."""
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
