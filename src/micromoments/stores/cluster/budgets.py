"""Budgets on Redis: exact, as every reservation is one script on the one primary that holds them all."""

from __future__ import annotations

from micromoments.core.event import Millis
from micromoments.stores.cluster import scripts
from micromoments.stores.cluster.database import Database


class RedisBudgets:
    """``ports.Budgets`` on a database's first shard, since a reservation is settled by its id alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, budget: str, units: int, limit: int, id: str, until: Millis, instead: str = "") -> bool:
        """Take units until an instant; False if spent + reserved + units would pass ``limit``. The same id gives the
        same answer and takes nothing more, until some time after ``until``; once given back, it takes them anew. An
        open reservation of the budget, ``instead`` of which this one is taken, is given back where it is granted.

        Raises:
            ValueError: units below 0.
        """
        if units < 0:
            raise ValueError(
                f"got {units} units to reserve of {budget!r}; wanted 0 or more; give units back by settle()"
            )
        return bool(self._database.run(scripts.RESERVE, 0, [budget, units, limit, id, until, instead]))

    def settle(self, id: str, spend: bool) -> bool:
        """Spend a reservation or give it back; False if it isn't open."""
        return bool(self._database.run(scripts.SETTLE_BUDGET, 0, [id, int(spend)]))

    def expire(self, now: Millis) -> int:
        """Give back the open reservations whose time is over, and forget what was settled or refused a day before."""
        return int(self._database.run(scripts.EXPIRE_BUDGETS, 0, [now]))

    def used(self, budget: str) -> tuple[int, int]:
        """(spent, reserved) units."""
        spent, reserved = self._database.one(0, "HMGET", self._database.name(0, "b", budget), "spent", "reserved")
        return int(spent or 0), int(reserved or 0)

    def close(self) -> None:
        """Nothing of its own is open."""
