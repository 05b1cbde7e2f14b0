# ruff: noqa: S608 every fragment of SQL is written here, over our own names
"""What reports ask most, answered already for what lies in sealed files: in a DuckDB database, on disk where it can be.

``kept.judged`` is each settled moment with what became of it, ``kept.outcomes`` the newest version of each outcome,
``kept.acting`` those that say that a moment was acted on, ``kept.again_...`` the versions of those few ids that have
several in several files, ``kept.did`` who did what last, ``kept.edges`` the newest and the first of everything; the
others are roll-ups as they lie on disk. When files come, only the moments that something in them is about are judged
anew, by the same question; what live facts are about is judged aside (``fresh``) and stands in its place. Nothing
outlives a file that was erased from. ``answered`` says when it is taken up again.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from micromoments.core.fact import Table
from micromoments.core.judged import ACTS, judged, told
from micromoments.core.rollup import ROLLUPS
from micromoments.core.settings import DAY
from micromoments.stores.embedded import rollups
from micromoments.stores.embedded.answered import Answered, File
from micromoments.stores.embedded.rollups import NEWEST, path, read

ROLLED: dict[str, Table] = {
    "decided": "decisions",
    "given": "decisions",
    "activity": "events",
    "arrivals": "events",
    "searches": "events",
    "goals": "events",
}
"""Roll-ups that are kept here, too, with the table of facts that each is made of."""
SLICE = 1_000_000
"""Moments that are judged at once: bounds the memory of it."""
LOOSE = 200_000
"""Rows of who did what that may say the same of one person, before they are put together."""
EDITION = 1
"""Raised when the tables change in a way that their questions don't say."""
Sealed = tuple[File, ...]
"""Sealed files as the manifest names them, by table."""


class Kept:
    """The tables over one connection, whose views ``sealed_...``, ``settled_...``, ``told_...`` and ``roots`` it reads.

    ``ready`` makes those that views name, ``follow`` brings them all up.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, facts: Path) -> None:
        self._db, self._facts = db, facts
        self._answered = Answered(db, facts, _form())

    def ready(self) -> None:
        """Have the tables that views name, empty where nothing was answered yet."""
        for table in NEWEST:
            self._db.execute(
                f"CREATE TABLE IF NOT EXISTS kept.again_{table} "
                "(key BIGINT, version BIGINT, newest BOOLEAN, first BIGINT)"
            )
        self._db.execute("CREATE TABLE IF NOT EXISTS kept.outcomes AS SELECT * FROM told_outcomes LIMIT 0")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS kept.did "
            "(type VARCHAR, name VARCHAR, surrogate BIGINT, last BIGINT, fresh BOOLEAN)"
        )

    def follow(self, sealed: Sealed, erasures: int) -> None:
        """Bring the tables up to what these files hold, after so many erasures."""
        now, had = dict.fromkeys(sealed), self._answered.files
        added = [file for file in now if file not in had]
        gone = [file for file in had if file not in now]
        days = {(table, Path(name).parent) for table, name in now}
        if not had or any((table, Path(name).parent) not in days for table, name in gone):
            self._anew(sealed, erasures)
        elif added or gone:
            erased = bool(gone) and self._answered.erasures != erasures
            with self._answered.changing():
                self._answered.erasures = erasures
                self._rolled(added, gone)
                self._some(added, lost=bool(gone))
            self._db.execute("CHECKPOINT kept")
            if erased and not self._answered.rewrite():
                self._anew(sealed, erasures)
        for name in ROLLED:
            self._db.execute(f"CREATE OR REPLACE VIEW sealed_{name} AS SELECT * EXCLUDE file FROM kept.{name}")

    def on_top(self) -> None:
        """Judge what live facts are about, and let ``judged`` be all of it."""
        self._db.execute("CREATE OR REPLACE TEMP TABLE newly AS SELECT key FROM told_moments")
        self._touched("live_decided", "told_outcomes")
        self._fresh(
            f"{told(_alive('told_moments'), keys=True)} UNION ALL {_STANDING}",
            "(SELECT * EXCLUDE file FROM kept.decided UNION ALL BY NAME SELECT * FROM live_decided)",
            f"SELECT moment_key AS moment FROM kept.acting AS a WHERE {_untold('outcomes')} "
            f"UNION ALL SELECT moment_key FROM told_outcomes WHERE {ACTS}",
        )
        kept = "SELECT * FROM kept.judged WHERE key NOT IN (SELECT key FROM stale)"
        self._db.execute(f"CREATE OR REPLACE VIEW judged AS {kept} UNION ALL BY NAME SELECT * FROM fresh")
        self._db.execute(
            "CREATE OR REPLACE TABLE edges AS SELECT max(last) AS last, min(first) AS first, bit_or(marks) AS marks "
            "FROM (SELECT * FROM kept.edges UNION ALL SELECT max(received_at), min(opened_at), bit_or(marks) FROM "
            f"judged UNION ALL {_edges('told_outcomes', 'live_decided', 'live_arrivals', 'live_activity')} "
            "UNION ALL SELECT NULL, NULL, bit_or(marks) FROM stored_deliveries)"
        )

    # --- steps ------------------------------------------------------------------------------------

    def _anew(self, sealed: Sealed, erasures: int) -> None:
        """Everything, from the files alone."""
        self._answered.clear(to_disk=bool(sealed))
        self.ready()
        for table in NEWEST:
            self._again(table, f"SELECT key FROM sealed_{table}")
        for name in ROLLED:
            self._db.execute(f"CREATE TABLE kept.{name} AS SELECT *, 0 AS file FROM live_{name} LIMIT 0")
        self._rolled(sealed, [])
        self._db.execute("INSERT INTO kept.outcomes BY NAME SELECT * FROM settled_outcomes")
        self._db.execute(f"CREATE TABLE kept.acting AS SELECT key, moment_key FROM ({_acting_rows('kept.outcomes')})")
        self._edged("CREATE TABLE kept.edges AS", "kept.outcomes", "kept.")
        for n, moments in enumerate(self._slices()):
            every = judged(told(_alive(moments), keys=True), _who("kept.decided"), _ACTING, keys=True)
            self._db.execute(f"{'INSERT INTO' if n else 'CREATE TABLE'} kept.judged {'' if n else 'AS'} {every}")
        self._db.execute("CREATE TABLE kept.built AS SELECT * FROM roots")
        self._answered.erasures = erasures
        self._answered.done()

    def _again(self, table: Table, keys: str) -> None:
        """Compare the versions of ids with these keys that have several in sealed files: few have."""
        first = "min(recognised_at)" if table == "moments" else "min(version)"
        self._db.execute(
            f"INSERT INTO kept.again_{table} WITH twice AS (SELECT key FROM ({keys}) GROUP BY key HAVING count(*) > 1) "
            "SELECT key, version, row_number() OVER (PARTITION BY id ORDER BY version DESC, received_at DESC) = 1, "
            f"{first} OVER (PARTITION BY id) FROM sealed_{table} WHERE key IN (SELECT key FROM twice)"
        )

    def _edged(self, into: str, outcomes: str, rolled: str, where: str = "1 = 1") -> None:
        """Note the newest and the first of outcomes and of rows of roll-ups."""
        names = (f"(SELECT * FROM {rolled}{name} WHERE {where})" for name in ("decided", "arrivals", "activity"))
        self._db.execute(f"{into} {_edges(outcomes, *names)}")

    def _slices(self) -> Iterator[str]:
        """Sources of all settled moments, in stretches of their opening."""
        edges = "SELECT count(*), coalesce(min(opened_at), 0), coalesce(max(opened_at), 0) + 1 FROM settled_moments"
        n, first, last = self._db.execute(edges).fetchone() or (0, 0, 1)
        parts = max(1, -(-n // SLICE))
        cuts = [first + (last - first) * part // parts for part in range(parts)] + [last]
        for start, stop in itertools.pairwise(cuts):
            yield f"(SELECT * FROM settled_moments WHERE opened_at >= {start} AND opened_at < {stop})"

    def _rolled(self, added: Iterable[File], gone: Iterable[File]) -> None:
        """Put the roll-ups of new files in, and take those of files that are gone out."""
        numbers = self._answered.files
        for file in gone:
            number = numbers.pop(file)
            for name in (name for name, table in ROLLED.items() if table == file[0]):
                self._db.execute(f"DELETE FROM kept.{name} WHERE file = ?", [number])
        for file in added:
            numbers[file] = max(numbers.values(), default=0) + 1
            for name in (name for name, table in ROLLED.items() if table == file[0]):
                source = read([path(self._facts, name, file[1])], alike=True)
                self._db.execute(f"INSERT INTO kept.{name} BY NAME SELECT *, {numbers[file]} AS file FROM {source}")
            if file[0] == "events":
                self._did(f"SELECT * FROM {read([self._facts / file[1]])}")

    def _did(self, events: str) -> None:
        """Note who did what last; rows that say the same of one person are put together once there are many."""
        rows = ROLLUPS["did"].asked(f"({events})")
        self._db.execute(f"INSERT INTO kept.did BY NAME SELECT *, true AS fresh FROM ({rows})")
        counts = "SELECT count(*), count(*) FILTER (WHERE fresh) FROM kept.did"
        every, fresh = self._db.execute(counts).fetchone() or (0, 0)
        if fresh > max(LOOSE, every // 3):
            self._db.execute(
                "CREATE OR REPLACE TABLE kept.did AS SELECT type, name, surrogate, max(last) AS last, false AS fresh "
                "FROM kept.did GROUP BY type, name, surrogate"
            )

    def _some(self, added: Sequence[File], *, lost: bool) -> None:
        """What the new files are about; ``lost``: also what is in no file any more."""
        kinds = {"moments": "newest_moments", "outcomes": "newest_outcomes", "decisions": "decided"}
        new = {}
        for table, kind in kinds.items():
            files = [path(self._facts, kind, name) for mine, name in added if mine == table]
            none = "live_decided" if table == "decisions" else f"told_{table}"
            new[table] = f"(SELECT * FROM {read(files, alike=True)})" if files else f"(SELECT * FROM {none} LIMIT 0)"
        for table, name in zip(NEWEST, ("newly", "said"), strict=True):
            self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT DISTINCT key FROM {new[table]}")
            self._db.execute(f"DELETE FROM kept.again_{table} WHERE key IN (SELECT key FROM {name})")
            self._again(table, f"SELECT key FROM sealed_{table} WHERE key IN (SELECT key FROM {name})")
        if lost:
            self._lose()
        said = "WHERE key IN (SELECT key FROM said)"
        for name in ("outcomes", "acting"):
            self._db.execute(f"DELETE FROM kept.{name} {said}")
        self._db.execute(f"INSERT INTO kept.outcomes BY NAME SELECT * FROM settled_outcomes {said}")
        acting = _acting_rows(f"(SELECT * FROM kept.outcomes {said})")
        self._db.execute(f"INSERT INTO kept.acting SELECT key, moment_key FROM ({acting})")
        those = f"file IN ({', '.join(str(self._answered.files[file]) for file in added) or 'NULL'})"
        self._edged("INSERT INTO kept.edges", new["outcomes"], "kept.", those)
        self._touched(new["decisions"], new["outcomes"])
        since = f"(SELECT coalesce(min(opened_at), 0) FROM {new['moments']})"
        moments = f"(SELECT * FROM settled_moments WHERE key IN (SELECT key FROM newly) AND opened_at >= {since})"
        self._fresh(
            f"{told(_alive(moments), keys=True)} UNION ALL {_STANDING}",
            "kept.decided",
            _ACTING,
        )
        self._db.execute("DELETE FROM kept.judged WHERE key IN (SELECT key FROM stale)")
        self._db.execute("INSERT INTO kept.judged BY NAME SELECT * FROM fresh")
        self._db.execute("DELETE FROM kept.built")
        self._db.execute("INSERT INTO kept.built SELECT * FROM roots")

    def _lose(self) -> None:
        """Take out what no file has any more."""
        self._db.execute(
            "INSERT INTO newly SELECT key FROM kept.judged WHERE key NOT IN (SELECT key FROM sealed_moments)"
        )
        for name in ("outcomes", "acting"):
            self._db.execute(f"DELETE FROM kept.{name} WHERE key NOT IN (SELECT key FROM sealed_outcomes)")
        self._db.execute("DELETE FROM kept.did WHERE surrogate NOT IN (SELECT surrogate FROM kept.activity)")
        for table in NEWEST:
            self._db.execute(f"DELETE FROM kept.again_{table} WHERE key NOT IN (SELECT key FROM sealed_{table})")
        self._db.execute("DELETE FROM kept.edges")
        self._edged("INSERT INTO kept.edges", "sealed_outcomes", "kept.")

    def _touched(self, decisions: str, outcomes: str) -> None:
        """``stale``: the keys of moments that are new, or that a decision, an outcome or a join of people is about."""
        people = (
            "WITH moved AS (SELECT coalesce(r.surrogate, b.surrogate) AS surrogate, r.root AS now, b.root AS before "
            "FROM roots AS r FULL JOIN kept.built AS b ON b.surrogate = r.surrogate "
            "WHERE r.root IS DISTINCT FROM b.root) SELECT surrogate FROM moved UNION SELECT now FROM moved "
            "UNION SELECT before FROM moved"
        )
        later = (
            f"SELECT j.key FROM kept.judged AS j JOIN {_who(decisions)} AS d ON d.surrogate = j.surrogate AND "
            f"d.received_at > j.stopped AND d.received_at <= j.stopped + {DAY} WHERE j.served_at = 0"
        )
        self._db.execute(
            f"CREATE OR REPLACE TEMP TABLE stale AS SELECT key FROM newly UNION SELECT moment_key FROM {decisions} "
            f"UNION SELECT moment_key FROM {outcomes} UNION {later} "
            f"UNION SELECT key FROM kept.judged WHERE surrogate IN ({people})"
        )

    def _fresh(self, moments: str, decisions: str, acted: str) -> None:
        question = judged(moments, _who(decisions), acted, keys=True)
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {question}")


def _who(source: str) -> str:
    """SQL of a source's rows with the people as they count now."""
    return (
        "(SELECT t.* REPLACE (coalesce(r.root, t.surrogate) AS surrogate) "
        f"FROM {source} AS t LEFT JOIN roots AS r ON r.surrogate = t.surrogate)"
    )


def _alive(source: str) -> str:
    """SQL of moments that weren't withdrawn."""
    return f"(SELECT * FROM {_who(source)} WHERE NOT withdrawn)"


_ACTING = "SELECT moment_key AS moment FROM kept.acting"
_STANDING = (
    f"SELECT * EXCLUDE (acted, cause) FROM {_who('kept.judged')} AS j WHERE key IN (SELECT key FROM stale) "
    "AND key NOT IN (SELECT key FROM newly)"
)
"""What is kept of the stale moments whose own fact didn't change."""


def _untold(table: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM told_{table} AS t WHERE t.key = a.key)"


def _acting_rows(outcomes: str) -> str:
    """SQL of the outcomes themselves that say that a moment was acted on."""
    return f"SELECT o.key, o.moment_key FROM {outcomes} AS o WHERE {ACTS}"


def _edges(outcomes: str, decided: str, arrivals: str, activity: str) -> str:
    """SQL of the newest arrival, the beginning of the first hour, and every mark that there is."""
    return (
        "SELECT max(last) AS last, min(first) AS first, bit_or(marks) AS marks FROM ("
        f"SELECT max(received_at) AS last, NULL AS first, bit_or(marks) AS marks FROM {outcomes} "
        f"UNION ALL SELECT max(received_at), NULL, bit_or(marks) FROM {decided} "
        f"UNION ALL SELECT max(newest), NULL, bit_or(marks) FROM {arrivals} "
        f"UNION ALL SELECT NULL, min(hour), NULL FROM {activity})"
    )


def _form() -> str:
    """Names the questions that the tables answer: another wording, and what is on disk is made anew."""
    asked = [EDITION, rollups.EDITION, told("m"), judged("t", "d", "a", keys=True), ACTS, DAY, duckdb.__version__]
    asked += [f"{name} {ROLLUPS[name].asked('f')}" for name in (*ROLLED, "did")]
    return hashlib.sha256(repr(asked).encode()).hexdigest()
