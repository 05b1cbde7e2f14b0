"""``make bench``: every benchmark that needs no shared data, one after the other; a table each, all of it as JSON.

usage: python -m benchmarks [NAME ...] [--quick]
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.speed import batches, crowd, decide, deliveries, fold, listeners, orders, person, track

RESULTS = Path(__file__).parent / "results"


def runs(quick: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """The benchmarks by name, in the order of the issue that asked for them."""
    return {
        "track": track.main,
        "batches": lambda: batches.main(10 if quick else 60),
        "decide": lambda: decide.main(8 if quick else 20),
        "fold": lambda: fold.main(20_000 if quick else fold.EVENTS),
        "person": person.main,
        "crowd": lambda: crowd.main(50_000 if quick else crowd.PEOPLE),
        "orders": orders.main,
        "deliveries": deliveries.main,
        "listeners": listeners.main,
    }


def main() -> None:
    """Run them, print each as a table, write ``results/speed.json``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="track, batches, decide, fold, person, crowd, orders, deliveries, listeners; all of them unless named",
    )
    parser.add_argument("--quick", action="store_true", help="shorter runs, for trying things out")
    given = parser.parse_args()
    known = runs(given.quick)
    unknown = sorted(set(given.names) - set(known))
    if unknown:
        parser.error(f"got {', '.join(unknown)}; wanted some of {', '.join(known)}")
    RESULTS.mkdir(exist_ok=True)
    found: dict[str, Any] = {"machine": f"{platform.machine()}, Python {platform.python_version()}"}
    for name in given.names or known:
        print(f"== {name}: {sys.modules[f'benchmarks.speed.{name}'].__doc__}")
        found[name] = known[name]()
        for key, value in found[name].items():
            print(f"{key:40} {value:,.3f}" if isinstance(value, float) else f"{key:40} {value}")
        (RESULTS / "speed.json").write_text(json.dumps(found, indent=2))
    print("Also: benchmarks.speed.{stores,retrieve,decide_core,cluster}")
    print("and benchmarks.quality.{intervals,queries,purchase,sessions,world}")


if __name__ == "__main__":
    main()
