# ruff: noqa: E501 tables are easier to read as they are
"""A project's folder with as many sealed facts as asked for, made by DuckDB a day at a time: what reports are timed on.

Sessions of seven events; a moment in most of them, told in one to three versions, one in fifty of them again on the
next day; a decision for three moments in four, and what came of it. Thirty days that end now, seeded by hashes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

import micromoments as mm
from micromoments.core.fact import TABLES, Table
from micromoments.stores.embedded.columns import ARROW, LATER

DAYS = 30
DAY = 86_400_000
SESSION = 7
CONFIG = """currency = "EUR"

[goals.order]
event = "Order Completed"
value = "revenue"

[slots.home]
goal = "order"
holdout = 0.1

[recommend]
train_hours = 0  # learning of sessions takes a core for minutes, once a day: it is measured elsewhere
"""
_SESSIONS = """
CREATE OR REPLACE TEMP TABLE sessions AS SELECT s, h, CAST(h % {people} AS BIGINT) AS surrogate,
  {start} + CAST((h >> 13) % {length} AS BIGINT) AS began,
  ['phone', 'phone', 'desktop', 'tablet', ''][1 + CAST((h >> 40) % 5 AS INT)] AS device,
  ['web', 'app', 'app'][1 + CAST((h >> 43) % 3 AS INT)] AS channel,
  ['trail running shoes', 'flat white', 'fix a leaking tap', 'pharmacy open now', 'usb hub', 'train to the airport']
    [1 + CAST(((h >> 30) % 6) * ((h >> 36) % 2) AS INT)] || CASE WHEN (h >> 38) % 4 = 0 THEN ' near me' ELSE '' END AS words
FROM (SELECT s, hash(s + {day}::BIGINT * 1000000007) AS h FROM range({sessions}) AS t(s))
"""
_EVENTS = """
SELECT printf('%x', {day}::BIGINT * 100000000000 + s * 10 + k) AS id, {day}::BIGINT * 100000000000 + s * 10 + k AS version,
  began + k * 37000 + 40 + CAST(g % 900 AS BIGINT) AS received_at, began + k * 37000 AS "at", surrogate, 'track' AS type,
  CASE WHEN won THEN 'Order Completed' WHEN looked THEN 'Products Searched' WHEN k = 6 THEN 'Decision Rendered'
    WHEN g % 3 = 0 THEN 'Product Viewed' WHEN g % 3 = 1 THEN 'Product List Viewed' ELSE 'Product Clicked' END AS name,
  channel, device, CASE WHEN looked THEN '' ELSE 'p' || (g % 10000) END AS item, CASE WHEN looked THEN words ELSE '' END AS query,
  CASE WHEN won THEN CAST(g % 9000 AS BIGINT) + 500 ELSE 0 END AS value, 'EUR' AS currency,
  CASE WHEN won THEN 'order' ELSE '' END AS goal, '' AS decision,
  CASE WHEN looked THEN CAST(g % 12 AS BIGINT) ELSE -1 END AS results, 'NL' AS country,
  ['Utrecht', 'Delft', 'Breda'][1 + CAST(h % 3 AS INT)] AS city, CASE WHEN h % 50 = 0 THEN 1 ELSE 0 END AS marks,
  CASE WHEN k = 6 AND NOT won THEN 'home' ELSE '' END AS slot,
  CASE WHEN k = 6 AND NOT won THEN 'decision' ELSE '' END AS shown,
  CASE WHEN k = 6 AND NOT won THEN 20 + CAST(g % 400 AS BIGINT) ELSE 0 END AS milliseconds, '' AS network
FROM (SELECT *, hash(h + k) AS g, k = 1 AND (h >> 20) % 3 < 2 AS looked, k = 5 AND (h >> 25) % 7 = 0 AS won
  FROM sessions, range(7) AS u(k)) ORDER BY 3
"""
_MOMENTS = """
SELECT printf('m%016x', h) AS id, {day}::BIGINT * 100000000000 + s * 10 + v AS version, began + 60 + v * {apart} AS received_at,
  surrogate, began AS opened_at, began + v * 90000 AS updated_at, began + 7200000 AS expires_at,
  ['know', 'go', 'do', 'buy'][1 + CAST((h >> 33) % 4 AS INT)] AS type, 0.1 AS p_know, 0.1 AS p_go, 0.1 AS p_do,
  0.6 AS p_buy, 0.1 AS p_none, 0.4 + CAST((h >> 21) % 60 AS DOUBLE) / 100 AS confidence, words AS query,
  'c' || (h >> 9) % 40 AS category, '' AS item, '' AS place, 2 AS stage,
  CASE WHEN (h >> 17) % 6 = 0 THEN channel || ',server' ELSE channel END AS channels,
  CASE WHEN v < last THEN '' ELSE ['fulfilled', 'expired', 'expired', 'abandoned'][1 + CAST((h >> 27) % 4 AS INT)] END AS ended,
  CASE WHEN v < last THEN 0 ELSE began + 240000 + CAST((h >> 11) % 900000 AS BIGINT) END AS ended_at,
  CASE WHEN (h >> 19) % 3 < 2 AND v > 0 THEN began + 60 + CAST(h % 4000 AS BIGINT) ELSE 0 END AS served_at,
  began + 50 + CAST((h >> 6) % 300 AS BIGINT) AS recognised_at, '' AS evidence, (h >> 18) % 200 = 0 AS withdrawn,
  CASE WHEN h % 50 = 0 THEN 1 ELSE 0 END AS marks
FROM (SELECT *, 1 + CAST((h >> 24) % 2 AS INT) AS last FROM {sessions_of}), range(3) AS u(v) WHERE {which} ORDER BY 3
"""
_DECISIONS = """
SELECT printf('d%016x', h) AS id, {day}::BIGINT * 100000000000 + s AS version, began + 65 + CAST(h % 4000 AS BIGINT) AS received_at,
  surrogate, 'home' AS slot, printf('m%016x', h) AS moment,
  ['know', 'go', 'do', 'buy'][1 + CAST((h >> 33) % 4 AS INT)] AS moment_type,
  CASE WHEN none THEN [] ELSE ['p' || h % 10000, 'p' || (h >> 4) % 10000, 'p' || (h >> 8) % 10000] END AS items,
  CASE WHEN none THEN [] ELSE ['product', 'product', 'product'] END AS kinds,
  CASE WHEN none THEN [] ELSE [0.3, 0.2, 0.5] END AS propensities, 0.03 AS propensity, 'thompson' AS policy,
  s AS policy_version, ['holdout:home'] AS experiments, ['served'] AS variants, [printf('%x', surrogate)] AS units,
  surrogate % 10 = 0 AS holdout, printf('%x', surrogate) AS unit, 'live' AS mode, '' AS degraded, 40 AS considered,
  CASE WHEN none THEN ['cap', 'out_of_stock'] WHEN h % 4 = 0 THEN ['out_of_stock'] ELSE [] END AS refused,
  CASE WHEN h % 50 = 0 THEN 1 ELSE 0 END AS marks, CAST([] AS VARCHAR[]) AS would, CAST([] AS VARCHAR[]) AS rules,
  0.0 AS rule_cost
FROM (SELECT *, (h >> 22) % 9 = 0 AS none FROM sessions WHERE (h >> 19) % 4 < 3) ORDER BY 3
"""
_OUTCOMES = """
SELECT printf('o%016x', h) AS id, {day}::BIGINT * 100000000000 + s * 10 + w AS version, began + 9000 + w * 60000 AS received_at,
  surrogate, printf('d%016x', h) AS decision, 'home' AS slot, 'p' || h % 10000 AS item,
  ['seen', 'clicked', 'goal'][1 + CAST(w AS INT)] AS what, CASE WHEN w = 2 THEN 'order' ELSE '' END AS goal,
  CASE WHEN w = 2 THEN 2500 ELSE 0 END AS value, 'EUR' AS currency, CASE WHEN w = 0 THEN 0.0 ELSE 0.3 END AS reward,
  'id' AS via, printf('m%016x', h) AS moment, CASE WHEN h % 50 = 0 THEN 1 ELSE 0 END AS marks, 0 AS cost
FROM sessions, range(3) AS u(w) WHERE (h >> 19) % 4 < 3 AND w <= (h >> 28) % 5 AND (w < 2 OR (h >> 25) % 7 = 0) ORDER BY 3
"""


def make(folder: Path, facts: int, until: datetime) -> Mapping[str, int]:
    """A folder with about ``facts`` sealed facts of the thirty days before ``until``; how many of each table."""
    with mm.open(folder):
        pass
    (folder / "micromoments.toml").write_text(CONFIG)
    counts = dict.fromkeys(TABLES, 0)
    sessions = int(facts / DAYS / 10.6)
    first = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    with (
        duckdb.connect(config={"memory_limit": "4GB"}) as db,
        closing(sqlite3.connect(folder / "state.sqlite")) as state,
    ):
        for day in range(DAYS):
            start = int((first + timedelta(days=day)).timestamp() * 1000)
            length = min(DAY - 900_000, int(until.timestamp() * 1000) - start - 900_000)
            about = {"day": day, "start": start, "length": max(length, 1), "sessions": sessions}
            if day:
                db.execute("CREATE OR REPLACE TEMP TABLE before AS FROM sessions")
            db.execute(_SESSIONS.format(**about, people=max(1000, facts // 100)))
            moments = _MOMENTS.format(
                **about, sessions_of="sessions", which="v <= last AND (h >> 15) % 20 < 19", apart=70_000
            )
            if day:
                again = _MOMENTS.format(
                    **about, sessions_of="before", which="v = 2 AND (h >> 15) % 50 = 0", apart=DAY // 2
                )
                moments = f"({moments}) UNION ALL ({again}) ORDER BY 3"
            made: dict[Table, str] = {
                "events": _EVENTS,
                "moments": moments,
                "decisions": _DECISIONS,
                "outcomes": _OUTCOMES,
            }
            for table, sql in made.items():
                counts[table] += _write(
                    db, state, folder / "facts", table, sql.format(**about), first + timedelta(days=day)
                )
    return {str(table): count for table, count in counts.items()}


def _write(
    db: duckdb.DuckDBPyConnection, state: sqlite3.Connection, facts: Path, table: Table, sql: str, day: datetime
) -> int:
    """One file of one table and day, as sealing writes it, and its row of the manifest; how many rows."""
    name = f"{table}/date={day.astimezone(UTC).date()}/1-{day.day}.parquet"
    (facts / name).parent.mkdir(parents=True, exist_ok=True)
    columns = ", ".join(f'CAST("{field.name}" AS {_type(str(field.type))}) AS "{field.name}"' for field in ARROW[table])
    assert set(LATER[table]) <= {field.name for field in ARROW[table]}
    db.execute(f"COPY (SELECT {columns} FROM ({sql})) TO '{facts / name}' (FORMAT parquet, COMPRESSION zstd)")
    count, low, high = db.execute(
        f"SELECT count(*), min(received_at), max(received_at) FROM '{facts / name}'"
    ).fetchone() or (0, 0, 0)
    row = (name, table, str(day.date()), count, low, high, count)
    state.execute("INSERT INTO sealed(name, tbl, day, count, first, last, versions) VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    state.commit()
    return int(count)


def _type(arrow: str) -> str:
    names = {"string": "VARCHAR", "int64": "BIGINT", "double": "DOUBLE", "bool": "BOOLEAN"}
    return names.get(arrow) or ("DOUBLE[]" if "double" in arrow else "VARCHAR[]")
