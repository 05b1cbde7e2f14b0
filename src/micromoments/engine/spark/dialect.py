"""The reports' SQL in Spark's words: one definition, read by sqlglot and written for Spark.

Reports are written in what DuckDB and Postgres both read. sqlglot knows how Spark says most of it (which end nulls are
sorted to, ``ANY``, ``position``, names that Spark keeps for itself); what it says otherwise, or in a way that gives
other numbers, is put right here: exact percentiles, lists unnested side by side, the first of an empty list, orders by
an aggregate whose column has the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from sqlglot import exp, parse_one

READ: Final = "postgres"


def translated(sql: str, params: Sequence[object]) -> str:
    """A report's question, its ``?`` filled with these values, as Spark reads it.

    >>> translated("SELECT items[1] AS first FROM d WHERE position(? in goal) > 0", ["x"])
    "SELECT GET(items, 0) AS first FROM d WHERE LOCATE('x', goal) > 0"
    """
    tree = _read(sql).copy()
    holes = list(tree.find_all(exp.Placeholder, bfs=False))
    if len(holes) != len(params):
        raise ValueError(f"got {len(params)} parameters; wanted {len(holes)}, one for each ? of {sql}")
    for hole, value in zip(holes, params, strict=True):
        hole.replace(exp.convert(value))
    return tree.sql("spark")


@lru_cache(maxsize=256)
def _read(sql: str) -> exp.Expression:
    tree = parse_one(sql, read=READ)
    for order in list(tree.find_all(exp.Order)):
        _by_column(order)
    for select in list(tree.find_all(exp.Select)):
        _side_by_side(select)
    return tree.transform(_put_right)


def _put_right(node: exp.Expression) -> exp.Expression:
    """One node as Spark has it."""
    if isinstance(node, exp.CTE):
        node.set("materialized", None)  # a hint that Spark has no word for
    if isinstance(node, exp.Ordered):
        node.set("nulls_first", False)  # as DuckDB has it, both ways
    if isinstance(node, exp.WithinGroup) and isinstance(node.this, exp.PercentileCont):
        # PERCENTILE interpolates as percentile_cont does; what sqlglot writes for a list of shares is approximate.
        ordered = node.expression.expressions[0].this
        return exp.Anonymous(this="PERCENTILE", expressions=[ordered, node.this.this])
    if isinstance(node, exp.Bracket):
        # Past the end there is nothing, and no error.
        return exp.Anonymous(this="GET", expressions=[node.this, node.expressions[0]])
    return node


def _by_column(order: exp.Order) -> None:
    """In an order by an aggregate that is selected, or whose own column's name is that of another: by that column."""
    select = order.parent
    if not isinstance(select, exp.Select):
        return
    named = {one.this: one.alias for one in select.expressions if isinstance(one, exp.Alias)}
    for node in list(order.find_all(exp.AggFunc)):
        if node in named:
            node.replace(exp.column(named[node]))


def _side_by_side(select: exp.Select) -> None:
    """Lists that are unnested in one row's columns: as one list of tuples, as Spark allows one such function a row."""
    unnested = (one for one in select.expressions if isinstance(one, exp.Alias) and isinstance(one.this, exp.Explode))
    several = list(unnested)
    if len(several) < 2:
        return
    lists = [one.this.this for one in several]
    names = [exp.to_identifier(one.alias) for one in several]
    zipped = exp.Aliases(this=exp.func("INLINE", exp.func("ARRAYS_ZIP", *lists)), expressions=names)
    kept = [one for one in select.expressions if one not in several]
    select.set("expressions", [*kept, zipped])
