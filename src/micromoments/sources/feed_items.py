"""Items in our own shape: JSON lines, or a JSON array, as ``PUT /v1/items`` takes them; gzipped or not."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from micromoments.core.item import Item
from micromoments.sources.feed import FeedError, Reading, made
from micromoments.sources.items import BadItem, read
from micromoments.sources.opened import Bad, open_bytes


def rows(path: Path, reading: Reading) -> Iterator[Item | Bad]:
    """The items of a file; a line that is none is bad, and the others are taken."""
    with open_bytes(path, reading.watch) as file:
        for line, value in _values(file, path.name):
            if isinstance(value, Bad):
                yield value
            else:
                yield from made(line, value, lambda value=value: _item(value, reading))  # type: ignore[misc]


def _values(file: BinaryIO, name: str) -> Iterator[tuple[int, Any]]:
    decode = msgspec.json.Decoder().decode
    first = file.readline().removeprefix(BOM_UTF8)
    if first.lstrip()[:1] == b"[":
        try:
            yield from enumerate(decode(first + file.read()), 1)
        except (msgspec.DecodeError, RecursionError) as error:
            raise FeedError(f"got {name}, which is no JSON ({error}); wanted items as an array or as lines") from None
        return
    line, raw = 1, first
    while raw:
        if body := raw.strip():
            try:
                yield line, decode(body)
            except (msgspec.DecodeError, RecursionError) as error:
                shown = body[:2000].decode("utf-8", "replace")
                yield line, Bad(line, "malformed_json", f"got {error}; wanted an item on one line", shown)
        line, raw = line + 1, file.readline()


def _item(value: Any, reading: Reading) -> Item:
    if not isinstance(value, dict):
        raise BadItem("not_an_object", "got something else; wanted a JSON object")
    item = read(value)
    if reading.timezone and item.hours and not item.timezone:
        return msgspec.structs.replace(item, timezone=reading.timezone)
    return item
