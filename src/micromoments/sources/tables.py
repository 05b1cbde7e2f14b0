"""Tables that others keep, as CSV with a header or as Parquet: a row is an object, an empty cell is nothing."""

from __future__ import annotations

import csv
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from micromoments.sources.mapping import MappingError
from micromoments.sources.opened import Bad, open_bytes, split, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

_SPACED = re.compile(r"^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(UTC|Z|[+-]\d{2}:?\d{2})?$")


def is_csv(path: Path) -> bool:
    """Whether a file holds neither JSON nor Parquet, and so cells."""
    with open_bytes(path) as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    return bool(start) and start[:1] not in (b"{", b"[") and not start.startswith(b"PAR1")


def cells(path: Path, watch: Callable[[int], None] | None = None) -> Iterator[tuple[int, dict[str, Any] | Bad]]:
    """The rows of CSV by the names of its header, with the lines that they begin on; a row of another width is bad."""
    with open_bytes(path, watch) as file:
        text = text_of(file)
        first = text.readline()
        delimiter = max("\t,;|", key=first.count)
        try:
            header = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error as error:
            wanted = "wanted names of columns"
            raise MappingError(f"got {path.name}, whose first line can't be read as CSV ({error}); {wanted}") from None
        for line, row in split(text, len(header), delimiter):
            if isinstance(row, csv.Error):
                yield line, Bad(line, "unreadable", f"got {row}; wanted CSV", None)
            elif len(row) == len(header):
                yield line, {name: cell or None for name, cell in zip(header, row, strict=True)}
            else:
                yield line, Bad(line, "wrong_width", f"got {len(row)} cells; wanted {len(header)}", row)


def stamp(value: Any) -> str | None:
    """An instant as warehouses and spreadsheets write it, in RFC 3339; one without a zone is UTC.

    >>> stamp("2025-11-24 11:00:00 -0500"), stamp("2025-11-24 16:00:04.5 UTC"), stamp("2025-11-24T16:00:04Z")
    ('2025-11-24T11:00:00-05:00', '2025-11-24T16:00:04.5+00:00', '2025-11-24T16:00:04Z')
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00+00:00"
    if not isinstance(value, str) or (found := _SPACED.match(value.strip())) is None:
        return value if isinstance(value, str) else None
    day, time, zone = found.groups()
    zone = "+00:00" if zone in (None, "UTC", "Z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{time}{zone}"


def said(row: Mapping[str, Any], *names: str) -> Any:
    """The first of these cells that says something."""
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)
