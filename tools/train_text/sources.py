"""Public query sets read by the reviewed mapping (``mapping.toml``): source, split, text, type."""

from __future__ import annotations

import csv
import gzip
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from micromoments.core.moment import TYPES

MAPPING = Path(__file__).parent / "mapping.toml"
FREE = frozenset({"CC0-1.0", "CC-BY-3.0", "CC-BY-4.0", "Apache-2.0", "MIT"})
"""Licences under which a source may train what ships."""


class Query(NamedTuple):
    """One labelled query; ``group`` is its source's own label, ``split`` one of train, valid, test."""

    source: str
    split: str
    group: str
    text: str
    label: int


def mapping() -> dict[str, dict[str, Any]]:
    """The mapping file, checked: a source that trains must have a free licence."""
    found = tomllib.loads(MAPPING.read_text())
    for name, source in found.items():
        if source["role"] == "train" and source["licence"] not in FREE:
            raise ValueError(
                f"{name} trains under {source['licence']}; wanted one of {sorted(FREE)}: make its role test"
            )
    return found


def _split(split: str) -> str:
    name = split.removeprefix("oos_")
    return {"val": "valid", "dev": "valid"}.get(name, name)


def _fallen(text: str, spec: dict[str, Any]) -> bool:
    words = text.lower().replace("'", "").replace(",", " ").split()
    replies = spec.get("drop_replies", ())
    return len(words) < spec.get("min_words", 0) or (bool(words) and words[0].strip(".!") in replies)


def _mozilla(path: Path) -> Iterator[Query]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for i, row in enumerate(csv.DictReader(lines)):
            text = row["sequence"]
            share = "stock price" in text or "share price" in text
            if row["target"] == "information_intent" and row["cost"] == "No" and (row["price"] == "No" or share):
                yield Query("mozilla", "test" if i % 5 == 0 else "train", "information", text, 0)


def read(name: str, folder: Path) -> Iterator[Query]:
    """The queries of one source that the mapping keeps."""
    spec = mapping()[name]
    path = folder / spec["file"]
    if name == "mozilla":
        yield from _mozilla(path)
        return
    label = {intent: i for i, kind in enumerate(TYPES) for intent in spec[kind]}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            cells = line.rstrip("\n").split("\t")
            split, group, text = ("test", cells[0], cells[2]) if name == "unimobile" else cells[:3]
            if group in label and not _fallen(text, spec):
                yield Query(name, _split(split), group, text, label[group])
