"""(c) ``decide`` at 1,000 a second beside 1,000 events a second over 10,000 items, open loop: p50 and p99, and how late
the machine woke a bystander meanwhile.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from random import Random
from time import perf_counter
from typing import Any

from benchmarks.speed import server
from benchmarks.speed.bystander import bystander
from benchmarks.speed.client import OpenLoop, connect, percentile, request
from benchmarks.speed.mix import Mix

RATE = 1000
ITEMS = 10_000
WORDS = [
    "trail",
    "running",
    "shoe",
    "road",
    "light",
    "jacket",
    "waterproof",
    "merino",
    "wool",
    "sock",
    "usb",
    "hub",
    "cable",
    "coffee",
    "oat",
    "flat",
    "white",
    "beans",
    "grinder",
    "tap",
    "kit",
    "chain",
    "bicycle",
    "lamp",
    "desk",
    "chair",
]


def items(count: int) -> bytes:
    """Items as JSON lines: products, places, guides and articles."""
    random = Random(3)
    lines = []
    for i in range(count):
        kind = ("product", "product", "product", "place", "guide", "article", "offer")[i % 7]
        item: dict[str, Any] = {
            "id": f"p{i}",
            "kind": kind,
            "title": " ".join(random.sample(WORDS, 3)).capitalize(),
            "category": f"c{i % 40}",
        }
        if kind == "product":
            item["price"] = {"amount": random.randrange(500, 20_000), "currency": "EUR"}
        if kind == "place":
            item |= {
                "location": {"lat": 60.1 + random.random() / 5, "lon": 24.8 + random.random() / 5},
                "hours": "Mo-Su 07:00-22:00",
            }
        lines.append(json.dumps(item))
    return "\n".join(lines).encode()


async def load(port: int, seconds: float, rate: int) -> dict[str, Any]:
    """Two open loops side by side."""
    bearer = f"Authorization: Bearer {server.SECRET}\r\n"
    auth = "Authorization: Basic " + base64.b64encode(f"{server.WRITE}:".encode()).decode() + "\r\n"
    connections = await connect(port, 96)
    lines = items(ITEMS).split(b"\n")
    for first in range(0, len(lines), 1000):
        status, body = await connections[0].send(
            request("PUT", "/v1/items", b"\n".join(lines[first : first + 1000]), bearer)
        )
        if status >= 300:
            raise SystemExit(f"items were refused: {status} {body[:300]!r}")
    warm = 2.0
    total = int((seconds + warm) * rate)
    mix, random = Mix(11), Random(5)
    sent = []  # made beforehand: what generates the load must not be what is measured
    for _ in range(total):
        event = request("POST", "/v1/track", mix.event().encode(), auth)
        who = f"a-{random.randrange(mix.people) + 1:09d}"
        sent.append((event, request("POST", "/v1/decide", f'{{"anonymousId":"{who}","slot":"home"}}'.encode(), bearer)))
    decides, events = OpenLoop(connections[:64]), OpenLoop(connections[64:])
    start = perf_counter() + 0.1
    for i, (event, decide) in enumerate(sent):
        due = start + i / rate
        while (wait := due - perf_counter()) > 0:  # noqa: ASYNC110 - a pace is kept by the clock, not by an event
            await asyncio.sleep(wait)  # to the next millisecond; what it oversleeps counts as latency
        if i == int(warm * rate):
            decides.latencies.clear()
            events.latencies.clear()
        events.submit(due, event)
        decides.submit(due, decide)
    await decides.drain()
    await events.drain()
    stop = perf_counter()
    for c in connections:
        c.close()
    ms = [x * 1000 for x in decides.latencies]
    return {
        "decisions": len(ms),
        "decisions_per_second": total / (stop - start),
        "p50_ms": percentile(ms, 0.50),
        "p99_ms": percentile(ms, 0.99),
        "max_ms": max(ms),
        "event_p99_ms": percentile([x * 1000 for x in events.latencies], 0.99),
        "errors": decides.errors + events.errors,
    }


def main(seconds: float = 20, rate: int = RATE) -> dict[str, Any]:
    """Run it on a fresh folder."""
    import uvloop

    with server.micromoments() as mm, bystander() as woken:
        found = uvloop.run(load(mm.port, seconds, rate))
    return found | {"bystander_p99_ms": woken.p99_ms, "bystander_max_ms": woken.max_ms}


if __name__ == "__main__":
    print(json.dumps(main(*(int(a) for a in sys.argv[1:])), indent=2))
