# ruff: noqa: S608 every fragment of SQL is written here
"""Roll-ups: smaller tables made of the facts of one file, so that a report need not read every event again.

Each is one question in SQL that DuckDB and Postgres both read, over a table of facts named by ``{facts}``, its rows
gathered by stretches of ``{grain}`` milliseconds. An event has
one version, so what a file gives is final, and the roll-ups of all files together are the roll-up of all facts. A store
may keep them beside its files; where none are kept, a report asks the same question of the facts themselves.
"""

from __future__ import annotations

from typing import NamedTuple

from micromoments.core.fact import Table

HOUR = 3_600_000


class Rollup(NamedTuple):
    """One roll-up: the facts that it is made of, its question, and the column of ``facts`` whose hour its rows have as
    ``hour`` (empty: a row a fact, with its own instants).
    """

    of: Table
    sql: str
    hour: str = ""

    def asked(self, facts: str, grain: int = HOUR) -> str:
        """The question over a table, or a subquery, of facts."""
        return self.sql.format(facts=facts, grain=grain)


def _hour(column: str) -> str:
    return f"{column} - mod({column}, {{grain}})"


def two_digits(column: str) -> str:
    """SQL of a whole number cut to its first two digits (987 is 980); below 0 it is 0."""
    ladder = "".join(f" WHEN {column} < {10 ** (n + 2)} THEN {column} - mod({column}, {10**n})" for n in range(1, 12))
    return f"CASE WHEN {column} < 0 THEN 0 WHEN {column} < 100 THEN {column}{ladder} ELSE {10**13} END"


_AT = _hour("events.at")
_WHO = "surrogate, channel, device, marks"
_DELAY = two_digits("(received_at - events.at)")
LATE = 300_000
"""Milliseconds from which on an arrival is late."""
_LATE = f"received_at - events.at > {LATE}"
_FOUND = "CASE WHEN results < 0 THEN -1 WHEN results = 0 THEN 0 ELSE 1 END"

CAPS = ("cap", "budget", "quiet_hours", "exclusive")
"""Codes of refusals by a cap, a budget, quiet hours or a campaign that excludes others."""
_CAPPED = " OR ".join(f"'{code}' = ANY(refused)" for code in CAPS)

RAGE = ("rage click", "rage clicked", "$rageclick", "rageclick")
DEAD = ("dead click", "dead clicked", "$dead_click", "$deadclick", "deadclick")
"""What trackers call clicks in anger, and clicks that nothing came of; in small letters."""
PAIN = frozenset([*RAGE, *DEAD])
_CLICK = "".join(
    f"{'CASE' if what == 'rage' else ''} WHEN lower(name) IN ({', '.join(map(repr, names))}) THEN '{what}'"
    for what, names in (("rage", RAGE), ("dead", DEAD))
)
_CLICK += " ELSE '' END"

ROLLUPS: dict[str, Rollup] = {
    "goals": Rollup(
        "events",
        'SELECT id, version, received_at, events.at AS "at", surrogate, type, name, channel, device, value, '
        "currency, goal, decision, marks FROM {facts} AS events WHERE goal <> ''",
    ),
    "rendered": Rollup(
        "events",
        'SELECT events.at AS "at", surrogate, channel, device, slot, shown, milliseconds, network, marks '
        "FROM {facts} AS events WHERE name = 'Decision Rendered' AND shown <> ''",
    ),
    "clicks": Rollup(
        "events",
        f'SELECT events.at AS "at", surrogate, channel, device, item, {_CLICK} AS what, marks '
        f"FROM {{facts}} AS events WHERE {_CLICK} <> ''",
    ),
    "activity": Rollup(
        "events",
        f"SELECT {_AT} AS hour, {_WHO}, count(*) AS count FROM {{facts}} AS events GROUP BY {_AT}, {_WHO}",
        "at",
    ),
    "searches": Rollup(
        "events",
        f"SELECT {_AT} AS hour, {_WHO}, lower(trim(query)) AS need, {_FOUND} AS found, count(*) AS count "
        f"FROM {{facts}} AS events WHERE query <> '' GROUP BY {_AT}, {_WHO}, lower(trim(query)), {_FOUND}",
        "at",
    ),
    "did": Rollup(
        "events",
        "SELECT type, name, surrogate, max(received_at) AS last FROM {facts} AS events GROUP BY type, name, surrogate",
    ),
    "arrivals": Rollup(
        "events",
        f"SELECT {_hour('received_at')} AS hour, type, name, marks, goal = '' AS goalless, {_LATE} AS late, "
        f"{_DELAY} AS delay, "
        "count(*) AS count, min(received_at) AS oldest, max(received_at) AS newest "
        f"FROM {{facts}} AS events GROUP BY {_hour('received_at')}, type, name, marks, goal = '', "
        f"{_LATE}, {_DELAY}",
        "received_at",
    ),
    "decided": Rollup(
        "decisions",
        "SELECT received_at, surrogate, slot, moment, moment_type, policy, policy_version, propensity, holdout, mode, "
        "degraded, considered, marks, coalesce(array_length(items, 1), 0) AS shown, "
        f"'no_consent' = ANY(refused) AS unwanted, {_CAPPED} AS capped FROM {{facts}} AS decisions",
    ),
    "assigned": Rollup(
        "decisions",
        "SELECT received_at, surrogate, moment_type, mode, marks, unnest(experiments) AS experiment, "
        "unnest(variants) AS arm FROM {facts} AS decisions",
    ),
    "given": Rollup(
        "decisions",
        "SELECT received_at, surrogate, slot, mode, marks, item, kind, CASE WHEN head = item THEN 1 ELSE 0 END AS head "
        "FROM (SELECT received_at, surrogate, slot, mode, marks, items[1] AS head, unnest(items) AS item, "
        "unnest(kinds) AS kind FROM {facts} AS decisions) AS every",
    ),
    "refusals": Rollup(
        "decisions",
        f"SELECT {_hour('received_at')} AS hour, slot, moment_type, marks, code, count(*) AS count FROM (SELECT "
        "received_at, slot, moment_type, marks, unnest(refused) AS code FROM {facts} AS decisions) AS every "
        f"GROUP BY {_hour('received_at')}, slot, moment_type, marks, code",
        "received_at",
    ),
}
"""By name: a report asks for one as for a table of facts."""
