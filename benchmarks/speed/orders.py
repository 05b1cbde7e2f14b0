"""Coffee orders in bursts of 100, one a second, paid and durable, over HTTP; books and stock exact afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from micromoments.demo import project
from micromoments.demo.fulfil import Sandbox, Store, audit
from micromoments.demo.supervisor import Supervisor, free_port

BURST = 100
BURSTS = 5
STORE = "station"  # open longest
SOLD = "toastie"
"""Something with ten pieces, which more people want than there are."""


async def until_answered(client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str]) -> httpx.Response:
    """Ask until an answer comes, as phones do: the key makes it one order."""
    while True:
        try:
            return await client.post("/coffee/api/orders", json=body, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.1)


async def one(client: httpx.AsyncClient, visitor: str, n: int, waits: list[float], said: dict[str, int]) -> None:
    """One customer's order; every third one wants what is scarce, every fifth taps twice."""
    items = [{"sku": SOLD}] if n % 3 == 0 else [{"sku": "espresso"}]
    body = {"store": STORE, "items": items, "card": "pm_card_visa"}
    headers = {"Cookie": f"coffee={visitor}", "Idempotency-Key": f"k{n}"}
    for _ in range(2 if n % 5 == 0 else 1):
        began = time.perf_counter()
        reply = await until_answered(client, body, headers)
        waits.append((time.perf_counter() - began) * 1000)
        what = reply.json().get("state") or reply.json()["code"]
        said[what] = said.get(what, 0) + 1


async def load(url: str) -> tuple[list[float], dict[str, int]]:
    """The bursts, each begun on its second whatever became of the one before."""
    waits: list[float] = []
    said: dict[str, int] = {}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=None, limits=limits) as client:
        tasks: list[asyncio.Task[None]] = []
        for burst in range(BURSTS):
            for k in range(BURST):
                n = burst * BURST + k
                tasks.append(asyncio.create_task(one(client, f"{n:043d}", n, waits, said)))
            await asyncio.sleep(1)
        await asyncio.gather(*tasks)
    return waits, said


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> dict[str, Any]:
    """Run it and give the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zone = project.daytime_zone(time.time_ns() // 1_000_000)
        words = ["-m", "micromoments.demo.coffee", "--folder", str(folder / "coffee"), "--timezone", zone]
        server = Supervisor([*words, "--engine", f"http://127.0.0.1:{free_port()}"], folder / "log", "/coffee/readyz")
        server.start_now()
        try:
            before = cpu(server.pid)
            waits, said = asyncio.run(load(f"http://127.0.0.1:{server.port}"))
            used = cpu(server.pid) - before
        finally:
            server.stop()
        store, bank = Store(folder / "coffee/coffee.sqlite"), Sandbox(folder / "coffee/bank.sqlite")
        wrong = audit(store, bank.held())
        orders = store.rows("SELECT count(*) FROM orders WHERE state = 'paid'")[0][0]
        left = store.free([f"{STORE}:{SOLD}"])[f"{STORE}:{SOLD}"]
        store.close()
        bank.close()
    waits.sort()
    return {
        "requests": len(waits),
        "answers": said,
        "paid_orders": orders,
        "server_cpu_ms_per_request": used * 1000 / len(waits),
        "p50_ms": statistics.median(waits),
        "p99_ms": waits[int(len(waits) * 0.99)],
        "scarce_left": left,
        "books_disagree": wrong,
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
