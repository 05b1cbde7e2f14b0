# ruff: noqa: S608 every fragment of SQL is written here, over our own names
"""What reports ask most, answered already: in memory, compressed, for what lies in sealed files.

``kept.judged`` is each settled moment with what became of it, ``kept.acting`` the outcomes that say that a moment was
acted on; the others are roll-ups as they lie on disk. When files come, only the moments that something in them is about
are judged anew, by the same question; what live facts are about is judged aside (``fresh``) and stands in its place.
Nothing of it is on disk, and nothing outlives a file that was erased from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from micromoments.core.fact import Table
from micromoments.core.judged import ACTS, judged, told
from micromoments.core.settings import DAY
from micromoments.stores.embedded.rollups import path, read

ROLLED: dict[str, Table] = {
    "decided": "decisions",
    "given": "decisions",
    "activity": "events",
    "searches": "events",
    "goals": "events",
}
"""Roll-ups that are kept here, too, with the table of facts that each is made of."""
SLICE = 1_000_000
"""Moments that are judged at once: bounds the memory of it."""
Sealed = tuple[tuple[Table, str], ...]
"""Sealed files as the manifest names them, by table."""


class Kept:
    """The tables over one connection, whose views ``settled_...``, ``told_...`` and ``roots`` it reads."""

    def __init__(self, db: duckdb.DuckDBPyConnection, facts: Path) -> None:
        self._db, self._facts = db, facts
        self._numbers: dict[tuple[Table, str], int] = {}
        self._next = 0
        db.execute("ATTACH ':memory:' AS kept (COMPRESS)")

    def follow(self, sealed: Sealed, *, erased: bool) -> None:
        """Bring the tables up to what these files hold; ``erased``: somebody was erased since."""
        now, had = dict.fromkeys(sealed), self._numbers
        added = [file for file in now if file not in had]
        gone = [file for file in had if file not in now]
        days = {(table, Path(name).parent) for table, name in now}
        if not had or any((table, Path(name).parent) not in days for table, name in gone):
            self._anew(sealed)
        elif added or gone:
            self._rolled(added, gone)
            self._some(added, erased=erased)
        for name in ROLLED:
            self._db.execute(f"CREATE OR REPLACE VIEW sealed_{name} AS SELECT * EXCLUDE file FROM kept.{name}")
        self._db.execute("CREATE OR REPLACE TABLE kept.built AS SELECT * FROM roots")
        self._db.execute("CHECKPOINT kept")

    def on_top(self) -> None:
        """Judge what live facts are about, and let ``judged`` be all of it."""
        self._db.execute("CREATE OR REPLACE TABLE newly AS SELECT key FROM told_moments")
        self._touched("live_decided", "told_outcomes")
        self._fresh(
            f"{told(_alive('told_moments'), keys=True)} UNION ALL {_STANDING}",
            "(SELECT * EXCLUDE file FROM kept.decided UNION ALL BY NAME SELECT * FROM live_decided)",
            f"SELECT moment_key AS moment FROM kept.acting AS a WHERE {_untold('outcomes')} "
            f"UNION ALL SELECT moment_key FROM told_outcomes WHERE {ACTS}",
        )
        kept = "SELECT * FROM kept.judged WHERE key NOT IN (SELECT key FROM stale)"
        self._db.execute(f"CREATE OR REPLACE VIEW judged AS {kept} UNION ALL BY NAME SELECT * FROM fresh")

    # --- steps ------------------------------------------------------------------------------------

    def _anew(self, sealed: Sealed) -> None:
        """Everything, from the files alone."""
        self._numbers = {}
        for name in ROLLED:
            empty = f"SELECT *, 0 AS file FROM live_{name} LIMIT 0"
            self._db.execute(f"CREATE OR REPLACE TABLE kept.{name} AS {empty}")
        self._rolled(sealed, [])
        self._db.execute(
            f"CREATE OR REPLACE TABLE kept.acting AS SELECT key, moment_key FROM ({_acting_rows('settled_outcomes')})"
        )
        for n, moments in enumerate(self._slices()):
            every = judged(told(_alive(moments), keys=True), _who("kept.decided"), _ACTING, keys=True)
            into = "INSERT INTO kept.judged" if n else "CREATE OR REPLACE TABLE kept.judged AS"
            self._db.execute(f"{into} {every}")

    def _slices(self) -> Iterator[str]:
        """Sources of all settled moments, in stretches of their opening."""
        edges = "SELECT count(*), coalesce(min(opened_at), 0), coalesce(max(opened_at), 0) + 1 FROM settled_moments"
        n, first, last = self._db.execute(edges).fetchone() or (0, 0, 1)
        parts = max(1, -(-n // SLICE))
        cuts = [first + (last - first) * part // parts for part in range(parts)] + [last]
        for start, stop in itertools.pairwise(cuts):
            yield f"(SELECT * FROM settled_moments WHERE opened_at >= {start} AND opened_at < {stop})"

    def _rolled(self, added: Iterable[tuple[Table, str]], gone: Iterable[tuple[Table, str]]) -> None:
        """Put the roll-ups of new files in, and take those of files that are gone out."""
        for file in gone:
            number = self._numbers.pop(file)
            for name in (name for name, table in ROLLED.items() if table == file[0]):
                self._db.execute(f"DELETE FROM kept.{name} WHERE file = ?", [number])
        for file in added:
            self._next += 1
            self._numbers[file] = self._next
            for name in (name for name, table in ROLLED.items() if table == file[0]):
                source = read([path(self._facts, name, file[1])], alike=True)
                self._db.execute(f"INSERT INTO kept.{name} BY NAME SELECT *, {self._next} AS file FROM {source}")

    def _some(self, added: Sequence[tuple[Table, str]], *, erased: bool) -> None:
        """What the new files are about, and what is in no file any more."""
        kinds = {"moments": "newest_moments", "outcomes": "newest_outcomes", "decisions": "decided"}
        new = {}
        for table, kind in kinds.items():
            files = [path(self._facts, kind, name) for mine, name in added if mine == table]
            none = "live_decided" if table == "decisions" else f"told_{table}"
            new[table] = f"(SELECT * FROM {read(files, alike=True)})" if files else f"(SELECT * FROM {none} LIMIT 0)"
        lost = ""
        if erased:
            lost = " UNION SELECT key FROM kept.judged WHERE key NOT IN (SELECT key FROM sealed_moments)"
            self._db.execute("DELETE FROM kept.acting WHERE key NOT IN (SELECT key FROM sealed_outcomes)")
        self._db.execute(f"CREATE OR REPLACE TABLE newly AS SELECT DISTINCT key FROM {new['moments']}{lost}")
        self._db.execute(f"CREATE OR REPLACE TABLE said AS SELECT DISTINCT key FROM {new['outcomes']}")
        settled = "(SELECT * FROM settled_outcomes WHERE key IN (SELECT key FROM said))"
        self._db.execute("DELETE FROM kept.acting WHERE key IN (SELECT key FROM said)")
        self._db.execute(f"INSERT INTO kept.acting SELECT key, moment_key FROM ({_acting_rows(settled)})")
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
            f"CREATE OR REPLACE TABLE stale AS SELECT key FROM newly UNION SELECT moment_key FROM {decisions} "
            f"UNION SELECT moment_key FROM {outcomes} UNION {later} "
            f"UNION SELECT key FROM kept.judged WHERE surrogate IN ({people})"
        )

    def _fresh(self, moments: str, decisions: str, acted: str) -> None:
        question = judged(moments, _who(decisions), acted, keys=True)
        self._db.execute(f"CREATE OR REPLACE TABLE fresh AS {question}")


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
