"""Questions over roll-ups, kept open: live facts are decoded once, files are looked into when they changed.

The views are those of ``query.Query`` and one of each roll-up; newest versions come from the roll-ups too.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from micromoments.core.fact import TABLES, Table
from micromoments.core.rollup import ROLLUPS
from micromoments.ports import StoreError
from micromoments.stores.embedded import answered, codec, rollups
from micromoments.stores.embedded.columns import LATER, to_arrow
from micromoments.stores.embedded.database import failing, reader
from micromoments.stores.embedded.files import facts_lock
from micromoments.stores.embedded.kept import Kept
from micromoments.stores.embedded.query import STANDING, TRIES, Query, in_memory, joined_people
from micromoments.stores.embedded.rollups import NEWEST, literal


class _Kept(NamedTuple):
    """What the state says is there: sealed files by table, live frames, and how often somebody was erased."""

    sealed: tuple[tuple[Table, str], ...]
    frames: tuple[tuple[int, Table], ...]
    erasures: int


class Rolled(Query):
    """The facts as committed when it was made or last refreshed. Roll-ups that are missing are made."""

    rollups = frozenset([*ROLLUPS, "edges", "told", "judged", "hash"])
    """What reports may use: the roll-ups, the table ``edges``, each moment with what became of it, and ``hash``."""

    def refresh(self) -> None:
        """See what was committed since."""
        for last in range(TRIES):
            try:
                return self._refresh()
            except duckdb.Error as error:
                passes = self._passes(error)
                self._db.close()
                self._begin()
                if not passes or last == TRIES - 1:
                    raise StoreError(f"facts can't be read: {error}; restore them from a backup") from error
        raise AssertionError("unreachable")

    # --- steps ------------------------------------------------------------------------------------

    def _passes(self, error: duckdb.Error) -> bool:
        if answered.spoilt(error):
            answered.drop(self._facts)
            return True
        return super()._passes(error)

    def _open(self) -> duckdb.DuckDBPyConnection:
        self._begin()
        self.refresh()
        return self._db

    def _begin(self) -> None:
        """Nothing is known yet."""
        self._db = in_memory(self._facts, STANDING, parquet_metadata_cache=True)
        self._kept = _Kept((), (), -1)
        self._live: dict[int, Any] = {}
        self._answered = Kept(self._db, self._facts)

    def _refresh(self) -> None:
        had = self._kept
        self._kept, fresh = self._listed()
        now = self._kept
        if had == now:
            return
        anew = had.erasures != now.erasures
        self._live = {seq: fresh[seq] if anew or seq in fresh else self._live[seq] for seq, _ in now.frames}
        changed = {table for table in TABLES if anew or _of(had.frames, table) != _of(now.frames, table)}
        for table in changed:
            chunks = [self._live[seq] for seq in _of(now.frames, table)]
            self._db.register(f"live_{table}", pa.concat_tables([to_arrow(table, []), *chunks]))
        for table in NEWEST:
            rollups.told(self._db, table)
        if anew or had.sealed != now.sealed:
            self._stored()
            changed.add("people")
        if "people" in changed:
            self._views(joined=joined_people(self._db))
        if anew or had.sealed != now.sealed:
            self._answered.follow(now.sealed, now.erasures)
            if self._listed()[0].erasures != now.erasures:
                raise duckdb.IOException("somebody was erased while what files hold was written down")
        rollups.first_told(self._db)
        self._answered.on_top()

    def _listed(self) -> tuple[_Kept, dict[int, Any]]:
        """What is there now, and the live frames that weren't known yet, as Arrow."""
        with closing(reader(self._state)) as state, failing("reading facts"):
            state.execute("BEGIN")
            sealed = state.execute("SELECT tbl, name FROM sealed ORDER BY day, first, name").fetchall()
            frames = state.execute("SELECT seq, tbl FROM facts ORDER BY seq").fetchall()
            row = state.execute("SELECT value FROM meta WHERE name = 'erasures'").fetchone()
            kept = _Kept(tuple(sealed), tuple(frames), int(row[0]) if row else 0)
            known = max(self._live, default=-1) if kept.erasures == self._kept.erasures else -1
            new = state.execute("SELECT seq, tbl, body FROM facts WHERE seq > ? ORDER BY seq", (known,)).fetchall()
        fresh = {}
        for seq, table, body in new:
            fresh[seq] = to_arrow(table, codec.fact_rows(body, f"frame {seq} of {table} in state.sqlite"))
        return kept, fresh

    def _files(self, table: Table) -> list[str]:
        return [name for tbl, name in self._kept.sealed if tbl == table]

    def _stored(self) -> None:
        """Views of everything stored of a table, each version; and the roll-ups of new files."""
        with facts_lock(self._facts):
            if self._listed()[0].sealed != self._kept.sealed:
                raise duckdb.IOException("files of facts were replaced after they were listed")
            rollups.make(self._facts, self._kept.sealed)
        self._answered.ready()
        for table in TABLES:
            sql = f"SELECT * FROM live_{table}"  # noqa: S608 our own names
            if files := self._files(table):
                sql += f" UNION ALL BY NAME SELECT * FROM {rollups.read([self._facts / name for name in files])}"  # noqa: S608 our own names
            self._db.execute(f"CREATE OR REPLACE VIEW stored_{table} AS {sql}")
            if table in NEWEST:
                rollups.keep(self._db, table, self._slim(f"newest_{table}", table))
        self._parts()

    def _parts(self) -> None:
        """Views of the roll-ups of live facts and of sealed ones, and of sealed decisions."""
        files = [self._facts / name for name in self._files("decisions")]
        sealed = f"SELECT * FROM {rollups.read(files)}" if files else "SELECT * FROM live_decisions LIMIT 0"  # noqa: S608
        self._db.execute(f"CREATE OR REPLACE VIEW sealed_decisions AS {sealed}")
        for name, rollup in ROLLUPS.items():
            live = rollups.asked(name, f"live_{rollup.of}")
            slim = self._slim(name, rollup.of)
            kept = f"SELECT * FROM {rollups.read(slim, alike=True)}" if slim else f"SELECT * FROM ({live}) LIMIT 0"  # noqa: S608
            if name in rollups.TOGETHER:
                kept = f"SELECT * EXCLUDE fresh FROM kept.{name}"  # noqa: S608 our own names
            self._db.execute(f"CREATE OR REPLACE VIEW live_{name} AS {live}")
            self._db.execute(f"CREATE OR REPLACE VIEW sealed_{name} AS {kept}")

    def _slim(self, kind: str, table: Table) -> list[Path]:
        return [rollups.path(self._facts, kind, name) for name in self._files(table)]

    def _views(self, *, joined: bool) -> None:
        """The views that are asked, over what is stored."""
        for table in TABLES:
            if table in NEWEST:
                source = f"(SELECT * FROM kept_{table} UNION ALL BY NAME SELECT * FROM told_{table})"  # noqa: S608 ours
            elif table in {"events", "decisions"}:
                source = f"stored_{table}"  # an event or a decision has one version
            else:
                source = f"(SELECT * EXCLUDE key FROM ({rollups.newest(table, f'stored_{table}')}))"  # noqa: S608 ours
            self._db.execute(_view(table, source, joined=joined and table != "people"))
        for name in ROLLUPS:
            source = f"(SELECT * FROM live_{name} UNION ALL BY NAME SELECT * FROM sealed_{name})"  # noqa: S608 ours
            self._db.execute(_view(name, source, joined=joined))


def _of(frames: Iterable[tuple[int, Table]], table: Table) -> list[int]:
    return [seq for seq, tbl in frames if tbl == table]


def _view(name: str, source: str, *, joined: bool) -> str:
    """SQL of a view: later columns filled, people as they count now, moments that never were left out."""
    has = name not in {"arrivals", "refusals"}
    later = next((LATER[table] for table in TABLES if table == name), {})
    replaced = [f"coalesce(t.{column}, {literal(empty)}) AS {column}" for column, empty in later.items()]
    if joined and has:
        replaced.append("coalesce(r.root, t.surrogate) AS surrogate")
    shown = f"t.* REPLACE ({', '.join(replaced)})" if replaced else "t.*"
    joins = "LEFT JOIN roots r ON r.surrogate = t.surrogate" if joined and has else ""
    where = "WHERE NOT withdrawn" if name == "moments" else ""
    return f"CREATE OR REPLACE VIEW {name} AS SELECT {shown} FROM {source} t {joins} {where}"  # noqa: S608 our own names
