"""Intake and deliveries beside a destination that hangs and one that fails half of its calls.

The same events are taken three times by an engine in a process of its own: without a trigger, with three healthy
destinations, and with one that hangs, one that fails half of its calls, and a healthy one. CPU time an event is that
process's, so that a shared machine doesn't decide; the wall clock is told as a ratio in the same run.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from micromoments.core.settings import Destination, Settings, Trigger
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.sources.segment import arrival
from tests.channels.receiver import Answer, half, receiving

EVENTS = 6_000
EVERY = 60
"""Of so many people one searches, and is told of; all others send an event that opens no moment."""
ROUNDS = 2
WAIT = 45.0


def settings(urls: dict[str, str]) -> Settings:
    """A project that tells all of these destinations of every moment."""
    to = {name: Destination(url=url, private=True, timeout_seconds=5) for name, url in urls.items()}
    triggers = {"hello": Trigger(to=tuple(urls))} if urls else {}
    return Settings(consent=("measure", "personalise", "share"), destinations=to, triggers=triggers)


async def _take(folder: str, urls: dict[str, str]) -> dict[str, float]:
    service = open_service(folder, settings(urls), now_ms)
    await service.start()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        for start in range(0, EVENTS, 100):
            now = now_ms()
            events = [
                {
                    "type": "track",
                    "anonymousId": f"p{n}",
                    "event": "Products Searched" if n % EVERY == 0 else "Menu Toggled",
                    "properties": {"query": "buy trail shoes"} if n % EVERY == 0 else {},
                }
                for n in range(start, start + 100)
            ]
            await service.collect([arrival(e, received_at=now) for e in events])
        await service.settled()
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        end = time.monotonic() + WAIT
        while time.monotonic() < end and await _waiting(service, urls):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return {**took, **service.deliveries.stats()}
    finally:
        await service.stop()


async def _waiting(service: Service, urls: dict[str, str]) -> bool:
    """Whether anything is still on its way to a destination that answers."""
    found = [d for name in urls for d in await service.deliveries.listed(destination=name, limit=500)]
    left = [d for d in found if d["status"] == "waiting" and d["destination"] != "stuck"]
    return bool(urls) and (bool(left) or len(found) < EVENTS // EVERY * len(urls))


def _process(folder: str, urls: dict[str, str], queue: Any) -> None:
    queue.put(asyncio.run(_take(folder, urls)))


def taken(urls: dict[str, str]) -> dict[str, float]:
    """One run in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_process, args=(str(Path(folder) / "shop"), urls, queue))
        process.start()
        found: dict[str, float] = queue.get(timeout=WAIT * 4)
        process.join(60)
    return found


def main() -> dict[str, Any]:
    """Run them in turn, several times; the medians' ratios."""
    runs: dict[str, list[dict[str, float]]] = {"without": [], "healthy": [], "troubled": []}
    lost = doubled = 0
    hangs: Callable[[int, bytes], Answer | None] = lambda _n, _body: None  # noqa: E731 as short as it is
    for _ in range(ROUNDS):
        runs["without"].append(taken({}))
        with receiving() as good, receiving() as other, receiving() as third:
            runs["healthy"].append(taken({"stuck": third.url, "good": good.url, "half": other.url}))
        with receiving() as good, receiving(half()) as fails, receiving(hangs) as stuck:
            runs["troubled"].append(taken({"stuck": stuck.url, "good": good.url, "half": fails.url}))
            for receiver in (good, fails):
                lost += EVENTS // EVERY - len(receiver.ids)
                doubled += len({json.loads(b)["data"]["person"]["anonymousId"] for b in receiver.bodies}) != len(
                    receiver.ids
                )
    return _table(runs, lost, doubled)


def _table(runs: dict[str, list[dict[str, float]]], lost: int, doubled: int) -> dict[str, Any]:
    def middle(name: str, what: str) -> float:
        return sorted(run[what] for run in runs[name])[ROUNDS // 2]

    return {
        "events": EVENTS,
        "deliveries to each destination": EVENTS // EVERY,
        "cpu us an event, no triggers": 1e6 * middle("without", "cpu") / EVENTS,
        "cpu us an event, healthy": 1e6 * middle("healthy", "cpu") / EVENTS,
        "cpu us an event, hanging + failing": 1e6 * middle("troubled", "cpu") / EVENTS,
        "intake speed, hanging + failing : healthy": middle("healthy", "wall") / middle("troubled", "wall"),
        "intake speed, hanging + failing : none": middle("without", "wall") / middle("troubled", "wall"),
        "failed tries (median)": middle("troubled", "delivery_failures_total"),
        "lost": lost,
        "people told under more than one id": doubled,
    }


if __name__ == "__main__":
    for key, value in main().items():
        sys.stdout.write(f"{key:45} {value:,.3f}\n")
