"""Segment's tables in a warehouse, read as the calls that they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.sources.test_history import read

WAREHOUSE = "id,received_at,timestamp,anonymous_id,user_id,context_page_path,"
SAID = "2025-11-24 16:00:05.500 UTC,2025-11-24 16:00:04.000 UTC,a-9,u7,/p,"


@pytest.mark.parametrize(
    ("name", "head", "cells", "wanted"),
    [
        (
            "order_completed.csv",
            "event,event_text,revenue,products",
            'order_completed,Order Completed,20.5,"[{""product_id"":""P9""}]"',
            ("track", "Order Completed", {"revenue": 20.5, "products": [{"product_id": "P9"}]}),
        ),
        ("pages.csv", "name,path,title", "Home,/,", ("page", "Home", {"path": "/"})),
        ("screens.csv", "name", "Basket", ("screen", "Basket", {})),
        ("identifies.csv", "plan", "gold", ("identify", None, {"plan": "gold"})),
        ("aliases.csv", "previous_id", "old", ("alias", None, {})),
        ("groups.csv", "group_id,plan", "g1,gold", ("group", None, {"plan": "gold"})),
        ("export-7.csv", "name,path", "Home,/", ("page", "Home", {"path": "/"})),
    ],
)
def test_segments_tables_in_a_warehouse(tmp_path: Path, name: str, head: str, cells: str, wanted: Any) -> None:
    """A warehouse's tables are the calls that they were, under their own ids."""
    path = tmp_path / name
    path.write_text(f"{WAREHOUSE}{head}\nm1,{SAID}{cells}\n")
    (event,), bad, _ = read(path, "segment")
    assert not bad
    assert (event.message_id, event.anonymous_id, event.user_id) == ("m1", "a-9", "u7")
    assert (event.type, event.event or event.name, {**event.properties, **event.traits}) == wanted
    assert event.context["page"] == {"path": "/p"}


def test_a_warehouses_table_as_parquet(tmp_path: Path) -> None:
    """The same from Parquet, whose times are times."""
    rows = pyarrow.csv.read_csv(
        pa.BufferReader(f"{WAREHOUSE}event_text,revenue\nm1,{SAID}Order Completed,20.5\n".encode())
    )
    pyarrow.parquet.write_table(rows, tmp_path / "order_completed.parquet")
    (event,), bad, _ = read(tmp_path / "order_completed.parquet", "segment")
    assert not bad
    assert (event.event, event.properties, event.message_id) == ("Order Completed", {"revenue": 20.5}, "m1")


def test_a_cell_nested_without_end_stays_text(tmp_path: Path) -> None:
    """What looks like JSON and can't be read is what it says."""
    path = tmp_path / "order_completed.csv"
    path.write_text(f"{WAREHOUSE}event_text,note\nm1,{SAID}Order Completed,{'[' * 20_000}\n")
    (event,), bad, _ = read(path, "segment")
    assert not bad
    assert event.properties == {"note": "[" * 20_000}
