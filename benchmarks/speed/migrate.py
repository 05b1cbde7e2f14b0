"""Moving a folder to a cluster: processor time of ours, and round trips, for all that is copied while it serves, and
for the pause of the switch, as there are more people and as many events come just before it.

usage: python -m benchmarks.speed.migrate [--people N]...     (starts real Kafka and Redis: tools/cluster.py)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.speed.cluster import event
from micromoments.config import Cluster
from micromoments.core.event import Arrival, Event
from micromoments.core.settings import Settings
from micromoments.engine.cluster.both import Moving, open_moving
from micromoments.engine.cluster.moving import Move
from micromoments.engine.cluster.switching import switch
from micromoments.engine.cluster.tally import Held, alike
from micromoments.engine.service import Service, now_ms
from micromoments.engine.wiring import open_stores
from tools.cluster import cluster

EACH = 5
"""Events a person, on the average."""
BETWEEN = 500
"""Events that come after the last round before the switch."""
SETTINGS = Settings(consent=("measure", "personalise"))


async def sent(folder: Path, people: int, count: int, first: int = 0) -> None:
    """So many events into a folder, by people among so many."""
    chance, service = random.Random(first), Service(open_stores(folder, SETTINGS, now=now_ms()), now_ms)
    await service.start()
    for start in range(first, first + count, 500):
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
    """For each number of people: a folder, its copy, a few events more, the switch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, action="append", help="may be repeated; 300, 3,000 and 30,000 by default")
    with tempfile.TemporaryDirectory() as scratch, cluster() as (kafka, redis):
        for people in parser.parse_args().people or [300, 3_000, 30_000]:
            folder = Path(scratch) / f"shop-{people}"
            asyncio.run(sent(folder, people, people * EACH))
            place = Cluster(
                kafka=kafka.address,
                redis=redis.address,
                project=folder.name,
                partitions=4,
                copies=1,
                in_sync=1,
                facts=f"{scratch}/moved-{people}",
            )
            one(folder, open_moving(folder, place, SETTINGS, now_ms()), people)


def one(folder: Path, moving: Moving, people: int) -> None:
    """Move one folder, and print what each part took."""

    def trips() -> int:
        return int(moving.shared.database.trips)

    move = Move(moving, folder, now_ms)
    cpu, before = time.process_time(), trips()
    held = move.round()
    alike(held)
    show(f"{people:,} people, all", held, time.process_time() - cpu, trips() - before)
    last: list[tuple[float, int, list[Held]]] = []

    def heard(name: str, found: list[Held]) -> None:
        if name == "before the last":
            with ThreadPoolExecutor() as beside:
                beside.submit(asyncio.run, sent(folder, people, BETWEEN, first=people * EACH)).result()
        last.append((time.process_time(), trips(), found))

    text = f'[cluster]\nkafka = "{moving.shared.events.topic}"\nredis = "redis://127.0.0.1"\n'
    seconds = asyncio.run(switch(move, moving, folder, text, now_ms, heard))
    (began, at, _), (_, _, found) = last
    show(f"{people:,} people, pause", found, time.process_time() - began, trips() - at, seconds)
    move.close()
    moving.shared.close()


def show(name: str, held: list[Held], cpu: float, trips: int, seconds: float = 0.0) -> None:
    """One part."""
    count = sum(one.folder for one in held)
    new = sum(one.copied + one.removed for one in held)
    wall = f", {seconds:.2f} s by the clock" if seconds else ""
    print(f"{name:22} {count:9,} held {new:9,} copied  {cpu:7.2f} s of processor  {trips:6,} round trips{wall}")


if __name__ == "__main__":
    main()
