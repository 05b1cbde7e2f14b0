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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import micromoments as mm
from micromoments.cli.simulate import ALL_BUT_NOBODY, START
from micromoments.core.settings import Goal, Settings, Slot
from micromoments.engine.tuning import tune_process
from micromoments.simulate import World
from micromoments.simulate.tally import SLOT, mean
from micromoments.simulate.visits import Visit

RESULTS = Path(__file__).resolve().parents[1] / "results" / "town.json"
PLACES = 3
SAMPLE = 400
"""Visits by which the best fixed list is chosen."""


class Watched:
    """An engine as the world's server, that notes for every visit what was served and what had been learned."""

    def __init__(self, engine: mm.Engine, clock: list[int]) -> None:
        self._engine, self._clock = engine, clock
        self.served: dict[str, tuple[Sequence[str], int]] = {}

    def collect(self, events: Sequence[Mapping[str, Any]], at: int) -> None:
        """Take them."""
        self._clock[0] = max(self._clock[0], at)
        self._engine.collect(events)

    def decide(
        self, id: str, anonymous_id: str, slot: str, context: Mapping[str, Any], at: int
    ) -> tuple[Sequence[str], bool]:
        """Ask the engine."""
        self._clock[0] = max(self._clock[0], at)
        decided = self._engine.decide(f"anon:{anonymous_id}", slot, context=context, decision_id=id, simulated=True)
        items = [item.id for item in decided.items]
        self.served[id] = (items, decided.policy.version)
        return items, decided.holdout


def lived(world: World, policy: str, days: int, visits: Sequence[Visit]) -> list[tuple[float, int]]:
    """For each visit in order: the orders to be expected of what was served, and the outcomes learned before it."""
    held_out = ALL_BUT_NOBODY if policy == "popular" else 0.0
    settings = Settings(
        name="simulated",
        currency="EUR",
        timezone=world.timezone,
        consent=("measure", "personalise", "location"),
        slots={SLOT: Slot(policy=policy, holdout=held_out, goal="order")},
        goals={"order": Goal(event="Order Completed", value="revenue", currency="EUR", ends=("buy",))},
    )
    clock = [START]
    with (
        tempfile.TemporaryDirectory(prefix="micromoments-town-") as folder,
        mm.open(Path(folder) / "town", settings, clock=lambda: clock[0]) as engine,
    ):
        engine.catalog.put(world.items)
        tune_process()
        server = Watched(engine, clock)
        world.live(server, START, days)
    found = [server.served[f"d{world.seed}-{visit.number}"] for visit in visits]
    return [(world.worth(visit, items), version) for visit, (items, version) in zip(visits, found, strict=True)]


def best_fixed(world: World, visits: Sequence[Visit]) -> list[str]:
    """The list that is worth most to a sample of the visits, built greedily."""
    some = [visits[n] for n in np.linspace(0, len(visits) - 1, min(SAMPLE, len(visits))).astype(int)]
    chosen: list[str] = []
    for _ in range(PLACES):
        rest = [item.id for item in world.items if item.id not in chosen]
        chosen.append(max(rest, key=lambda id: sum(world.worth(visit, [*chosen, id]) for visit in some)))
    return chosen


def until_better(mine: NDArray[np.float64], theirs: NDArray[np.float64], learned: Sequence[int]) -> int | None:
    """Outcomes learned when the sum of what was earned comes above the other's for good; None where it doesn't."""
    ahead = np.cumsum(mine - theirs) > 0.0
    if not ahead[-1]:
        return None
    behind = np.flatnonzero(~ahead)
    return learned[int(behind[-1]) + 1] if len(behind) else 0


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
        visits = sorted(world.visits(START, given.days), key=lambda visit: visit.asks_at)
        visits_in_all += len(visits)
        runs = {name: lived(world, name, given.days, visits) for name in tried}
        fixed = best_fixed(world, visits)
        earned = {name: np.array([one for one, _ in run]) for name, run in runs.items()}
        earned["best fixed"] = np.array([world.worth(visit, fixed) for visit in visits])
        who = np.array([visit.consumer.number for visit in visits])
        for name, each in earned.items():
            worth[name] += np.bincount(who, each, given.people).tolist()
        for name in tried:
            learned = [version for _, version in runs[name]]
            for other in ("rules", "popular", "best fixed"):
                if other != name:
                    until[name].setdefault(other, []).append(until_better(earned[name], earned[other], learned))
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
