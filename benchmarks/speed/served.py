"""A catalogue at scale as an operator meets it: imported, served, changed while it is served, and started again.

usage: python -m benchmarks.speed.served [--items 1000000]

``micromoments import --format items`` of made-up products into a fresh folder, ``serve`` until it is ready, then
searches over HTTP, each beside one item put that the next request finds; then a stop, and a start with the index on
disk. Times are of the processor, the wall's beside them. Prints each figure as soon as it is there; writes
``benchmarks/results/served.json``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec

from benchmarks.speed import server
from benchmarks.speed.catalogue import RESULTS, Shop
from benchmarks.speed.client import percentile

QUERIES = 200


def written(path: Path, n: int) -> None:
    """The products as JSON lines."""
    encode = msgspec.json.encode
    with path.open("wb") as file:
        for page in Shop().products(n):
            file.write(b"\n".join([encode(item) for item in page.values()]) + b"\n")


def imported(folder: Path, path: Path) -> dict[str, float]:
    """Import them by the command: seconds, and the most memory that it held."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "micromoments", "import", str(folder), str(path), "--format", "items"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": cpu, "seconds": time.perf_counter() - began, "MB": after.ru_maxrss / 1024}


def started(folder: Path) -> dict[str, float]:
    """Start it, search and change it, stop it: what it took until it was ready, and what requests then took."""
    began = time.perf_counter()
    with server.micromoments(folder, seconds=1500) as shop:
        ready = {"cpu_seconds": shop.cpu_seconds(), "seconds": time.perf_counter() - began, "MB": shop.memory_mib()}
        headers = {"Authorization": f"Bearer {server.SECRET}"}
        words = Shop(3)
        searched, fresh, shown = list[float](), list[float](), 0
        with httpx.Client(base_url=f"http://127.0.0.1:{shop.port}", headers=headers, timeout=60) as client:
            spent = shop.cpu_seconds()
            for n in range(QUERIES):
                query, start = " ".join(words.words(2)), time.perf_counter()
                client.get("/v1/search", params={"q": query, "facets": 0}).raise_for_status()
                searched.append(1000 * (time.perf_counter() - start))
                start = time.perf_counter()
                item = {"kind": "product", "title": f"Zyzzyva {n}x"}
                client.put(f"/v1/items/new{n}", json=item).raise_for_status()
                found = client.get("/v1/search", params={"q": f"zyzzyva {n}x", "facets": 0}).json()["items"]
                shown += [one["id"] for one in found[:1]] == [f"new{n}"]
                fresh.append(1000 * (time.perf_counter() - start))
            spent = shop.cpu_seconds() - spent
        for name, took in (("search", searched), ("put and found", fresh)):
            ready |= {f"{name}, p50 ms": percentile(took, 0.5), f"{name}, p99 ms": percentile(took, 0.99)}
        return ready | {"found at once": shown, "of": QUERIES, "cpu ms a round": 1000 * spent / QUERIES}


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    n = parser.parse_args().items
    results: dict[str, dict[str, float]] = {}

    def told(name: str, figures: dict[str, float]) -> None:
        results[name] = {key: round(value, 1) for key, value in figures.items()}
        print(f"{name:<14}" + "  ".join(f"{key} {value:,}" for key, value in results[name].items()), flush=True)

    with TemporaryDirectory() as temporary:
        path, folder = Path(temporary) / "items.jsonl", Path(temporary) / "shop"
        written(path, n)
        told("import", imported(folder, path))
        told("first start", started(folder))
        told("second start", started(folder))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "served.json").write_text(json.dumps({f"{n:,}": results}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
