"""Facts: frames of live ones in ``state.sqlite``, sealed ones in Parquet under ``facts/<table>/date=<received, UTC>/``.

The table ``sealed`` of the state is the manifest: a file counts when it is named there. Sealing writes files whole,
then in one transaction names them and removes the frames they came from, so a crash between any two steps neither
loses nor doubles a fact; files that no manifest names are swept at the next sealing. Erasing and compacting replace a
file by another in the same way. One of these at a time, also across processes, by a lock on ``facts/.lock``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from threading import RLock
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from micromoments.core.event import Millis
from micromoments.core.fact import TABLES, Fact, Table
from micromoments.ports import Corrupt
from micromoments.stores.embedded import answered, codec, migrate, rollups
from micromoments.stores.embedded.columns import ARROW, filled, to_arrow
from micromoments.stores.embedded.database import connect, failing, scrub, transaction
from micromoments.stores.embedded.files import PARTIAL, facts_lock, whole
from micromoments.stores.embedded.query import Query
from micromoments.stores.embedded.state import erase_live

__all__ = ["ParquetFacts", "facts_lock", "query", "seal_folder"]

DAY: Millis = 86_400_000
SEAL_AT_ONCE = 200_000
"""Facts in one step of sealing: bounds its memory."""
COMPACT_AT = 24
"""How many small files of one table and day are put together."""
COMPACT_ROWS = 1_000_000
"""Facts in a file that was put together: bounds the memory of it. A file of half as many isn't small any more."""
_NAME = "INSERT INTO sealed(name, tbl, day, count, first, last, versions) VALUES (?, ?, ?, ?, ?, ?, ?)"


def query(folder: Path | str) -> Query:
    """The facts of a project's folder as committed now, to be asked in SQL; also from another process than the
    owner's.
    """
    folder = Path(folder)
    return Query(folder / "facts", folder / "state.sqlite")


def seal_folder(folder: Path | str, until: Millis, *, tidy: bool = True) -> int:
    """``seal`` on a project's folder from another process than the owner's."""
    folder = Path(folder)
    facts = ParquetFacts(folder / "facts", folder / "state.sqlite")
    try:
        return facts.seal(until, tidy=tidy)
    finally:
        facts.close()


class ParquetFacts:
    """``ports.Facts`` on a folder of Parquet files and the state's file."""

    def __init__(self, folder: Path | str, state: Path | str) -> None:
        self._folder, self._state = Path(folder), Path(state)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = RLock()
        self._db = connect(self._state, full=True, cache_mib=4, checkpoint_pages=16_000)
        migrate.migrate(self._db, migrate.STATE, "state.sqlite")

    def seal(self, until: Millis, *, tidy: bool = True) -> int:
        """Move live facts received before an instant to Parquet, by whole commits, oldest first: a commit with a
        later fact stays, and so do those after it. Give how many moved. Without ``tidy`` small files aren't put
        together and nothing is rolled up: the next sealing does that.
        """
        moved = 0
        with self._alone():
            self._sweep()
            while (some := self._seal_some(until)) is not None:
                moved += some
            if tidy:
                self._compact()
                rollups.make(self._folder, self._db.execute("SELECT tbl, name FROM sealed ORDER BY day, first, name"))
        return moved

    def files(self, table: Table) -> Sequence[str]:
        """The sealed Parquet files of a table, by day."""
        with self._lock, failing("reading facts"):
            rows = self._db.execute(
                "SELECT name FROM sealed WHERE tbl = ? ORDER BY day, first, name", (table,)
            ).fetchall()
        return [str(self._folder / name) for (name,) in rows]

    def live(self, table: Table) -> Iterable[Fact]:
        """The facts of a table that are not sealed yet, in the order of their commits."""
        with self._lock, failing("reading facts"):
            frames = self._db.execute("SELECT seq, body FROM facts WHERE tbl = ? ORDER BY seq", (table,)).fetchall()
        for seq, body in frames:
            yield from codec.decode_facts(table, body, f"frame {seq} of {table} in state.sqlite")

    def erase(self, surrogates: frozenset[int]) -> int:
        """Remove every fact of these surrogates and of those that were joined into them; give how many rows went."""
        gone = 0
        theirs = set(surrogates)
        with self._alone():
            while True:
                known = len(theirs)
                theirs = self._joined(theirs)
                with transaction(self._db, self._lock, "erasing facts") as db:
                    theirs, went = erase_live(db, theirs)
                gone += went
                if len(theirs) == known:
                    break
            values = pa.array(sorted(theirs), type=pa.int64())
            sealed = [self._erase_in(table, name, values) for table in TABLES for name in self._names(table)]
            if any(sealed):
                answered.drop(self._folder)
            gone += sum(sealed)
            scrub(self._db, self._lock, "erasing facts")
        return gone

    def trim(self, before: Millis) -> int:
        """Forget sealed facts received before an instant, by whole days; give how many files went."""
        day = _day(before)
        with self._alone():
            with transaction(self._db, self._lock, "trimming facts") as db:
                gone = [name for (name,) in db.execute("SELECT name FROM sealed WHERE day < ?", (day,))]
                db.execute("DELETE FROM sealed WHERE day < ?", (day,))
            for name in gone:
                self._unlink(name)
            if gone:
                answered.drop(self._folder)
        return len(gone)

    def query(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Ask in SQL over the views ``events moments decisions outcomes people``; see ``query.Query``."""
        with Query(self._folder, self._state) as ask:
            return ask(sql, params)

    def close(self) -> None:
        """Close the state's file."""
        with self._lock:
            self._db.close()

    # --- steps ------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock, facts_lock(self._folder):
            yield

    def _names(self, table: Table) -> list[str]:
        rows = self._db.execute("SELECT name FROM sealed WHERE tbl = ? ORDER BY day, first, name", (table,))
        return [name for (name,) in rows]

    def _sweep(self) -> None:
        named = {name for (name,) in self._db.execute("SELECT name FROM sealed")}
        for path in self._folder.glob("*/*/*"):
            stray = str(path.relative_to(self._folder)) not in named
            if path.name.endswith((".parquet", f".parquet{PARTIAL}")) and stray:
                path.unlink()
        rollups.sweep(self._folder, named)

    def _seal_some(self, until: Millis) -> int | None:
        rows: dict[Table, list[list[Any]]] = {}
        size = 0
        epoch = self._epoch()
        seqs: list[int] = []
        with closing(self._db.execute("SELECT seq, tbl, count, last, body FROM facts ORDER BY seq")) as frames:
            for seq, table, count, last, body in frames:
                if last >= until or size >= SEAL_AT_ONCE:
                    break
                seqs.append(seq)
                rows.setdefault(table, []).extend(codec.fact_rows(body, f"frame {seq} of {table} in state.sqlite"))
                size += count
        if not seqs:
            return None
        first, last_seq = seqs[0], seqs[-1]
        written = [row for table, some in rows.items() for row in self._write_days(table, some, f"{first}-{last_seq}")]
        with transaction(self._db, self._lock, "sealing facts") as db:
            if self._epoch() != epoch:  # someone was erased meanwhile: what was written may hold them
                for name, *_ in written:
                    (self._folder / name).unlink()
                return 0
            db.executemany(_NAME, written)
            db.execute("DELETE FROM facts WHERE seq <= ?", (last_seq,))
        return size

    def _epoch(self) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE name = 'erasures'").fetchone()
        return int(row[0]) if row else 0

    def _write_days(self, table: Table, rows: list[list[Any]], name: str) -> Iterator[tuple[Any, ...]]:
        whole_table = to_arrow(table, rows)
        days = pc.divide(whole_table["received_at"], DAY)
        for day in pc.unique(days).to_pylist():
            part = whole_table.filter(pc.equal(days, day))
            yield self._write(table, _day(day * DAY), name, part)

    def _write(self, table: Table, day: str, name: str, part: Any) -> tuple[Any, ...]:
        """Write one file; give its row of the manifest."""
        relative = f"{table}/date={day}/{name}.parquet"
        with whole(self._folder / relative) as partial:
            pq.write_table(part.replace_schema_metadata(ARROW[table].metadata), partial, compression="zstd")
        span = pc.min_max(part["received_at"]).as_py()
        versions = pc.count_distinct(part["version"]).as_py()
        return relative, table, day, part.num_rows, span["min"], span["max"], versions

    def _compact(self) -> None:
        """Put small files together where a day has many, up to a bound."""
        small = (
            "SELECT tbl, day, name, count FROM (SELECT *, count(*) OVER (PARTITION BY tbl, day) AS n FROM sealed "
            "WHERE count < ?) WHERE n >= ? ORDER BY tbl, day, first, name"
        )
        found = self._db.execute(small, (COMPACT_ROWS // 2, COMPACT_AT)).fetchall()
        for (table, day), files in groupby(found, key=lambda row: (row[0], row[1])):
            for names in _batches((name, count) for _, _, name, count in files):
                if len(names) > 1:
                    self._put_together(table, day, names)

    def _put_together(self, table: Table, day: str, names: Sequence[str]) -> None:
        part = pa.concat_tables([self._read(name) for name in names])
        spans = [Path(name).stem.split(".")[0].split("-") for name in names]
        name = f"{min(int(a) for a, _ in spans)}-{max(int(b) for _, b in spans)}"
        self._replace(names, self._write(table, day, f"{name}.{self._next_revision()}", part))

    def _next_revision(self) -> int:
        bump = (
            "INSERT INTO meta VALUES ('revision', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value"
        )
        with transaction(self._db, self._lock, "numbering a file") as db:
            ((revision,),) = db.execute(bump).fetchall()
        return int(revision)

    def _read(self, name: str, columns: list[str] | None = None) -> Any:
        try:
            found = pq.read_table(self._folder / name, columns=columns, partitioning=None)
            return filled(cast("Table", name.partition("/")[0]), found) if columns is None else found
        except (pa.ArrowInvalid, OSError) as error:
            raise Corrupt(f"facts/{name} can't be read: {error}; restore it from a backup") from error

    def _replace(self, old: Sequence[str], new: tuple[Any, ...] | None) -> None:
        with transaction(self._db, self._lock, "replacing facts") as db:
            db.executemany("DELETE FROM sealed WHERE name = ?", [(name,) for name in old])
            if new is not None:
                db.execute(_NAME, new)
        for name in old:
            self._unlink(name)

    def _unlink(self, name: str) -> None:
        rollups.forget(self._folder, name)
        (self._folder / name).unlink(missing_ok=True)

    def _joined(self, theirs: set[int]) -> set[int]:
        joins: list[tuple[int, int]] = []
        for name in self._names("people"):
            part = self._read(name, ["surrogate", "into"])
            joins += zip(part["surrogate"].to_pylist(), part["into"].to_pylist(), strict=True)
        return closure(theirs, joins)

    def _erase_in(self, table: Table, name: str, values: Any) -> int:
        hit = pc.is_in(self._read(name, ["surrogate"])["surrogate"], value_set=values)
        went = pc.sum(hit).as_py() or 0
        if went:
            kept = self._read(name).filter(pc.invert(hit))
            stem = Path(name).stem.split(".")[0]
            day = Path(name).parent.name.removeprefix("date=")
            row = self._write(table, day, f"{stem}.{self._next_revision()}", kept) if kept.num_rows else None
            self._replace([name], row)
        return int(went)


def closure(roots: set[int], joins: Iterable[tuple[int, int]]) -> set[int]:
    """The surrogates and all that were joined into one of them, directly or over others."""
    below: dict[int, set[int]] = {}
    for surrogate, into in joins:
        below.setdefault(into, set()).add(surrogate)
    found, todo = set(roots), list(roots)
    while todo:
        more = below.get(todo.pop(), set()) - found
        found |= more
        todo += more
    return found


def _batches(files: Iterable[tuple[str, int]]) -> list[list[str]]:
    """Names of files, with their counts, in runs that hold no more than a file may that was put together."""
    runs, size = list[list[str]](), COMPACT_ROWS
    for name, count in files:
        if size + count > COMPACT_ROWS:
            runs.append([])
            size = 0
        runs[-1].append(name)
        size += count
    return runs


def _day(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
