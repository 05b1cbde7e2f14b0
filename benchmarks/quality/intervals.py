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

from micromoments.learn.lift import MIN_EFFECTIVE, MIN_PEOPLE
from micromoments.learn.sequence import ALPHA, FIRST, FloatArray, R, Sequence, planned
from micromoments.learn.sequence import DAYS as FIRST_DAYS

BoolArray = NDArray[np.bool_]
SEED = 20260101
MOST_REJECTED = 122
"""Of 2,000 at a nominal 5 %: 100 expected at the most, plus 2.26 standard errors of a proportion."""
LEAST_POWER = 0.70
"""Of a fixed-length test's, with a plan and without."""
FIXED_Z = 1.959964
FIXED_POWER_Z = 1.281552


class World(NamedTuple):
    """People a day in each arm, the chance to reach the goal and the lift of it, and the spread of what it is worth.

    ``spread`` is the standard deviation of log value; 0 has every goal worth 1 (a share of people). ``pace`` has people
    come as the days to this power: 1 is evenly, less is many at first.
    """

    name: str
    treated: int
    control: int
    rate: float
    lift: float = 0.0
    spread: float = 0.0
    days: int = 28
    pace: float = 1.0

    def come(self, arm: int) -> NDArray[np.int64]:
        """How many people of an arm come on each day (days,)."""
        at = np.arange(self.days + 1) / self.days
        return np.diff(np.round(arm * self.days * at**self.pace)).astype(np.int64)


WORLDS = (
    World("share, half and half", 90, 90, 0.05),
    World("share, 5 % held out", 950, 50, 0.05),
    World("share, rare, 5 % held out", 9500, 500, 0.01),
    World("value, half and half", 90, 90, 0.05, spread=1.0),
    World("value, 5 % held out", 950, 50, 0.05, spread=1.0),
    World("value, rare, heavy, 5 % held out", 9500, 500, 0.02, spread=1.5),
    World("share, half and half, large", 20_000, 20_000, 0.1),
    World("share, 5 % held out, one week", 9500, 500, 0.05, days=7),
    World("share, 5 % held out, 90 days", 950, 50, 0.05, days=90),
    World("share, many come at first", 2000, 2000, 0.02, pace=0.5),
)


class Daily(NamedTuple):
    """Running sums by simulation and day (sims, days): people, the outcome and its squares."""

    n: FloatArray
    y: FloatArray
    yy: FloatArray


def arm(rng: np.random.Generator, sims: int, come: NDArray[np.int64], rate: float, spread: float) -> Daily:
    """One arm of every simulation, of whom so many people come on each day (days,)."""
    days = len(come)
    reached = rng.binomial(come, rate, size=(sims, days)).astype(float)
    y, yy = reached, reached
    if spread:
        values = rng.lognormal(0.0, spread, size=int(reached.sum()))
        owner = np.repeat(np.arange(sims * days), reached.astype(int).ravel())
        y, yy = (
            np.bincount(owner, weights=values**power, minlength=sims * days).reshape(sims, days) for power in (1, 2)
        )
    n = np.broadcast_to(np.cumsum(come, dtype=np.float64), (sims, days))
    return Daily(n, y.cumsum(1), yy.cumsum(1))


def spans(treated: Daily, control: Daily, told: FloatArray, plan: float) -> FloatArray:
    """Standard errors to each side by simulation and day, as ``lift`` has them: planned for so many people, or, with 0,
    by how many times what an interval needs there is (``told``) and how people have grown since the first days.
    """
    n = treated.n + control.n
    if plan:
        return planned(plan).multiplier(n)
    later = np.arange(n.shape[1]) + 1 >= FIRST_DAYS
    grown = np.where(later, np.minimum(told, n / n[:, [FIRST_DAYS - 1]]), told)
    first, rest = (Sequence(R, 1.0, share).multiplier(np.maximum(1.0, grown)) for share in (FIRST, 1.0 - FIRST))
    return np.where(later, rest, first)


def looks(
    treated: Daily, control: Daily, truth: float, plan: float
) -> tuple[BoolArray, BoolArray, FloatArray, FloatArray]:
    """By simulation and day: whether the truth lies outside, whether zero does; difference and error.

    Before there is as much data as ``lift`` asks for nothing is told, so nothing can be wrong.
    """
    errors = np.sqrt(sum((one.yy - one.y**2 / one.n) / (one.n - 1) / one.n for one in (treated, control)))
    difference = treated.y / treated.n - control.y / control.n
    smaller = np.minimum(treated.n, control.n)
    weight = (treated.y + control.y) ** 2 / np.maximum(treated.yy + control.yy, 1e-300)
    least = np.minimum(smaller / MIN_PEOPLE, weight * smaller / (treated.n + control.n) / MIN_EFFECTIVE)
    half = spans(treated, control, least, plan) * errors
    told = least >= 1.0
    return told & (np.abs(difference - truth) > half), told & (np.abs(difference) > half), difference, errors


def simulate(world: World, sims: int, plan: bool = False) -> dict[str, Any]:
    """Every simulation of a world: how many ever missed the truth, ever excluded zero, and a fixed test's power.

    With a ``plan`` it was said beforehand how many people will come (``people`` in the settings), as for a test of
    fixed length it has to be.
    """
    rng = np.random.default_rng([SEED, *world.name.encode()])
    worth = float(np.exp(world.spread**2 / 2))
    treated = arm(rng, sims, world.come(world.treated), world.rate + world.lift, world.spread)
    control = arm(rng, sims, world.come(world.control), world.rate, world.spread)
    people = (world.treated + world.control) * world.days
    missed, found, difference, errors = looks(treated, control, world.lift * worth, float(people) if plan else 0.0)
    return {
        "world": world.name,
        "people": people,
        "sims": sims,
        "lift": world.lift * worth,
        "ever_missed_truth": int(missed.any(1).sum()),
        "ever_excluded_zero": int(found.any(1).sum()),
        "fixed_length_excluded_zero": int((np.abs(difference[:, -1]) > FIXED_Z * errors[:, -1]).sum()),
    }


def with_lift(world: World) -> World:
    """The same world with the lift that a fixed test of this length finds with 90 % power."""
    worth2 = float(np.exp(2 * world.spread**2))
    worth = float(np.exp(world.spread**2 / 2))
    lift = 0.0
    for _ in range(50):
        error = 0.0
        for people, rate in ((world.treated, world.rate + lift), (world.control, world.rate)):
            error += (rate * worth2 - (rate * worth) ** 2) / (people * world.days)
        lift = (FIXED_Z + FIXED_POWER_Z) * error**0.5 / worth
    return world._replace(lift=lift)


def run(sims: int) -> dict[str, Any]:
    """All worlds, without and with a lift."""
    same = [simulate(world, sims) for world in WORLDS]
    lifted = [simulate(with_lift(world), sims) for world in WORLDS]
    for world, aa, row in zip(WORLDS, same, lifted, strict=True):
        row["power_of_fixed"] = round(row["ever_excluded_zero"] / max(row["fixed_length_excluded_zero"], 1), 3)
        aa["planned"], row["planned"] = simulate(world, sims, plan=True), simulate(with_lift(world), sims, plan=True)
        share = row["planned"]["ever_excluded_zero"] / max(row["planned"]["fixed_length_excluded_zero"], 1)
        row["planned"]["power_of_fixed"] = round(share, 3)
    return {"seed": SEED, "nominal": ALPHA, "aa": same, "ab": lifted}


def main(arguments: list[str]) -> int:
    """Prints the table; 1 where a promise isn't kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sims", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    result = run(options.sims)
    print(f"{options.sims:,} simulations each, one look a day, nominal 5 %")
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
    kept = kept and all(row["power_of_fixed"] >= LEAST_POWER for row in result["ab"])
    print(
        f"promise {'kept' if kept else 'NOT kept'}: A/A at most {most:.0f}, coverage 95 %, power 70 % of a fixed test's"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
