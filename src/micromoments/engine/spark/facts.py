"""The facts as Spark reads them: the sealed Parquet where it lies, what isn't sealed yet beside it, the reports' views.

The views are those of ``stores.embedded.query``: the newest version of each id, no moment that was withdrawn, and the
surrogate of the person that someone turned out to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, get_type_hints

from micromoments.core.fact import SCHEMAS, TABLES, Table
from micromoments.core.settings import Settings
from micromoments.engine.spark.place import as_spark
from micromoments.engine.spark.session import running
from micromoments.engine.spark.stored import LATER, StoredFacts, resolve
from micromoments.report.reports import run

KINDS: Final[Mapping[object, str]] = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    list[str]: "array<string>",
    list[float]: "array<double>",
}


def report(
    stored: StoredFacts, name: str, params: Mapping[str, str], settings: Settings, master: str = ""
) -> dict[str, Any]:
    """One report, asked on Spark.

    Raises:
        StoreError: PySpark, sqlglot or Java isn't installed.
        ValueError: no such report or parameter.
    """
    with running(master, stored.places) as spark, asking(spark, stored) as ask:
        return run(ask, name, params, settings)


class Asking:
    """``report.ask.Query`` on a Spark session."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def __call__(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """The rows of a question, a mapping of column to value each."""
        from micromoments.engine.spark.dialect import translated  # sqlglot is an extra

        rows = self._spark.sql(translated(sql, params)).collect()
        return [{name: _plain(value) for name, value in row.asDict().items()} for row in rows]


def _plain(value: Any) -> Any:
    """A number as DuckDB gives it: Spark counts in decimals where a literal has a point."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


@contextmanager
def asking(spark: Any, stored: StoredFacts) -> Iterator[Asking]:
    """The views of these facts in a session, for as long as they are asked."""
    every = {table: _stored(spark, table, stored) for table in TABLES}
    roots = _roots(spark, every["people"])
    try:
        for table in TABLES:
            _counting(table, every[table], roots, twice=stored.twice).createOrReplaceTempView(table)
        yield Asking(spark)
    finally:
        for table in TABLES:
            spark.catalog.dropTempView(table)


def columns(table: Table) -> str:
    """A table's columns as Spark declares them."""
    hints = get_type_hints(SCHEMAS[table])
    return ", ".join(f"`{name}` {KINDS[hints[name]]}" for name in SCHEMAS[table].__struct_fields__)


def _stored(spark: Any, table: Table, stored: StoredFacts) -> Any:
    """Everything stored of a table, each version; columns that a file is too old to have hold what they meant then."""
    from pyspark.sql import functions as f

    frame = spark.createDataFrame(stored.live[table])  # without a Python on the way: it is asked often
    if files := [as_spark(name) for name in stored.files[table]]:
        frame = frame.union(spark.read.schema(columns(table)).parquet(*files))
    for name, empty in LATER[table].items():
        kind = KINDS[get_type_hints(SCHEMAS[table])[name]]
        nothing = f.array().cast(kind) if isinstance(empty, list) else f.lit(empty).cast(kind)
        frame = frame.withColumn(name, f.coalesce(f.col(name), nothing))
    return frame


def _roots(spark: Any, people: Any) -> Any:
    """Who counts as whom now; ``None`` where nobody was joined. As many rows as there were joins come here."""
    joins = {row[0]: row[1] for row in people.orderBy("version").select("surrogate", "into").collect()}
    return spark.createDataFrame(list(resolve(joins).items()), "was long, root long") if joins else None


def _counting(table: Table, frame: Any, roots: Any, *, twice: bool) -> Any:
    """What reports count of a table."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    if table != "events" or twice:
        versions = Window.partitionBy("id")
        newest = f.row_number().over(versions.orderBy(f.desc("version"), f.desc("received_at")))
        frame = frame.withColumn("nth", newest)
        if table == "moments":
            # A moment was recognised when its first version was told, whatever happened to it later.
            frame = frame.withColumn("recognised_at", f.min("recognised_at").over(versions))
        frame = frame.filter("nth = 1").drop("nth")
    if table == "moments":
        frame = frame.filter("NOT withdrawn")
    if roots is not None and table != "people":
        frame = frame.join(f.broadcast(roots), frame.surrogate == roots.was, "left")
        frame = frame.withColumn("surrogate", f.coalesce("root", "surrogate")).drop("was", "root")
    return frame
