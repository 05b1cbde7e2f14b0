"""Matching together against the nearest driver, for the same riders, drivers and traffic; how demand misleads a test.

usage: python -m benchmarks.quality.matching [--seeds N] [--hours N] [--drivers N]

Riders come at random to random places of the demo's town, more in each second half hour; each leaves unmatched after
five minutes. Both ways of matching see the same riders, first places of drivers, traffic on each ride and riders who
take their time; they run with the demo's own roads, matching and estimates. Everything is simulated.

The second table suggests rides to visitors, which makes more of them ask, in four worlds with the same visitors: to
all, to none, to half of them by person, and to all in every other half hour. What a suggestion is worth in completed
rides is the difference of the first two; a test by person and one by switchback claim to measure just that.
Prints both and writes benchmarks/results/matching.json.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from time import process_time
from typing import Any

import numpy as np

import micromoments as mm
from micromoments.demo.ride import estimate, matching
from micromoments.demo.ride.dispatch import GIVE_UP
from micromoments.demo.ride.roads import Place, Roads
from micromoments.demo.ride.simulator import BOARDS, TRAFFIC

RESULTS = Path(__file__).resolve().parents[1] / "results" / "matching.json"
BEAT = 2
"""Seconds between two rounds of matching; the same for both ways."""
HALF_HOUR = 1800
STUDENT = {5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262, 12: 2.201, 16: 2.131, 20: 2.093}
"""Two-sided 95 % quantiles of Student's t by number of seeds."""
ASK = (0.45, 0.65)
"""The chance that a visitor asks for a ride: without a suggestion, and with one."""

Match = Callable[[matching.Floats], matching.Pairs]


class Rider:
    """A visitor: when and where, and what chance has in store for their ride."""

    def __init__(self, dice: random.Random, roads: Roads, at: float) -> None:
        self.at = at
        self.begin, self.end = roads.corner(dice.random()), roads.corner(dice.random())
        self.traffic = (dice.uniform(*TRAFFIC), dice.uniform(*TRAFFIC))
        self.boards = dice.uniform(*BOARDS) / 1000
        self.mood = dice.random()
        self.half = dice.random() < 0.5


def visitors(roads: Roads, seed: int, hours: float, per_hour: float) -> list[Rider]:
    """Who comes; in each second half hour half as many again."""
    dice, at, found = random.Random(seed), 0.0, list[Rider]()
    while True:
        rush = 1.2 if int(at / HALF_HOUR) % 2 else 0.8
        at += dice.expovariate(per_hour * rush / 3600)
        if at >= hours * 3600:
            return found
        found.append(Rider(dice, roads, at))


class Town:
    """One run: riders, drivers and a way of matching. ``waits`` and ``off`` are seconds, by served rider."""

    def __init__(self, roads: Roads, starts: Sequence[Place], match: Match) -> None:
        self.roads, self.match = roads, match
        self.free = dict(enumerate(starts))
        self.busy: list[tuple[float, int, Place]] = []
        self.usual = estimate.Usual()
        self.waits: list[float] = []
        self.off: list[float] = []
        self.half_way: list[float] = []
        self.served: list[Rider] = []

    def run(self, riders: Sequence[Rider]) -> None:
        """Let them all come, and be served or leave."""
        waiting: list[Rider] = []
        coming = list(reversed(riders))
        now = 0.0
        while coming or waiting:
            now += BEAT
            while coming and coming[-1].at <= now:
                waiting.append(coming.pop())
            while self.busy and self.busy[0][0] <= now:
                _, driver, place = heapq.heappop(self.busy)
                self.free[driver] = place
            waiting = [rider for rider in waiting if now - rider.at <= GIVE_UP / 1000]
            if waiting and self.free:
                matched = self._round(waiting, now)
                waiting = [rider for n, rider in enumerate(waiting) if n not in matched]

    def _round(self, waiting: Sequence[Rider], now: float) -> set[int]:
        drivers = list(self.free)
        places = [self.free[driver] for driver in drivers]
        seconds = np.array([self.roads.field(rider.begin, places) for rider in waiting]) * self.usual.pace
        pairs = self.match(matching.weigh(seconds, [now - rider.at for rider in waiting]))
        for row, column in pairs:
            self._drive(waiting[row], drivers[column], now)
        return {row for row, _ in pairs}

    def _drive(self, rider: Rider, driver: int, now: float) -> None:
        whole = self.roads.seconds(self.free.pop(driver), rider.begin)
        took = whole * rider.traffic[0]
        self.off.append(abs(whole * self.usual.pace - took))
        left = estimate.left(whole / 2, whole, took / 2, self.usual.pace)
        self.half_way.append(abs(left - took / 2))
        self.usual.learn(whole, took)
        self.waits.append(now + took - rider.at)
        self.served.append(rider)
        trip = self.roads.seconds(rider.begin, rider.end) * rider.traffic[1]
        heapq.heappush(self.busy, (now + took + rider.boards + trip, driver, rider.end))


def ran(roads: Roads, seed: int, drivers: int, match: Match, riders: Sequence[Rider]) -> Town:
    """A town with its drivers, after its riders."""
    dice = random.Random(seed + 99)
    town = Town(roads, [roads.corner(dice.random()) for _ in range(drivers)], match)
    town.run(riders)
    return town


def figures(town: Town, riders: int) -> dict[str, float]:
    """What counts of a run."""
    waits = sorted(town.waits)
    return {
        "share_matched": len(waits) / riders,
        "to_pick_up_mean_s": fmean(waits),
        "to_pick_up_p90_s": waits[int(len(waits) * 0.9)],
        "first_estimate_off_s": fmean(town.off),
        "half_way_estimate_off_s": fmean(town.half_way),
    }


def claims(roads: Roads, seed: int, hours: float, drivers: int, per_hour: float) -> dict[str, float]:
    """What a suggestion is worth in completed rides a visitor: the truth, and what two tests claim."""
    everyone = visitors(roads, seed, hours, per_hour)

    def world(treated: Callable[[Rider], bool]) -> tuple[list[Rider], list[Rider]]:
        asked = [rider for rider in everyone if rider.mood < ASK[treated(rider)]]
        served = set(map(id, ran(roads, seed, drivers, matching.together, asked).served))
        return [r for r in everyone if treated(r)], [r for r in everyone if id(r) in served]

    def rate(group: Sequence[Rider], served: Sequence[Rider]) -> float:
        got = set(map(id, served))
        return sum(id(rider) in got for rider in group) / max(1, len(group))

    def claimed(treated: Callable[[Rider], bool]) -> float:
        _, served = world(treated)
        return rate([r for r in everyone if treated(r)], served) - rate([r for r in everyone if not treated(r)], served)

    truth = rate(everyone, world(lambda _: True)[1]) - rate(everyone, world(lambda _: False)[1])
    # Pairs of half hours, quiet and busy, are treated together, so that rush isn't taken for an effect.
    even = bool(seed % 2)
    return {
        "truth": truth,
        "by_person": claimed(lambda rider: rider.half),
        "by_switchback": claimed(lambda rider: (int(rider.at / HALF_HOUR / 2) % 2 == 1) == even),
    }


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % interval over seeds."""
    n = len(values)
    return fmean(values), STUDENT.get(n, 2.0) * stdev(values) / sqrt(n)


def main() -> None:
    """Run both, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--drivers", type=int, default=60)
    parser.add_argument("--per-hour", type=float, default=620.0)
    given = parser.parse_args()
    roads = Roads(mm.World(1, 1).city.plan)
    began = process_time()
    ways: dict[str, Match] = {"together": matching.together, "nearest": matching.nearest}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for seed in range(given.seeds):
        riders = visitors(roads, seed, given.hours, given.per_hour)
        for name, match in ways.items():
            found[name].append(figures(ran(roads, seed, given.drivers, match, riders), len(riders)))
    table: dict[str, Any] = {}
    print(f"{'':28}{'together':>18}{'nearest':>18}{'difference':>22}")
    for key in found["together"][0]:
        both = {name: [one[key] for one in runs] for name, runs in found.items()}
        apart = spread([a - b for a, b in zip(both["together"], both["nearest"], strict=True)])
        table[key] = {**{name: spread(values)[0] for name, values in both.items()}, "difference": apart}
        print(f"{key:28}{fmean(both['together']):18.3f}{fmean(both['nearest']):18.3f}{apart[0]:14.3f} ± {apart[1]:.3f}")
    said = [claims(roads, seed, given.hours, given.drivers, given.per_hour * 3) for seed in range(given.seeds)]
    print("\nrides that a suggestion adds a visitor")
    for key in said[0]:
        mean, half = spread([one[key] for one in said])
        table[f"suggestion_{key}"] = (mean, half)
        print(f"{key:28}{mean:18.3f} ± {half:.3f}")
    print(f"\n{process_time() - began:.0f} s of processor time")
    table |= {"seeds": given.seeds, "hours": given.hours, "drivers": given.drivers, "per_hour": given.per_hour}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
