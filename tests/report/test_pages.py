"""The reference pages of facts and reports say what the code has: every column, every report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

from micromoments.core.fact import SCHEMAS, Table
from micromoments.report.reports import REPORTS

WORDS = {str: "text", int: "integer", float: "real", bool: "boolean"}


def section(page: Path, heading: str) -> str:
    """The text under a second-level heading."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page.name} has no heading {heading}"
    return found[1]


def word(kind: object) -> str:
    """A column's type as the page writes it."""
    if get_origin(kind) is list:
        return f"list of {WORDS[get_args(kind)[0]]}"
    assert isinstance(kind, type)
    return WORDS[kind]


@pytest.mark.parametrize("table", SCHEMAS)
def test_every_column_is_documented(root: Path, table: Table) -> None:
    """Each table's columns stand on the page in the schema's order, with their type; instants with their unit."""
    rows = re.findall(
        r"^\| (\w+) \| ([\w ]+) \| ([^|]*)\|", section(root / "docs/reference/facts.md", table), re.MULTILINE
    )
    written = [(name, kind) for name, kind, _ in rows if name != "column"]
    assert written == [(name, word(kind)) for name, kind in get_type_hints(SCHEMAS[table]).items()]
    for name, _, unit in rows:
        assert (name != "at" and not name.endswith("_at")) or unit.strip() == "ms", name


def test_every_report_is_documented(root: Path) -> None:
    """The page has a section for each report and for none that is gone."""
    text = (root / "docs/reference/reports.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == list(REPORTS)
