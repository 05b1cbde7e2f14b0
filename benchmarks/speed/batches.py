"""(b) Batches of 100 of the published mix for 60 s; the clock stops when the last event's moment is readable."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from time import perf_counter
from typing import Any

from benchmarks.speed import server
from benchmarks.speed.client import Connection, connect, request
from benchmarks.speed.mix import Mix

SIZE = 100
CONNECTIONS = 6


async def load(port: int, seconds: float) -> dict[str, Any]:
    """Closed loop over a few connections; then one last event, until its moment can be read."""
    mix = Mix()
    auth = "Authorization: Basic " + base64.b64encode(f"{server.WRITE}:".encode()).decode() + "\r\n"
    connections = await connect(port, CONNECTIONS)
    batches = errors = 0
    start = perf_counter()

    async def one(connection: Connection) -> None:
        nonlocal batches, errors
        while perf_counter() - start < seconds:
            status, _ = await connection.send(request("POST", "/v1/batch", mix.batch(SIZE), auth))
            batches += status == 200
            errors += status != 200

    await asyncio.gather(*(one(c) for c in connections))
    last = (
        '{"type":"track","anonymousId":"the-last","event":"Products Searched",'
        '"properties":{"query":"cheap trail running shoes"}}'
    )
    status, _ = await connections[0].send(request("POST", "/v1/track", last.encode(), auth))
    acknowledged = perf_counter()
    bearer = f"Authorization: Bearer {server.SECRET}\r\n"
    found = 0
    while not found and perf_counter() - acknowledged < 30:
        status, body = await connections[0].send(request("GET", "/v1/people/anon:the-last/moments", b"", bearer))
        found = len(json.loads(body).get("moments", [])) if status == 200 else 0
    stop = perf_counter()
    for c in connections:
        c.close()
    return {
        "events": batches * SIZE + 1,
        "seconds": stop - start,
        "events_per_second": (batches * SIZE + 1) / (stop - start),
        "errors": errors,
        "recognition_lag_at_the_end_seconds": stop - acknowledged,
        "people": mix.people,
        "readable": bool(found),
    }


def main(seconds: float = 60) -> dict[str, Any]:
    """Run it on a fresh folder."""
    import uvloop

    with server.micromoments() as mm:
        cpu = mm.cpu_seconds()
        result = uvloop.run(load(mm.port, seconds))
        result["cpu_seconds"] = mm.cpu_seconds() - cpu
        result["memory_mib"] = mm.memory_mib()
    return result


if __name__ == "__main__":
    print(json.dumps(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60), indent=2))
