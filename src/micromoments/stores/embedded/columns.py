"""Facts as Arrow columns: the schema of every table, as sealed in Parquet and read by DuckDB.

One column a field of ``core.fact``, in its order: text, whole numbers of 64 bits, floats, true or false, and lists of
text or floats. Nothing is null. The version of this schema stands in each file's metadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_type_hints

import msgspec
import pyarrow as pa

from micromoments.core.fact import SCHEMAS, TABLES, Table

SCHEMA_VERSION = 1
_TYPES: dict[object, Any] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    list[str]: pa.list_(pa.string()),
    list[float]: pa.list_(pa.float64()),
}


def _schema(table: Table) -> Any:
    hints = get_type_hints(SCHEMAS[table])
    fields = [pa.field(name, _TYPES[hints[name]], nullable=False) for name in SCHEMAS[table].__struct_fields__]
    about = {"micromoments.table": table, "micromoments.version": str(SCHEMA_VERSION)}
    return pa.schema(fields, metadata=about)


def _later(table: Table) -> dict[str, Any]:
    fields = [field for field in msgspec.structs.fields(SCHEMAS[table]) if not field.required]
    return {f.name: f.default_factory() if f.default is msgspec.NODEFAULT else f.default for f in fields}


ARROW: dict[Table, Any] = {table: _schema(table) for table in TABLES}
"""The Arrow schema of each table."""
LATER: dict[Table, dict[str, Any]] = {table: _later(table) for table in TABLES}
"""Columns that came after the first release, with what earlier facts have in them."""


def to_arrow(table: Table, rows: Sequence[Sequence[Any]]) -> Any:
    """An Arrow table of facts given as their fields in order; those of earlier releases get the later columns."""
    schema, later = ARROW[table], list(LATER[table].values())
    if later:
        rows = [[*row, *later[len(row) - len(schema) :]] if len(row) < len(schema) else row for row in rows]
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def filled(table: Table, part: Any) -> Any:
    """A sealed table with the columns that came after it was sealed."""
    for name, empty in LATER[table].items():
        if name not in part.column_names:
            field = ARROW[table].field(name)
            part = part.append_column(field, pa.array([empty] * part.num_rows, type=field.type))
    return part
