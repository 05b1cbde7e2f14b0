"""(a) Single ``POST /v1/track``, durable and deduplicated, 32 connections, over a bare uvicorn echo in the same run."""

from __future__ import annotations

import base64
import json
import shutil
import statistics
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.speed import server

SECONDS = 8
ROUNDS = 3
SCRIPT = Path(__file__).with_name("track.lua")


def wrk(port: int, seconds: int) -> dict[str, Any]:
    """Load one server with wrk; requests, seconds, errors, latencies in ms."""
    auth = base64.b64encode(f"{server.WRITE}:".encode()).decode()
    command = ["wrk", "-t", "1", "-c", "32", "-d", f"{seconds}s", "-s", str(SCRIPT)]
    command += [
        "-H",
        f"Authorization: Basic {auth}",
        "-H",
        "Content-Type: application/json",
        f"http://127.0.0.1:{port}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    result: dict[str, Any] = json.loads(done.stderr.strip().splitlines()[-1])
    return result


def main() -> dict[str, Any]:
    """Run both servers in turn and give the figures."""
    if shutil.which("wrk") is None:
        return {"skipped": "wrk is not installed (apt-get install wrk)"}
    ratios, ours, bare = [], [], []
    for _ in range(ROUNDS):
        with server.echo() as echo:
            wrk(echo.port, 1)
            b = wrk(echo.port, SECONDS)
        with server.micromoments() as mm:
            wrk(mm.port, 1)
            o = wrk(mm.port, SECONDS)
        bare.append(b["requests"] / b["seconds"])
        ours.append(o)
        ratios.append(o["requests"] / o["seconds"] / bare[-1])
    return {
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "ours_per_second": statistics.median(o["requests"] / o["seconds"] for o in ours),
        "bare_per_second": statistics.median(bare),
        "errors": sum(o["errors"] for o in ours),
        "p50_ms": statistics.median(o["p50"] for o in ours),
        "p99_ms": statistics.median(o["p99"] for o in ours),
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
