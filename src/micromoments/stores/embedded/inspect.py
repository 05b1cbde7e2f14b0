"""Looking into a folder that another process may own: read-only, and nothing is migrated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from micromoments.core.event import Millis
from micromoments.ports import Corrupt, StoreError
from micromoments.stores.embedded import codec, migrate
from micromoments.stores.embedded.check import check_state, sound
from micromoments.stores.embedded.database import failing, reader

_FORMATS = {"log.sqlite": len(migrate.LOG), "state.sqlite": len(migrate.STATE)}


@contextmanager
def _open(folder: Path, name: str) -> Iterator[sqlite3.Connection]:
    """A database for reading, if it is there and in the format of this release."""
    path = folder / name
    if not path.exists():
        raise StoreError(f"{folder} has no {name}; wanted a project's folder that was opened once")
    with closing(reader(path)) as db, failing(f"reading {name}"):
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _FORMATS[name]:
            raise Corrupt(
                f"{name} has format {version}; this release reads up to {_FORMATS[name]}; install a newer one"
            )
        if version < _FORMATS[name]:
            raise StoreError(
                f"{name} has the older format {version}; opening the folder makes it {_FORMATS[name]}: open it once"
            )
        yield db


def log(folder: Path) -> int:
    """Read and decode every group of the log; give how many records there are.

    Raises:
        Corrupt: a group fails its checksum, positions are missing, or the file's structure is damaged.
    """
    wanted, count = -1, 0
    with _open(folder, "log.sqlite") as db:
        sound(db, "log.sqlite")
        for first, size, body in db.execute("SELECT first, count, body FROM groups ORDER BY first"):
            if wanted not in (-1, first):
                raise Corrupt(f"log.sqlite lacks positions {wanted} to {first - 1}; restore a backup")
            records = codec.decode_group(body, f"log.sqlite's group of positions {first} to {first + size - 1}")
            wanted, count = first + size, count + len(records)
    return count


def newest(folder: Path) -> Millis:
    """The latest arrival in the log; 0 where it is empty."""
    with _open(folder, "log.sqlite") as db:
        (at,) = db.execute("SELECT coalesce(max(at_max), 0) FROM groups").fetchone()
    return int(at)


def state(folder: Path) -> int:
    """Decode every value of the state; give how many there are. The files of budgets and of the audit can be read.

    Raises:
        StoreError: one fails its checksum, or a file's structure is damaged.
    """
    with _open(folder, "state.sqlite") as db:
        count = check_state(db)
    for name in ("budgets.sqlite", "audit.sqlite"):
        if (folder / name).exists():
            with closing(reader(folder / name)) as db, failing(f"reading {name}"):
                sound(db, name)
    return count


def positions(folder: Path) -> tuple[int, int]:
    """(the position up to which the state has folded the log, the log's end); read in this order, so that a serving
    process between the two reads can't make the state seem ahead.
    """
    with _open(folder, "state.sqlite") as db:
        (position,) = db.execute("SELECT value FROM meta WHERE name = 'position'").fetchone()
    with _open(folder, "log.sqlite") as db:
        (end,) = db.execute(
            "SELECT max((SELECT value FROM meta WHERE name = 'end'), coalesce(max(first + count), 0)) FROM groups"
        ).fetchone()
    return int(position), int(end)


def facts(folder: Path) -> tuple[int, int]:
    """(files, rows) of the sealed facts, each file there and as long as its manifest says.

    Raises:
        Corrupt: a file is missing, can't be read, or is of another length.
    """
    with _open(folder, "state.sqlite") as db:
        named = db.execute("SELECT name, count FROM sealed ORDER BY name").fetchall()
    rows = 0
    for name, count in named:
        try:
            got = pq.read_metadata(folder / "facts" / name).num_rows
        except (OSError, pa.ArrowException) as error:
            raise Corrupt(f"facts/{name} can't be read ({error}); restore it from a backup") from None
        if got != count:
            raise Corrupt(f"facts/{name} has {got} rows; its manifest says {count}; restore it from a backup")
        rows += got
    return len(named), rows
