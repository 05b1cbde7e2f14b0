"""(d) Replay: records of the published mix read from the log and folded through ``step``, events a CPU second."""

from __future__ import annotations

import gc
import json
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.speed.mix import Mix
from micromoments.core.event import Millis
from micromoments.core.record import EventRecord
from micromoments.engine.intake import Intake
from micromoments.engine.verify import rebuild
from micromoments.engine.wiring import open_stores
from micromoments.retrieve.catalog import Catalog
from micromoments.sources import segment

EVENTS = 100_000
START: Millis = 1_780_000_000_000


def main(events: int = EVENTS) -> dict[str, Any]:
    """Fill a log, then fold it again from nothing; CPU seconds, so that other work on the machine doesn't count."""
    with tempfile.TemporaryDirectory() as folder:
        stores = open_stores(Path(folder) / "replay")
        intake, mix = Intake(stores.seen, Catalog()), Mix()
        mix.people = events // 5
        for n in range(events // 100):
            now = START + 4 * n
            records, _ = intake.take(segment.batch(mix.batch(100), now).arrivals, now)
            stores.log.append(records)
        gc.collect()
        gc.freeze()
        gc.disable()
        began = process_time()
        rebuilt = rebuild(stores, stores.settings, stores.recogniser)
        spent = process_time() - began
        gc.enable()
        decode = process_time()
        count = sum(isinstance(r.record, EventRecord) for r in stores.log.read(0, events))
        decode = process_time() - decode
        stores.close()
    return {
        "events": rebuilt.records,
        "people": len(rebuilt.people),
        "events_per_cpu_second": rebuilt.records / spent,
        "microseconds_an_event": spent / rebuilt.records * 1e6,
        "of_which_reading_the_log": decode / max(count, 1) * 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
