"""Reading everything once: what ``micromoments doctor`` and the verification of a backup ask of the state."""

from __future__ import annotations

import sqlite3

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.fact import TABLES, Table
from micromoments.core.item import Item
from micromoments.core.person import Link, Person
from micromoments.ports import Corrupt
from micromoments.stores.embedded import codec

_KINDS: tuple[tuple[str, str, type[Person | Link | Decision | Item | Delivery]], ...] = (
    ("people", "key", Person),
    ("links", "key", Link),
    ("decisions", "id", Decision),
    ("items", "id", Item),
    ("outbox", "id", Delivery),
)


def sound(db: sqlite3.Connection, name: str) -> None:
    """Ask SQLite whether a file's structure is whole.

    Raises:
        Corrupt: it isn't; the message is SQLite's.
    """
    (answer,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise Corrupt(f"{name} is damaged: {answer}; restore a backup")


def check_state(db: sqlite3.Connection) -> int:
    """Decode every value of the state; give how many there are.

    Raises:
        Corrupt: one fails its checksum, or the file's structure is damaged.
    """
    sound(db, "state.sqlite")
    count = 0
    for table, column, kind in _KINDS:
        for name, body in db.execute(f"SELECT {column}, body FROM {table}"):  # noqa: S608 our own names
            codec.decode(kind, body, f"{name.decode()} in state.sqlite's {table}")
            count += 1
    for key, body in db.execute("SELECT key, body FROM policies UNION ALL SELECT key, body FROM policy_versions"):
        codec.unseal(body, f"policy {key} in state.sqlite")
        count += 1
    for seq, name, body in db.execute("SELECT seq, tbl, body FROM facts"):
        count += len(codec.decode_facts(_table(name), body, f"frame {seq} of {name} in state.sqlite"))
    return count


def _table(name: str) -> Table:
    for table in TABLES:
        if table == name:
            return table
    raise Corrupt(f"state.sqlite holds facts of {name!r}; wanted one of {', '.join(TABLES)}; restore a backup")
