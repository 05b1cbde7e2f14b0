"""How long deciding takes after retrieval, and each part of it: a hundred candidates, one thread.

usage: python benchmarks/speed/decide_core.py [--rounds N]

Prints a table (microseconds: median and 99th percentile over the rounds), writes benchmarks/results/decide_core.json.
``least`` is the fastest round, ``cpu`` the median of the thread's own processor time, which other load disturbs less.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import numpy as np

from micromoments.core.decision import Request
from micromoments.core.item import KINDS, Item, Money
from micromoments.core.moment import MomentView
from micromoments.core.person import Person, Served, Stamp, Trait
from micromoments.core.settings import Cap, Settings, Slot
from micromoments.decide.chance import Chance
from micromoments.decide.decider import decide
from micromoments.decide.eligibility import eligible
from micromoments.decide.slate import draw
from micromoments.policy import NAMES, make
from micromoments.policy.features import DIM, matrix
from micromoments.retrieve.ask import Candidate

NOW = 1_760_000_000_000
CANDIDATES = 100
RESULTS = Path(__file__).resolve().parents[1] / "results" / "decide_core.json"


def candidates() -> list[Candidate]:
    """A hundred of all kinds, ten categories, with prices, places and titles."""
    return [
        Candidate(
            item=Item(
                id=f"item-{n}",
                kind=KINDS[n % 5],
                title=f"Trail running shoe {n}",
                category=f"category-{n % 10}",
                brand=f"brand-{n % 7}",
                price=Money(1_000 + 37 * n, "EUR"),
                hours="Mo-Su 08:00-20:00" if KINDS[n % 5] == "place" else "",
                value=n,
            ),
            score=1.0 / (1 + n),
            via=("search", "popular") if n % 2 else ("similar",),
            reasons=("matches your words",),
            metres=37 * n if KINDS[n % 5] == "place" else -1,
            seconds=30 * n if KINDS[n % 5] == "place" else -1,
        )
        for n in range(CANDIDATES)
    ]


def person() -> Person:
    """Someone who consents, with 32 items served and some bought."""
    return Person(
        id="user:ana",
        surrogate=1,
        consent={"personalise": Trait(Stamp(1, 1), True)},
        served=tuple(Served(NOW - 60_000 * n, f"item-{n}", "home", "", f"d{n // 3}") for n in range(32)),
        bought={"item-3": NOW - 1, "item-9": NOW - 1},
    )


def timed(work: Callable[[int], object], rounds: int) -> dict[str, float]:
    """Microseconds of one call (it gets the round's number): median, 99th percentile, least, own processor time."""
    for n in range(min(50, rounds)):
        work(n)
    spent, own = [], []
    for n in range(rounds):
        start, started = perf_counter_ns(), thread_time_ns()
        work(n)
        own.append((thread_time_ns() - started) / 1_000)
        spent.append((perf_counter_ns() - start) / 1_000)
    return {
        "p50": float(np.median(spent)),
        "p99": float(np.percentile(spent, 99)),
        "least": min(spent),
        "cpu": float(np.median(own)),
    }


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Every part by name."""
    made, who, rng = candidates(), person(), np.random.Generator(np.random.PCG64(1))
    slot, settings = Slot(caps=(Cap(times=5, by="item"), Cap(times=100, by="slot"))), Settings()
    probabilities = {"know": 0.1, "go": 0.2, "do": 0.05, "buy": 0.6, "none": 0.05}
    need: dict[str, str | int] = {"query": "trail running shoe", "category": "category-3", "price_to": 3_000}
    view = MomentView("m1", "buy", probabilities, need, 0.9, 0.5, "consider", [], NOW - 1_000, NOW + 60_000)
    asked = Request(id="d1", slot="home", key="user:ana", at=NOW, context={"timezone": "Europe/Oslo"})
    x = matrix(made, view, asked.context, NOW)
    groups = [c.item.category for c in made]
    policies = {name: make(name) for name in NAMES}
    out: dict[str, dict[str, float]] = {}
    for name, policy in policies.items():
        out[f"learn {name}"] = timed(lambda n, p=policy: p.learn(x[n % CANDIDATES], float(n % 5 == 0)), rounds)  # type: ignore[misc]
        out[f"pmf {name}"] = timed(lambda _, p=policy: p.pmf(x, rng), rounds)  # type: ignore[misc]
    thompson = policies["thompson"]
    out["features"] = timed(lambda _: matrix(made, view, asked.context, NOW), rounds)
    out["eligible"] = timed(lambda _: eligible(made, who, slot, settings, asked, NOW, {}, view), rounds)
    out["slate of 3"] = timed(lambda _: draw(thompson, x, limit=3, floor=0.05, rng=Chance(1), groups=groups), rounds)
    out["decide"] = timed(
        lambda n: decide(
            who,
            [view],
            asked,
            made,
            slot=slot,
            settings=settings,
            policy=thompson,
            default_policy=policies["popular"],
            config_version="c",
            seed=n,
            budgets_left={},
        ),
        rounds,
    )
    return out


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1_000)
    rounds = parser.parse_args().rounds
    measured = measure(rounds)
    print(f"{CANDIDATES} candidates, {DIM} features, {rounds} rounds, microseconds")
    print(f"{'part':<18}{'p50':>9}{'p99':>9}{'least':>9}{'cpu':>9}")
    for name, one in measured.items():
        print(f"{name:<18}{one['p50']:>9.1f}{one['p99']:>9.1f}{one['least']:>9.1f}{one['cpu']:>9.1f}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "unit": "us",
        "rounds": rounds,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "parts": measured,
    }
    RESULTS.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
