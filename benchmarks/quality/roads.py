"""The straight line with a detour factor against the streets of Helsinki: how far off its times and its order are.

Between random positions of the shared extract's places, and among the cafés and restaurants nearest to a position.
Needs the shared data and the extra ``roads``. Prints a table.

usage: python -m benchmarks.quality.roads [--pairs 2000]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from random import Random
from time import process_time

import numpy as np

from micromoments.core.geo import Point, metres
from micromoments.core.item import Item
from micromoments.retrieve.ask import Mode, travel
from micromoments.retrieve.catalog import Catalog
from micromoments.sources.feed import Reading
from micromoments.sources.feed_osm import rows
from micromoments.stores.embedded.roads import Roads

NOW = 1_780_000_000_000
FARTHEST = 3_000.0


def main() -> None:
    """Run it and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.roads", description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    given = parser.parse_args()
    extract = Path(os.environ.get("MICROMOMENTS_SHARED", "../shared")) / "data" / "places" / "helsinki.osm.pbf"
    began = process_time()
    roads = Roads(extract)
    print(f"{extract.name}: corners { ({mode: len(graph) for mode, graph in roads.graphs.items()}) }", end=", ")
    print(f"loaded in {process_time() - began:.1f} s of processor time")
    found = [one for one in rows(extract, Reading(now=NOW)) if isinstance(one, Item) and one.location is not None]
    points = [one.location for one in found if one.location is not None]
    random = Random(1)
    pairs = [(random.choice(points), random.choice(points)) for _ in range(given.pairs)]
    modes: tuple[Mode, ...] = ("foot", "bike", "car")
    for mode in modes:
        print(between(roads, pairs, mode))
    for mode in modes:
        print(nearest(roads, found, points, mode, random))


def between(roads: Roads, pairs: list[tuple[Point, Point]], mode: Mode) -> str:
    """How the straight line's seconds compare with the streets'."""
    off, factors = [], []
    began = process_time()
    for start, end in pairs:
        straight = metres(start, end)
        (seconds,) = roads.reach(start, [end], mode)
        if seconds > 0 and 100 < straight < FARTHEST:
            wait = travel(0.0, mode)
            off.append(travel(straight, mode) / (seconds + wait))
            factors.append(seconds / (travel(straight, mode) - wait) * PACE[mode])
    spent = 1000 * (process_time() - began) / len(pairs)
    away = np.abs(np.array(off) - 1.0)
    return (
        f"{mode}: {len(off)} pairs, estimate/streets p10 {np.quantile(off, 0.1):.2f} p50 {np.median(off):.2f} "
        f"p90 {np.quantile(off, 0.9):.2f}; off by {100 * away.mean():.0f} % in the mean; "
        f"detour that fits best {np.median(factors):.2f}; {spent:.2f} ms a way"
    )


PACE: dict[Mode, float] = {"foot": 1.3, "bike": 1.3, "car": 1.4}


def nearest(roads: Roads, found: list[Item], points: list[Point], mode: Mode, random: Random) -> str:
    """How many of the five nearest by the streets are among the straight line's, and whether all are exact."""
    plain, routed = Catalog(), Catalog()
    for catalog in (plain, routed):
        catalog.apply({one.id: one for one in found if one.category in {"cafe", "restaurant"}})
    routed.route(roads.reach)
    eating = [one for one in found if one.category in {"cafe", "restaurant"} and one.location is not None]
    shared = first = wrong = asked = 0
    spent = 0.0
    for _ in range(200):
        start = random.choice(points)
        start = Point(start.lat + random.gauss(0, 0.001), start.lon + random.gauss(0, 0.002))
        line = [one.item.id for one in plain.nearby(start, NOW, limit=5, mode=mode)]
        began = process_time()
        way = routed.nearby(start, NOW, limit=5, mode=mode)
        spent += process_time() - began
        ids = [one.item.id for one in way]
        shared += len(set(line) & set(ids))
        first += line[:1] == ids[:1]
        asked += 1
        every = roads.reach(start, [one.location for one in eating if one.location is not None], mode)
        best = sorted(every)[:5]
        if best[0] >= 0:
            wrong += any(
                abs(one.seconds - round(each + travel(0.0, mode))) > 1 for one, each in zip(way, best, strict=True)
            )
    return (
        f"{mode}: of the five nearest by the streets {100 * shared / (5 * asked):.0f} % are the straight line's, "
        f"the first in {100 * first / asked:.0f} %; {wrong} of {asked} answers differ from measuring all; "
        f"{1000 * spent / asked:.2f} ms"
    )


if __name__ == "__main__":
    main()
