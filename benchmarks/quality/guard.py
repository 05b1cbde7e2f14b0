"""What a guard costs and saves: seeded worlds where the policy is better, alike, bad, stale, or turns bad.

Four contexts, five actions; the default takes one that is rewarded at 0.1 everywhere. Rewards come 50 decisions later.
Values are the true expected ones. "Worst" is the most by which what was served ever fell behind the default, over the
decisions so far, from the 500th on; "broken" the seeds where that is more than the guard.

usage: python -m benchmarks.quality.guard [--seeds 20] [--rounds 10000] [--guard 0.05] [--world stale ...]
"""

from __future__ import annotations

import argparse
from collections import deque
from typing import Any, NamedTuple, cast

import numpy as np

from micromoments.learn.guard import Guard
from micromoments.policy.adaptive import Adaptive

WORLDS = ("better", "alike", "a little worse", "bad", "stale", "turns bad")
CONTEXTS, ACTIONS, DEFAULT, DELAY, FLOOR, WARM = 4, 5, 0.1, 50, 0.05, 2000


class Served(NamedTuple):
    """What a guard reads of a decision."""

    id: str
    until: int
    guard: tuple[float, ...]
    holdout: bool = False
    marks: int = 0


class Came(NamedTuple):
    """What a guard reads of an outcome."""

    at: int
    reward: float
    marks: int = 0


def rates(rng: np.random.Generator) -> np.ndarray:
    """Rates of reward (contexts, actions): the first action is the default's, one other is twice as good."""
    worth = rng.uniform(0.02, 0.09, (CONTEXTS, ACTIONS))
    worth[:, 0] = DEFAULT
    worth[np.arange(CONTEXTS), rng.integers(1, ACTIONS, CONTEXTS)] = 0.2
    return worth


def pointed(worth: np.ndarray, times: float) -> np.ndarray:
    """A fixed policy (contexts, actions) that earns so many times what the default does: of the best and the worst."""
    best, worst = worth.argmax(axis=1), worth.argmin(axis=1)
    p = np.zeros_like(worth)
    for c in range(CONTEXTS):
        high, low = worth[c, best[c]], worth[c, worst[c]]
        share = min(1.0, max(0.0, (times * DEFAULT - low) / (high - low)))
        p[c, best[c]] += share
        p[c, worst[c]] += 1.0 - share
    return p


def rows(context: int) -> np.ndarray:
    """Features of the actions: which context and action it is."""
    x = np.zeros((ACTIONS, CONTEXTS * ACTIONS))
    x[np.arange(ACTIONS), context * ACTIONS + np.arange(ACTIONS)] = 1.0
    return x


def run(world: str, seed: int, rounds: int, limit: float) -> dict[str, float]:
    """One seed of a world; ``limit`` 0 serves the policy alone."""
    rng = np.random.default_rng(seed)
    worth, guard = rates(rng), Guard()
    learner = Adaptive(CONTEXTS * ACTIONS) if world == "stale" else None
    if learner is not None:
        for _ in range(WARM):  # what it was taught is the opposite of what holds
            c, a = int(rng.integers(CONTEXTS)), int(rng.integers(ACTIONS))
            learner.learn(rows(c)[a], float(rng.random() < 0.3 - worth[c, a]))
    times = {"better": 1.8, "alike": 1.0, "a little worse": 0.85, "bad": 0.4, "turns bad": 1.8}.get(world, 0.0)
    fixed = pointed(worth, times)
    late: deque[tuple[int, Any, Came, np.ndarray]] = deque()
    served = base = worst = shares = 0.0
    for t in range(rounds):
        if world == "turns bad" and t == rounds // 2:
            fixed = pointed(worth, 0.4)
        c = int(rng.integers(CONTEXTS))
        own = fixed[c] if learner is None else learner.pmf(rows(c), rng)
        own = (1.0 - FLOOR) * own + FLOOR / ACTIONS
        share = guard.share(limit) if limit else 1.0
        p = share * own
        p[0] += 1.0 - share
        a = int(rng.choice(ACTIONS, p=p / p.sum()))
        reward = float(rng.random() < worth[c, a])
        weights = (limit, share, own[a] / p[a], float(a == 0) / p[a])
        late.append((t, Served(f"{t}", t + DELAY, weights), Came(t + 1, reward), rows(c)[a]))
        while late and late[0][0] <= t - DELAY:
            _, decided, came, x = late.popleft()
            if limit:
                guard.weigh(cast(Any, decided), cast(Any, came))
            if learner is not None:
                learner.learn(x, came.reward)
        served, base, shares = served + float(p @ worth[c]), base + DEFAULT, shares + share
        if t >= 500:
            worst = max(worst, 1.0 - served / base)
    return {"earned": served / base, "worst": worst, "share": shares / rounds, "last": guard.share(limit or 1.0)}


def main() -> None:
    """Print a row a world, guarded and not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--guard", type=float, default=0.05)
    parser.add_argument("--world", action="append", choices=WORLDS, help="only this one; may be repeated")
    given = parser.parse_args()
    print("| world | policy alone earns | worst | guarded earns | worst | broken | mean share | last share |")
    for world in given.world or WORLDS:
        alone = [run(world, seed, given.rounds, 0.0) for seed in range(given.seeds)]
        held = [run(world, seed, given.rounds, given.guard) for seed in range(given.seeds)]

        def mean(of: list[dict[str, float]], key: str) -> float:
            return float(np.mean([one[key] for one in of]))

        print(
            f"| {world} | {mean(alone, 'earned'):.3f} | {max(one['worst'] for one in alone):.1%} "
            f"| {mean(held, 'earned'):.3f} | {max(one['worst'] for one in held):.1%} "
            f"| {sum(one['worst'] > given.guard + 1e-9 for one in held)} of {given.seeds} "
            f"| {mean(held, 'share'):.2f} | {mean(held, 'last'):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
