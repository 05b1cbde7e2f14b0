"""A backup of a project's folder while it serves, its verification, and its restoration.

The order makes the parts agree. What is known of imports comes first, so that it never claims more than the log's copy
has. The state comes next, then the log: so the log reaches at least the state's
position, and recovery makes good the rest. Budgets come last: what was reserved after the log's copy is given back
when its time is over, and nothing can be spent twice. Databases are copied by SQLite's online backup, which readers
and writers don't notice; sealed facts are copied as the state's copy names them. ``manifest.json`` has the SHA-256 of
every file, and counts.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import file_digest
from pathlib import Path

import msgspec

from micromoments.ports import Corrupt, StoreError
from micromoments.stores.embedded.artifacts import FileArtifacts
from micromoments.stores.embedded.check import sound
from micromoments.stores.embedded.database import reader
from micromoments.stores.embedded.facts import facts_lock
from micromoments.stores.embedded.files import whole
from micromoments.stores.embedded.folder import CONFIG, Folder
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.state import SqliteState

MANIFEST = "manifest.json"
FORMAT = 1
DATABASES = ("state.sqlite", "log.sqlite", "budgets.sqlite", "audit.sqlite")
"""In the order in which they are copied."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: each file's SHA-256 by its path, and how much there is of what."""

    format: int
    files: dict[str, str]
    counts: dict[str, int]


def backup(folder: Path | str, target: Path | str) -> Manifest:
    """Copy a project's folder, which may be in use, to a new one; give the manifest that was written there last.

    Raises:
        StoreError: the target isn't empty, or something can't be read or written; a target without a manifest is no
        backup.
    """
    source, target = Path(folder), Path(target)
    if not (source / "state.sqlite").exists():
        raise StoreError(f"got {source}; wanted a project's folder, with state.sqlite in it; give its path")
    _empty(target)
    for path in sorted((source / "imports").glob("*")):
        if path.suffix in (".json", ".ids"):  # not the rows that were set aside
            _copy_file(path, target / "imports" / path.name)
    with facts_lock(source / "facts"):  # what the state's copy names stays until it is copied
        _copy_database(source / "state.sqlite", target / "state.sqlite")
        for name in _sealed(target / "state.sqlite"):
            _copy_file(source / "facts" / name, target / "facts" / name)
    _copy_database(source / "log.sqlite", target / "log.sqlite")
    for path in sorted((source / "artifacts").glob("*")):
        if not path.name.endswith(".partial"):
            _copy_file(path, target / "artifacts" / path.name)
    if (source / CONFIG).exists():
        _copy_file(source / CONFIG, target / CONFIG)
    for name in ("budgets.sqlite", "audit.sqlite"):
        if (source / name).exists():
            _copy_database(source / name, target / name)
    manifest = Manifest(format=FORMAT, files=_digests(target), counts=_counts(target))
    with whole(target / MANIFEST) as partial:
        partial.write_bytes(msgspec.json.format(msgspec.json.encode(manifest, order="sorted")))
    return manifest


def copy_core(folder: Path | str, target: Path | str) -> None:
    """Copy the settings, the state and then the log of a folder that may be in use: a folder to read, no backup.

    Raises:
        StoreError: something can't be read or written.
    """
    source, target = Path(folder), Path(target)
    if (source / CONFIG).exists():
        _copy_file(source / CONFIG, target / CONFIG)
    for name in DATABASES[:2]:
        _copy_database(source / name, target / name)


def verify(target: Path | str, *, deep: bool = True) -> Manifest:
    """Check a backup: every file is there with its digest, and nothing else; with ``deep`` every value in it is
    decoded.

    Raises:
        Corrupt: it isn't what was written; the message names the file.
        StoreError: it is no backup.
    """
    target = Path(target)
    manifest = _manifest(target)
    found = _digests(target)
    for name, digest in manifest.files.items():
        if name not in found:
            raise Corrupt(f"{target} lacks {name}; use another backup")
        if found[name] != digest:
            raise Corrupt(f"{target}'s {name} fails its digest; use another backup")
    if extra := sorted(found.keys() - manifest.files.keys()):
        raise Corrupt(f"{target} holds {extra[0]}, which its manifest doesn't name; remove it or use another backup")
    if deep:
        _decode_all(target)
    return manifest


def restore(target: Path | str, folder: Path | str) -> Manifest:
    """Make a project's folder, which must be empty or absent, from a backup; what was seen is read from the log at
    its start.

    Raises:
        Corrupt: the backup isn't what was written; nothing was made.
        StoreError: the folder isn't empty, or can't be written.
    """
    target, folder = Path(target), Path(folder)
    manifest = verify(target, deep=False)
    _empty(folder)
    with Folder.open(folder):
        # The state first and the log last: what was cut short between is refused, as its log is shorter than its state.
        for name in sorted(manifest.files, key=lambda name: (name != "state.sqlite", name == "log.sqlite", name)):
            _copy_file(target / name, folder / name)
    for name, digest in _digests(folder).items():
        if name != "lock" and manifest.files.get(name) != digest:
            raise StoreError(
                f"{name} differs from the backup after copying; is the disk sound? empty {folder}, then retry"
            )
    return manifest


# --- steps ----------------------------------------------------------------------------------------


def _empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = next(folder.iterdir(), None)
    except OSError as error:
        said = error.strerror or error
        raise StoreError(f"can't write to {folder}: {said}; choose a folder that this user may write") from error
    if taken is not None:
        raise StoreError(f"{folder} isn't empty (it holds {taken.name}); choose a new folder")


def _copy_database(source: Path, target: Path) -> None:
    try:
        target.touch(mode=0o600)
        with closing(reader(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new, pages=-1)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"can't copy {source.name}: {error}; free space, then retry into a new folder") from error


def _copy_file(source: Path, target: Path) -> None:
    try:
        with whole(target) as partial:
            shutil.copyfile(source, partial)
    except OSError as error:
        raise StoreError(f"can't copy {source.name}: {error}; free space, then retry into a new folder") from error


def _sealed(state: Path) -> list[str]:
    with closing(sqlite3.connect(state)) as db:
        return [name for (name,) in db.execute("SELECT name FROM sealed ORDER BY name")]


def _digests(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            with path.open("rb") as file:
                found[path.relative_to(folder).as_posix()] = "sha256:" + file_digest(file, "sha256").hexdigest()
    return found


def _counts(target: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    with closing(sqlite3.connect(target / "state.sqlite")) as db:
        for table in ("people", "links", "decisions", "items", "policies"):
            (counts[table],) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 our own names
        (counts["live facts"],) = db.execute("SELECT coalesce(sum(count), 0) FROM facts").fetchone()
        (counts["sealed facts"],) = db.execute("SELECT coalesce(sum(count), 0) FROM sealed").fetchone()
        (counts["position"],) = db.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
    with closing(sqlite3.connect(target / "log.sqlite")) as db:
        (counts["records"],) = db.execute("SELECT coalesce(sum(count), 0) FROM groups").fetchone()
    return counts


def _manifest(target: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((target / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        said = f"{MANIFEST}: {error.strerror}" if isinstance(error, OSError) else error
        raise StoreError(f"{target} is no finished backup ({said}); wanted a folder with {MANIFEST}") from error
    if manifest.format > FORMAT:
        raise StoreError(
            f"{target} has format {manifest.format}; this release reads up to {FORMAT}; install a newer one"
        )
    return manifest


def _decode_all(target: Path) -> None:
    """Read every value, on a scratch copy of the databases so that the backup's own bytes stay."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="micromoments-verify-") as scratch:
        for name in DATABASES:
            if (target / name).exists():
                shutil.copyfile(target / name, Path(scratch) / name)
        with closing(SqliteState(Path(scratch) / "state.sqlite")) as state:
            state.check()
            position = state.position()
        with closing(SqliteLog(Path(scratch) / "log.sqlite")) as log:
            log.check()
            if log.end() < position:
                raise Corrupt(f"{target}'s log ends at {log.end()}, its state at {position}; use another backup")
        for name in ("budgets.sqlite", "audit.sqlite"):
            if (Path(scratch) / name).exists():
                with closing(sqlite3.connect(Path(scratch) / name)) as db:
                    sound(db, name)
    for path in (target / "artifacts").glob("*"):
        FileArtifacts(path.parent).get(f"sha256:{path.name}")
