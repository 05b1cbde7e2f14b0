"""The effects of Hillstrom's e-mail experiment, by arm, with always-valid intervals; beside them a second computation.

Needs the shared data (``MICROMOMENTS_SHARED``). The second one is scipy's Welch interval for a single look at 95 %; it
must lie inside of ours, and the differences must be the same. Prints a table and writes JSON.

usage: python -m benchmarks.quality.hillstrom [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from micromoments.learn.lift import Sums, lift
from micromoments.learn.sequence import FloatArray, planned

FILE = Path("data") / "offers" / "hillstrom_a.csv.gz"
CONTROL = "No E-Mail"
OUTCOMES = ("visit", "conversion", "spend")


def read(file: Path) -> dict[str, dict[str, FloatArray]]:
    """By arm and outcome, one value a person (n,); ``history`` is what they spent in the year before."""
    arms: dict[str, dict[str, list[float]]] = {}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            arm = arms.setdefault(row["segment"], {name: [] for name in (*OUTCOMES, "history")})
            for name, values in arm.items():
                values.append(float(row[name]))
    return {name: {key: np.array(values) for key, values in arm.items()} for name, arm in arms.items()}


def effects(arms: dict[str, dict[str, FloatArray]]) -> list[dict[str, Any]]:
    """Each arm against the control, by outcome: ours, with what they had spent before as the covariate, and scipy's."""
    control = arms[CONTROL]
    people = float(sum(len(arm["visit"]) for arm in arms.values()))
    rows = []
    for name in sorted(set(arms) - {CONTROL}):
        for outcome in OUTCOMES:
            mine, theirs = (Sums.of(arm[outcome]) for arm in (arms[name], control))
            plain = lift(mine, theirs, sequence=planned(people))
            mine, theirs = (Sums.of(arm[outcome], arm["history"]) for arm in (arms[name], control))
            cuped = lift(mine, theirs, sequence=planned(people))
            welch = stats.ttest_ind(arms[name][outcome], control[outcome], equal_var=False).confidence_interval(0.95)
            rows.append(
                {
                    "arm": name,
                    "outcome": outcome,
                    "people": plain.treated + plain.control,
                    "difference": plain.difference,
                    "low": plain.low,
                    "high": plain.high,
                    "p": plain.p,
                    "cuped_low": cuped.low,
                    "cuped_high": cuped.high,
                    "welch_low": float(welch.low),
                    "welch_high": float(welch.high),
                    "verdict": plain.verdict,
                }
            )
    return rows


def main(arguments: list[str]) -> int:
    """Prints the table; 1 where the two computations disagree, 2 without the data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    file = Path(os.environ.get("MICROMOMENTS_SHARED", "shared")) / FILE
    if not file.exists():
        print(f"no {file}; set MICROMOMENTS_SHARED to the folder of the shared data", file=sys.stderr)
        return 2
    rows = effects(read(file))
    heads = (f"{'arm':16}{'outcome':12}{'people':>7}", f"{'difference':>11}", f"{'always valid':>22}")
    print(*heads, f"{'Welch, one look':>22}", "verdict")
    for row in rows:
        ours = f"{row['low']:+.5f} {row['high']:+.5f}"
        welch = f"{row['welch_low']:+.5f} {row['welch_high']:+.5f}"
        print(
            f"{row['arm']:16}{row['outcome']:12}{row['people']:>7,} {row['difference']:>+11.5f} {ours:>22} "
            f"{welch:>22} {row['verdict']}"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    agree = all(
        row["low"] < row["welch_low"] < row["welch_high"] < row["high"]
        and abs((row["welch_low"] + row["welch_high"]) / 2 - row["difference"]) < 1e-9
        for row in rows
    )
    print("the second computation agrees" if agree else "the second computation DISAGREES")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
