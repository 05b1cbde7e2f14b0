"""The embedded stores alone: groups and commits a second, encoding, a cold read among many people, bytes a person.

usage: python -m benchmarks.speed.stores [--people 1000000] [--folder F]
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import perf_counter, process_time, sleep

import msgspec

from micromoments.core.person import Person
from micromoments.stores.embedded import codec
from micromoments.stores.embedded.budgets import SqliteBudgets
from micromoments.stores.embedded.log import SqliteLog
from micromoments.stores.embedded.rows import PEOPLE
from micromoments.stores.embedded.seen import FileSeen
from micromoments.stores.embedded.state import SqliteState
from micromoments.testing.clocks import START
from micromoments.testing.contracts.base import batch
from micromoments.testing.generators import event_record, person

RESULTS = Path(__file__).resolve().parents[1] / "results"
COMMIT = 10_000
TEMPLATES = [person(n, traces) for n, traces in enumerate((1, 1, 2, 2, 3, 3, 5, 8, 12, 24))]
"""What a person looks like after so many signal-bearing events; most have few."""


def numbered(n: int) -> Person:
    """Person ``n`` of many, from a template, with a timer of one of four lifetimes."""
    return msgspec.structs.replace(
        TEMPLATES[n % len(TEMPLATES)], id=f"anon:{n * 2_654_435_761 % 2**32:08x}-70867728950e", surrogate=n
    )


def best(work: Callable[[], object], times: int, repeats: int = 5) -> float:
    """The least time of one call, in microseconds."""
    found = []
    for _ in range(repeats):
        start = perf_counter()
        for _ in range(times):
            work()
        found.append((perf_counter() - start) / times)
    return min(found) * 1e6


def percentile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[int(len(values) * share)]


@contextmanager
def busy() -> Iterator[list[int]]:
    """Another thread that runs Python all the time, as the engine's loop does under load; it counts what it did."""
    stop = Event()
    done = [0]

    def work() -> None:
        while not stop.is_set():
            done[0] += 1

    thread = Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


def encoding() -> dict[str, float]:
    """Microseconds to encode and decode."""
    records = [event_record(n) for n in range(100)]
    group = codec.encode_group(records)
    found = {
        "record_encode_us": best(lambda: codec.encode_group(records), 200) / 100,
        "record_decode_us": best(lambda: codec.decode_group(group), 50) / 100,
    }
    for traces in (3, 24):
        someone = person(1, traces)
        body = codec.encode(someone)
        found[f"person_{traces}_traces_bytes"] = len(body)
        found[f"person_{traces}_traces_encode_us"] = best(partial(codec.encode, someone), 500)
        found[f"person_{traces}_traces_decode_us"] = best(partial(codec.decode, Person, body), 500)
    return found


def log(folder: Path) -> dict[str, float]:
    """Durable groups and records a second, by size of group, and the slowest in a hundred."""
    found: dict[str, float] = {}
    for size in (1, 32, 100):
        records = [event_record(n) for n in range(size)]
        with closing(SqliteLog(folder / f"log-{size}.sqlite")) as one:
            times = []
            for _ in range(1_000):
                start = perf_counter()
                one.append(records)
                times.append(perf_counter() - start)
        found[f"log_{size}_groups_per_second"] = len(times) / sum(times)
        found[f"log_{size}_records_per_second"] = size * len(times) / sum(times)
        found[f"log_{size}_p99_ms"] = percentile(times, 0.99) * 1e3
    return found


def commits(state: SqliteState, groups: list[range | list[int]], since: int = START) -> tuple[float, float]:
    """People a second of wall time and of processor time, over commits of these people, whose moments began at an
    instant, and after.
    """
    wall = cpu = 0.0
    for numbers in groups:
        people = {p.id: p for p in map(numbered, numbers)}
        lives = (1_200_000, 2_700_000, 3_600_000, 5_400_000)
        timers = {id: since + n * 100 + lives[n % 4] for n, id in enumerate(people)}
        one = batch(people=people, timers=timers)
        start, start_cpu = perf_counter(), process_time()
        state.commit(one)
        wall, cpu = wall + perf_counter() - start, cpu + process_time() - start_cpu
    count = sum(len(numbers) for numbers in groups)
    return count / wall, count / cpu


def evict(path: Path) -> None:
    """Ask the system to forget the file's pages."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def state(folder: Path, count: int) -> dict[str, float]:
    """Commits of new and of known people, reads, and bytes, at so many people."""
    random = Random(1)
    path = folder / "state.sqlite"
    found: dict[str, float] = {}
    with closing(SqliteState(path)) as one:
        new: list[range | list[int]] = [range(n, min(n + COMMIT, count)) for n in range(0, count, COMMIT)]
        found["new_people_per_second"], found["new_people_per_cpu_second"] = commits(one, new)
        known: list[range | list[int]] = [random.sample(range(count), min(COMMIT, count)) for _ in range(10)]
        found["random_people_per_second"], found["random_people_per_cpu_second"] = commits(one, known)
    with closing(SqliteState(path)) as one:
        for name, forget in (("read", False), ("evicted_read", True)):
            if forget:
                evict(path)
            times = []
            for _ in range(5_000):
                key = numbered(random.randrange(count)).id
                start = perf_counter()
                one.load([key], [key])
                times.append(perf_counter() - start)
            found[f"{name}_p50_us"] = percentile(times, 0.5) * 1e6
            found[f"{name}_p99_us"] = percentile(times, 0.99) * 1e6
        start = perf_counter()
        one.due(START + 10**7, 1_000)
        found["due_1000_ms"] = (perf_counter() - start) * 1e3
    sizes = [len(codec.encode(numbered(n))) for n in range(1_000)]
    found["bytes_a_person_encoded"] = sum(sizes) / len(sizes)
    found["bytes_a_person_on_disk"] = path.stat().st_size / count
    found["resident_mib"] = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return found


def convoy(folder: Path) -> dict[str, float]:
    """5,000 encoded people written beside a busy thread: one statement for all rows, against ``executemany``."""
    rows = [(p.id.encode(), 1, p.last, p.surrogate, codec.encode(p)) for p in map(numbered, range(5_000))]
    many = (
        "INSERT INTO people(key, wake, last, surrogate, body) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT(key) DO UPDATE SET wake = excluded.wake, body = excluded.body"
    )
    ways: dict[str, Callable[[sqlite3.Connection], object]] = {
        "one_statement": lambda db: PEOPLE.write(db, rows),
        "executemany": lambda db: db.executemany(many, rows),
    }
    found: dict[str, float] = {}
    for name, write in ways.items():
        SqliteState(folder / f"{name}.sqlite").close()
        with closing(sqlite3.connect(folder / f"{name}.sqlite", isolation_level=None)) as db, busy() as done:
            sleep(0.2)
            start, before = perf_counter(), done[0]
            db.execute("BEGIN IMMEDIATE")
            write(db)
            db.execute("COMMIT")
            seconds = perf_counter() - start
            found[f"busy_{name}_ms"] = seconds * 1e3
            found[f"busy_{name}_other_thread_per_ms"] = (done[0] - before) / seconds / 1e3
    return found


def small(folder: Path) -> dict[str, float]:
    """What is asked once an event or once a decision."""
    random = Random(2)
    mids = [random.getrandbits(63) for _ in range(400_000)]
    seen = FileSeen(folder / "seen")
    start = perf_counter()
    for n, mid in enumerate(mids):
        seen.fresh(mid, START + n)
    fresh = (perf_counter() - start) / len(mids) * 1e6
    with closing(SqliteBudgets(folder / "budgets.sqlite")) as budgets:
        start = perf_counter()
        for n in range(500):
            budgets.reserve("b", 1, 10**6, f"r{n}", START)
        reserve = (perf_counter() - start) / 500 * 1e6
    return {"fresh_us": fresh, "reserve_us": reserve}


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    found: dict[str, float] = {"people": given.people}
    with tempfile.TemporaryDirectory(prefix="micromoments-bench-", dir=given.folder) as name:
        folder = Path(name)
        for part in (encoding(), log(folder), convoy(folder), small(folder), state(folder, given.people)):
            found |= part
            for key, value in part.items():
                print(f"{key:40} {value:14,.2f}", flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "stores.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
