"""Intake and deliveries beside destinations that hang and fail half of their calls.

Three engines live at the same time, each in a process of its own: one without triggers, one whose destinations are
healthy, and one with a destination that hangs, one that fails half of its calls and a healthy one, and a forward to
each kind. They take the same events in turns, a few hundred at a time, so that whatever else the machine does meets all
three alike; a ratio is the median of the rounds' ratios. CPU time is that of the process whose turn it is.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from micromoments.core.settings import Destination, Forward, Settings, Trigger
from micromoments.engine.service import Service, now_ms, open_service
from micromoments.sources.segment import arrival
from tests.channels.receiver import Answer, Receiver, half, receiving

ROUNDS = 24
EVENTS = 300
"""In a turn."""
EVERY = 60
"""Of so many people one searches, and is told of; all others send an event that opens no moment."""
TOLD = ROUNDS * EVENTS // EVERY
WAIT = 90.0
Urls = dict[str, str]
"""Where destinations are, by name; those that begin with ``all-`` get the events themselves."""


def settings(urls: Urls) -> Settings:
    """A project that tells some of these destinations of every moment, and passes its events on to the others."""
    to = {name: Destination(url=url, private=True, timeout_seconds=5) for name, url in urls.items()}
    told = tuple(name for name in urls if not name.startswith("all-"))
    forwards = {name: Forward(to=name) for name in urls if name.startswith("all-")}
    triggers = {"hello": Trigger(to=told)} if told else {}
    return Settings(consent=("measure", "personalise", "share"), destinations=to, triggers=triggers, forwards=forwards)


async def _live(folder: str, urls: Urls, line: Connection) -> None:
    """One engine: a turn for each number that comes, and its counters once nothing more is on its way."""
    service = open_service(folder, settings(urls), now_ms)
    await service.start()
    try:
        line.send({})
        while (turn := await asyncio.to_thread(line.recv)) is not None:
            line.send(await _turn(service, turn))
        end = time.monotonic() + WAIT
        while time.monotonic() < end and await _waiting(service, urls):  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        line.send(service.deliveries.stats())
    finally:
        await service.stop()


async def _turn(service: Service, turn: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(turn * EVENTS, (turn + 1) * EVENTS, 100):
        now = now_ms()
        events = [
            {
                "type": "track",
                "anonymousId": f"p{n}",
                "messageId": f"m{n}",
                "event": "Products Searched" if n % EVERY == 0 else "Menu Toggled",
                "properties": {"query": "buy trail shoes"} if n % EVERY == 0 else {},
            }
            for n in range(start, start + 100)
        ]
        await service.collect([arrival(e, received_at=now) for e in events])
    await service.settled()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def _waiting(service: Service, urls: Urls) -> bool:
    """Whether anything is still on its way to a destination that answers."""
    told = [name for name in urls if not name.startswith("all-") and name != "stuck"]
    left = [d for name in told for d in await service.deliveries.listed(destination=name, limit=500)]
    passed = sum(name.startswith("all-") and name != "all-stuck" for name in urls) * ROUNDS * EVENTS
    sent = service.deliveries.stats()["events_forwarded_total"]
    ended = [d for d in left if d["status"] == "sent"]
    return len(ended) < TOLD * len(told) or sent < passed


def _process(folder: str, urls: Urls, line: Connection) -> None:
    asyncio.run(_live(folder, urls, line))


@contextmanager
def engine(urls: Urls) -> Iterator[Connection]:
    """One engine in a process of its own, ready for its turns."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_process, args=(str(Path(folder) / "shop"), urls, theirs))
        process.start()
        mine.recv()
        try:
            yield mine
        finally:
            process.join(60)


def main() -> dict[str, Any]:
    """All turns, in another order each round; then what arrived."""
    hangs: Callable[[int, bytes], Answer | None] = lambda _n, _body: None  # noqa: E731 as short as it is
    with ExitStack() as stack:

        def receiver(answer: Callable[[int, bytes], Answer | None] = lambda _n, _b: (204, {})) -> Receiver:
            """One more receiver."""
            return stack.enter_context(receiving(answer))

        healthy = {name: receiver() for name in ("stuck", "good", "half", "all-stuck", "all-half")}
        kinds = {"stuck": hangs, "half": half(), "all-stuck": hangs, "all-half": half()}
        troubled = {name: receiver(kinds[name]) if name in kinds else receiver() for name in healthy}
        engines = {
            "none": stack.enter_context(engine({})),
            "healthy": stack.enter_context(engine({name: r.url for name, r in healthy.items()})),
            "troubled": stack.enter_context(engine({name: r.url for name, r in troubled.items()})),
        }
        rounds = [_round(engines, turn) for turn in range(ROUNDS)]
        stats = {}
        for name, line in engines.items():
            line.send(None)
            stats[name] = line.recv()
        return _table(rounds, stats["troubled"], troubled)


def _round(engines: dict[str, Connection], turn: int) -> dict[str, dict[str, float]]:
    names = list(engines)
    found = {}
    for name in names[turn % len(names) :] + names[: turn % len(names)]:
        engines[name].send(turn)
        found[name] = engines[name].recv()
    return found


def _table(
    rounds: list[dict[str, dict[str, float]]], stats: dict[str, float], receivers: dict[str, Receiver]
) -> dict[str, Any]:
    def ratio(what: str, one: str) -> float:
        return median(r[one][what] / r["troubled"][what] for r in rounds)

    told = [receivers["good"], receivers["half"]]
    taken = Counter(
        call["messageId"] for body in receivers["all-half"].taken for call in json.loads(body)["data"]["events"]
    )
    return {
        "events": ROUNDS * EVENTS,
        "rounds": ROUNDS,
        "deliveries to each destination": TOLD,
        "cpu us an event, no destinations": 1e6 * median(r["none"]["cpu"] for r in rounds) / EVENTS,
        "cpu us an event, healthy": 1e6 * median(r["healthy"]["cpu"] for r in rounds) / EVENTS,
        "cpu us an event, hanging + failing": 1e6 * median(r["troubled"]["cpu"] for r in rounds) / EVENTS,
        "intake speed, hanging + failing : healthy": ratio("wall", "healthy"),
        "the same by CPU time": ratio("cpu", "healthy"),
        "intake speed, hanging + failing : none": ratio("wall", "none"),
        "failed tries": stats["delivery_failures_total"] + stats["forward_failures_total"],
        "lost": sum(TOLD - len(r.ids) for r in told) + ROUNDS * EVENTS - len(taken),
        "taken twice under one id": sum(n - 1 for r in told for n in r.ids.values())
        + sum(n - 1 for n in taken.values()),
    }


if __name__ == "__main__":
    for key, value in main().items():
        sys.stdout.write(f"{key:45} {value:,.3f}\n")
