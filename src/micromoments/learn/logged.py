"""A log of decisions as a backtest reads it: JSON lines ``{decision_id, ts, context, actions: [{id, features}], chosen,
propensity, reward}``, and the target's ``{decision_id, probabilities: {id: p}}``.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import isfinite
from typing import Any
from zlib import crc32

import msgspec
import numpy as np

from micromoments.learn import cbtext, dsjson
from micromoments.learn.estimate import FloatArray

DIM = 64
"""Width of a logged action's features, as the engine's policies take them."""
_LARGE = 1e300
Id = str | int
"""Ids may be written as numbers; they are compared as text."""


class Action(msgspec.Struct, frozen=True):
    """What could be shown: ``features`` are a mapping of names to numbers, words or truths, a list of numbers, or a
    list of such mappings, as Personalizer's clients send them.
    """

    id: Id
    features: dict[str, Any] | list[Any] | None = None


class Logged(msgspec.Struct, frozen=True):
    """One decision of the log; ``chosen`` is an action's id, ``ts`` any sortable instant (ms, or RFC 3339)."""

    decision_id: Id
    actions: list[Action]
    chosen: Id
    propensity: float
    reward: float | bool
    ts: int | float | str = 0
    context: dict[str, Any] | list[Any] | None = None

    def row(self) -> int:
        """The position of what was chosen among the actions; -1 where it isn't one."""
        chosen = str(self.chosen)
        return next((n for n, action in enumerate(self.actions) if str(action.id) == chosen), -1)


class Given(msgspec.Struct, frozen=True):
    """A target's probabilities in one decision."""

    decision_id: Id
    probabilities: dict[str, float]


def read(lines: Iterable[bytes | str]) -> tuple[list[Logged], list[str]]:
    """The usable records of a log in order of time (of the file, where that is equal), and why the others aren't.

    Lines may be in the shape of ``dsjson`` or ``cbtext``, too.
    """
    records: list[Logged] = []
    wrong: list[str] = []
    seen: set[str] = set()
    for number, found in _found(lines):
        reason = str(found) if isinstance(found, ValueError) else _unusable(found, seen)
        if reason:
            wrong.append(f"line {number}: {reason}")
        elif isinstance(found, Logged):
            seen.add(str(found.decision_id))
            records.append(found)
    if len({isinstance(record.ts, str) for record in records}) == 1:
        records.sort(key=lambda record: record.ts)
    return records, wrong


def _found(lines: Iterable[bytes | str]) -> Iterator[tuple[int, Logged | ValueError]]:
    """Each record, or what is wrong with it, with the number of its line."""
    decoder = msgspec.json.Decoder(Logged)
    text: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        raw = _marked_off(number, line)
        if not raw.strip() or cbtext.is_line(raw):
            text.append((number, raw.decode(errors="replace")))
            continue
        try:
            told = dsjson.records(raw) if dsjson.MARK in raw else None
            found = [decoder.decode(raw)] if told is None else [msgspec.convert(one, Logged) for one in told]
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            yield number, ValueError(str(error))
            continue
        yield from ((number, one) for one in found)
    for number, one in cbtext.records(text):
        yield number, one if isinstance(one, ValueError) else msgspec.convert(one, Logged)


def _marked_off(number: int, line: bytes | str) -> bytes:
    """A line without the mark that some programs put before the first."""
    raw = line.encode() if isinstance(line, str) else line
    return raw.removeprefix(BOM_UTF8) if number == 1 else raw


def _unusable(record: Logged, seen: set[str]) -> str:
    if not 0.0 < record.propensity <= 1.0:
        return f"got propensity {record.propensity}; wanted above 0, at most 1"
    if not isfinite(record.reward):
        return f"got reward {record.reward}; wanted a finite number"
    if str(record.decision_id) in seen:
        return f"got decision_id {record.decision_id!r} once more; wanted each decision once"
    if len({str(action.id) for action in record.actions}) < len(record.actions):
        return "got two actions of one id; wanted each once"
    return "" if record.row() >= 0 else f"got chosen {record.chosen!r}; wanted the id of one of its actions"


def read_given(lines: Iterable[bytes | str]) -> dict[str, Mapping[str, float]]:
    """A target's probabilities by decision id.

    Raises:
        ValueError: a line isn't in that form; its number is told.
    """
    decoder = msgspec.json.Decoder(Given)
    out: dict[str, Mapping[str, float]] = {}
    for number, line in enumerate(lines, 1):
        if (raw := _marked_off(number, line)).strip():
            try:
                one = decoder.decode(raw)
            except (msgspec.DecodeError, RecursionError) as error:
                raise ValueError(
                    f"--target-pmf, line {number}: {error}; wanted {{decision_id, probabilities: {{id: p}}}}"
                ) from None
            out[str(one.decision_id)] = one.probabilities
    return out


def scalars(values: Mapping[str, Any] | list[Any] | None) -> Iterator[tuple[str, Any]]:
    """Names and plain values of features or a context: lists count by position, what is nested has its path's name."""
    named = values.items() if isinstance(values, dict) else ((str(n), value) for n, value in enumerate(values or ()))
    for name, value in named:
        if isinstance(value, dict | list):
            yield from ((f"{name}.{inner}", one) for inner, one in scalars(value))
        elif value is not None and not (isinstance(value, float) and not isfinite(value)):
            yield name, value


def keys(values: Mapping[str, Any] | list[Any] | None) -> list[tuple[str, float]]:
    """What a linear model sees of features or a context: words, truths and small whole numbers as themselves, numbers
    by their size, in (-1, 1).
    """
    out = []
    for name, value in scalars(values):
        if isinstance(value, bool | str) or (isinstance(value, int) and 0 <= value < 100):
            out.append((f"{name}={value}", 0.5))
        if isinstance(value, int | float) and not isinstance(value, bool) and value:
            sized = max(-_LARGE, min(value, _LARGE))  # whole numbers of hundreds of digits are no floating ones
            out.append((name, sized / (1.0 + abs(sized))))
    return out


def engine_rows(record: Logged) -> FloatArray | None:
    """The actions' features (n, ``DIM``) as they stand, where they are the engine's own rows; ``None`` where not."""
    rows = [action.features for action in record.actions]
    if not all(isinstance(row, list) and len(row) == DIM and all(map(_number, row)) for row in rows):
        return None
    return np.array(rows, dtype=np.float64)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and -1 <= value <= 1


def encode(record: Logged, dim: int = DIM) -> FloatArray:
    """The actions' features (n, d) as a policy takes them: the engine's own rows as they stand, others hashed with
    signs into ``dim`` places: a bias, the id, each feature, and each of the context's values together with the id.
    Every row's values lie in [-1, 1].
    """
    own = engine_rows(record) if dim == DIM else None
    if own is not None:
        return own
    x = np.zeros((len(record.actions), dim))
    x[:, 0] = 1.0
    context = keys(record.context)
    for n, action in enumerate(record.actions):
        _add(x[n], f"id={action.id}", 1.0)
        for key, value in keys(action.features):
            _add(x[n], key, value)
        for key, value in context:
            _add(x[n], f"{key}&id={action.id}", value)
    return np.clip(x, -1.0, 1.0)


def _add(row: FloatArray, key: str, value: float) -> None:
    at, sign = place(key, len(row))
    row[at] += sign * value


@lru_cache(maxsize=65_536)
def place(key: str, dim: int) -> tuple[int, float]:
    """The bucket of a key, from 1, and its sign."""
    mixed = mix(key)
    return 1 + (mixed >> 8) % (dim - 1), 1.0 if mixed & 0x80 else -1.0


def mix(key: str) -> int:
    """32 bits of a key."""
    return (crc32(key.encode("utf-8", "surrogatepass")) * 0x9E3779B1) & 0xFFFFFFFF
