"""The file of what is answered already: a DuckDB database beside the sealed files, attached as ``kept``.

It says nothing that the sealed files don't, so it may always be dropped; ``kept`` then makes it anew. It is taken up
again after a restart when it says that it was made by the same questions, of files that still are what they were, and
was finished. DuckDB checks each block that it reads against a checksum; one that is wrong drops the file. While another
process has it open, or where nothing can be written, the tables are held in memory instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from micromoments.core.fact import Table
from micromoments.stores.embedded.rollups import FOLDER, quoted

NAME = "answered.duckdb"
File = tuple[Table, str]
"""A sealed file as the manifest names it."""


def place(facts: Path) -> Path:
    """Where the file lies."""
    return facts / FOLDER / NAME


def drop(facts: Path) -> None:
    """Remove the file: it is made anew by the next question. Who has it open keeps what they read until they look."""
    for path in (place(facts), _log(place(facts)), _next(place(facts))):
        path.unlink(missing_ok=True)


def spoilt(error: duckdb.Error) -> bool:
    """Whether it says that the file isn't what was written."""
    return NAME in str(error) or "Corrupt database file" in str(error)


class Answered:
    """The attached database, and of which sealed files it tells.

    Args:
        db: where it is attached.
        facts: the folder of sealed files.
        form: names the questions that its tables answer; another form's file is dropped.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, facts: Path, form: str) -> None:
        self._db, self._facts, self._form = db, facts, form
        self._on_disk = False
        self.files: dict[File, int] = {}
        """The sealed files that the tables tell of, each by a number that its rows have."""
        self.erasures = -1
        """How often somebody had been erased when the tables were last brought up."""
        if not (place(facts).exists() and self._attach() and self._known()):
            self.clear(to_disk=False)

    def clear(self, *, to_disk: bool = True) -> None:
        """Begin with an empty database; in memory where the disk can't be had, or needn't."""
        self._db.execute("DETACH DATABASE IF EXISTS kept")
        self.files, self.erasures = {}, -1
        if to_disk and self._free() and self._attach():
            return
        self._on_disk = False
        self._db.execute("ATTACH ':memory:' AS kept (COMPRESS)")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """What is done within is done whole or, on an error or a crash, not at all."""
        self._db.execute("BEGIN")
        try:
            yield
            self._note()
            self._db.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                self._db.execute("ROLLBACK")
            raise

    def done(self) -> None:
        """Say that the tables tell of ``files``, and write it all out."""
        self._note()
        self._db.execute("CHECKPOINT kept")

    def rewrite(self) -> bool:
        """Copy the tables into a new file and put it in place of the old one, so that nothing of a deleted row is left
        in free blocks. Whether it could: where it couldn't, there is no file any more.
        """
        if not self._on_disk:
            return True
        path = place(self._facts)
        _next(path).unlink(missing_ok=True)
        try:
            self._db.execute(f"ATTACH {quoted(_next(path))} AS next_kept")
            self._db.execute("COPY FROM DATABASE kept TO next_kept")
            self._db.execute("DETACH next_kept")
            self._db.execute("DETACH kept")
            _next(path).replace(path)
            _log(path).unlink(missing_ok=True)
            return self._attach()
        except (duckdb.Error, OSError):
            drop(self._facts)
            return False

    # --- steps ------------------------------------------------------------------------------------

    def _attach(self) -> bool:
        try:
            place(self._facts).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db.execute(f"ATTACH {quoted(place(self._facts))} AS kept")
        except (duckdb.Error, OSError):  # somebody has it open, it isn't whole, or there is no space
            return False
        self._on_disk = True
        return True

    def _free(self) -> bool:
        """Remove an old file, unless somebody has it open."""
        probe = duckdb.connect(":memory:")
        try:
            if place(self._facts).exists():
                probe.execute(f"ATTACH {quoted(place(self._facts))} AS kept")
        except duckdb.Error as error:
            if "Could not set lock" in str(error) or "already attached" in str(error):
                return False
        finally:
            probe.close()
        drop(self._facts)
        return True

    def _known(self) -> bool:
        """Take up what the file tells of, if it can be trusted."""
        try:
            rows = self._db.execute("SELECT form, erasures FROM kept.about").fetchall()
            if [form for form, _ in rows] != [self._form]:
                return False
            files = self._db.execute("SELECT tbl, name, number, bytes, written FROM kept.files").fetchall()
        except duckdb.Error:
            return False
        if any(self._seen(name) not in {(size, written), None} for _, name, _, size, written in files):
            return False
        self.files = {(table, name): number for table, name, number, _, _ in files}
        self.erasures = int(rows[0][1])
        return True

    def _seen(self, name: str) -> tuple[int, int] | None:
        """A sealed file's size, and when it was written; None where it is gone."""
        try:
            found = (self._facts / name).stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def _note(self) -> None:
        self._db.execute("CREATE TABLE IF NOT EXISTS kept.about (form VARCHAR, erasures BIGINT)")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS kept.files "
            "(tbl VARCHAR, name VARCHAR, number BIGINT, bytes BIGINT, written BIGINT)"
        )
        self._db.execute("DELETE FROM kept.about")
        self._db.execute("INSERT INTO kept.about VALUES (?, ?)", [self._form, self.erasures])
        known: Mapping[File, int] = {
            (table, name): number
            for table, name, number in self._db.execute("SELECT tbl, name, number FROM kept.files").fetchall()
        }
        gone = [[table, name] for table, name in known if (table, name) not in self.files]
        if gone:
            self._db.executemany("DELETE FROM kept.files WHERE tbl = ? AND name = ?", gone)
        new = [
            [table, name, number, *(self._seen(name) or (-1, -1))]
            for (table, name), number in self.files.items()
            if (table, name) not in known
        ]
        if new:
            self._db.executemany("INSERT INTO kept.files VALUES (?, ?, ?, ?, ?)", new)


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _next(path: Path) -> Path:
    return path.with_name(path.name + ".next")
