"""How fast retrieval is, and how much memory it takes.

usage: python benchmarks/speed/retrieve.py [--items N] [--many N]

A made-up shop with Zipf-distributed words: ``--items`` for candidates and search, ``--many`` for loading and nearby.
Prints a table and writes ``benchmarks/results/retrieve.json``. Times are microseconds unless said otherwise.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from micromoments.core.geo import Point
from micromoments.core.item import Item, Kind, Money
from micromoments.core.settings import DAY
from micromoments.retrieve.catalog import Ask, Catalog

RESULTS = Path(__file__).resolve().parents[1] / "results"
NOW = 1_750_000_000_000
SHARES: tuple[tuple[Kind, float], ...] = (
    ("product", 0.55),
    ("place", 0.2),
    ("article", 0.15),
    ("guide", 0.08),
    ("offer", 0.02),
)
HOURS = ("Mo-Su 08:00-22:00", "Mo-Fr 09:00-18:00; Sa 10:00-16:00", "", "Mo-Su 17:00-02:00", "24/7")


class World:
    """A shop of made-up items, people and sessions; everything is drawn from one seed."""

    def __init__(self, n: int, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        letters = np.array(list("abcdefghijklmnoprstuvy"))
        self._words = ["".join(self._rng.choice(letters, self._rng.integers(4, 10))) for _ in range(20_000)]
        pull = 1 / (np.arange(len(self._words)) + 20.0)
        self._pull = pull / pull.sum()
        self.items = [self._item(i) for i in range(n)]

    def words(self, n: int) -> str:
        """So many words, frequent ones more often."""
        return " ".join(self._words[i] for i in self._rng.choice(len(self._words), n, p=self._pull))

    def point(self) -> Point:
        """A position in one of 40 towns, close to its middle more often."""
        town = int(self._rng.integers(40))
        lat, lon = 40 + town % 8 * 2.5, -10 + town // 8 * 6.0
        spread = self._rng.normal(0, 0.05, 2)
        return Point(lat + float(spread[0]), lon + float(spread[1]))

    def _item(self, i: int) -> Item:
        kind = SHARES[int(self._rng.choice(len(SHARES), p=[share for _, share in SHARES]))][0]
        is_place = kind == "place"
        return Item(
            id=f"i{i}",
            kind=kind,
            title=self.words(4),
            text=self.words(25),
            category=f"category {int(self._rng.integers(60))}",
            brand=f"brand{int(self._rng.integers(200))}",
            price=Money(int(self._rng.integers(100, 20_000)), "EUR") if kind == "product" else None,
            location=self.point() if is_place else None,
            hours=HOURS[i % len(HOURS)] if is_place else "",
            timezone="Europe/Paris" if is_place else "",
        )

    def teach(self, catalog: Catalog, sessions: int) -> None:
        """Sessions of about six items that lie close together, bought from now and then."""
        n = len(self.items)
        for s in range(sessions):
            start, seen = int(self._rng.integers(n)), list[str]()
            for step in self._rng.geometric(0.15, 6).tolist():
                item = f"i{(start + step) % n}"
                catalog.learn(f"anon:{s}", item, "view", NOW - DAY + s, tuple(reversed(seen)))
                seen.append(item)
            if s % 20 == 0:
                catalog.learn(f"anon:{s}", seen[-1], "buy", NOW - DAY + s, seen[:1])

    def ask(self, moment: int) -> Ask:
        """One request: of a searching buyer, one on the way, a reader, one who browses, and one without history."""
        at, recent = NOW, tuple(f"i{i}" for i in self._rng.integers(len(self.items), size=5).tolist())
        if moment == 0:
            return Ask(at=at, words=self.words(3), probabilities=(0.05, 0.05, 0.05, 0.8, 0.05), recent=recent)
        if moment == 1:
            return Ask(at=at, words=self.words(2), probabilities=(0.05, 0.8, 0.05, 0.05, 0.05), point=self.point())
        if moment == 2:
            return Ask(at=at, words=self.words(3), probabilities=(0.7, 0.05, 0.2, 0.0, 0.05))
        if moment == 3:
            return Ask(at=at, recent=recent, point=self.point(), bought=frozenset(recent[3:]))
        return Ask(at=at)


T = TypeVar("T")


def over(run: Callable[[T], object], inputs: Sequence[T]) -> dict[str, float]:
    """Median and 99th percentile in microseconds, of the wall's and of the processor's time, and how many a second.

    The processor's time is the steadier figure on a machine that others use too.
    """
    wall: list[float] = []
    cpu: list[float] = []
    for each in inputs:
        start, begun = time.perf_counter_ns(), time.thread_time_ns()
        run(each)
        cpu.append((time.thread_time_ns() - begun) / 1000)
        wall.append((time.perf_counter_ns() - start) / 1000)
    return {
        "p50_us": round(float(np.quantile(wall, 0.5)), 1),
        "p99_us": round(float(np.quantile(wall, 0.99)), 1),
        "cpu_p50_us": round(float(np.quantile(cpu, 0.5)), 1),
        "cpu_p99_us": round(float(np.quantile(cpu, 0.99)), 1),
        "per_second": round(1e6 / float(np.mean(wall))),
    }


def memory() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def settle_memory() -> None:
    """Take what is loaded out of the garbage collector's rounds, as a server does once it is ready."""
    gc.collect()
    gc.freeze()


def small(n: int) -> dict[str, dict[str, float]]:
    """Candidates, search, learning and freshness over ``n`` items."""
    world = World(n)
    catalog = Catalog(timezone="Europe/Paris")
    catalog.apply({item.id: item for item in world.items})
    catalog.settle()
    world.teach(catalog, 20_000)
    settle_memory()
    results: dict[str, dict[str, float]] = {}
    for name, moment in (("buy", 0), ("go", 1), ("know", 2), ("browse", 3), ("nobody", 4)):
        asks = [world.ask(moment) for _ in range(1000)]
        results[f"candidates, {name}"] = over(catalog.candidates, asks)
        sizes = [len(catalog.candidates(ask)) for ask in asks[:100]]
        results[f"candidates, {name}"]["found"] = float(np.mean(sizes))
    everything = [world.ask(i % 5) for i in range(3000)]
    results["candidates, mixed"] = over(catalog.candidates, everything)
    queries = [world.words(3) for _ in range(2000)]
    results["search, products"] = over(lambda q: catalog.search(q, kinds=("product",)), queries)
    results["search, all kinds"] = over(catalog.search, queries)
    results["search, as you type"] = over(lambda q: catalog.search(q[:-2], prefix=True), queries)
    typos = [q[:2] + q[3:] for q in queries[:500]]
    results["search, one letter missing"] = over(lambda q: catalog.search(q, kinds=("product",)), typos)

    def put_and_search(item: Item) -> None:
        catalog.apply({item.id: item})
        catalog.search(item.title, kinds=("product",))

    fresh = [Item(id="new", kind="product", title=query) for query in queries[:1000]]
    results["put, then search it"] = over(put_and_search, fresh)
    views = [(f"anon:{i}", f"i{i % n}", tuple(f"i{(i + j) % n}" for j in range(5))) for i in range(2000)]
    results["learn a view"] = over(lambda v: catalog.learn(v[0], v[1], "view", NOW, v[2]), views)
    results["encode the learned part"] = over(lambda _: catalog.encode(), range(5))
    results["encode the learned part"]["MB"] = round(len(catalog.encode()) / 1e6, 2)
    return results


def large(n: int) -> dict[str, dict[str, float]]:
    """Loading ``n`` items in pages of 1,000, and then ``n`` places, looking for the nearest."""
    before = memory()
    world = World(n, seed=2)
    made = memory()
    catalog = Catalog()
    start = time.perf_counter()
    for page in range(0, n, 1000):
        catalog.apply({item.id: item for item in world.items[page : page + 1000]})
    catalog.settle()
    took = time.perf_counter() - start
    results = {
        f"load {n:,} items": {
            "seconds": round(took, 2),
            "per_second": round(n / took),
            "items_MB": round(made - before, 1),
            "indexes_MB": round(memory() - made, 1),
        }
    }
    settle_memory()
    queries = [world.words(3) for _ in range(1000)]
    results[f"search, products of {n:,}"] = over(lambda q: catalog.search(q, kinds=("product",)), queries)
    asks = [world.ask(i % 5) for i in range(1000)]
    results[f"candidates, mixed, of {n:,}"] = over(catalog.candidates, asks)
    return results | around(world, n)


def around(world: World, n: int) -> dict[str, dict[str, float]]:
    """Looking for the nearest of ``n`` places."""
    places = Catalog()
    places.apply(
        {
            f"p{i}": Item(id=f"p{i}", kind="place", title="p", location=world.point(), hours=HOURS[i % len(HOURS)])
            for i in range(n)
        }
    )
    points = [world.point() for _ in range(2000)]
    return {
        f"nearby, 20 of {n:,} places": over(lambda p: places.nearby(p, NOW), points),
        f"nearest of {n:,} places": over(lambda p: places.nearest(p, NOW), points),
    }


def main() -> None:
    """Runs, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=100_000)
    given = parser.parse_args()
    results = small(given.items)
    if given.many:
        results |= large(given.many)
    width = max(map(len, results))
    for name, figures in results.items():
        print(f"{name:<{width}}  " + "  ".join(f"{key} {value:,}" for key, value in figures.items()))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "retrieve.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
