"""A cluster on this machine: processor time an event and a decision by role, and round trips to Redis, as workers and
people become more.

usage: python -m benchmarks.speed.cluster [--quick]     (starts real Kafka and Redis: tools/cluster.py)

Wall clock says little here, as every role shares the machine; processor time of each process does.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from micromoments.config import load_cluster
from micromoments.engine.cluster.wiring import open_shared
from tools.cluster import Kafka, Redis, cluster, free_ports

RESULTS = Path(__file__).parents[1] / "results"
BATCH = 50
SECRET = "bench"
WORDS = ("trail", "running", "shoes", "red", "jacket", "near", "me", "how", "to", "lace")
TICKS = os.sysconf("SC_CLK_TCK")


def spent(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def event(chance: random.Random, people: int, number: int) -> dict[str, Any]:
    """A view mostly, a search, or an identify."""
    person = f"a{chance.randrange(people)}"
    draw = chance.random()
    whole: dict[str, Any] = {"anonymousId": person, "messageId": f"{number}-{chance.random()}"}
    if draw < 0.03:
        return {**whole, "type": "identify", "userId": f"u-{person}"}
    if draw < 0.25:
        words = " ".join(chance.sample(WORDS, 3))
        return {**whole, "type": "track", "event": "Products Searched", "properties": {"query": words}}
    item = f"p{chance.randrange(200)}"
    return {**whole, "type": "track", "event": "Product Viewed", "properties": {"product_id": item}}


class Bench:
    """One project on running servers, with one server and some workers."""

    def __init__(self, folder: Path, kafka: Kafka, redis: Redis, workers: int) -> None:
        folder.mkdir()
        self.folder, self.kafka, self.redis = folder, kafka, redis
        (self.port,) = free_ports(1)
        (folder / "micromoments.toml").write_text(
            f'consent = ["measure", "personalise"]\n[cluster]\nkafka = "{kafka.address}"\nredis = "{redis.address}"\n'
            f'project = "{folder.name}"\npartitions = 4\ncopies = 1\nin_sync = 1\n'
        )
        self.serve = self._start("serve", "--port", str(self.port))
        self.workers = [self._start("work") for _ in range(workers)]
        self.learn = self._start("learn")
        while self.call("GET", "/readyz") is None:
            time.sleep(0.1)
        items = [{"id": f"p{n}", "kind": "product", "title": f"Trail shoe {n}"} for n in range(200)]
        self.call("PUT", "/v1/items", items)

    def _start(self, role: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "micromoments", role, str(self.folder), *options]
        keys = {"MICROMOMENTS_WRITE_KEY": "w", "MICROMOMENTS_SECRET_KEY": SECRET}
        with (self.folder / f"{role}.log").open("ab") as output:
            return subprocess.Popen(command, env={**os.environ, **keys}, stderr=output)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request; ``None`` where it isn't answered."""
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
                connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {SECRET}"})
                reply = connection.getresponse()
                text = reply.read()
            return json.loads(text) if reply.status == 200 and text[:1] in b"{[" else text.decode()
        except OSError:
            return None

    def trips(self) -> int:
        """Round trips that the server made to Redis."""
        found = re.search(r"^micromoments_redis_round_trips_total (\S+)", self.call("GET", "/metrics"), re.MULTILINE)
        return round(float(found[1])) if found else 0

    def commands(self) -> int:
        """Commands that Redis did."""
        shared = self._open()
        count = sum(int(info["total_commands_processed"]) for info in shared.database.everywhere("INFO", "stats"))
        shared.close()
        return count

    def _open(self) -> Any:
        found = load_cluster(self.folder, os.environ)
        assert found is not None
        return open_shared(self.folder, found)

    def folded(self) -> None:
        """Wait until the workers have folded everything."""
        shared = self._open()
        ends = [(log := shared.events.log(p)).end() for p in range(4)]
        while any(shared.of_partition(p).position() < ends[p] for p in range(4)):
            time.sleep(0.2)
        del log
        shared.close()

    def time(self) -> dict[str, float]:
        """Processor seconds so far, by role."""
        return {
            "serve": spent(self.serve.pid),
            "work": sum(spent(w.pid) for w in self.workers),
            "learn": spent(self.learn.pid),
            "redis": sum(spent(m.process.pid) for m in self.redis.masters if m.process),
            "kafka": sum(spent(b.process.pid) for b in self.kafka.brokers if b.process),
        }

    def stop(self) -> tuple[int, int]:
        """End it; the (records, round trips) of the workers."""
        for process in (self.serve, self.learn, *self.workers):
            process.send_signal(signal.SIGTERM)
        for process in (self.serve, self.learn, *self.workers):
            process.wait(60)
        said = (self.folder / "work.log").read_text()
        records = sum(map(int, re.findall(r"records_applied_total (\d+)", said)))
        return records, sum(map(int, re.findall(r"redis_round_trips_total (\d+)", said)))


def measured(bench: Bench, events: int, decisions: int, people: int, seed: int) -> dict[str, float]:
    """One stretch of events, then one of decisions."""
    chance = random.Random(seed)
    row: dict[str, float] = {}
    before, trips, start = bench.time(), bench.trips(), time.perf_counter()
    for number in range(0, events, BATCH):
        batch = [event(chance, people, number + n) for n in range(BATCH)]
        assert bench.call("POST", "/v1/batch", {"batch": batch}) == {"success": True, "rejected": []}
    row["trips an event, serve"] = (bench.trips() - trips) / events
    bench.folded()
    row["events/s, all told"] = events / (time.perf_counter() - start)
    after = bench.time()
    for role in before:
        row[f"us an event, {role}"] = (after[role] - before[role]) / events * 1e6
    before, trips, start = bench.time(), bench.trips(), time.perf_counter()
    for number in range(decisions):
        ask = {"anonymousId": f"a{chance.randrange(people)}", "slot": "home"}
        assert bench.call("POST", "/v1/decide", ask)["decisionId"], number
    row["trips a decision, serve"] = (bench.trips() - trips) / decisions
    row["decisions/s, one client"] = decisions / (time.perf_counter() - start)
    bench.folded()
    after = bench.time()
    for role in before:
        row[f"us a decision, {role}"] = (after[role] - before[role]) / decisions * 1e6
    return row


def main(quick: bool = False, only: str = "") -> dict[str, Any]:
    """Workers 1, 2, 4; then ten times the people, and ten times the history. ``only`` names one of these cases."""
    events, decisions = (2_000, 200) if quick else (6_000, 500)
    found: dict[str, Any] = {}
    with cluster() as (kafka, redis), tempfile.TemporaryDirectory() as place:
        cases = [("1 worker", 1, 400, 0), ("2 workers", 2, 400, 0), ("4 workers", 4, 400, 0)]
        cases += [("10x people", 1, 4_000, 0), ("after 10x history", 1, 400, 9 * events)]
        for name, workers, people, history in cases:
            if only not in ("", name):
                continue
            bench = Bench(Path(place) / re.sub(r"\W+", "-", name), kafka, redis, workers)
            measured(bench, max(1_000, history), 50, people, 1)  # what is warm and what is known
            row = measured(bench, events, decisions, people, 2)
            records, trips = bench.stop()
            row["records a round trip, work"] = records / max(1, trips)
            found[name] = row
    return found


def table(found: dict[str, dict[str, float]]) -> str:
    """The rows as a table, a column a case."""
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for name in next(iter(found.values())):
        cells = [f"{row[name]:,.2f}" if row[name] < 10 else f"{row[name]:,.0f}" for row in found.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the events")
    parser.add_argument("--only", default="", help="one of the cases, by its name in the table")
    given = parser.parse_args()
    told = main(given.quick, given.only)
    print(table(told))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cluster.json").write_text(json.dumps(told, indent=2))
