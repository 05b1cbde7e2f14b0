"""Questions of the facts in SQL: DuckDB in memory over sealed Parquet and live frames, as of one instant.

The views are named as the tables. ``events`` has one row an event; ``moments``, ``decisions``, ``outcomes`` and
``people`` the newest version of each id, moments that were withdrawn left out. ``surrogate`` is the one that its
person counts as now, over any number of joins. Nothing is written but what doesn't fit memory, so any process may ask
while the owner runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from micromoments.core.fact import TABLES, Table
from micromoments.ports import StoreError
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.columns import LATER, to_arrow
from micromoments.stores.embedded.database import failing, reader

MEMORY = "1GB"
STANDING = "2GB"
"""Of questions that are kept open, with what they keep answered."""
SPILL = ".spill"
_BESIDE: list[bool] = []
"""Holds something where this process runs beside one that serves."""
TRIES = 3
"""How often a question is asked anew because a file was replaced (erasure, compaction) after it was listed."""


class Query:
    """The facts as committed when it was made; call it with SQL and parameters (``?``).

    Args:
        facts: the folder of Parquet files.
        state: the state's database.
    """

    twice = False
    """Whether an event may be stored twice, and the newest counts."""

    def __init__(self, facts: Path, state: Path) -> None:
        self._facts, self._state = facts, state
        self._db = self._open()

    def __call__(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a query, a mapping of column to value each.

        Raises:
            ValueError: the SQL is wrong; DuckDB's words say where.
            StoreError: files can't be read.
        """
        for last in range(TRIES):
            try:
                cursor = self._db.execute(sql, list(params))
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            except duckdb.Error as error:
                if not self._passes(error):
                    raise ValueError(f"the question failed: {error}") from error
                if last == TRIES - 1:
                    raise StoreError(f"facts can't be read: {error}; restore them from a backup") from error
                self._db.close()
                self._db = self._open()
        raise AssertionError("unreachable")

    def _passes(self, error: duckdb.Error) -> bool:
        """Whether it may go well when asked anew."""
        return isinstance(error, duckdb.IOException)

    def _open(self) -> duckdb.DuckDBPyConnection:
        live, files = self.sources()
        db = in_memory(self._facts)
        for table in TABLES:
            _stored(db, table, live[table], files.get(table, []))
        joined = joined_people(db)
        for table in TABLES:
            db.execute(_view(table, joined, self.twice))
        return db

    def sources(self) -> tuple[dict[Table, Any], dict[Table, Any]]:
        """What there is now, by table: Arrow tables in memory, and Parquet files, as paths or an Arrow dataset."""
        with closing(reader(self._state)) as state, failing("reading facts"):
            state.execute("BEGIN")
            frames = state.execute("SELECT seq, tbl, body FROM facts ORDER BY seq").fetchall()
            sealed = state.execute("SELECT tbl, name FROM sealed ORDER BY day, first, name").fetchall()
        rows: dict[Table, list[list[Any]]] = {table: [] for table in TABLES}
        for seq, table, body in frames:
            rows[table] += codec.fact_rows(body, f"frame {seq} of {table} in state.sqlite")
        files: dict[Table, list[str]] = {table: [] for table in TABLES}
        for table, name in sealed:
            files[table].append(str(self._facts / name))
        return {table: to_arrow(table, rows[table]) for table in TABLES}, files

    def close(self) -> None:
        """Let go of it all."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def in_memory(facts: Path, memory: str = MEMORY, **more: bool) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory, bounded, which installs nothing and draws no progress bar. What doesn't fit it puts into the
    folder of facts for as long as it needs it; by itself it would leave it wherever the process was started.

    It would draw one on standard output where Python was started without a file, as the process of reports is.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory,
        "temp_directory": str(_spill(facts)),
        **more,
    }
    db = duckdb.connect(":memory:", config=config | {"autoinstall_known_extensions": False})
    db.execute("SET enable_progress_bar = false")
    if _BESIDE:
        (threads,) = db.execute("SELECT current_setting('threads')").fetchone() or (1,)
        db.execute(f"SET threads = {max(1, int(threads) - 1)}")
    return db


def leave_a_core() -> None:
    """From now on questions of this process use all cores but one, which what serves beside it has to itself; where
    there is only one, they share it.
    """
    _BESIDE[:] = [True]


def _spill(facts: Path) -> Path:
    """This process's folder for what doesn't fit memory; those of processes that are gone are removed."""
    root = facts / SPILL
    with suppress(OSError):  # who may only read a folder can't put anything into it
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in root.glob("[0-9]*"):
        try:
            os.kill(int(old.name), 0)
        except ProcessLookupError:
            shutil.rmtree(old, ignore_errors=True)
        except (OSError, ValueError):
            pass
    return root / str(os.getpid())


def _stored(db: duckdb.DuckDBPyConnection, table: Table, live: Any, files: Any) -> None:
    """A view of everything stored of a table, each version; ``files`` are paths, or an Arrow dataset of what DuckDB
    can't open by itself.
    """
    db.register(f"live_{table}", live)
    sql = f"CREATE VIEW stored_{table} AS SELECT * FROM live_{table}"  # noqa: S608 our own names
    if not isinstance(files, list):
        db.register(f"sealed_{table}", files)
        sql += f" UNION ALL BY NAME SELECT * FROM sealed_{table}"  # noqa: S608 our own names
    elif files:
        listed = ", ".join("'" + name.replace("'", "''") + "'" for name in files)
        sealed = f"read_parquet([{listed}], hive_partitioning=false, union_by_name=true)"
        sql += f" UNION ALL BY NAME SELECT * FROM {sealed}"  # noqa: S608 our own names
    db.execute(sql)


def joined_people(db: duckdb.DuckDBPyConnection) -> bool:
    """Register who counts as whom; whether anybody was joined."""
    joins = db.execute('SELECT surrogate, "into" FROM stored_people ORDER BY version').fetchall()
    found = resolve(dict(joins))
    columns = {"surrogate": pa.array(list(found), pa.int64()), "root": pa.array(list(found.values()), pa.int64())}
    db.register("roots", pa.table(columns))
    return bool(found)


def resolve(joins: Mapping[int, int]) -> dict[int, int]:
    """The surrogate that each joined one counts as, over any number of joins."""
    found: dict[int, int] = {}
    for start in joins:
        path = [start]
        while (into := found.get(path[-1], joins.get(path[-1]))) is not None and into not in path:
            path.append(into)
        found.update(dict.fromkeys(path[:-1], path[-1]))
    return found


def _view(table: Table, joined: bool, twice: bool) -> str:
    source = f"stored_{table}"
    if table != "events" or twice:
        newest = "QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC, received_at DESC) = 1"
        # A moment was recognised when its first version was told, whatever happened to it later.
        first = " REPLACE (min(recognised_at) OVER (PARTITION BY id) AS recognised_at)" if table == "moments" else ""
        source = f"(SELECT *{first} FROM {source} {newest})"  # noqa: S608 our own names
    replaced = [f"coalesce(t.{name}, {_literal(empty)}) AS {name}" for name, empty in LATER[table].items()]
    if joined and table != "people":
        replaced.append("coalesce(r.root, t.surrogate) AS surrogate")
    shown = f"t.* REPLACE ({', '.join(replaced)})" if replaced else "t.*"
    joins = "LEFT JOIN roots r ON r.surrogate = t.surrogate" if joined and table != "people" else ""
    where = "WHERE NOT withdrawn" if table == "moments" else ""
    return f"CREATE VIEW {table} AS SELECT {shown} FROM {source} t {joins} {where}"  # noqa: S608 our own names


def _literal(empty: object) -> str:
    """SQL of what a fact from before a column has in it."""
    return "[]" if isinstance(empty, list) else "''" if isinstance(empty, str) else str(empty)
