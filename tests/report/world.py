"""Small fact tables in DuckDB, as the store's views show them, for the tests of reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import duckdb
import msgspec
import pyarrow as pa

from micromoments.core.event import Millis
from micromoments.core.fact import SCHEMAS, DecisionFact, EventFact, Fact, MomentFact, OutcomeFact
from micromoments.core.settings import Goal, Settings, Slot

NOW: Millis = 1_767_225_600_000
"""1 January 2026, 00:00 UTC."""
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
SETTINGS = Settings(
    slots={"home": Slot(holdout=0.5, goal="order")},
    goals={"order": Goal(event="Order Completed", value="revenue"), "visit": Goal(event="Visited")},
)
_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
F = TypeVar("F", bound=msgspec.Struct)


class Facts:
    """An in-memory database with a table for each kind of fact, and its query function."""

    def __init__(self, *facts: Fact) -> None:
        """Holds these facts."""
        self.connection = duckdb.connect(config={"threads": 1})
        for table, schema in SCHEMAS.items():
            columns = ", ".join(f'"{name}" {_sql(kind)}' for name, kind in get_type_hints(schema).items())
            self.connection.execute(f"CREATE TABLE {table} ({columns})")
        self.add(facts)

    def add(self, facts: Iterable[Fact]) -> None:
        """Adds facts to their tables."""
        every = list(facts)
        for table, schema in SCHEMAS.items():
            rows = [msgspec.structs.asdict(fact) for fact in every if isinstance(fact, schema)]
            if rows:
                self.connection.register("new_facts", pa.Table.from_pylist(rows))
                names = ", ".join(f'"{name}"' for name in rows[0])
                self.connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM new_facts")
                self.connection.unregister("new_facts")

    def query(self, sql: str, params: Sequence[object]) -> list[dict[str, Any]]:
        """What a store offers to reports."""
        found = self.connection.execute(sql, list(params))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _sql(kind: Any) -> str:
    if get_origin(kind) is list:
        return f"{_TYPES[get_args(kind)[0]]}[]"
    return _TYPES[kind]


def _fact(schema: type[F], **fields: Any) -> F:
    empty = {name: [] if get_origin(kind) is list else kind() for name, kind in get_type_hints(schema).items()}
    return schema(**(empty | fields))


def event(id: str, person: int, at: Millis, name: str = "Product Viewed", **fields: Any) -> EventFact:
    """An event that arrived a second after it happened."""
    base = {"type": "track", "channel": "web", "results": -1, "currency": "USD", "received_at": at + SECOND}
    return _fact(EventFact, id=id, surrogate=person, at=at, name=name, **(base | fields))


def moment(id: str, person: int, at: Millis, type: str = "buy", **fields: Any) -> MomentFact:
    """A moment that was recognised 50 ms after it opened."""
    base = {"received_at": at + 50, "recognised_at": at + 50, "updated_at": at, "channels": "web", "confidence": 0.8}
    return _fact(MomentFact, id=id, surrogate=person, opened_at=at, type=type, **(base | fields))


def decision(id: str, person: int, at: Millis, **fields: Any) -> DecisionFact:
    """A live decision of two items in slot home."""
    base = {
        "slot": "home",
        "items": ["a", "b"],
        "kinds": ["product", "product"],
        "propensities": [0.5, 0.5],
        "propensity": 0.25,
        "policy": "thompson",
        "mode": "live",
        "unit": f"u{person}",
        "considered": 5,
        "moment_type": "buy",
    }
    return _fact(DecisionFact, id=id, surrogate=person, received_at=at, **(base | fields))


def outcome(id: str, person: int, at: Millis, decision: str, what: str, **fields: Any) -> OutcomeFact:
    """An outcome in slot home."""
    base = {"slot": "home", "via": "id", "reward": float("nan")}
    return _fact(OutcomeFact, id=id, surrogate=person, received_at=at, decision=decision, what=what, **(base | fields))


def figures(reply: dict[str, Any]) -> dict[str, Any]:
    """The figures of a reply by name."""
    return {one["name"]: one for one in reply["figures"]}


def counted(reply: dict[str, Any], *names: str) -> list[tuple[int, int]]:
    """Count and denominator of figures."""
    found = figures(reply)
    return [(found[name]["count"], found[name]["of"]) for name in names]
