"""Queries by the line: the semantics of ``micromoments recognise FILE``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from micromoments.recognise.text import TextModel


class Line(msgspec.Struct, frozen=True):
    """One answer: the query as typed and a probability for each type; they sum to 1 within 1e-6."""

    query: str
    know: float
    go: float
    do: float
    buy: float
    none: float


def recognise_lines(lines: Iterable[str], model: TextModel | None = None) -> Iterator[bytes]:
    """One JSON line, newline included, for each line given; an empty line keeps its place (mostly ``none``).

    >>> next(recognise_lines(["how to fix a leaking tap"]))[:37]
    b'{"query":"how to fix a leaking tap","'
    """
    encoder = msgspec.json.Encoder()
    text = model or TextModel.load()
    for line in lines:
        query = line.rstrip("\r\n")
        yield encoder.encode(Line(query, *text.probabilities(query))) + b"\n"
