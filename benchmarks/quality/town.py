"""The simulated town: orders to be expected a person, against popular alone, rules, and the best fixed choice.

usage: python -m benchmarks.quality.town [--seeds N] [--people N] [--days N] [--policy NAME ...]

The same people live the same days before each; the simulator knows their tastes, so it counts the orders to be expected
of what was served. ``best fixed`` is the list of three items that would have been worth most of all fixed lists, chosen
knowing everything (greedily, by the truth). Intervals are of the paired difference over people, all seeds together.
``until better`` is after how many outcomes learned the policy's sum of orders stays above the other's to the end.
Prints a table and writes benchmarks/results/town.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from micromoments.cli.simulate import START, Lived, live
from micromoments.engine.tuning import tune_process
from micromoments.simulate import World, best_fixed, mean, until_better

RESULTS = Path(__file__).resolve().parents[1] / "results" / "town.json"


def lived(world: World, policy: str, days: int) -> Lived:
    """A policy's days, in a folder that is gone afterwards."""
    tune_process()
    with tempfile.TemporaryDirectory(prefix="micromoments-town-") as folder:
        return live(world, Path(folder) / "town", policy, days)


def main() -> None:
    """Live, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--policy", action="append", help="beside popular, rules and the best fixed list")
    given = parser.parse_args()
    tried = list(dict.fromkeys([*(given.policy or ["adaptive", "thompson"]), "rules", "popular"]))
    worth: dict[str, list[float]] = {name: [] for name in (*tried, "best fixed")}
    until: dict[str, dict[str, list[int | None]]] = {name: {} for name in tried}
    visits_in_all = 0
    for seed in range(101, 101 + given.seeds):
        world = World(seed, given.people)
        runs = {name: lived(world, name, given.days) for name in tried}
        runs["best fixed"] = Lived(best_fixed(world, START, given.days)[1], [])
        visits_in_all += len(runs["best fixed"].tally.each)
        for name, run in runs.items():
            worth[name] += run.tally.worth
        for name in tried:
            for other in ("rules", "popular", "best fixed"):
                if other != name:
                    found = until_better(runs[name].tally.each, runs[other].tally.each, runs[name].learned)
                    until[name].setdefault(other, []).append(found)
    print(f"{given.seeds} towns of {given.people} people, {given.days} days, {visits_in_all} visits; orders a person")
    rows: dict[str, Any] = {}
    for name, sums in worth.items():
        gain = {
            other: mean([a - b for a, b in zip(sums, worth[other], strict=True)]) for other in worth if other != name
        }
        rows[name] = {
            "orders": mean(sums).mean,
            "gain": {other: [one.mean, one.low, one.high] for other, one in gain.items()},
            "until_better": until.get(name, {}),
        }
        shown = "  ".join(f"{o} {g.mean:+.3f} ({g.low:+.3f} {g.high:+.3f})" for o, g in gain.items())
        print(f"{name:<11}{rows[name]['orders']:.3f}  more than: {shown}")
        if name in until:
            print(f"{'':<11}until better, outcomes: {until[name]}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
