"""What one event costs the engine's process, by phase: processor time of events of the published mix, cold people."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import thread_time_ns
from typing import Any

from benchmarks.speed.fold import START
from benchmarks.speed.mix import Mix
from micromoments.core.record import Record
from micromoments.engine.residents import Residents
from micromoments.engine.service import Service
from micromoments.engine.timers import Wakes
from micromoments.engine.tuning import tune_process
from micromoments.engine.wiring import open_stores
from micromoments.flow.apply import Applied, apply
from micromoments.flow.view import View
from micromoments.ports import Batch
from micromoments.server import frames
from micromoments.sources import segment
from micromoments.stores.embedded import codec

EVENTS = 40_000
PEOPLE = 20_000
COMMIT = 7_000
"""Events between two commits: what a busy second brings."""


class Phases:
    """Nanoseconds by phase."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what is done within as ``name``."""
        began = thread_time_ns()
        yield
        self.spent[name] += thread_time_ns() - began


async def _run(events: int, folder: Path) -> dict[str, Any]:
    mix, phase, now, position, counted = Mix(11), Phases(), START, 0, 0
    mix.people = PEOPLE
    stores = open_stores(folder)
    service = Service(stores, lambda: now)
    await service.start(outward=False)
    intake, applier, residents, view = service._intake, service._applier, service._residents, service._view
    tune_process()
    since = 0
    for done in range(0, events, 100):
        if done == events // 2:  # the first half only makes people
            phase.spent.clear()
            counted = 0
        now += 5
        travelling = frames.encode(frames.Collect(1, frames.sent(segment.batch(mix.batch(100), now).arrivals)))
        with phase("frame decoded"):
            arrivals = frames.arrived(frames.decode_asked(travelling).arrivals)
        with phase("intake"):
            records, _ = intake.take(arrivals, now)
        with phase("group encoded"):
            codec.encode_group(records)
        with phase("people fetched"):
            applier.prefetch(records)
        with phase("folded (apply)"):
            folded = [_folded(residents, record, view) for record in records]
        with phase("fact, catalogue"):
            for n, (record, (person, _)) in enumerate(zip(records, folded, strict=True), position):
                if person is not None:
                    applier._event_done(n, record, person, view)
        with phase("effects performed"):
            for n, (record, (person, effects)) in enumerate(zip(records, folded, strict=True), position):
                applier._perform(n, record, person, effects, [])
        position += len(records)
        counted += len(records)
        since += len(records)
        if since >= COMMIT:
            since = 0
            with phase("taken up for a commit"):
                batch = _taken(service, position)
            with phase("committed"):
                await service._keeper._write(batch)
            residents.committed()
            with phase("people let go of"):
                list(residents.let_go())
    await service.stop()
    found: dict[str, Any] = {name: spent / counted / 1000 for name, spent in phase.spent.items()}
    return {"events": counted, **found, "microseconds_an_event": sum(found.values())}


def _folded(residents: Residents, record: Record, view: View) -> Applied:
    """As the applier folds one: what the record before changed can't be taken back any more."""
    residents.mark()
    return apply(residents, record, view)


def _taken(service: Service, position: int) -> Batch:
    """What the keeper takes up, without decisions and policies."""
    people, links = service._residents.begin()
    facts, service._applier.facts = service._applier.facts, []
    return Batch(
        people=people,
        links=links,
        timers=Wakes(people),
        decisions=[],
        facts=facts,
        policies={},
        items={},
        position=position,
    )


def main(events: int = EVENTS) -> dict[str, Any]:
    """Microseconds an event, of the second half; a commit's part includes what SQLite does."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(events, Path(folder) / "phases"))


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
