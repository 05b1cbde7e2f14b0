"""Moving a folder to a cluster: processor time of ours and bytes a person and a record, for all that is copied and for
a round that finds nothing new, which is what the switch costs.

usage: python -m benchmarks.speed.migrate [--people N]     (starts real Kafka and Redis: tools/cluster.py)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.speed.cluster import event
from micromoments.config import Cluster
from micromoments.core.event import Arrival, Event
from micromoments.core.settings import Settings
from micromoments.engine.cluster.both import open_moving
from micromoments.engine.cluster.moving import Move
from micromoments.engine.cluster.tally import Held, alike
from micromoments.engine.service import Service, now_ms
from micromoments.engine.wiring import open_stores
from tools.cluster import cluster

EACH = 5
"""Events a person, on the average."""
SETTINGS = Settings(consent=("measure", "personalise"))


async def made(folder: Path, people: int) -> None:
    """A folder in which so many people did something."""
    chance, service = random.Random(1), Service(open_stores(folder, SETTINGS, now=now_ms()), now_ms)
    await service.start()
    for start in range(0, people * EACH, 500):
        bodies = [json.dumps(event(chance, people, start + n)).encode() for n in range(500)]
        events = [msgspec.json.decode(body, type=Event) for body in bodies]
        await service.collect(
            [
                Arrival(event=e, body=body, message_id=e.message_id or "", occurred=now_ms())
                for e, body in zip(events, bodies, strict=True)
            ]
        )
    await service.settled()
    await service.stop()


def main() -> None:
    """Make a folder, copy it, copy it again; print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    people = parser.parse_args().people
    with tempfile.TemporaryDirectory() as scratch, cluster() as (kafka, redis):
        folder = Path(scratch) / "shop"
        asyncio.run(made(folder, people))
        place = Cluster(
            kafka=kafka.address,
            redis=redis.address,
            project="move",
            partitions=4,
            copies=1,
            in_sync=1,
            facts=f"{scratch}/moved",
        )
        moving = open_moving(folder, place, SETTINGS, now_ms())
        move = Move(moving, folder, now_ms)
        for name in ("everything", "nothing new"):
            cpu, wall, trips = time.process_time(), time.monotonic(), moving.shared.database.trips
            held = move.round()
            alike(held)
            cpu, wall = time.process_time() - cpu, time.monotonic() - wall
            show(name, held, cpu, wall, moving.shared.database.trips - trips)
        moving.shared.close()


def show(name: str, held: list[Held], cpu: float, wall: float, trips: int) -> None:
    """One round."""
    count = {one.kind: one.folder for one in held}
    values = sum(one.folder for one in held if one.kind != "log")
    looked_at = values + next(one.copied for one in held if one.kind == "log")
    print(
        f"{name:12} {count['people']:8,} people {values:8,} values {count['log']:9,} records  "
        f"{cpu:6.1f} s of processor ({wall:.1f} s)  {cpu / looked_at * 1e6:6.0f} us a value or new record  "
        f"{trips:6,} round trips"
    )


if __name__ == "__main__":
    main()
