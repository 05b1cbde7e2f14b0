"""Vowpal Wabbit's contextual bandits on the same rounds and features, for the regret benchmark."""

from __future__ import annotations

from time import process_time

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.quality.problems import Array, Problem, chance

SETTINGS: dict[str, str] = {
    "epsilon 0.02": "--epsilon 0.02",
    "epsilon 0.1": "--epsilon 0.1",
    "squarecb 10": "--squarecb --gamma_scale 10",
    "squarecb 100": "--squarecb --gamma_scale 100",
    "squarecb 1000": "--squarecb --gamma_scale 1000",
    "regcb 0.1": "--regcb --mellowness 0.1",
    "regcb 0.001": "--regcb --mellowness 0.001",
    "regcbopt 0.001": "--regcbopt --mellowness 0.001",
    "cover 4": "--cover 4",
    "cover 4 nounif": "--cover 4 --nounif --psi 0.01",
}
"""What follows ``--cb_explore_adf``, by the name of the table: each kind of exploration with a few settings."""


def line(row: Array) -> str:
    """A row of features as Vowpal Wabbit reads it."""
    at = np.flatnonzero(row)
    return "|f " + " ".join([f"{n}:{value:.6g}" for n, value in zip(at.tolist(), row[at].tolist(), strict=True)])


def run(problem: Problem, options: str, seed: int, rounds: int) -> tuple[float, float, float]:
    """The mean loss a round expected of its distributions, and processor microseconds a decision and a learning step.

    Its reading of text is part of both, as it is of using it.
    """
    # The seed shuffles its exploration alone; rounds and the draws' uniforms are those that every learner gets.
    vw = Workspace(f"--cb_explore_adf {options} --cb_type mtr --noconstant --quiet --random_seed {seed}")
    draws = chance(10_000 + seed)
    loss = deciding = learning = 0.0
    n = 0
    for x, means in problem.rounds(seed, rounds):
        lines = [line(row) for row in x]
        u, luck = draws.random(2).tolist()
        started = process_time()
        p = np.array(vw.predict(lines))
        deciding += process_time() - started
        p = p / p.sum()
        chosen = min(int(np.searchsorted(np.cumsum(p), u)), len(p) - 1)
        loss += 1.0 - float(p @ means)
        cost = 0 if luck < means[chosen] else 1
        lines[chosen] = f"0:{cost}:{p[chosen]:.6f} {lines[chosen]}"
        started = process_time()
        vw.learn(lines)
        learning += process_time() - started
        n += 1
    vw.finish()
    return loss / n, 1e6 * deciding / n, 1e6 * learning / n
