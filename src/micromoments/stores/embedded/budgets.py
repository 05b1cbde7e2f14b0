"""Budgets in ``budgets.sqlite``: exact, as every reservation is one immediate transaction that is synced.

A file of their own, so that a reservation waits for neither the log's groups nor the state's commits.
"""

from __future__ import annotations

from pathlib import Path
from threading import RLock

from micromoments.core.event import Millis
from micromoments.stores.embedded import migrate
from micromoments.stores.embedded.database import connect, failing, reader, transaction

_ADD = (
    "INSERT INTO budgets VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE SET "
    "spent = spent + excluded.spent, reserved = reserved + excluded.reserved"
)
_HELD = "SELECT units FROM reservations WHERE id = ? AND budget = ? AND state = 'open'"


class SqliteBudgets:
    """``ports.Budgets`` on one SQLite file."""

    def __init__(self, path: Path | str) -> None:
        self._lock = RLock()
        self._reading = RLock()
        self._db = connect(Path(path), full=True, cache_mib=2, checkpoint_pages=1_000)
        migrate.migrate(self._db, migrate.BUDGETS, "budgets.sqlite")
        self._reader = reader(Path(path), cache_mib=2)

    def reserve(self, budget: str, units: int, limit: int, id: str, until: Millis, instead: str = "") -> bool:
        """Take units until an instant, durably; False if spent + reserved + units would pass ``limit``.

        The same id gives the same answer and takes nothing more, until some time after ``until``; once given back, it
        takes them anew. An open reservation of the budget, ``instead`` of which this one is taken, is given back where
        it is granted.

        Raises:
            ValueError: units below 0.
        """
        if units < 0:
            raise ValueError(
                f"got {units} units to reserve of {budget!r}; wanted 0 or more; give units back by settle()"
            )
        with transaction(self._db, self._lock, "reserving a budget") as db:
            known = db.execute("SELECT state FROM reservations WHERE id = ?", (id,)).fetchone()
            if known is not None and known[0] != "returned":
                return bool(known[0] != "refused")
            row = db.execute("SELECT spent + reserved FROM budgets WHERE name = ?", (budget,)).fetchone()
            used = row[0] if row else 0
            row = db.execute(_HELD, (instead, budget)).fetchone()
            held = row[0] if row else 0
            granted = used - held + units <= (max(limit, used) if held else limit)
            state = "open" if granted else "refused"
            db.execute("INSERT OR REPLACE INTO reservations VALUES (?, ?, ?, ?, ?)", (id, budget, units, until, state))
            if granted:
                db.execute(_ADD, (budget, 0, units - held))
                db.execute("UPDATE reservations SET state = 'returned' WHERE id = ? AND state = 'open'", (instead,))
        return granted

    def settle(self, id: str, spend: bool) -> bool:
        """Spend a reservation or give it back, durably; False if it isn't open."""
        with transaction(self._db, self._lock, "settling a budget") as db:
            row = db.execute("SELECT budget, units FROM reservations WHERE id = ? AND state = 'open'", (id,)).fetchone()
            if row is None:
                return False
            budget, units = row
            db.execute("UPDATE reservations SET state = ? WHERE id = ?", ("spent" if spend else "returned", id))
            db.execute(_ADD, (budget, units if spend else 0, -units))
        return True

    def expire(self, now: Millis) -> int:
        """Give back the open reservations whose time is over, and forget what was settled or refused a day before."""
        with self._reading, failing("reading budgets"):
            over = "SELECT 1 FROM reservations WHERE state = 'open' AND until <= ? LIMIT 1"
            if self._reader.execute(over, (now,)).fetchone() is None:
                return 0
        with transaction(self._db, self._lock, "expiring budgets") as db:
            due = db.execute(
                "SELECT budget, sum(units), count(*) FROM reservations "
                "WHERE state = 'open' AND until <= ? GROUP BY budget",
                (now,),
            ).fetchall()
            for budget, units, _ in due:
                db.execute(_ADD, (budget, 0, -units))
            db.execute("UPDATE reservations SET state = 'returned' WHERE state = 'open' AND until <= ?", (now,))
            db.execute("DELETE FROM reservations WHERE state <> 'open' AND until <= ?", (now - 86_400_000,))
        return sum(count for *_, count in due)

    def used(self, budget: str) -> tuple[int, int]:
        """(spent, reserved) units."""
        with self._reading, failing("reading budgets"):
            row = self._reader.execute("SELECT spent, reserved FROM budgets WHERE name = ?", (budget,)).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading:
            self._reader.close()
            self._db.close()
