"""(e) The server over 1,000,000 people: its memory once as many of them as it keeps came back, and a cold read.

usage: python -m benchmarks.speed.crowd [PEOPLE]

The people are written to the state as commits do. A cold read is ``GET /v1/people/{id}/moments`` of somebody who isn't
in the server's memory, one after the other; the state's file is first dropped from the system's cache, as far as the
system does so. Beside it, in the same run, the same door for somebody who is, and what the state alone takes.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from benchmarks.speed import server
from benchmarks.speed.client import Connection, connect, percentile, request
from benchmarks.speed.stores import COMMIT, commits, evict, numbered
from micromoments.engine.service import now_ms
from micromoments.stores.embedded.state import SqliteState

PEOPLE = 1_000_000
READS = 3_000
BACK = 60_000
"""People who come back by an event: more than the server keeps in memory."""


async def load(mm: server.Process, people: int) -> dict[str, Any]:
    """Cold reads, warm reads, then people coming back until memory is full."""
    random = Random(7)
    bearer = f"Authorization: Bearer {server.SECRET}\r\n"
    auth = "Authorization: Basic " + base64.b64encode(f"{server.WRITE}:".encode()).decode() + "\r\n"
    (one,) = await connect(mm.port, 1)
    cold = [numbered(n).id for n in random.sample(range(people), READS)]
    evict(mm.folder / "state.sqlite")
    found: dict[str, Any] = {"people": people, "started_mib": mm.memory_mib(), "errors": 0}
    for name, keys in (("cold", cold), ("warm", cold[-1:] * READS)):
        times = [await _read(one, key, bearer, found) for key in keys]
        found |= {f"{name}_p50_ms": percentile(times, 0.5), f"{name}_p99_ms": percentile(times, 0.99)}
    back = random.sample(range(people), min(BACK, people))
    for at in range(0, len(back), 100):
        calls = [
            {"type": "track", "anonymousId": numbered(n).id[5:], "event": "Product Viewed", "properties": {}}
            for n in back[at : at + 100]
        ]
        status, _ = await one.send(request("POST", "/v1/batch", json.dumps({"batch": calls}).encode(), auth))
        found["errors"] += status != 200
    found |= {"came_back": len(back), "resident_mib": mm.memory_mib()}
    one.close()
    return found


async def _read(one: Connection, key: str, bearer: str, found: dict[str, Any]) -> float:
    """Milliseconds of one read."""
    began = perf_counter()
    status, _ = await one.send(request("GET", f"/v1/people/{key}/moments", b"", bearer))
    found["errors"] += status != 200
    return (perf_counter() - began) * 1e3


def loaded(path: Path, people: int) -> dict[str, Any]:
    """Cold reads of a person and their link from the state alone, as folding does them: of a store just opened."""
    evict(path)
    times: list[float] = []
    with closing(SqliteState(path)) as state:
        for n in Random(8).sample(range(people), READS):
            began = perf_counter()
            state.load([numbered(n).id], [numbered(n).id])
            times.append((perf_counter() - began) * 1e3)
    return {"load_p50_ms": percentile(times, 0.5), "load_p99_ms": percentile(times, 0.99)}


def main(people: int = PEOPLE) -> dict[str, Any]:
    """Make the folder, write the people, and serve them."""
    import uvloop

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bench"
        with server.micromoments(folder):
            pass  # makes the folder
        with closing(SqliteState(folder / "state.sqlite")) as state:
            commits(state, [range(n, min(n + COMMIT, people)) for n in range(0, people, COMMIT)], now_ms())
        alone = loaded(folder / "state.sqlite", people)
        with server.micromoments(folder) as mm:
            return alone | uvloop.run(load(mm, people))


if __name__ == "__main__":
    print(json.dumps(main(*(int(a) for a in sys.argv[1:])), indent=2))
