"""A policy taught by a log before it serves, against one that starts cold: the first 1,000 decisions of both.

usage: python -m benchmarks.quality.warm [--seeds N] [--rounds N]

The first rounds of a problem are decided by another policy, logged with its propensities; what follows is served by
``adaptive``, cold, taught the log by importance (one over the propensity, at most 20, in all its effective size), and
taught as ``micromoments policy warm`` does. Three logs: all actions evenly; the first action 8 times in 10; a greedy
policy that knows nothing true, with a tenth of chance. In ``another world`` the log is of the same problem with tastes
of its own, which no longer hold. Loss is 1 minus the reward
expected, a round, as in ``benchmarks/quality/regret.py``; intervals are of the paired difference over seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import islice
from math import sqrt

import numpy as np

from benchmarks.quality.problems import Array, Problem, arms, chance, classes, of_sklearn, shop
from benchmarks.quality.regret import STUDENT
from micromoments.learn.warm import worth
from micromoments.policy.adaptive import Adaptive

PROBLEMS = (
    shop("items"),
    shop("rare clicks", rate=0.02),
    arms("arms"),
    classes("digits", lambda: of_sklearn("digits")),
)
LOGS = ("even", "one choice", "wrongly greedy", "another world")
ELSEWHERE = 50_000
"""Added to the seed of a log from another world."""


def logged(problem: Problem, kind: str, seed: int, many: int) -> list[tuple[Array, float, float]]:
    """What another policy logged: the features of what it chose, its propensity, the reward."""
    rng, out = chance(seed + 5), []
    believed = chance(9).normal(size=problem.dim)
    for x, means in problem.rounds(seed + (ELSEWHERE if kind == "another world" else 0), many):
        p = np.full(len(x), 1.0 / len(x))
        if kind == "one choice":
            p = 0.2 * p
            p[0] += 0.8
        if kind == "wrongly greedy":
            p = 0.1 * p
            p[int((x @ believed).argmax())] += 0.9
        at = int(rng.choice(len(x), p=p))
        out.append((x[at], float(p[at]), float(rng.random() < means[at])))
    return out


def served(problem: Problem, policy: Adaptive, seed: int, after: int, rounds: int) -> float:
    """The mean loss a round of a policy that serves and learns after so many rounds."""
    draws, rng, loss, n = chance(10_000 + seed), chance(20_000 + seed), 0.0, 0
    for x, means in islice(problem.rounds(seed, after + rounds), after, None):
        u, luck = draws.random(2).tolist()
        p = policy.pmf(x, rng)
        at = min(int(np.searchsorted(np.cumsum(p), u)), len(p) - 1)
        loss += 1.0 - float(p @ means)
        policy.learn(x[at], float(luck < means[at]))
        n += 1
    return loss / n


def by_importance(propensity: Array) -> Array:
    """Weights of one over the propensity, bounded, in all as many as the log's effective size."""
    raw = np.minimum(1.0 / propensity, 20.0)
    return np.asarray(raw * float(raw.sum()) / float(raw @ raw), dtype=np.float64)


def taught(problem: Problem, log: Sequence[tuple[Array, float, float]], *, weighted: bool) -> Adaptive:
    """The policy after a log."""
    policy = Adaptive(problem.dim)
    even = [worth(len(log)) / len(log)] * len(log)
    weight = by_importance(np.array([p for _, p, _ in log])).tolist() if weighted else even
    for (x, _, reward), w in zip(log, weight, strict=True):
        policy.learn(x, reward, w)
    return policy


def main() -> None:
    """Print a row a problem and log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--logged", type=int, default=700)
    given = parser.parse_args()
    print("| problem | log | cold | by importance | as `policy warm` | difference (95 %) |")
    for problem in PROBLEMS:
        seeds = range(100, 100 + given.seeds)
        cold = np.array([served(problem, Adaptive(problem.dim), s, given.logged, given.rounds) for s in seeds])
        for kind in LOGS:
            if kind == "another world" and problem.name == "digits":
                continue
            logs = [logged(problem, kind, seed, given.logged) for seed in seeds]
            important, warm = (
                np.array(
                    [
                        served(problem, taught(problem, log, weighted=weighted), seed, given.logged, given.rounds)
                        for seed, log in zip(seeds, logs, strict=True)
                    ]
                )
                for weighted in (True, False)
            )
            gap = warm - cold
            reach = STUDENT[max(n for n in STUDENT if n <= max(2, len(gap)))] * float(gap.std(ddof=1)) / sqrt(len(gap))
            print(
                f"| {problem.name} | {kind} | {cold.mean():.4f} | {important.mean():.4f} | {warm.mean():.4f} "
                f"| {gap.mean():+.4f} ({gap.mean() - reach:+.4f} to {gap.mean() + reach:+.4f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
