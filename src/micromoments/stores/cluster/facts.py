"""Facts: live ones as frames in a stream of each shard, sealed ones in Parquet on a folder or a bucket.

``RedisState`` writes live facts with the person that they are about. Sealing takes the oldest frames of every shard,
writes files whole, then in one step names them in the manifest and says up to where each stream is sealed; then the
streams are cut. One seals, erases or trims at a time, by a lease.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs
from pyarrow.dataset import dataset

from micromoments.core.event import Millis
from micromoments.core.fact import TABLES, Fact, Table
from micromoments.ports import StoreError
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import SHARDS, Command, Database
from micromoments.stores.cluster.fact_topics import FactTopics
from micromoments.stores.cluster.lease import Lease
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.columns import ARROW, filled, to_arrow
from micromoments.stores.embedded.facts import closure
from micromoments.stores.embedded.query import Query
from micromoments.stores.embedded.rows import frame

DAY: Millis = 86_400_000
ALONE: Millis = 60_000
WAIT = 90.0
"""Seconds to wait for another that seals or erases."""
Frame = tuple[int, str, Table, int, Millis, bytes]
"""A live frame: (shard, id in its stream, table, count, latest received, body)."""


class RedisFacts:
    """``ports.Facts`` on a database and a place for files (``/a/folder``, ``s3://bucket/path``, ``gs://...``)."""

    def __init__(self, database: Database, place: str, topics: FactTopics | None = None) -> None:
        self._topics = topics
        self._database = database
        self._scheme = f"{place.partition('://')[0]}://" if "://" in place else ""
        self._fs, self._root = fs.FileSystem.from_uri(place if "://" in place else f"file://{place}")
        self._lease = Lease(database, "facts", ALONE)

    def seal(self, until: Millis) -> int:
        """Move live facts received before an instant to Parquet: of each shard by whole frames, oldest first; a frame
        with a later fact stays, and so do those after it. Give how many moved.
        """
        with self._alone():
            rows: dict[Table, list[list[Any]]] = {}
            upto: dict[int, str] = {}
            closed: set[int] = set()
            size = 0
            for shard, id, table, count, last, body in frames_of(self._database):
                if shard in closed or last >= until:
                    closed.add(shard)
                    continue
                rows.setdefault(table, []).extend(codec.fact_rows(body, f"frame {id} of {table} in Redis"))
                upto[shard] = id
                size += count
            if not size:
                return 0
            written = [row for table, some in rows.items() for row in self._write_days(table, some)]
            self._name((), written, upto)
            if self._topics is not None:
                self._topics.publish()  # what goes from the streams must have been sent
            self._database.many(
                [(s, ("XTRIM", self._database.name(s, "f"), "MINID", _after(id))) for s, id in upto.items()]
            )
        return size

    def publish(self) -> int:
        """Send what was committed to the topics, where the project has some; gives how many facts. Nothing where
        another process seals or erases just now.
        """
        if self._topics is None or not self._lease.hold():
            return 0
        try:
            return self._topics.publish()
        finally:
            self._lease.release()

    def files(self, table: Table) -> Sequence[str]:
        """The sealed Parquet files of a table, by day: paths, or names in a bucket, without keys or options."""
        return [f"{self._scheme}{self._root}/{name}" for name, row in self._manifest() if row["table"] == table]

    def live(self, table: Table) -> Iterable[Fact]:
        """The facts of a table that are not sealed yet, in the order in which they were received."""
        found = [
            fact
            for shard, id, of, *_, body in frames_of(self._database)
            if of == table
            for fact in codec.decode_facts(table, body, f"frame {id} of {table} in shard {shard}")
        ]
        return sorted(found, key=lambda fact: (fact.received_at, fact.version))

    def erase(self, surrogates: frozenset[int]) -> int:
        """Remove every fact of these surrogates and of those that were joined into them; give how many rows went."""
        if not surrogates:
            return 0
        gone = 0
        theirs = set(surrogates)
        with self._alone():
            while True:
                known = len(theirs)
                theirs = self._joined(theirs)
                theirs, went = erase_live(self._database, theirs, self._erased)
                gone += went
                if len(theirs) == known:
                    break
            values = pa.array(sorted(theirs), type=pa.int64())
            for name, row in self._manifest():
                gone += self._erase_in(name, row, values)
        return gone

    def trim(self, before: Millis) -> int:
        """Forget sealed facts received before an instant, by whole days; give how many files went."""
        with self._alone():
            old = [name for name, row in self._manifest() if row["day"] < _day(before)]
            self.forget(old)
        return len(old)

    def sealed(self) -> dict[str, dict[str, Any]]:
        """The sealed files by name, each with its table, day, count and where it was moved here its digest."""
        return dict(self._manifest())

    def adopt(self, name: str, table: str, day: str, count: int, source: Path) -> str:
        """Take a sealed file of another place under its name, read it back, and name it; give its SHA-256.

        Raises:
            StoreError: what was read back isn't what was written; FileNotFoundError: the file is gone.
        """
        with source.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            file.seek(0)
            path = f"{self._root}/{name}"
            if self.digest(name) != digest:
                self._fs.create_dir(path.rpartition("/")[0], recursive=True)
                with self._fs.open_output_stream(path) as stream:
                    shutil.copyfileobj(file, stream)
        if self.digest(name) != digest:
            raise StoreError(f"{path} is not what was written there; look at that place, then retry")
        self._name((), [(name, {"table": table, "day": day, "count": count, "digest": digest})], {})
        return digest

    def digest(self, name: str) -> str:
        """The SHA-256 of a file as it lies there; empty where it isn't."""
        try:
            with self._fs.open_input_file(f"{self._root}/{name}") as stream:
                return file_digest(stream, "sha256").hexdigest()
        except FileNotFoundError:
            return ""

    def there(self, name: str) -> bool:
        """Whether a file lies where the manifest says."""
        return bool(self._fs.get_file_info(f"{self._root}/{name}").type == fs.FileType.File)

    def forget(self, names: Sequence[str]) -> None:
        """Take files out of the manifest, then away."""
        self._name(names, (), {})
        self._delete(names)

    def query(self) -> Query:
        """The facts as they are now, to be asked in SQL."""
        return ClusterQuery(self)

    def close(self) -> None:
        """Nothing of its own is open."""

    # --- steps ------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self) -> Iterator[None]:
        until = time.monotonic() + WAIT
        while not self._lease.hold():
            if time.monotonic() > until:
                raise StoreError("another process seals or erases facts for too long; look at it, then retry")
            time.sleep(0.05)
        try:
            yield
        finally:
            self._lease.release()

    def _manifest(self) -> list[tuple[str, dict[str, Any]]]:
        found = self._database.one(0, "HGETALL", self._database.name(0, "sealed"))
        rows = [(name.decode(), msgspec.json.decode(row)) for name, row in found.items()]
        return sorted(rows, key=lambda r: (r[1]["day"], r[0]))

    def _name(self, gone: Sequence[str], new: Sequence[tuple[str, dict[str, Any]]], upto: dict[int, str]) -> None:
        named = [(name, msgspec.json.encode(row)) for name, row in new]
        words = [*scripts.flat([name] for name in gone), *scripts.flat(named), *scripts.flat(upto.items())]
        self._database.run(scripts.NAMED, 0, words)

    def _write_days(self, table: Table, rows: list[list[Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        whole = to_arrow(table, rows)
        days = pc.divide(whole["received_at"], DAY)
        for day in pc.unique(days).to_pylist():
            yield self._write(table, _day(day * DAY), whole.filter(pc.equal(days, day)))

    def _write(self, table: Table, day: str, part: Any) -> tuple[str, dict[str, Any]]:
        """Write one file whole, under a name of its own; give its row of the manifest."""
        name = f"{table}/date={day}/{uuid4().hex}.parquet"
        path = f"{self._root}/{name}"
        try:
            self._fs.create_dir(path.rpartition("/")[0], recursive=True)
            with self._fs.open_output_stream(path) as stream:
                pq.write_table(part.replace_schema_metadata(ARROW[table].metadata), stream, compression="zstd")
        except OSError as error:
            self._delete([name])
            raise StoreError(f"can't write {path}: {error}; nothing was sealed; mend it, then retry") from error
        return name, {"table": table, "day": day, "count": part.num_rows}

    def _delete(self, names: Sequence[str]) -> None:
        for name in names:
            try:
                self._fs.delete_file(f"{self._root}/{name}")
            except FileNotFoundError:  # gone already, or never there
                continue

    def read(self, name: str) -> Any:
        """One sealed file as a table."""
        with self._fs.open_input_file(f"{self._root}/{name}") as stream:
            return filled(name.partition("/")[0], pq.read_table(stream))  # type: ignore[arg-type] # our own name

    def _joined(self, theirs: set[int]) -> set[int]:
        joins: list[tuple[int, int]] = []
        for name, row in self._manifest():
            if row["table"] == "people":
                part = self.read(name)
                joins += zip(part["surrogate"].to_pylist(), part["into"].to_pylist(), strict=True)
        return closure(theirs, joins)

    def _erase_in(self, name: str, row: dict[str, Any], values: Any) -> int:
        part = self.read(name)
        hit = pc.is_in(part["surrogate"], value_set=values)
        went = pc.sum(hit).as_py() or 0
        if went:
            self._erased(row["table"], part.filter(hit)["id"].to_pylist())
            kept = part.filter(pc.invert(hit))
            new = [self._write(row["table"], row["day"], kept)] if kept.num_rows else []
            self._name([name], new, {})
            self._delete([name])
        return int(went)

    def _erased(self, table: Table, ids: Sequence[str]) -> None:
        if self._topics is not None:
            self._topics.erased(table, ids)

    def stored(self) -> tuple[dict[Table, Any], dict[Table, Any]]:
        """Everything there is now, by table: what is in memory, and the files; those of a bucket as a dataset, of which
        only the columns and rows that are asked for are read.
        """
        live = live_rows(self._database)
        files: dict[Table, Any] = {table: [] for table in TABLES}
        for name, row in self._manifest():
            files[row["table"]].append(f"{self._root}/{name}")
        if not isinstance(self._fs, fs.LocalFileSystem):
            files |= {table: self._dataset(table, paths) for table, paths in files.items() if paths}
        return live, files

    def _dataset(self, table: Table, paths: Sequence[str]) -> Any:
        # A column that a file is too old to have is null in it.
        schema = pa.schema([field.with_nullable(True) for field in ARROW[table]])
        return dataset(paths, schema=schema, format="parquet", filesystem=self._fs)


class ClusterQuery(Query):
    """The facts of a cluster in SQL. An event that was written to the log twice is one row."""

    twice = True

    def _passes(self, error: duckdb.Error) -> bool:
        # What Arrow says of a file of a bucket that was replaced comes as another error.
        return super()._passes(error) or "errno 2]" in str(error)

    def __init__(self, facts: RedisFacts) -> None:
        self._source = facts
        # The files may be in a bucket: what doesn't fit memory goes to a folder of this machine, for as long.
        self._facts = Path(tempfile.mkdtemp(prefix="micromoments-"))
        self._db = self._open()

    def sources(self) -> tuple[dict[Table, Any], dict[Table, Any]]:
        """What there is now, by table."""
        return self._source.stored()

    def close(self) -> None:
        """Let go of it all."""
        super().close()
        shutil.rmtree(self._facts, ignore_errors=True)


def live_rows(database: Database) -> dict[Table, Any]:
    """What isn't sealed yet, an Arrow table each."""
    rows: dict[Table, list[list[Any]]] = {table: [] for table in TABLES}
    for _, id, table, _, _, body in frames_of(database):
        rows[table] += codec.fact_rows(body, f"frame {id} of {table} in Redis")
    return {table: to_arrow(table, rows[table]) for table in TABLES}


def frames_of(database: Database) -> list[Frame]:
    """Every live frame, shard by shard in the order of their commits; what is sealed already is left out."""
    upto = {int(s): id.decode() for s, id in database.one(0, "HGETALL", database.name(0, "upto")).items()}
    ask: list[Command] = [
        (s, ("XRANGE", database.name(s, "f"), _after(upto[s]) if s in upto else "-", "+")) for s in range(SHARDS)
    ]
    return [
        (s, id.decode(), row[b"t"].decode(), int(row[b"n"]), int(row[b"z"]), row[b"b"])
        for s, got in enumerate(database.many(ask))
        for id, row in got
    ]


def erase_live(
    database: Database, surrogates: Iterable[int], erased: Callable[[Table, Sequence[str]], None] | None = None
) -> tuple[set[int], int]:
    """Rewrite the live frames that hold facts of these surrogates, or of any that was joined into one of them; give all
    those surrogates, and how many facts went. ``erased`` is told of their ids first.
    """
    live = frames_of(database)
    people = [body for _, _, table, _, _, body in live if table == "people"]
    joins = [(f.surrogate, f.into) for body in people for f in codec.decode_facts("people", body)]
    theirs = closure(set(surrogates), joins)
    gone = 0
    commands: list[Command] = []
    for shard, id, table, _, _, body in live:
        facts = codec.decode_facts(table, body, f"frame {id} of {table} in Redis")
        kept = [f for f in facts if f.surrogate not in theirs]
        if len(kept) == len(facts):
            continue
        gone += len(facts) - len(kept)
        if erased is not None:
            erased(table, [f.id for f in facts if f.surrogate in theirs])
        name = database.name(shard, "f")
        if kept:
            _, count, first, last, new = frame(table, kept)
            commands.append((shard, ("XADD", name, "*", "t", table, "n", count, "a", first, "z", last, "b", new)))
        commands.append((shard, ("XDEL", name, id)))
    database.many(commands)
    return theirs, gone


def _after(id: str) -> str:
    """The stream's next possible id."""
    at, _, number = id.partition("-")
    return f"{at}-{int(number) + 1}"


def _day(at: Millis) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
