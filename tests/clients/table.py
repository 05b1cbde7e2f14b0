"""The page of clients: what was run against a server of ours, written by the tests that did."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "clients.md"
START, END = "<!-- made by tests/clients -->", "<!-- end -->"


class Row(NamedTuple):
    """One call of one client, which passed."""

    client: str
    version: str
    call: str
    read_back: str


def python(package: str) -> str:
    """The version of an installed Python package."""
    return version(package)


def npm(package: str) -> str:
    """The version of an installed npm package."""
    path = Path(__file__).parent / "node_modules" / package / "package.json"
    told: str = msgspec.json.decode(path.read_bytes())["version"]
    return told


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, in order."""
    lines = ["| client | version | call | passed, as |", "|---|---|---|---|"]
    lines += [f"| {r.client} | {r.version} | {r.call} | {r.read_back} |" for r in sorted(set(rows))]
    return "\n".join(lines)


def write(page: Path, rows: Sequence[Row]) -> None:
    """Put the table between the page's marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}\n\n{table(rows)}\n\n{END}{after}", encoding="utf-8")
