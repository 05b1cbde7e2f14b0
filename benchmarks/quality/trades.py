"""Queries of many trades, half of them never looked at: ``python -m benchmarks.quality.trades [--weights FILE]``.

504 queries as people type and say them, of which 80 are about contracts, 40 about the upkeep of machines and 30
compare two things; written before any model read them and halved by a draw. Errors on the half "read" were read while
own text was written, the half "kept" was scored only. Types were given twice, the second time in another order without
seeing the first; both are in the file, and the agreement is printed. Prints the share read right by style with Wilson
intervals, macro-F1 with a bootstrap interval, calibration error; writes ``benchmarks/results/trades.json``.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.queries import Floats, Whole, calibration_error, f1_by_type
from micromoments.core.moment import TYPES
from micromoments.recognise.text import TextModel

QUERIES = Path(__file__).with_name("trade_queries.tsv")
"""Half, style, type, query, and the type given the second time."""
RESULTS = Path(__file__).parents[1] / "results" / "trades.json"
DRAWS = 2000
SEED = 20261127
SURE = 0.7
Z = 1.959964


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    middle, half = hits + Z * Z / 2, Z * math.sqrt(hits * (of - hits) / of + Z * Z / 4)
    return (middle - half) / (of + Z * Z), (middle + half) / (of + Z * Z)


def bootstrap(labels: Whole, chosen: Whole) -> tuple[float, float]:
    """The 95 % interval of macro-F1 over drawn queries."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(DRAWS):
        at = rng.integers(0, len(labels), len(labels))
        found.append(f1_by_type(labels[at], chosen[at]).mean())
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def agreement(rows: list[list[str]]) -> tuple[float, float]:
    """How often both labellings agree, and Cohen's kappa."""
    first, second = (np.array([TYPES.index(row[at]) for row in rows]) for at in (2, 4))
    same = float((first == second).mean())
    chance = sum(float((first == c).mean() * (second == c).mean()) for c in range(5))
    return same, (same - chance) / (1 - chance)


def scored(model: TextModel, rows: list[list[str]]) -> dict[str, Any]:
    """What a model makes of one half."""
    p: Floats = np.array([model.probabilities(row[3]) for row in rows])
    labels: Whole = np.array([TYPES.index(row[2]) for row in rows], np.int64)
    chosen: Whole = p.argmax(axis=1).astype(np.int64)
    right: NDArray[np.bool_] = chosen == labels
    agreed = np.array([row[2] == row[4] for row in rows])
    styles = np.array([row[1] for row in rows])
    by = {}
    for style in dict.fromkeys(styles.tolist()):
        hits, of = int(right[styles == style].sum()), int((styles == style).sum())
        by[style] = [of, hits / of, *wilson(hits, of)]
    return {
        "queries": len(rows),
        "right": [float(right.mean()), *wilson(int(right.sum()), len(rows))],
        "right where both labels agree": float(right[agreed].mean()),
        "macro F1": [float(f1_by_type(labels, chosen).mean()), *bootstrap(labels, chosen)],
        "calibration error": calibration_error(p, labels),
        "wrong and sure": float((~right & (p.max(axis=1) > SURE)).mean()),
        "by style": by,
    }


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.trades", description=__doc__)
    parser.add_argument("--weights", type=Path, help="other weights than those that ship")
    given = parser.parse_args()
    model = TextModel.load(given.weights.read_bytes() if given.weights else None)
    rows = [line.split("\t") for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    same, kappa = agreement(rows)
    report: dict[str, Any] = {"weights": model.digest, "labels agree": same, "kappa": kappa}
    print(f"two labellings agree on {same:.3f} of {len(rows)}, kappa {kappa:.3f}")
    for half in ("read", "kept"):
        report[half] = found = scored(model, [row for row in rows if row[0] == half])
        right, f1 = ("{:.3f} ({:.3f} to {:.3f})".format(*found[name]) for name in ("right", "macro F1"))
        print(
            f"\n{half}, {found['queries']}: right {right}, {found['right where both labels agree']:.3f} where both "
            f"labels agree; macro-F1 {f1}; ECE {found['calibration error']:.3f}; wrong and sure "
            f"{found['wrong and sure']:.3f}"
        )
        for style, (of, share, low, high) in found["by style"].items():
            print(f"  {style:<12}{of:>4}  {share:.2f} ({low:.2f} to {high:.2f})")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
