"""Do lift's intervals keep their promise when looked at every day? Seeded simulations, all of them at once.

A/A tests (no difference) may reject at 5 % in all, however often one looks; A/B tests of a known lift must cover it;
and power is set against a test of fixed length that has 90 %. Prints a table and writes JSON.

usage: python -m benchmarks.quality.intervals [--sims 2000] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from micromoments.learn.lift import MIN_EFFECTIVE, MIN_PEOPLE, TUNING, FloatArray, multiplier

BoolArray = NDArray[np.bool_]
SEED = 20260101
DAYS = 28
MOST_REJECTED = 122
"""Of 2,000 at a nominal 5 %: 100 expected at the most, plus 2.26 standard errors of a proportion."""
LEAST_POWER = 0.70
"""Of a fixed-length test's: of every experiment whose size was planned, and unplanned of those of up to six times the
size that the intervals are tuned for."""
FIXED_Z = 1.959964
FIXED_POWER_Z = 1.281552


class World(NamedTuple):
    """People a day in each arm, the chance to reach the goal and the lift of it, and the spread of what it is worth.

    ``spread`` is the standard deviation of log value; 0 has every goal worth 1 (a share of people).
    """

    name: str
    treated: int
    control: int
    rate: float
    lift: float = 0.0
    spread: float = 0.0


WORLDS = (
    World("share, half and half", 90, 90, 0.05),
    World("share, 5 % held out", 950, 50, 0.05),
    World("share, rare, 5 % held out", 9500, 500, 0.01),
    World("value, half and half", 90, 90, 0.05, spread=1.0),
    World("value, 5 % held out", 950, 50, 0.05, spread=1.0),
    World("value, rare, heavy, 5 % held out", 9500, 500, 0.02, spread=1.5),
)


class Daily(NamedTuple):
    """Running sums by simulation and day (sims, days): people, the outcome and its squares."""

    n: FloatArray
    y: FloatArray
    yy: FloatArray


def arm(rng: np.random.Generator, sims: int, people: int, rate: float, spread: float) -> Daily:
    """One arm of every simulation, people arriving evenly."""
    reached = rng.binomial(people, rate, size=(sims, DAYS)).astype(float)
    y, yy = reached, reached
    if spread:
        values = rng.lognormal(0.0, spread, size=int(reached.sum()))
        owner = np.repeat(np.arange(sims * DAYS), reached.astype(int).ravel())
        y, yy = (
            np.bincount(owner, weights=values**power, minlength=sims * DAYS).reshape(sims, DAYS) for power in (1, 2)
        )
    n = np.broadcast_to(people * np.arange(1.0, DAYS + 1), (sims, DAYS))
    return Daily(n, y.cumsum(1), yy.cumsum(1))


def looks(treated: Daily, control: Daily, truth: float, tuning: float) -> tuple[BoolArray, BoolArray, FloatArray]:
    """By simulation and day: whether the truth lies outside, whether zero does, and the interval's half width.

    ``tuning`` is about how many people the experiment was planned for (``people`` in the settings), as a test of fixed
    length has to be planned, too.

    Before there is as much data as ``lift`` asks for nothing is told, so nothing can be wrong.
    """
    errors = sum((one.yy - one.y**2 / one.n) / (one.n - 1) / one.n for one in (treated, control))
    half = multiplier(treated.n + control.n, tuning=tuning) * np.sqrt(errors)
    difference = treated.y / treated.n - control.y / control.n
    smaller = np.minimum(treated.n, control.n)
    weight = (treated.y + control.y) ** 2 / np.maximum(treated.yy + control.yy, 1e-300)
    told = (smaller >= MIN_PEOPLE) & (weight * smaller / (treated.n + control.n) >= MIN_EFFECTIVE)
    missed = told & (np.abs(difference - truth) > half)
    return missed, told & (np.abs(difference) > half), half


def simulate(world: World, sims: int, planned: bool = False) -> dict[str, Any]:
    """Every simulation of a world: how many ever missed the truth, ever excluded zero, and a fixed test's power."""
    rng = np.random.default_rng([SEED, *world.name.encode()])
    worth = float(np.exp(world.spread**2 / 2))
    treated = arm(rng, sims, world.treated, world.rate + world.lift, world.spread)
    control = arm(rng, sims, world.control, world.rate, world.spread)
    people = (world.treated + world.control) * DAYS
    tuning = float(people) if planned else TUNING
    missed, found, half = looks(treated, control, world.lift * worth, tuning)
    fixed = half[:, -1] / multiplier((treated.n + control.n)[:1, -1], tuning=tuning) * FIXED_Z
    end = np.abs(treated.y[:, -1] / treated.n[:, -1] - control.y[:, -1] / control.n[:, -1])
    return {
        "world": world.name,
        "people": people,
        "sims": sims,
        "lift": world.lift * worth,
        "ever_missed_truth": int(missed.any(1).sum()),
        "ever_excluded_zero": int(found.any(1).sum()),
        "fixed_length_excluded_zero": int((end > fixed).sum()),
    }


def with_lift(world: World) -> World:
    """The same world with the lift that a fixed test of this length finds with 90 % power."""
    worth2 = float(np.exp(2 * world.spread**2))
    worth = float(np.exp(world.spread**2 / 2))
    lift = 0.0
    for _ in range(50):
        error = 0.0
        for people, rate in ((world.treated, world.rate + lift), (world.control, world.rate)):
            error += (rate * worth2 - (rate * worth) ** 2) / (people * DAYS)
        lift = (FIXED_Z + FIXED_POWER_Z) * error**0.5 / worth
    return world._replace(lift=lift)


def run(sims: int) -> dict[str, Any]:
    """All worlds, without and with a lift."""
    same = [simulate(world, sims) for world in WORLDS]
    lifted = [simulate(with_lift(world), sims) for world in WORLDS]
    for world, aa, row in zip(WORLDS, same, lifted, strict=True):
        row["power_of_fixed"] = round(row["ever_excluded_zero"] / max(row["fixed_length_excluded_zero"], 1), 3)
        aa["planned"], planned = simulate(world, sims, planned=True), simulate(with_lift(world), sims, planned=True)
        row["planned"] = planned
        share = planned["ever_excluded_zero"] / max(planned["fixed_length_excluded_zero"], 1)
        planned["power_of_fixed"] = round(share, 3)
    return {"seed": SEED, "days": DAYS, "nominal": 0.05, "aa": same, "ab": lifted}


def main(arguments: list[str]) -> int:
    """Prints the table; 1 where a promise isn't kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sims", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    result = run(options.sims)
    print(f"{options.sims:,} simulations each, {DAYS} days, one look a day, nominal 5 %")
    print(
        f"{'world':34} {'people':>8} {'A/A rejected':>13} {'A/B covered':>12} {'power':>7} {'of fixed':>9} "
        f"{'planned: A/A':>13} {'of fixed':>9}"
    )
    for aa, ab in zip(result["aa"], result["ab"], strict=True):
        covered = 1 - ab["ever_missed_truth"] / ab["sims"]
        power = ab["ever_excluded_zero"] / ab["sims"]
        print(
            f"{aa['world']:34} {aa['people']:>8,} {aa['ever_excluded_zero']:>13} {covered:>12.1%} {power:>7.1%} "
            f"{ab['power_of_fixed']:>9.2f} {aa['planned']['ever_excluded_zero']:>13} "
            f"{ab['planned']['power_of_fixed']:>9.2f}"
        )
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    most = MOST_REJECTED * options.sims / 2000
    aa, ab = ([*rows, *(row["planned"] for row in rows)] for rows in (result["aa"], result["ab"]))
    kept = all(row["ever_excluded_zero"] <= most for row in aa)
    kept = kept and all(row["ever_missed_truth"] <= most for row in ab)
    kept = kept and all(row["planned"]["power_of_fixed"] >= LEAST_POWER for row in result["ab"])
    kept = kept and all(row["power_of_fixed"] >= LEAST_POWER for row in result["ab"] if row["people"] <= 30_000)
    print(
        f"promise {'kept' if kept else 'NOT kept'}: A/A at most {most:.0f}, coverage 95 %, power 70 % of a fixed test's"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
