"""A cluster on this machine: processor time an event and a decision by role, and round trips to Redis and Kafka, as
workers, people, items and history become more.

usage: python -m benchmarks.speed.cluster [--events N] [--only CASE,CASE]      (real Kafka and Redis: tools/cluster.py)

Wall clock says little here, as every role shares the machine; processor time of each process does. Events are sent
while no worker runs, so that what workers take an event isn't what they take while they wait; that is a row of its own.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from micromoments.config import load_cluster
from micromoments.engine.cluster.wiring import open_shared
from tools.cluster import Kafka, Redis, cluster, free_ports

RESULTS = Path(__file__).parents[1] / "results"
BATCH = 50
TRIPS = ("redis_round_trips", "log_groups")
CLIENTS = 4
"""Requests under way at a time."""
IDLE = 5.0
"""Seconds that roles are watched with nothing to do."""
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
    item = f"p{chance.randrange(100)}"
    return {**whole, "type": "track", "event": "Product Viewed", "properties": {"product_id": item}}


def known(number: int) -> dict[str, Any]:
    """A person says who they are."""
    person = f"a{number}"
    return {"type": "identify", "anonymousId": person, "userId": f"u-{person}", "messageId": f"known-{number}"}


class Case(NamedTuple):
    """What is measured: so many workers, servers, people and items, after so many events; ``known`` where everybody has
    said who they are before.
    """

    name: str
    workers: int = 1
    servers: int = 1
    people: int = 100
    items: int = 100
    history: int = 200
    known: bool = False


CASES = (
    Case("1 worker"),
    Case("2 workers", workers=2),
    Case("4 workers", workers=4),
    Case("2 servers and 2 workers", workers=2, servers=2),
    Case("10x people", people=1_000, history=2_000),
    Case("100x people", people=10_000, history=20_000),
    Case("10x items", items=1_000),
    Case("100x items", items=10_000),
    Case("1x history", people=40, history=200, known=True),
    Case("10x history", people=40, history=2_000, known=True),
    Case("100x history", people=40, history=20_000, known=True),
)
"""People have 2 events each before, and where history is what grows, forty have 5, 50 and 500."""


class Bench:
    """One project on running servers; workers come when there is something to fold."""

    def __init__(self, folder: Path, kafka: Kafka, redis: Redis, items: int, servers: int = 1) -> None:
        folder.mkdir()
        self.folder, self.kafka, self.redis = folder, kafka, redis
        self.ports = free_ports(servers)
        (folder / "micromoments.toml").write_text(
            f'consent = ["measure", "personalise"]\n[cluster]\nkafka = "{kafka.address}"\nredis = "{redis.address}"\n'
            f'project = "{folder.name}"\npartitions = 4\ncopies = 1\nin_sync = 1\n'
        )
        self.serves = [self._start("serve", "--port", str(port)) for port in self.ports]
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scraped: list[int] = []
        self.learn = self._start("learn")
        while any(self.call("GET", "/readyz", at=at) is None for at in range(servers)):
            time.sleep(0.1)
        for first in range(0, items, 1_000):
            some = [{"id": f"p{n}", "kind": "product", "title": f"Trail shoe {n}"} for n in range(first, first + 1_000)]
            assert self.call("PUT", "/v1/items", some[: items - first]) is not None

    def work(self, count: int) -> None:
        """Start workers; returns once each says that it works."""
        said, self.scraped = self._said(), free_ports(count)
        self.workers = [self._start("work", "--port", str(port)) for port in self.scraped]
        while self._said() < said + count:
            time.sleep(0.1)

    def _said(self) -> int:
        log = self.folder / "work.log"
        return log.read_text().count(" works, process ") if log.exists() else 0

    def applied(self) -> int:
        """Records that the workers that run have folded."""
        pages = [urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read().decode() for port in self.scraped]
        found = re.findall(r"^micromoments_records_applied_total (\S+)", "\n".join(pages), re.MULTILINE)
        return round(sum(map(float, found)))

    def rest(self) -> tuple[int, int]:
        """End the workers; the (records, round trips) of all so far."""
        for process in self.workers:
            process.send_signal(signal.SIGTERM)
        for process in self.workers:
            process.wait(120)
        self.workers = []
        said = (self.folder / "work.log").read_text()
        records = sum(map(int, re.findall(r"records_applied_total (\d+)", said)))
        return records, sum(map(int, re.findall(r"redis_round_trips_total (\d+)", said)))

    def _start(self, role: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "micromoments", role, str(self.folder), *options]
        keys = {"MICROMOMENTS_WRITE_KEY": "w", "MICROMOMENTS_SECRET_KEY": SECRET}
        with (self.folder / f"{role}.log").open("ab") as output:
            return subprocess.Popen(command, env={**os.environ, **keys}, stderr=output)

    def call(self, method: str, path: str, body: Any = None, at: int = 0) -> Any:
        """One request, to the server of a number; ``None`` where it isn't answered."""
        try:
            port = self.ports[at % len(self.ports)]
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
                connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {SECRET}"})
                reply = connection.getresponse()
                text = reply.read()
            return json.loads(text) if reply.status == 200 and text[:1] in b"{[" else text.decode()
        except OSError:
            return None

    def trips(self) -> tuple[int, int]:
        """Round trips that the servers made to Redis, and groups that they wrote to Kafka."""
        pages = "".join(self.call("GET", "/metrics", at=at) for at in range(len(self.ports)))
        redis, groups = (
            sum(round(float(one)) for one in re.findall(rf"^micromoments_{n}_total (\S+)", pages, re.MULTILINE))
            for n in TRIPS
        )
        return redis, groups

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
            "serve": sum(spent(s.pid) for s in self.serves),
            "work": sum(spent(w.pid) for w in self.workers),
            "learn": spent(self.learn.pid),
            "redis": sum(spent(m.process.pid) for m in self.redis.masters if m.process),
            "kafka": sum(spent(b.process.pid) for b in self.kafka.brokers if b.process),
        }

    def size(self) -> float:
        """Bytes of a person in Redis, on the average."""
        shared = self._open()
        ids = [id.decode() for id in islice(shared.database.names("p"), 1_000)]
        shards = [shared.database.shard(id) for id in ids]
        asked = [
            (shard, ("STRLEN", shared.database.name(shard, "p", id))) for shard, id in zip(shards, ids, strict=True)
        ]
        found = shared.database.many(asked)
        shared.close()
        return float(sum(found)) / len(found)

    def stop(self) -> None:
        """End it."""
        for process in (*self.serves, self.learn):
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def sent(bench: Bench, count: int, people: int, chance: random.Random) -> None:
    """Send so many events, in batches."""
    batches = [[event(chance, people, at + n) for n in range(BATCH)] for at in range(0, count, BATCH)]
    bodies = [{"batch": batch} for batch in batches]
    assert all(one == {"success": True, "rejected": []} for one in together(bench, "/v1/batch", bodies))


def together(bench: Bench, path: str, bodies: list[dict[str, Any]]) -> list[Any]:
    """The answers to so many requests, ``CLIENTS`` of them under way at a time, over all servers in turn."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(lambda one: bench.call("POST", path, one[1], at=one[0]), enumerate(bodies)))


def measured(bench: Bench, case: Case, events: int, decisions: int) -> dict[str, float]:
    """A stretch of events that a server takes, their folding, decisions with everything running, and nothing to do."""
    chance, row = random.Random(2), dict[str, float]()

    def note(what: str, count: int, before: dict[str, float], roles: tuple[str, ...]) -> None:
        after = bench.time()
        for role in roles:
            row[f"us {what}, {role}"] = (after[role] - before[role]) / count * 1e6

    events *= case.workers
    before, trips, start = bench.time(), bench.trips(), time.perf_counter()
    sent(bench, events, case.people, chance)
    row[f"events/s taken, {CLIENTS} clients"] = events / (time.perf_counter() - start)
    redis, groups = (b - a for a, b in zip(trips, bench.trips(), strict=True))
    row["Redis trips an event taken"], row["Kafka trips an event taken"] = redis / events, groups / events
    note("an event taken", events, before, ("serve", "redis", "kafka"))
    bench.work(case.workers)
    before, had, start = bench.time(), bench.applied(), time.perf_counter()  # who was first has begun
    bench.folded()
    count = max(1, bench.applied() - had)
    row["events/s folded"] = count / (time.perf_counter() - start)
    note("an event folded", count, before, ("work", "redis", "kafka"))
    before, trips, start = bench.time(), bench.trips(), time.perf_counter()
    asks = [{"anonymousId": f"a{chance.randrange(case.people)}", "slot": "home"} for _ in range(decisions)]
    assert all(one["decisionId"] for one in together(bench, "/v1/decide", asks))
    row[f"decisions/s, {CLIENTS} clients"] = decisions / (time.perf_counter() - start)
    redis, groups = (b - a for a, b in zip(trips, bench.trips(), strict=True))
    row["Redis trips a decision"], row["Kafka trips a decision"] = redis / decisions, groups / decisions
    bench.folded()
    note("a decision", decisions, before, ("serve", "work", "redis", "kafka"))
    row["bytes a person"] = bench.size()
    before = bench.time()
    time.sleep(IDLE)
    after = bench.time()
    for role, each in (("serve", case.servers), ("work", case.workers), ("learn", 1)):
        row[f"ms a second idle, a {role}"] = (after[role] - before[role]) / each / IDLE * 1e3
    return row


def main(events: int = 6_000, only: str = "") -> dict[str, Any]:
    """Every case, or those that ``only`` names, with so many events for each worker and a tenth as many decisions."""
    decisions = events // 10
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    found: dict[str, Any] = {}
    with cluster() as (kafka, redis), tempfile.TemporaryDirectory() as place:
        for case in CASES:
            if wanted and case.name not in wanted:
                continue
            bench = Bench(Path(place) / re.sub(r"\W+", "-", case.name), kafka, redis, case.items, case.servers)
            if case.known:
                calls = [known(number) for number in range(case.people)]
                assert bench.call("POST", "/v1/batch", {"batch": calls})["success"]
            sent(bench, case.history, case.people, random.Random(1))
            bench.work(1)
            bench.folded()
            records, trips = bench.rest()
            row = measured(bench, case, events, decisions)
            more, further = bench.rest()
            row["records a Redis trip, work"] = (more - records) / max(1, further - trips)
            bench.stop()
            found[case.name] = row
            write(found)
    return found


def write(found: dict[str, Any]) -> None:
    """Keep what was measured so far."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "cluster.json").write_text(json.dumps(found, indent=2))


def table(found: dict[str, dict[str, float]]) -> str:
    """The rows as a table, a column a case."""
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for name in next(iter(found.values())):
        cells = [f"{row[name]:,.2f}" if row[name] < 10 else f"{row[name]:,.0f}" for row in found.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=6_000, help="events for each worker; a tenth as many decisions")
    parser.add_argument("--only", default="", help="cases by their names, with commas")
    given = parser.parse_args()
    print(table(main(given.events, given.only)))
