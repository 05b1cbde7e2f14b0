"""Round trips of a cluster, counted: of a server for an event and a decision, of a worker for what it folds.

usage: python -m benchmarks.speed.trips      (real Kafka and Redis: tools/cluster.py)

Counted in one process with nothing else going on, so these are whole numbers over so many, whatever the machine does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from micromoments.config import Cluster
from micromoments.core.decision import Request
from micromoments.core.event import Arrival, Event
from micromoments.core.settings import Settings
from micromoments.engine.cluster.folding import Folding
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.service import now_ms
from tools.cluster import cluster

RESULTS = Path(__file__).parents[1] / "results"
SETTINGS = Settings(consent=("measure", "personalise"))
BATCH, ASKED, MIXED = 50, 20, 1_000


class Counted:
    """One server and one worker's folding, of which round trips are counted."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.serving = shared, Serving(shared, now_ms)
        view = self.serving.view
        self.folding = Folding(shared, 0, lambda: view, now_ms, lambda after: max(after + 1, now_ms() << 12))
        self.log = shared.events.log(0)
        self.numbers = itertools.count()
        self.found: dict[str, dict[str, float]] = {}

    async def count(self, what: str, each: int, work: Callable[[], Awaitable[Any]]) -> None:
        """Do something, and note the round trips for each of so many."""
        redis, kafka = self.shared.database.trips, self.serving._gate.groups
        await work()
        trips = {"Redis": self.shared.database.trips - redis, "Kafka": self.serving._gate.groups - kafka}
        self.found[what] = {name: count / each for name, count in trips.items()}

    async def sent(self, calls: list[dict[str, Any]]) -> None:
        """Take events."""
        arrivals = list[Arrival]()
        for call in calls:
            id = f"m{next(self.numbers)}"
            body = json.dumps({**call, "messageId": id}).encode()
            event = msgspec.json.decode(body, type=Event)
            arrivals.append(Arrival(event=event, body=body, message_id=id, occurred=now_ms()))
        await self.serving.collect(arrivals)

    async def asked(self, keys: list[str]) -> None:
        """Ask for decisions, one after the other."""
        for key in keys:
            id = f"d{next(self.numbers)}"
            await self.serving.decide(Request(id=id, slot="home", key=key, at=now_ms(), fresh=True))

    async def fold(self) -> None:
        """Fold all there is, as one stretch."""
        stretch = self.log.read(self.folding.next, 5_000)
        if stretch:
            self.folding.fold(stretch)


def viewed(person: int) -> dict[str, Any]:
    """Somebody looks at something."""
    return {"type": "track", "anonymousId": f"a{person}", "event": "Product Viewed", "properties": {"product_id": "p1"}}


def told(person: int) -> dict[str, Any]:
    """Somebody says who they are."""
    return {"type": "identify", "anonymousId": f"a{person}", "userId": f"u{person}"}


async def counted(shared: Shared) -> dict[str, dict[str, float]]:
    """Events, decisions and folding, of people nobody knows and of those who said who they are."""
    one, devices = Counted(shared), [f"anon:a{n}" for n in range(ASKED)]
    await one.serving.start()
    for task in one.serving._tasks:
        task.cancel()  # looks for what changed, four times a second whatever comes
    await one.sent([viewed(n) for n in range(BATCH)])
    await one.count("an event, 50 in a batch", BATCH, lambda: one.sent([viewed(n) for n in range(BATCH)]))
    await one.fold()
    await one.asked(devices)
    await one.count("a decision, nobody knows who", ASKED, lambda: one.asked(devices))
    await one.sent([told(n) for n in range(BATCH)])
    await one.fold()
    await one.count("a decision, a known user's device", ASKED, lambda: one.asked(devices))
    await one.fold()
    await one.sent([viewed(n) for n in range(BATCH)])
    await one.count("folding 50 events", 1, one.fold)
    new = range(BATCH, BATCH + MIXED)
    await one.sent([told(n) if n % 33 == 0 else viewed(n) for n in new])
    await one.count("folding 1,000, of which 30 are identifies", 1, one.fold)
    await one.serving.stop()
    return one.found


def main() -> dict[str, dict[str, float]]:
    """Start servers, and count."""
    with cluster() as (kafka, redis), tempfile.TemporaryDirectory() as place:
        project = Cluster(
            kafka=kafka.address,
            redis=redis.address,
            project="trips",
            partitions=1,
            copies=1,
            in_sync=1,
            facts=f"{place}/facts",
        )
        return asyncio.run(counted(open_shared(place, project, SETTINGS)))


if __name__ == "__main__":
    rows = main()
    print("| round trips | Redis | Kafka |\n|---|---|---|")
    for what, trips in rows.items():
        print(f"| {what} | {trips['Redis']:.2f} | {trips['Kafka']:.2f} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "trips.json").write_text(json.dumps(rows, indent=2))
