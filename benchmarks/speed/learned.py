"""From an outcome sent to a policy that decides otherwise, on a running server, and across a kill -9.

usage: python -m benchmarks.speed.learned [--times 300] [--beside 0]

Each time somebody is served and clicks; from the moment at which the outcome is sent, ``/v1/preview`` is asked again
and again what the slot's policy holds of its items, until that has changed. ``--beside`` is how many other events a
second come meanwhile. Then the server is killed (SIGKILL) right after a change was seen, started again, asked again.
Prints milliseconds (p50, p99, the worst) and writes benchmarks/results/learned.json.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, NamedTuple

import httpx

from benchmarks.speed import server
from benchmarks.speed.client import percentile
from benchmarks.speed.decide import items

RESULTS = Path(__file__).resolve().parents[1] / "results" / "learned.json"
GIVE_UP = 30.0
PAUSE = 0.005
"""Seconds between two questions: asked without a pause the server is as busy with them as with learning."""
BEARER = {"authorization": f"Bearer {server.SECRET}"}


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A server over the folder, ready."""
    command = [sys.executable, "-m", "micromoments", "serve", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, env=server.ENV, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    server.wait_ready(port, "/readyz", 120)
    return process


def scores(client: httpx.Client) -> dict[str, float]:
    """What the slot's policy holds of its items now."""
    said = client.post("/v1/preview", json={"slot": "home", "at": "2026-01-05T10:00:00Z"}).raise_for_status().json()
    return {one["id"]: one["score"] for one in said["scored"]}


class Took(NamedTuple):
    """Milliseconds until the policy held something else, how often it was asked, and what one such question takes."""

    ms: float
    asked: int
    question_ms: float


def served(client: httpx.Client, who: str) -> dict[str, Any]:
    """What somebody gets."""
    said: dict[str, Any] = client.post("/v1/decide", json={"userId": who, "slot": "home"}).raise_for_status().json()
    return said


def once(client: httpx.Client, n: int) -> Took:
    """One person is served and clicks."""
    who, decided = f"u{n}", served(client, f"u{n}")
    while decided["holdout"]:  # what comes of the held-out teaches nothing
        who += "+"
        decided = served(client, who)
    began = perf_counter()
    before = scores(client)
    question, asked = perf_counter() - began, 1
    properties = {"decision_id": decided["decisionId"], "item_id": decided["items"][0]["id"]}
    event = {"userId": who, "event": "Decision Clicked", "properties": properties}
    sent = perf_counter()
    client.post("/v1/track", json=event).raise_for_status()
    while scores(client) == before:
        asked += 1
        sleep(PAUSE)
        if perf_counter() - sent > GIVE_UP:
            raise SystemExit(f"after {GIVE_UP:g} s the policy is what it was; decision {decided['decisionId']}")
    return Took(1000.0 * (perf_counter() - sent), asked, 1000.0 * question)


def others(port: int, rate: float, over: threading.Event) -> None:
    """Events of other people, so many a second."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER) as client:
        n = 0
        while not over.is_set():
            batch = [
                {"type": "track", "userId": f"o{n + k}", "event": "Product Viewed", "properties": {"product_id": "p1"}}
                for k in range(max(1, int(rate / 10)))
            ]
            client.post("/v1/batch", json={"batch": batch})
            n += len(batch)
            sleep(0.1)


def run(times: int, beside: float) -> dict[str, Any]:
    """Measure, kill, start again."""
    port = server.free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = start(Path(folder) / "shop", port)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=60) as client:
                client.put("/v1/items", content=items(300)).raise_for_status()
                over = threading.Event()
                crowd = threading.Thread(target=others, args=(port, beside, over), daemon=True)
                if beside:
                    crowd.start()
                took = [once(client, n) for n in range(times)]
                over.set()
                if beside:
                    crowd.join()
                once(client, times)
                before = scores(client)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = start(Path(folder) / "shop", port)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=BEARER, timeout=60) as client:
                survived = scores(client) == before
        finally:
            process.kill()
            process.wait()
    return {
        "times": times,
        "beside": beside,
        "p50_ms": percentile([one.ms for one in took], 0.5),
        "p99_ms": percentile([one.ms for one in took], 0.99),
        "worst_ms": max(one.ms for one in took),
        "asked_p50": percentile([one.asked for one in took], 0.5),
        "asked_p99": percentile([one.asked for one in took], 0.99),
        "question_p50_ms": percentile([one.question_ms for one in took], 0.5),
        "load": os.getloadavg()[0],
        "survived_kill": survived,
    }


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--beside", type=float, default=0.0)
    given = parser.parse_args()
    found = run(given.times, given.beside)
    print(
        f"outcome to changed policy, {found['times']} times beside {found['beside']:g} events/s: "
        f"p50 {found['p50_ms']:.1f} ms, p99 {found['p99_ms']:.1f} ms, worst {found['worst_ms']:.1f} ms, "
        f"seen at question {found['asked_p50']:g} (p50), {found['asked_p99']:g} (p99), "
        f"of {found['question_p50_ms']:.1f} ms each, at a load of {found['load']:.1f}; "
        f"after kill -9 the policy is {'the same' if found['survived_kill'] else 'ANOTHER'}"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
