"""Reports over many facts: each cold and warm, alone and beside 1,000 events a second of intake; processor time, wall
time, memory, and what the intake felt.

usage: python -m benchmarks.speed.reports [--facts N] [--quick] [--folder FOLDER] [--no-intake] [--turns N]

``--quick`` makes five million facts, else fifty; a folder that is there already is used again. Drill-down (``behind``),
``journeys`` and ``history`` are counted apart: they walk through rows. Intake runs alone and beside every report, in
turns, so that what else the machine does falls on both; its events come from a process of their own, as those of a
browser would. A ratio is that of the middle turns; beside it stand all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import statistics
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.speed import facts, server
from benchmarks.speed.client import Connection, OpenLoop, connect, percentile, request
from benchmarks.speed.mix import Mix
from micromoments.report.reports import REPORTS

FULL, QUICK = 50_000_000, 5_000_000
WALKS = ("journeys", "behind", "history")
ASIDE = ("receipt", "history")
RATE = 1000
BATCH = 20
TURNS, ALONE = 3, 30
"""Turns of intake, and the seconds of each half: two or three rounds of every report fall into one."""
BEARER = f"Authorization: Bearer {server.SECRET}\r\n"
ASKED = [name for name in REPORTS if name not in ASIDE]


def worker(parent: int) -> int:
    """The process in which the server answers reports: the child with the most memory."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return max((int(pid) for pid in children), key=lambda pid: status(pid, "VmRSS"), default=parent)


def status(pid: int, field: str) -> float:
    """A field of a process' status, in MiB; 0 where it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)


def cpu(pid: int) -> float:
    """Seconds of processor time that a process spent."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def ask(connection: Connection, path: str) -> Any:
    """One report's reply."""
    code, body = await connection.send(request("GET", f"/v1/reports/{path}", b"", BEARER))
    assert code == 200, (path, body[:200])
    return json.loads(body)


async def rounds(mm: server.Process, times: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Every report so many times: wall and processor seconds of each."""
    (connection,) = await connect(mm.port, 1)
    wall: dict[str, list[float]] = {name: [] for name in ASKED}
    spent: dict[str, list[float]] = {name: [] for name in ASKED}
    for _ in range(times):
        for name in ASKED:
            pid = worker(mm.process.pid)
            start, before = perf_counter(), cpu(pid)
            await ask(connection, name)
            wall[name].append(perf_counter() - start)
            spent[name].append(cpu(pid) - before)
    connection.close()
    return wall, spent


async def intake(port: int, seconds: float) -> dict[str, float]:
    """A thousand events a second in batches of twenty, so many seconds: a batch's milliseconds."""
    mix, auth = Mix(), "Authorization: Basic " + base64.b64encode(f"{server.WRITE}:".encode()).decode() + "\r\n"
    loop = OpenLoop(await connect(port, 8))
    start, sent = perf_counter(), 0
    while perf_counter() - start < seconds:
        loop.submit(perf_counter(), request("POST", "/v1/batch", mix.batch(BATCH), auth))
        sent += 1
        await asyncio.sleep(max(0.0, start + sent * BATCH / RATE - perf_counter()))
    await loop.drain()
    p50, p99 = (1000 * percentile(loop.latencies, share) for share in (0.5, 0.99))
    return {"events": sent * BATCH, "errors": loop.errors, "p50_ms": p50, "p99_ms": p99}


async def sent(port: int, seconds: float) -> dict[str, float]:
    """So many seconds of intake from a process of its own."""
    words = ["-m", "benchmarks.speed.reports", "--only-intake", str(port), "--seconds", str(seconds)]
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    found: dict[str, float] = json.loads(out)
    return found


async def turn(mm: server.Process, found: list[dict[str, Any]]) -> None:
    """Intake alone, then beside every report, for as long as those take."""
    alone = await sent(mm.port, ALONE)
    (connection,) = await connect(mm.port, 1)
    wall: dict[str, list[float]] = {name: [] for name in ASKED}
    sending = asyncio.ensure_future(sent(mm.port, ALONE))
    while not sending.done():
        for name in ASKED:
            if sending.done():
                break
            start = perf_counter()
            await ask(connection, name)
            wall[name].append(perf_counter() - start)
    connection.close()
    beside = await sending
    found.append({"alone": alone, "beside": beside, "ratio": beside["p99_ms"] / alone["p99_ms"], "reports": wall})


def together(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """What the turns say: the middle ratio of intake's p99; of the reports beside it each one's middle, and the p95."""
    beside = {name: [second for one in turns for second in one["reports"][name]] for name in ASKED}
    quick = [second for name, seconds in beside.items() if name not in WALKS for second in seconds]
    return {
        "beside": {name: statistics.median(seconds) for name, seconds in beside.items() if seconds},
        "p95_seconds_beside_intake": percentile(quick, 0.95),
        "intake_p99_ratio": statistics.median(one["ratio"] for one in turns),
        "intake_alone_and_beside": [
            {"alone": one["alone"], "beside": one["beside"], "p99_ratio": round(one["ratio"], 2)} for one in turns
        ],
    }


async def measure(mm: server.Process, *, turns: int) -> dict[str, Any]:
    """Cold, warm, and so many turns of intake alone and beside."""
    found: dict[str, Any] = {}
    (connection,) = await connect(mm.port, 1)
    start = perf_counter()
    await ask(connection, "freshness")
    found["first_question_seconds"] = perf_counter() - start
    connection.close()
    cold, cold_cpu = await rounds(mm, 1)
    warm, warm_cpu = await rounds(mm, 1)
    for name in ASKED:
        found[name] = {
            "cold": cold[name][0],
            "warm": statistics.mean(warm[name]),
            "cpu": statistics.mean(warm_cpu[name]),
        }
    quick = [name for name in ASKED if name not in WALKS]
    found["p95_seconds"] = percentile([second for name in quick for second in [*warm[name], *cold[name]]], 0.95)
    found["p95_cpu_seconds"] = percentile(
        [second for name in quick for second in [*warm_cpu[name], *cold_cpu[name]]], 0.95
    )
    taken: list[dict[str, Any]] = []
    for _ in range(turns):
        await turn(mm, taken)
    if taken:
        found |= together(taken)
    pid = worker(mm.process.pid)
    found["reports_memory_mib"], found["server_memory_mib"] = status(pid, "VmHWM"), mm.memory_mib()
    return found


async def restarted(mm: server.Process) -> dict[str, float]:
    """The first question to a server that was started again: wall and processor seconds, and the memory, in MiB."""
    (connection,) = await connect(mm.port, 1)
    start = perf_counter()
    await ask(connection, "missed")
    wall, pid = perf_counter() - start, worker(mm.process.pid)
    connection.close()
    return {"seconds": wall, "cpu_seconds": cpu(pid), "memory_mib": status(pid, "VmHWM")}


def main(count: int = QUICK, folder: Path | None = None, *, turns: int = TURNS) -> dict[str, Any]:
    """Make the facts where they aren't there, serve them, ask."""
    import uvloop

    with tempfile.TemporaryDirectory() as temporary:
        home = folder or Path(temporary) / "reports"
        if not (home / "state.sqlite").exists():
            facts.make(home, count, datetime.now(UTC))
        with server.micromoments(home) as mm:
            found: dict[str, Any] = uvloop.run(measure(mm, turns=turns))
        with server.micromoments(home) as mm:
            found["after_a_restart"] = uvloop.run(restarted(mm))
        found["bytes"] = {
            part: sum(f.stat().st_size for f in (home / "facts").glob(f"{part}/**/*.parquet"))
            for part in ("events", "moments", "decisions", "outcomes", "rollups")
        }
        return found


def show(found: dict[str, Any]) -> None:
    """As a table, then all of it as JSON."""
    print(f"{'report':14} {'cold s':>9} {'warm s':>9} {'cpu s':>9} {'beside s':>9}")
    for name in ASKED:
        row, beside = found[name], found.get("beside", {}).get(name)
        last = f"{beside:9.2f}" if beside is not None else f"{'':9}"
        print(f"{name:14} {row['cold']:9.2f} {row['warm']:9.2f} {row['cpu']:9.2f} {last}")
    print(json.dumps({key: value for key, value in found.items() if key not in {*ASKED, "beside"}}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=0, help="how many, about")
    parser.add_argument("--quick", action="store_true", help="five million instead of fifty")
    parser.add_argument("--folder", type=Path, default=None, help="a folder to make, or to use again")
    parser.add_argument("--no-intake", action="store_true", help="reports alone")
    parser.add_argument("--turns", type=int, default=TURNS, help="of intake alone and beside")
    parser.add_argument("--only-intake", type=int, default=0, metavar="PORT", help="only send, to a server here")
    parser.add_argument("--seconds", type=float, default=ALONE, help="how long to send")
    given = parser.parse_args()
    if given.only_intake:
        import uvloop

        print(json.dumps(uvloop.run(intake(given.only_intake, given.seconds))))
    else:
        count = given.facts or (QUICK if given.quick else FULL)
        show(main(count, given.folder, turns=0 if given.no_intake else given.turns))
