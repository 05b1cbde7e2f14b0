"""A log read on Spark for training: whose events teach, when, and what each says, a record at a time. What is learned
of that is one regression over the newest events, and stays with the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from micromoments.core.event import Millis
from micromoments.engine.spark.folding import recogniser_of
from micromoments.engine.spark.place import Place
from micromoments.engine.training import MOST_EVENTS, Allowed, keys_of, teaching
from micromoments.engine.wiring import unpack
from micromoments.flow.train import Beat, beat
from micromoments.recognise.recogniser import Recogniser


class OnSpark:
    """``engine.training.Reading`` of a log that ``folding.stage`` wrote."""

    def __init__(self, spark: Any, log: Place) -> None:
        self._context = spark.sparkContext
        rows = spark.read.parquet(log.spark).filter("kind = 'event'").select("position", "body")
        self._rows = rows.rdd

    def keys(self) -> set[str]:
        """Every source key and user id that an event came under."""
        return set(self._rows.mapPartitions(_keys).distinct().collect())

    def times(self, allowed: Allowed) -> NDArray[np.int64]:
        """When the newest that may teach happened."""
        told = self._context.broadcast(allowed)
        found = self._rows.mapPartitions(lambda rows: _times(rows, told.value)).top(MOST_EVENTS)
        return np.array([at for _, at in reversed(found)], dtype=np.int64)

    def stories(self, allowed: Allowed, shipped: Recogniser, since: Millis, keep: Millis) -> list[list[Beat]]:
        """What each person did."""
        told, settings = self._context.broadcast(allowed), msgspec.json.encode(shipped.settings, order="sorted")
        found = self._rows.mapPartitions(lambda rows: _beats(rows, told.value, settings, since, keep)).collect()
        stories: dict[str, list[Beat]] = {}
        for _, person, one in sorted(found, key=lambda row: row[0]):
            stories.setdefault(person, []).append(one)
        return [sorted(story, key=lambda b: b.trace) for story in stories.values()]


def _keys(rows: Iterable[Any]) -> Iterator[str]:
    return iter({key for row in rows for key in keys_of(unpack(bytes(row.body)))})


def _times(rows: Iterable[Any], allowed: Allowed) -> Iterator[tuple[int, Millis]]:
    for row in rows:
        if (found := teaching(unpack(bytes(row.body)), allowed)) is not None:
            yield row.position, found[1].occurred


def _beats(
    rows: Iterable[Any], allowed: Allowed, settings: bytes, since: Millis, keep: Millis
) -> Iterator[tuple[int, str, Beat]]:
    shipped = recogniser_of(settings, b"")
    for row in rows:
        found = teaching(unpack(bytes(row.body)), allowed)
        if found is None or found[1].occurred < since:
            continue
        person, record = found
        one = beat(record, shipped, keep=record.occurred >= keep)
        if one is not None:
            yield row.position, person, one
