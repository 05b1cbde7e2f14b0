# ruff: noqa: S608 every fragment of SQL is written here, over our own names
"""Roll-ups on disk: for each sealed file of facts a few smaller ones under ``facts/rollups/<name>/<the file's path>``.

Those of ``core.rollup``; and of moments and outcomes the newest version within the file (``newest_...``), so that a
question has little left to compare. A roll-up is made once, by sealing or by the first question, and says nothing that
its file doesn't: it goes with the file when that is erased from, compacted or forgotten, and a lost one is made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from micromoments.core.fact import Table
from micromoments.core.rollup import ROLLUPS
from micromoments.stores.embedded.columns import LATER
from micromoments.stores.embedded.files import PARTIAL, whole
from micromoments.stores.embedded.query import in_memory

FOLDER = "rollups"
EDITION = 1
"""Raised when a roll-up's question changes: those of other editions are swept."""
NEWEST: tuple[Table, ...] = ("moments", "outcomes")
"""Tables whose facts have several versions."""
KEY = "CAST(md5_number_lower({}) >> 1 AS BIGINT)"
"""SQL of an id as a whole number of 63 bits, the same for ever: compared in place of the text."""
KEYED = {"decided": "moment"}
"""Roll-ups that have an id which is compared, and so its key beside it."""
TOGETHER = frozenset({"did"})
"""Roll-ups that no file has: they are kept together alone (``kept``), as files share most of their rows."""
GROUP = 200_000
"""Rows that are read and skipped together."""


def kinds(table: Table) -> tuple[str, ...]:
    """The roll-ups that a file of a table has."""
    mine = tuple(name for name, rollup in ROLLUPS.items() if rollup.of == table and name not in TOGETHER)
    return (*mine, f"newest_{table}") if table in NEWEST else mine


def path(facts: Path, kind: str, name: str) -> Path:
    """Where the roll-up of a file (named as the manifest does) lies."""
    return facts / FOLDER / f"{kind}.{EDITION}" / name


def make(facts: Path, names: Iterable[tuple[Table, str]]) -> int:
    """Make the roll-ups that these files lack, under the lock of facts; give how many were made."""
    made = 0
    db: duckdb.DuckDBPyConnection | None = None
    for table, name in names:
        for kind in kinds(table):
            target = path(facts, kind, name)
            if target.exists():
                continue
            db = db or in_memory(facts)
            with whole(target) as partial:
                source = _whole_rows(facts / name, table)
                sql = newest(table, source) if kind.startswith("newest_") else asked(kind, source)
                options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {GROUP}"
                db.execute(f"COPY ({sql}) TO {quoted(partial)} ({options})")
            made += 1
    if db is not None:
        db.close()
    return made


def forget(facts: Path, name: str) -> None:
    """Remove the roll-ups of a file."""
    for kind in kinds(_table(name)):
        path(facts, kind, name).unlink(missing_ok=True)


def sweep(facts: Path, named: set[str]) -> None:
    """Remove roll-ups of files that the manifest doesn't name, of other editions, and those half written."""
    for found in (facts / FOLDER).glob("*/*/*/*"):
        kind, _, name = found.relative_to(facts / FOLDER).as_posix().partition("/")
        edition = kind.rpartition(".")[2]
        if edition != str(EDITION) or name.removesuffix(PARTIAL) not in named or name.endswith(PARTIAL):
            found.unlink(missing_ok=True)


def asked(kind: str, source: str) -> str:
    """SQL of a roll-up over a source of facts, with the key of the id that is compared."""
    sql = ROLLUPS[kind].asked(source)
    named = KEYED.get(kind)
    return f"SELECT *, {KEY.format(named)} AS {named}_key FROM ({sql})" if named else sql


def newest(table: Table, source: str) -> str:
    """SQL of the newest version of each id in a source, with the id's ``key`` (and of outcomes the moment's). A moment
    was recognised when its first version was told, whatever happened to it later.
    """
    shown = "*" if table != "moments" else "* REPLACE (min(recognised_at) OVER (PARTITION BY id) AS recognised_at)"
    shown += f", {KEY.format('moment')} AS moment_key" if table == "outcomes" else ""
    order = "ORDER BY version DESC, received_at DESC"
    return (
        f"SELECT {shown}, {KEY.format('id')} AS key FROM {source} "
        f"QUALIFY row_number() OVER (PARTITION BY id {order}) = 1 ORDER BY received_at"
    )


def _whole_rows(file: Path, table: Table) -> str:
    """SQL of a file's rows with the columns that came after it was sealed."""
    has = pq.read_schema(file).names
    more = "".join(f", {literal(empty)} AS {name}" for name, empty in LATER[table].items() if name not in has)
    return f"(SELECT *{more} FROM {read([file])})"


def keep(db: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Path]) -> None:
    """Views of the newest versions over all sealed files: ``settled_...``, and of them what live facts don't replace
    (``told_...``): ``kept_...``.

    Few ids have versions in several files: ``kept.again_...`` has those compared.
    """
    if not files:
        empty = f"SELECT * FROM told_{table} LIMIT 0"
        for name in ("sealed", "settled", "kept"):
            db.execute(f"CREATE OR REPLACE VIEW {name}_{table} AS {empty}")
        return
    db.execute(f"CREATE OR REPLACE VIEW sealed_{table} AS SELECT * FROM {read(files, alike=True)}")
    first = " REPLACE (coalesce(a.first, s.recognised_at) AS recognised_at)" if table == "moments" else ""
    db.execute(
        f"CREATE OR REPLACE VIEW settled_{table} AS SELECT s.*{first} FROM sealed_{table} AS s "
        f"LEFT JOIN kept.again_{table} AS a ON a.key = s.key AND a.version = s.version WHERE coalesce(a.newest, true)"
    )
    source = "kept.outcomes" if table == "outcomes" else f"settled_{table}"
    db.execute(
        f"CREATE OR REPLACE VIEW kept_{table} AS SELECT * FROM {source} AS s "
        f"WHERE NOT EXISTS (SELECT 1 FROM told_{table} AS t WHERE t.key = s.key)"
    )


def told(db: duckdb.DuckDBPyConnection, table: Table) -> None:
    """A table ``told_...`` of the newest versions among live facts, which come before those that are sealed."""
    db.execute(f"CREATE OR REPLACE TABLE told_{table} AS {newest(table, f'live_{table}')}")


def first_told(db: duckdb.DuckDBPyConnection) -> None:
    """Let live moments have been recognised when their first version was told, also where that is sealed.

    The versions of a moment opened at the same instant: of older files hardly anything is read.
    """
    db.execute(
        "UPDATE told_moments SET recognised_at = least(told_moments.recognised_at, s.first) FROM ("
        "SELECT key, min(recognised_at) AS first FROM sealed_moments WHERE key IN (SELECT key FROM told_moments) "
        "AND opened_at >= (SELECT min(opened_at) FROM told_moments) GROUP BY key) AS s "
        "WHERE s.key = told_moments.key"
    )


def read(files: Sequence[Path], *, alike: bool = False) -> str:
    """SQL that reads Parquet files as one; ``alike``: all have the same columns."""
    listed = ", ".join(quoted(file) for file in files)
    return f"read_parquet([{listed}], hive_partitioning=false{'' if alike else ', union_by_name=true'})"


def quoted(file: Path) -> str:
    """A path as SQL."""
    return "'" + str(file).replace("'", "''") + "'"


def literal(empty: object) -> str:
    """SQL of what a fact from before a column has in it."""
    return "[]" if isinstance(empty, list) else "''" if isinstance(empty, str) else str(empty)


def _table(name: str) -> Table:
    table: Table = name.partition("/")[0]  # type: ignore[assignment]  # a manifest's name begins with its table
    return table
