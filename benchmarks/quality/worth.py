"""Money as a reward against counted goals, in worlds whose values have heavy tails: what a decision truly earns.

usage: python -m benchmarks.quality.worth [--seeds N] [--rounds N]

Ten items in a context of four kinds of people; an item is clicked, and then bought, at rates of its own by kind, and an
order is worth log-normal money (spread of its logarithm 1) around a mean that is another for each item: what sells most
is not what earns most. In ``one huge order`` an order of 2,000 times the usual comes at the 300th round, of an item
that is worth nothing otherwise. ``adaptive`` learns goals counted; money over the largest value seen so far; and money
as ``learn.worth`` brings it to [0, 1], with clicks in it and the order in the click's place. Earnings are those
expected of each distribution, as a share of the best choice's, with paired 95 % intervals over seeds.
"""

from __future__ import annotations

import argparse
from math import exp, sqrt

import numpy as np

from benchmarks.quality.problems import Array, chance
from benchmarks.quality.regret import STUDENT
from micromoments.core.outcome import Outcome
from micromoments.learn.worth import Worth
from micromoments.policy.adaptive import Adaptive

KINDS, ITEMS, SPREAD, USUAL = 4, 10, 1.0, 3_000
HUGE_AT, HUGE = 300, 2_000 * USUAL
LEARNT = ("count", "largest", "worth")
WORLDS = ("heavy tails", "one huge order")


def rows(kind: int) -> Array:
    """The items' features in a context: which item, for which kind of person."""
    x = np.zeros((ITEMS, 1 + ITEMS * (KINDS + 1)))
    x[:, 0] = 0.5
    at = np.arange(ITEMS)
    x[at, 1 + at * (KINDS + 1)] = 0.5
    x[at, 2 + at * (KINDS + 1) + kind] = 1.0
    return x


class Learner:
    """A policy with its way of valuing what comes; ``largest`` is the largest value seen."""

    def __init__(self, how: str) -> None:
        self.policy, self._how, self._largest, self._worth = Adaptive(1 + ITEMS * (KINDS + 1)), how, 1, Worth()

    def learn(self, x: Array, clicked: bool, worth: int) -> None:
        """What came of a decision: nothing, a click, or a click and an order of that worth."""
        if self._how == "worth":
            self._in_money(x, clicked, worth)
        elif self._how == "count":
            self.policy.learn(x, 1.0 if worth else 0.3 if clicked else 0.0)
        else:
            self._largest = max(self._largest, worth)
            self.policy.learn(x, worth / self._largest)

    def _in_money(self, x: Array, clicked: bool, worth: int) -> None:
        made = Outcome(
            id="", decision="", slot="", item="", what="clicked", at=0, reward=0.3 if clicked else 0.0, worth=0
        )
        first = self._worth.rewarded(made).reward if clicked else 0.0
        self.policy.learn(x, first or 0.0)
        if worth:
            made = Outcome(
                id="",
                decision="",
                slot="",
                item="",
                what="goal",
                at=0,
                reward=0.7,
                before=0.3,
                worth=worth,
                currency="EUR",
            )
            came = self._worth.rewarded(made)
            was = came.before or 0.0
            self.policy.amend(x, was, min(1.0, max(0.0, was + (came.reward or 0.0))))


def run(world: str, how: str, seed: int, rounds: int) -> float:
    """What was earned of the best that could be."""
    rng, draws, learner = chance(seed), chance(10_000 + seed), Learner(how)
    clicks, buys = rng.uniform(0.1, 0.5, (ITEMS, KINDS)), rng.uniform(0.1, 0.6, (ITEMS, KINDS))
    mean = USUAL * np.exp(rng.normal(0.0, 1.0, ITEMS))
    mean[0] = 10.0
    true = clicks * buys * mean[:, None]
    earned = best = 0.0
    for n in range(rounds):
        kind = int(rng.integers(KINDS))
        u, click, buy = draws.random(3).tolist()
        size = float(draws.normal())
        x = rows(kind)
        p = learner.policy.pmf(x, draws)
        at = min(int(np.searchsorted(np.cumsum(p), u)), ITEMS - 1)
        clicked = click < clicks[at, kind]
        worth = round(mean[at] * exp(SPREAD * size - SPREAD**2 / 2)) if clicked and buy < buys[at, kind] else 0
        if world == "one huge order" and n == HUGE_AT:
            at, clicked, worth = 0, True, HUGE
        learner.learn(x[at], clicked, worth)
        earned, best = earned + float(p @ true[:, kind]), best + float(true[:, kind].max())
    return earned / best


def main() -> None:
    """Print a row a world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2_000)
    given = parser.parse_args()
    print("| world | goals counted | over the largest | `revenue` | less counted (95 %) | less over the largest |")
    for world in WORLDS:
        found = {
            how: np.array([run(world, how, 100 + seed, given.rounds) for seed in range(given.seeds)]) for how in LEARNT
        }

        def gap(other: str, found: dict[str, Array] = found) -> str:
            each = found["worth"] - found[other]
            quantile = STUDENT[max(n for n in STUDENT if n <= max(2, len(each)))]
            reach = quantile * float(each.std(ddof=1)) / sqrt(len(each))
            return f"{each.mean():+.3f} ({each.mean() - reach:+.3f} to {each.mean() + reach:+.3f})"

        means = " | ".join(f"{found[how].mean():.3f}" for how in LEARNT)
        print(f"| {world} | {means} | {gap('count')} | {gap('largest')} |", flush=True)


if __name__ == "__main__":
    main()
