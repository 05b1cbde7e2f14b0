"""The version of each database's schema, and the steps from one to the next, applied when a folder is opened.

``PRAGMA user_version`` holds the version, 0 being an empty file. Step ``n`` leads from version ``n`` to ``n + 1`` and
runs in one transaction with the new number, so a crash leaves either version whole. Steps are never edited once
released; the golden folders in ``tests/golden`` are opened by every later release.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from micromoments.ports import Corrupt, StoreError

LOG = (
    """
    CREATE TABLE groups(
        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, at_min INTEGER NOT NULL, at_max INTEGER NOT NULL,
        body BLOB NOT NULL
    );
    CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('end', 0);
    """,
)
STATE = (
    """
    CREATE TABLE people(
        seq INTEGER PRIMARY KEY, key BLOB NOT NULL, wake INTEGER NOT NULL, last INTEGER NOT NULL,
        surrogate INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX people_key ON people(key);
    CREATE INDEX people_wake ON people(wake) WHERE wake > 0;
    CREATE TABLE links(seq INTEGER PRIMARY KEY, key BLOB NOT NULL, body BLOB NOT NULL);
    CREATE UNIQUE INDEX links_key ON links(key);
    CREATE TABLE decisions(
        seq INTEGER PRIMARY KEY, id BLOB NOT NULL, at INTEGER NOT NULL, person BLOB NOT NULL, source BLOB NOT NULL,
        body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX decisions_id ON decisions(id);
    CREATE INDEX decisions_person ON decisions(person);
    CREATE INDEX decisions_source ON decisions(source) WHERE source <> person;
    CREATE TABLE items(id BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE policies(key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE policy_versions(
        key TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (key, version)
    ) WITHOUT ROWID;
    CREATE TABLE facts(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, tbl TEXT NOT NULL, count INTEGER NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, body BLOB NOT NULL
    );
    CREATE TABLE sealed(
        name TEXT PRIMARY KEY, tbl TEXT NOT NULL, day TEXT NOT NULL, count INTEGER NOT NULL, first INTEGER NOT NULL,
        last INTEGER NOT NULL, versions INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES ('position', 0);
    """,
    """
    CREATE TABLE outbox(
        seq INTEGER PRIMARY KEY, id BLOB NOT NULL, status INTEGER NOT NULL, lane TEXT NOT NULL, due INTEGER NOT NULL,
        person BLOB NOT NULL, body BLOB NOT NULL
    );
    CREATE UNIQUE INDEX outbox_id ON outbox(id);
    CREATE INDEX outbox_due ON outbox(lane, due) WHERE status < 2;
    CREATE INDEX outbox_person ON outbox(person, due);
    CREATE INDEX outbox_done ON outbox(status, due) WHERE status >= 2;
    """,
)
BUDGETS = (
    """
    CREATE TABLE budgets(name TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE reservations(
        id TEXT PRIMARY KEY, budget TEXT NOT NULL, units INTEGER NOT NULL, until INTEGER NOT NULL, state TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX reservations_until ON reservations(until) WHERE state = 'open';
    """,
)

AUDIT = (
    """
    CREATE TABLE entries(
        number INTEGER PRIMARY KEY AUTOINCREMENT, "at" INTEGER NOT NULL, who TEXT NOT NULL, name TEXT NOT NULL,
        what TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL
    );
    """,
)


def migrate(connection: sqlite3.Connection, steps: Sequence[str], name: str) -> int:
    """Bring a database to the newest version; give the version that it had (0: it was empty). Where that can't be done
    the connection is closed.

    Raises:
        Corrupt: a newer release wrote it.
        StoreError: a step could not be applied; the version before it is whole.
    """
    try:
        return _migrated(connection, steps, name)
    except BaseException:
        connection.close()
        raise


def _migrated(connection: sqlite3.Connection, steps: Sequence[str], name: str) -> int:
    (had,) = connection.execute("PRAGMA user_version").fetchone()
    if had > len(steps):
        raise Corrupt(
            f"{name} has format {had}; this release reads formats 1 to {len(steps)}; a newer release wrote it: "
            "install that one, or restore a backup that this release made"
        )
    for version in range(had, len(steps)):
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {steps[version]}; PRAGMA user_version={version + 1}; COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise StoreError(
                f"{name}: the step from format {version} to {version + 1} failed: {error}; "
                "the old format is whole; free space and retry, or install the release that wrote it"
            ) from error
    return int(had)
