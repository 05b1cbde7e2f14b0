"""Writes the JSON schemas of the configuration and of facts to the documentation; tests say when they are out of date.

usage: python tools/write_schema.py
"""

from __future__ import annotations

import json
from pathlib import Path

from micromoments.config import json_schema
from micromoments.core.fact import TABLES
from micromoments.stores.cluster.fact_topics import schema

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"

if __name__ == "__main__":
    facts = {table: schema(table) for table in TABLES}
    for name, found in (("micromoments.schema.json", json_schema()), ("facts.schema.json", facts)):
        (PAGES / name).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"wrote {name}")
