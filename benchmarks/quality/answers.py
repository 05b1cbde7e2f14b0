"""How well questions are answered from the texts of items, and how many of those that nothing answers are refused.

usage: MICROMOMENTS_SHARED=../shared python -m benchmarks.quality.answers [--show]

``answers_judged.txt`` beside this file holds questions judged by hand over the shared recipes and products; the others
those of customers over the texts of small businesses (``answers_*.json``) and of the simulated town. An answer is right
when it comes from the item named and holds what the judgement says. The rules and the table of confidence were made
with all of them but ``answers_held.txt``, whose questions and texts were written before, and answers to which nobody
read: only its sums were looked at. Prints, for each part, how many were answered rightly at each confidence, and if
confidence is the share that is right; writes ``benchmarks/results/answers.json``; ``--show`` lists what went wrong in
all but the part held out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from benchmarks.quality.search import items
from micromoments.core.item import Item
from micromoments.retrieve.answers import ANSWERING, CONFIDENT
from micromoments.retrieve.ask import Answer
from micromoments.retrieve.catalog import Catalog
from micromoments.simulate.catalog import items as simulated

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"


FILES = ("judged", "shops", "more", "held")
LEAST = (0.5, 0.7, 0.85, 0.95)
BINS = ((0.0, 0.3), (0.3, 0.75), (0.75, 0.95), (0.95, 1.01))


class Judged(NamedTuple):
    """A question, the items that answer it (none where nothing does), and what the answer must hold."""

    question: str
    items: tuple[str, ...]
    holds: str


class Told(NamedTuple):
    """What came of a question: the confidence of the best passage, whether it is right, whether anything answers it."""

    confidence: float
    right: bool
    answerable: bool


def judged(path: Path) -> dict[str, list[Judged]]:
    """The judgements of a file by its parts, which lines ``## name`` begin."""
    parts: dict[str, list[Judged]] = {}
    name = "recipes and products"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            name = line[3:]
        elif not line.startswith("#"):
            question, ids, holds = (part.strip() for part in line.split("|", 2))
            parts.setdefault(name, []).append(Judged(question, () if ids == "-" else tuple(ids.split()), holds))
    return parts


def catalogs() -> dict[str, Catalog]:
    """The items that each part asks about."""
    told: dict[str, list[Item]] = {}
    for file in ("shops", "more", "held"):
        shops: dict[str, list[dict[str, Any]]] = json.loads((HERE / f"answers_{file}.json").read_text(encoding="utf-8"))
        for name, own in shops.items():
            told[name] = [msgspec.convert({"kind": "article", **one}, Item) for one in own]
    told["town"] = [item for item in simulated("UTC") if item.kind in ANSWERING]
    told["recipes and products"] = items(Path(os.environ["MICROMOMENTS_SHARED"]))
    made: dict[str, Catalog] = {}
    for name, texts in told.items():
        made[name] = Catalog()
        made[name].apply({item.id: item for item in texts})
        made[name].settle()
    return made


def right(answer: Answer, one: Judged) -> bool:
    """Whether an answer is what the judgement asks for."""
    return answer.item in one.items and re.search(one.holds, answer.text) is not None


def figures(told: list[Told]) -> dict[str, float]:
    """At each confidence the precision, and the shares of the answerable answered rightly and of the others refused."""
    row: dict[str, float] = {"questions": len(told)}
    able = sum(one.answerable for one in told)
    for least in LEAST:
        given = [one for one in told if one.confidence >= least]
        row[f"precision {least}"] = sum(one.right for one in given) / max(1, len(given))
        row[f"answered {least}"] = sum(one.right for one in given) / able
        row[f"refused {least}"] = 1 - sum(not one.answerable for one in given) / max(1, len(told) - able)
    for low, high in BINS:
        inside = [one for one in told if low <= one.confidence < high]
        row[f"in {low}"] = len(inside)
        row[f"right in {low}"] = sum(one.right for one in inside) / max(1, len(inside))
        row[f"said in {low}"] = sum(one.confidence for one in inside) / max(1, len(inside))
    return row


def printed(name: str, row: dict[str, float]) -> None:
    """A part's two lines."""
    cells = [f"{row[f'precision {x}']:.3f} {row[f'answered {x}']:.3f} {row[f'refused {x}']:.3f}" for x in LEAST]
    print(f"{name:<22}{row['questions']:>4}   " + "   ".join(cells))
    bins = [f"{row[f'in {low}']:.0f}: {row[f'said in {low}']:.2f} {row[f'right in {low}']:.2f}" for low, _ in BINS]
    print(f"{'':<22}{'':>4}   confidence said, share right: " + ", ".join(bins))


def answered(shop: Catalog, questions: list[Judged], *, show: bool) -> list[Told]:
    """What came of the questions of a part."""
    told = []
    for one in questions:
        best = next(iter(shop.considered(one.question)), None)
        fine = best is not None and right(best, one)
        told.append(Told(best.confidence if best else 0.0, fine, bool(one.items)))
        if show and best and (best.confidence >= CONFIDENT) != (fine and bool(one.items)):
            said = f"{best.confidence:.2f} {best.item} {best.text[:90]!r}"
            print(f"    {one.question} [{' '.join(one.items)}] -> {said}")
    return told


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="list what went wrong")
    show = parser.parse_args().show
    of = catalogs()
    rows: dict[str, dict[str, float]] = {}
    asked = 0
    print("at each confidence: right of those given, share answered rightly, share of the others refused")
    print(f"{'':<29}" + "   ".join(f"{least:<17}" for least in LEAST))
    start = time.process_time()
    for file in FILES:
        everything: list[Told] = []
        for name, questions in judged(HERE / f"answers_{file}.txt").items():
            told = answered(of[name], questions, show=show and file != "held")
            printed(name, rows.setdefault(name, figures(told)))
            everything += told
        printed(f"all of {file}", rows.setdefault(f"all of {file}", figures(everything)))
        asked += len(everything)
    spent = (time.process_time() - start) / asked * 1e3
    print(f"{spent:.2f} ms of processor time a question")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
