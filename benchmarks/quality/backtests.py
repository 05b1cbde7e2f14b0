"""Backtests: how often off-policy intervals hold the truth, and Qini on Hillstrom's e-mail against two-model logistic.

usage: python -m benchmarks.quality.backtests [--logs N] [--splits N]

Intervals: logs of items shown evenly, of which a fraction of a percent to a few are clicked, and a target that prefers
some; how many 95 % intervals hold its true value. Hillstrom: random halves of the shared half, learned on one and
ranked on the other; the Qini coefficient is scikit-uplift's. Without the shared data the second part is left out.
Prints tables and writes benchmarks/results/backtests.json.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micromoments.learn.columns import Encoder
from micromoments.learn.estimate import dr, ips, snips
from micromoments.learn.uplift import Model, rank

RESULTS = Path(__file__).resolve().parents[1] / "results" / "backtests.json"
ITEMS = 34
Array = NDArray[np.float64]


def covered(rate: float, decisions: int, logs: int) -> dict[str, Any]:
    """Of so many logs, the share whose 95 % intervals hold the truth, and their mean width as a share of it."""
    rng = np.random.default_rng(7)
    means, target = rate * rng.gamma(2.0, 0.5, ITEMS), rng.dirichlet(np.full(ITEMS, 0.5))
    truth, even = float(means @ target), np.full(decisions, 1.0 / ITEMS)
    held, normal, width = np.zeros(3), 0, np.zeros(3)
    for _ in range(logs):
        shown = rng.integers(0, ITEMS, decisions)
        reward = (rng.random(decisions) < means[shown]).astype(np.float64)
        model, p = np.full(decisions, reward.mean()), target[shown]
        got = ips(reward, even, p), snips(reward, even, p), dr(reward, even, p, model, model)
        held += [one.low <= truth <= one.high for one in got]
        width += [one.high - one.low for one in got]
        terms = ITEMS * p * reward
        normal += abs(float(terms.mean()) - truth) <= 1.96 * float(terms.std(ddof=1)) / sqrt(decisions)
    return {
        "covered": dict(zip(("ips", "snips", "dr"), (held / logs).tolist(), strict=True)),
        "normal ips": normal / logs,
        "width": float(width[1] / logs / truth),
    }


def two_models(x: Array, t: Array, y: Array, to: Array) -> Array:
    """The floor: a logistic regression with treatment, one without, and their difference."""
    from sklearn.linear_model import LogisticRegression

    arms = [LogisticRegression(max_iter=500).fit(x[t == arm], y[t == arm]).predict_proba(to)[:, 1] for arm in (1, 0)]
    return np.asarray(arms[0] - arms[1], dtype=np.float64)


def hillstrom(path: Path, splits: int) -> dict[str, Any]:
    """Qini of ours and of the floor by arm, over random halves, with the paired interval of the difference."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    known = [name for name in rows[0] if name not in ("segment", "visit", "conversion", "spend")]
    out: dict[str, Any] = {}
    for arm in ("Womens E-Mail", "Mens E-Mail"):
        some = [row for row in rows if row["segment"] in (arm, "No E-Mail")]
        columns = {name: [row[name] for row in some] for name in known}
        x = Encoder(columns).encode(columns)
        t = np.array([float(row["segment"] == arm) for row in some])
        y = np.array([float(row["visit"]) for row in some])
        found = []
        for split in range(splits):
            order = np.random.default_rng(split).permutation(len(t))
            a, b = order[: len(t) // 2], order[len(t) // 2 :]
            ours = rank(Model(x[a], t[a], y[a]).predict(x[b]), t[b], y[b]).qini
            found.append((ours, rank(two_models(x[a], t[a], y[a], x[b]), t[b], y[b]).qini))
        pairs = np.array(found)
        gain = pairs[:, 0] - pairs[:, 1]
        out[arm] = {
            "ours": float(pairs[:, 0].mean()),
            "two models": float(pairs[:, 1].mean()),
            "gain": float(gain.mean()),
            "error": float(gain.std(ddof=1) / sqrt(splits)),
            "won": float((gain > 0.0).mean()),
        }
    return out


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=300)
    parser.add_argument("--splits", type=int, default=24)
    given = parser.parse_args()
    found: dict[str, Any] = {"intervals": {}}
    print(f"{'click rate':<12}{'decisions':>10}{'ips':>8}{'snips':>8}{'dr':>8}{'normal ips':>12}{'width/truth':>13}")
    for rate, decisions in ((0.002, 1_000), (0.002, 10_000), (0.005, 1_000), (0.005, 10_000), (0.05, 1_000)):
        one = found["intervals"][f"{rate} {decisions}"] = covered(rate, decisions, given.logs)
        shares = "".join(f"{share:>8.3f}" for share in one["covered"].values())
        print(f"{rate:<12}{decisions:>10}{shares}{one['normal ips']:>12.3f}{one['width']:>13.2f}", flush=True)
    path = Path(os.environ.get("MICROMOMENTS_SHARED", "../shared")) / "data/offers/hillstrom_a.csv.gz"
    if path.exists():
        found["hillstrom"] = hillstrom(path, given.splits)
        for arm, row in found["hillstrom"].items():
            print(
                f"{arm:<15} Qini {row['ours']:.4f}, two models {row['two models']:.4f}, "
                f"gain {row['gain']:+.4f} ± {row['error']:.4f} (standard error), won {row['won']:.0%} of {given.splits}"
            )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
