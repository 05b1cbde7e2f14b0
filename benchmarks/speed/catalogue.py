"""The catalogue at scale: loading, searching, changing and looking around, at 100,000 and 1,000,000 items.

usage: python -m benchmarks.speed.catalogue [--items N ...] [--only search|nearby|restart]

Made-up products with Zipf-distributed words in 30 categories, as many places in 40 towns; one seed. Times are of the
processor, the wall's beside them. Each row is printed as soon as it is there, and all of them go to
``benchmarks/results/catalogue.json``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from msgspec.structs import replace

from benchmarks.speed.retrieve import NOW, memory, over, settle_memory
from micromoments.core.geo import Point, metres
from micromoments.core.item import KINDS, Item, Money
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.faceted import Look
from micromoments.retrieve.narrow import Narrow

RESULTS = Path(__file__).resolve().parents[1] / "results"
VOCABULARY, TITLE, TEXT, PAGE = 40_000, 4, 20, 5_000
HOURS = ("Mo-Su 08:00-22:00", "Mo-Fr 09:00-18:00; Sa 10:00-16:00", "", "Mo-Su 17:00-02:00", "24/7")


class Shop:
    """Words, products and places drawn from one seed, a page at a time."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = np.random.default_rng(seed)
        letters = np.array(list("abcdefghijklmnoprstuvy"))
        self.vocabulary = ["".join(self.rng.choice(letters, self.rng.integers(4, 10))) for _ in range(VOCABULARY)]
        pull = 1 / (np.arange(VOCABULARY) + 20.0)
        self._pull = pull / pull.sum()

    def words(self, n: int) -> list[str]:
        """So many words, frequent ones more often."""
        return [self.vocabulary[i] for i in self.rng.choice(VOCABULARY, n, p=self._pull).tolist()]

    def products(self, n: int) -> Iterator[dict[str, Item]]:
        """Pages of products."""
        for start in range(0, n, PAGE):
            words = self.words(PAGE * (TITLE + TEXT))
            page: dict[str, Item] = {}
            for i in range(PAGE):
                own = words[i * (TITLE + TEXT) : (i + 1) * (TITLE + TEXT)]
                id = f"p{start + i}"
                page[id] = Item(
                    id=id,
                    kind="product",
                    title=" ".join(own[:TITLE]),
                    text=" ".join(own[TITLE:]),
                    category=f"category {(start + i) % 30}",
                    brand=f"brand{(start + i) % 200}",
                    tags=(f"tag{(start + i) % 50}",),
                    price=Money(100 + (start + i) % 20_000, "EUR"),
                    stock=(start + i) % 10,
                )
            yield page

    def points(self, n: int) -> list[Point]:
        """Positions in one of 40 towns, close to its middle more often."""
        towns = self.rng.integers(40, size=n)
        lat = 40 + towns % 8 * 2.5 + self.rng.normal(0, 0.05, n)
        lon = -10 + towns // 8 * 6.0 + self.rng.normal(0, 0.05, n)
        return [Point(a, b) for a, b in zip(lat.tolist(), lon.tolist(), strict=True)]


Rows = Iterator[tuple[str, dict[str, float]]]


def searched(n: int) -> Rows:
    """Loading ``n`` products, and searching them as a shop does."""
    shop, catalog = Shop(), Catalog()
    before, began, used = memory(), time.perf_counter(), 0.0
    for page in shop.products(n):
        start = time.process_time()
        catalog.apply(page)
        used += time.process_time() - start
    start = time.process_time()
    catalog.settle()
    used += time.process_time() - start
    loaded = {
        "cpu_seconds": round(used, 1),
        "seconds_with_making": round(time.perf_counter() - began, 1),
        "items_a_cpu_second": round(n / used),
        "MB": round(memory() - before),
    }
    yield "load", loaded
    settle_memory()
    queries = [" ".join(shop.words(2)) for _ in range(600)]
    narrow = Narrow(category=("category 3", "category 4"), price_to=15_000, in_stock=True)
    yield "search, any of three words", over(catalog.search, [" ".join(shop.words(3)) for _ in range(600)])
    yield "look, a page", over(lambda q: catalog.look(Look(words=q, facets=False)), queries)
    yield "look, filters", over(lambda q: catalog.look(Look(words=q, facets=False, narrow=narrow)), queries)
    yield "look, filters and facets", over(lambda q: catalog.look(Look(words=q, narrow=narrow)), queries)
    yield "look, facets", over(lambda q: catalog.look(Look(words=q)), queries)
    yield "look, as you type", over(lambda q: catalog.look(Look(words=q[:-2], facets=False, prefix=True)), queries)
    mistyped = [q[:2] + q[3:] for q in queries[:300]]
    yield "look, a letter missing", over(lambda q: catalog.look(Look(words=q, facets=False)), mistyped)

    def fresh(title: str) -> None:
        catalog.apply({"fresh": Item(id="fresh", kind="product", title=f"{title} zyzzyva")})
        assert catalog.look(Look(words="zyzzyva", facets=False)).matches[0].item.id == "fresh"

    yield "put, then look for it", over(fresh, queries[:300])


def restarted(n: int) -> Rows:
    """A start with ``n`` products whose index is on disk: the first, and the next, when a hundred have changed."""
    shop = Shop()
    pages = list(shop.products(n))
    changed = {id: replace(item, title=f"{item.title} zyzzyva") for id, item in list(pages[0].items())[:100]}
    with TemporaryDirectory() as folder:
        for kind in KINDS:
            (Path(folder) / kind).mkdir()
        for name, first in (("start, index to be made", pages[0]), ("start, index there", {**pages[0], **changed})):
            start, began = time.process_time(), time.perf_counter()
            catalog = Catalog(index=folder)
            for page in (first, *pages[1:]):
                catalog.apply(page)
            catalog.loaded()
            spent = {"cpu_seconds": time.process_time() - start, "seconds": time.perf_counter() - began}
            assert first is pages[0] or len(catalog.search("zyzzyva", limit=200)) == 100
            catalog.close()
            yield name, {key: round(value, 1) for key, value in spent.items()}


def around(n: int) -> Rows:
    """Looking for the 20 nearest of ``n`` places, and whether they are those that measuring every place gives."""
    shop, catalog = Shop(2), Catalog(timezone="Europe/Paris")
    places = shop.points(n)
    for start in range(0, n, PAGE):
        page = [
            Item(id=f"p{i}", kind="place", title="p", location=places[i], hours=HOURS[i % len(HOURS)])
            for i in range(start, min(n, start + PAGE))
        ]
        catalog.apply({item.id: item for item in page})
    settle_memory()
    points = shop.points(1000)
    told = over(lambda p: catalog.nearby(p, NOW), points)
    lat, lon = (np.radians([getattr(p, name) for p in places]) for name in ("lat", "lon"))
    wrong = 0
    for point in points[:200]:
        a, b = np.radians(point.lat), np.radians(point.lon)
        h = np.sin((lat - a) / 2) ** 2 + np.cos(a) * np.cos(lat) * np.sin((lon - b) / 2) ** 2
        best = np.argpartition(h, 40)[:40].tolist()
        wanted = sorted((round(metres(point, places[i]), 6), f"p{i}") for i in best)[:20]
        found = [(round(metres(point, places[int(c.item.id[1:])]), 6), c.item.id) for c in catalog.nearby(point, NOW)]
        wrong += [far for far, _ in wanted] != [far for far, _ in found]
    yield "nearby, 20 places", {**told, "wrong_of_200": wrong}


def main() -> None:
    """Runs, prints the table, writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", choices=["search", "nearby", "restart"])
    results: dict[str, dict[str, dict[str, float]]] = {}
    given = parser.parse_args()
    for n in given.items:
        print(f"{n:,} items", flush=True)
        parts = {"search": searched, "nearby": around, "restart": restarted}
        chosen = [parts[given.only]] if given.only else [*parts.values()]
        for name, figures in chain.from_iterable(part(n) for part in chosen):
            results.setdefault(f"{n:,}", {})[name] = figures
            print(f"  {name:<28}" + "  ".join(f"{key} {value:,}" for key, value in figures.items()), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "catalogue.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
