"""A project's folder: who owns it, and where things are in it.

One process owns a folder: it holds an exclusive ``flock`` on ``lock``, in which stand its pid and the address at which
it serves. The lock goes with the process, however it ends. Folders are 0700, files 0600.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from time import sleep
from types import TracebackType
from typing import Self

import msgspec

from micromoments.ports import StoreError

CONFIG = "micromoments.toml"


class Owner(msgspec.Struct, frozen=True):
    """Who holds a folder: a process, the address at which it serves (empty: it doesn't), and a key that it takes from
    whoever may read this file, which is for the folder's user alone.
    """

    pid: int
    address: str = ""
    token: str = ""


class Locked(StoreError):
    """Another process owns the folder; ``owner`` says which."""

    def __init__(self, message: str, owner: Owner) -> None:
        super().__init__(message)
        self.owner = owner


class Folder:
    """An open folder; the lock is held until ``close``.

    Args:
        path: the folder; made where absent.
        address: where its owner serves, for those who come second; ``serving`` changes it.

    Raises:
        Locked: another process has it.
        StoreError: it can't be made or written.
    """

    def __init__(self, path: Path | str, address: str = "") -> None:
        self.path = Path(path).absolute()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"can't open the folder {self.path}: {error.strerror or error}; choose one that this user may write"
            ) from error
        if not _take(self._lock):
            os.close(self._lock)
            raise _locked(self.path)
        self.token = token_urlsafe(24)
        self.serving(address)
        for part in (self.facts, self.artifacts, self.seen):
            part.mkdir(mode=0o700, exist_ok=True)

    @classmethod
    def open(cls, path: Path | str, address: str = "") -> Self:
        """The folder, locked."""
        return cls(path, address)

    def serving(self, address: str) -> None:
        """Write down where the owner serves."""
        body = msgspec.json.encode(Owner(os.getpid(), address, self.token))
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, body, 0)

    @property
    def config(self) -> Path:
        """The settings, a file that need not exist."""
        return self.path / CONFIG

    @property
    def log(self) -> Path:
        """The log's database."""
        return self.path / "log.sqlite"

    @property
    def state(self) -> Path:
        """The state's database: people, items, policies, live facts."""
        return self.path / "state.sqlite"

    @property
    def budgets(self) -> Path:
        """The budgets' database."""
        return self.path / "budgets.sqlite"

    @property
    def audit(self) -> Path:
        """The audit log's database."""
        return self.path / "audit.sqlite"

    @property
    def facts(self) -> Path:
        """Sealed facts, a folder a table."""
        return self.path / "facts"

    @property
    def artifacts(self) -> Path:
        """Bytes by digest."""
        return self.path / "artifacts"

    @property
    def seen(self) -> Path:
        """Hashes of accepted messages."""
        return self.path / "seen"

    def close(self) -> None:
        """Give the folder free."""
        if self._lock >= 0:
            with suppress(OSError):  # a disk may be read-only by now; without its lock the note says nothing
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _take(lock: int) -> bool:
    for wait in (0.0, 0.02, 0.08):  # a question of ``owner`` holds the lock for an instant
        sleep(wait)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        return True
    return False


def owner(path: Path | str) -> Owner | None:
    """Who owns a folder now, None where nobody does or it isn't a folder of ours.

    The lock is tried in shared mode for an instant; a ``Folder`` that opens in that instant tries again.
    """
    try:
        lock = os.open(Path(path) / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read_owner(Path(path))
    finally:
        os.close(lock)
    return None


def _read_owner(path: Path) -> Owner:
    try:
        return msgspec.json.decode((path / "lock").read_bytes(), type=Owner)
    except (OSError, msgspec.DecodeError):
        return Owner(0)


def _locked(path: Path) -> Locked:
    holder = _read_owner(path)
    who = f"process {holder.pid}" if holder.pid else "another process"
    if holder.address:
        message = (
            f"{path} is open in {who}, which serves at {holder.address}; go through that address, or stop it first"
        )
    else:
        message = f"{path} is open in {who}, which doesn't serve; stop it first, or use another folder"
    return Locked(message, holder)
