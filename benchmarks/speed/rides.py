"""200 rides at once with a position a second each: how late positions reach the riders' phones, over HTTP.

usage: python -m benchmarks.speed.rides [--rides N] [--seconds N]

Each rider asks for a ride and listens to their own stream; drivers are the demo's simulated ones. Once all rides are
under way, it listens: ``late`` is from the instant that a position is true for to its arrival, ``gap`` between two
positions of a ride. Afterwards books and bank are held against each other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

import micromoments as mm
from benchmarks.speed.orders import cpu
from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.ride.roads import Place, Roads
from micromoments.demo.supervisor import Supervisor, free_port

LONG = 150.0
"""Seconds that each ride takes at least."""


class Phone:
    """A rider's phone: asks, and listens."""

    def __init__(self, client: httpx.AsyncClient, n: int, ends: tuple[Place, Place]) -> None:
        self._client, self._ends = client, ends
        self._headers = {"Cookie": f"ride={n:043d}"}
        self.heard: list[tuple[float, float]] = []

    async def ask(self) -> None:
        """Ask for a ride."""
        begin, end = ({"at": list(place)} for place in self._ends)
        reply = await self._client.post("quotes", json={"begin": begin, "end": end}, headers=self._headers)
        reply.raise_for_status()
        body = {"quote": reply.json()["id"], "kind": "go", "card": "pm_card_visa"}
        headers = {**self._headers, "Idempotency-Key": "k"}
        (await self._client.post("rides", json=body, headers=headers)).raise_for_status()

    async def listen(self) -> None:
        """Note when each position came, and for when it was true."""
        async with self._client.stream("GET", "live", headers=self._headers) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:") and '"sent"' in line and '"eta"' in line and '"way"' not in line:
                    self.heard.append((time.time(), json.loads(line[5:])["sent"] / 1000))


def far_apart(roads: Roads, dice: random.Random) -> tuple[Place, Place]:
    """Two ends of a long ride, so that all are still under way when the last one has begun."""
    while True:
        begin, end = roads.corner(dice.random()), roads.corner(dice.random())
        if roads.seconds(begin, end) > LONG:
            return begin, end


async def load(url: str, rides: int, seconds: float) -> dict[str, Any]:
    """All rides, and what their phones heard in so many seconds."""
    roads = Roads(mm.World(1, 1).city.plan)
    limits = httpx.Limits(max_connections=rides + 20)
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits) as client:
        phones = [Phone(client, n, far_apart(roads, random.Random(n))) for n in range(rides)]
        listening = [asyncio.create_task(phone.listen()) for phone in phones]
        for n in range(0, rides, 10):
            await asyncio.gather(*(phone.ask() for phone in phones[n : n + 10]))
        began = time.time()
        while sum(bool(p.heard) and p.heard[-1][0] > time.time() - 3 for p in phones) < rides * 0.95:
            await asyncio.sleep(0.5)
            if time.time() - began > 120:
                break
        start = time.time()
        await asyncio.sleep(seconds)
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    late = sorted((came - sent) * 1000 for p in phones for came, sent in p.heard if came >= start)
    pairs = [zip(p.heard, p.heard[1:], strict=False) for p in phones]
    gaps = sorted((b[0] - a[0]) * 1000 for both in pairs for a, b in both if a[0] >= start)
    return {
        "rides_heard_at_once": sum(any(came >= start for came, _ in p.heard) for p in phones),
        "positions": len(late),
        "late_p50_ms": statistics.median(late),
        "late_p99_ms": late[int(len(late) * 0.99)],
        "gap_p50_ms": statistics.median(gaps),
        "gap_p99_ms": gaps[int(len(gaps) * 0.99)],
    }


def main(rides: int = 200, seconds: float = 20) -> dict[str, Any]:
    """Run it and give the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["-m", "micromoments.demo.ride", "--folder", str(folder / "ride"), "--rides", "0"]
        words += ["--drivers", str(rides * 2), "--engine", f"http://127.0.0.1:{free_port()}"]
        server = Supervisor(words, folder / "log", "/ride/readyz")
        server.start_now()
        try:
            before = cpu(server.pid)
            found = asyncio.run(load(f"http://127.0.0.1:{server.port}/ride/api/", rides, seconds))
            found["server_cpu_s"] = cpu(server.pid) - before
        finally:
            server.stop()
        store, bank = Store(folder / "ride/ride.sqlite"), Sandbox(folder / "ride/bank.sqlite")
        found["books_disagree"] = audit(store, bank.held())
        store.close()
        bank.close()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rides", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    print(json.dumps(main(given.rides, given.seconds), indent=2))
