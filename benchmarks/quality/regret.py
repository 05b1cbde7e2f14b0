"""Regret: our policies and Vowpal Wabbit's on the same rounds, features and luck; paired 95 % intervals over seeds.

usage: python -m benchmarks.quality.regret [--seeds N] [--rounds N] [--problem NAME ...] [--resume]

Every learner sees the same rounds, is drawn from by the same uniforms and rewarded by the same luck; its loss is 1
minus the reward expected of its distribution, a round (progressive: each decision before its outcome is learned). All
of Vowpal Wabbit's settings run on three other seeds first (kept in benchmarks/results/regret_screen.json), and problem
by problem the three best of them on the seeds that count: the best of those on these is compared with.
Prints a table and writes benchmarks/results/regret.json after each problem, every run in it; ``--resume`` goes on from
there (with the code that you have now: start afresh where it has changed).
Shared data is found by MICROMOMENTS_SHARED; without it the simulated and scikit-learn's problems run.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.quality import wabbit
from benchmarks.quality.problems import Problem, all_problems, chance
from micromoments.policy.adaptive import Adaptive
from micromoments.policy.base import Policy
from micromoments.policy.squarecb import Epsilon, SquareCB
from micromoments.policy.thompson import Thompson

RESULTS = Path(__file__).resolve().parents[1] / "results" / "regret.json"
SCREENED = RESULTS.with_name("regret_screen.json")
SCREEN = 3
"""Seeds, from 0, on which all of Vowpal Wabbit's settings run."""
SCREEN_ROUNDS = 2_000
KEEP = 3
"""Of its settings, how many run on the seeds that count."""
FIRST_SEED = 100
"""What was tuned was tuned on seeds below this one."""
STUDENT = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262, 12: 2.201, 16: 2.131, 20: 2.093}
"""Two-sided 95 % quantiles of Student's t by number of seeds."""
OURS: dict[str, Callable[[int], Policy]] = {
    "adaptive": Adaptive,
    "thompson": lambda dim: Thompson(dim, precision=0.5),
    "squarecb": lambda dim: SquareCB(dim, precision=0.5, explore=100.0),
    "epsilon": lambda dim: Epsilon(dim, precision=0.5, explore=0.02),
}
OTHERS_ON = 2
"""Seeds on which the others of ours run."""


def run(problem: Problem, make: Callable[[int], Policy], seed: int, rounds: int) -> tuple[float, float, float]:
    """The mean loss a round, and processor microseconds a decision and a learning step, as ``wabbit.run``."""
    policy, draws, rng = make(problem.dim), chance(10_000 + seed), chance(20_000 + seed)
    loss = deciding = learning = 0.0
    n = 0
    for x, means in problem.rounds(seed, rounds):
        u, luck = draws.random(2).tolist()
        started = process_time()
        p = policy.pmf(x, rng)
        deciding += process_time() - started
        chosen = min(int(np.searchsorted(np.cumsum(p), u)), len(p) - 1)
        loss += 1.0 - float(p @ means)
        started = process_time()
        policy.learn(x[chosen], float(luck < means[chosen]))
        learning += process_time() - started
        n += 1
    return loss / n, 1e6 * deciding / n, 1e6 * learning / n


Runs = dict[str, dict[str, list[tuple[float, float, float]]]]


def screened(problem: Problem) -> list[str]:
    """The names of Vowpal Wabbit's best settings for a problem; what was found before is kept."""
    found: dict[str, dict[str, list[float]]] = {}
    if SCREENED.exists():
        found = json.loads(SCREENED.read_text(encoding="utf-8"))
    if problem.name not in found:
        print(f"screening settings on {problem.name}", flush=True)
        found[problem.name] = {
            name: [wabbit.run(problem, options, seed, SCREEN_ROUNDS)[0] for seed in range(SCREEN)]
            for name, options in wabbit.SETTINGS.items()
        }
        SCREENED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    losses = found[problem.name]
    return sorted(losses, key=lambda name: sum(losses[name]))[:KEEP]


def one_seed(problem: Problem, number: int, rounds: int, settings: Iterable[str], found: Runs) -> None:
    """Run the learners whose turn it is on one seed of a problem, into ``found``."""
    mine, seed = found.setdefault(problem.name, {}), FIRST_SEED + number
    for name, make in OURS.items():
        if name == "adaptive" or number < OTHERS_ON:
            mine.setdefault(name, []).append(run(problem, make, seed, rounds))
    for name in settings:
        mine.setdefault(f"VW {name}", []).append(wabbit.run(problem, wabbit.SETTINGS[name], seed, rounds))


def compared(mine: Mapping[str, list[tuple[float, float, float]]]) -> dict[str, Any]:
    """One problem's row: our default against Vowpal Wabbit's best, with the paired interval of the difference."""
    ours = np.array(mine["adaptive"])
    whole = {name: np.array(runs) for name, runs in mine.items() if name.startswith("VW") and len(runs) == len(ours)}
    best = min(whole, key=lambda name: float(whole[name][:, 0].mean()))
    theirs = whole[best]
    gap, n = ours[:, 0] - theirs[:, 0], len(ours)
    quantile = STUDENT[max(many for many in STUDENT if many <= max(n, 2))]
    reach = quantile * float(gap.std(ddof=1)) / sqrt(n) if n > 1 else float("inf")
    return {
        "adaptive": float(ours[:, 0].mean()),
        "best": best,
        "theirs": float(theirs[:, 0].mean()),
        "difference": float(gap.mean()),
        "low": float(gap.mean()) - reach,
        "high": float(gap.mean()) + reach,
        "relative": float(gap.mean() / theirs[:, 0].mean()),
        "better": float(gap.mean()) + reach < 0.0,
        "seeds": n,
        "decide_us": [float(np.median(ours[:, 1])), float(np.median(theirs[:, 1]))],
        "learn_us": [float(np.median(ours[:, 2])), float(np.median(theirs[:, 2]))],
        "all": {name: round(float(np.mean([one[0] for one in runs])), 4) for name, runs in mine.items()},
    }


def show(rows: Mapping[str, dict[str, Any]]) -> None:
    """The table."""
    print(f"{'problem':<15}{'ours':>9}{'VW':>8}  {'its best':<20}{'difference, 95 %':>26}{'relative':>10}  us, ours/VW")
    for name, row in rows.items():
        interval = f"{row['difference']:+.4f} ({row['low']:+.4f} {row['high']:+.4f})"
        pace = "decide {:.0f}/{:.0f} learn {:.0f}/{:.0f}".format(*row["decide_us"], *row["learn_us"])
        print(
            f"{name:<15}{row['adaptive']:>9.4f}{row['theirs']:>8.4f}  {row['best'][3:]:<20}{interval:>26}"
            f"{row['relative']:>+10.1%}   {pace}"
        )
    better = sum(row["better"] for row in rows.values())
    print(f"better on {better} of {len(rows)}; worst {max(row['relative'] for row in rows.values()):+.1%}")


def main() -> None:
    """Run seed by seed, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1_000)
    parser.add_argument("--problem", action="append", help="only this one; may be given more than once")
    parser.add_argument("--resume", action="store_true", help="go on after the seeds that are in the file")
    given = parser.parse_args()
    problems = all_problems(Path(os.environ.get("MICROMOMENTS_SHARED", "../shared")))
    chosen = [one for one in problems if not given.problem or one.name in given.problem]
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if given.resume else {"rounds": given.rounds, "runs": {}}
    if kept["rounds"] != given.rounds:
        parser.error(f"got --rounds {given.rounds}; wanted {kept['rounds']}, as in {RESULTS}, or no --resume")
    found: Runs = kept["runs"]
    RESULTS.parent.mkdir(exist_ok=True)
    for problem in chosen:
        settings = screened(problem)
        for number in range(len(found.get(problem.name, {}).get("adaptive", ())), given.seeds):
            one_seed(problem, number, given.rounds, settings, found)
        rows = {name: compared(mine) for name, mine in found.items()}
        result = {"rounds": given.rounds, "problems": rows, "runs": found}
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"{problem.name}: {given.seeds} seeds", flush=True)
    show({name: compared(mine) for name, mine in found.items()})


if __name__ == "__main__":
    main()
