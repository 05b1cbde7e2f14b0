"""How well questions are answered from the texts of items, and how many of those that nothing answers are refused.

usage: MICROMOMENTS_SHARED=../shared python -m benchmarks.quality.answers [--show]

``answers_judged.txt`` beside this file holds the questions, judged by hand over the shared recipes and products; an
answer is right when it comes from the item named and holds what the judgement says. Every second question of the first
part chose the threshold, the others of it were seen while the rules were made; those below ``# fresh`` were written
afterwards, and are the test. Prints a table and writes ``benchmarks/results/answers.json``; ``--show`` lists what went
wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality.search import items
from micromoments.retrieve import answers
from micromoments.retrieve.ask import Answer
from micromoments.retrieve.catalog import Catalog

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"


class Judged(NamedTuple):
    """A question, the items that answer it (none where nothing does), and what the answer must hold."""

    question: str
    items: tuple[str, ...]
    holds: str


def judged() -> tuple[list[Judged], list[Judged]]:
    """The judgements in the file's order: those that the rules were made with, and the fresh ones."""
    parts: tuple[list[Judged], list[Judged]] = ([], [])
    fresh = False
    for line in (HERE / "answers_judged.txt").read_text(encoding="utf-8").splitlines():
        fresh = fresh or line.startswith("# fresh")
        if not line.startswith("#"):
            question, ids, holds = (part.strip() for part in line.split("|", 2))
            parts[fresh].append(Judged(question, () if ids == "-" else tuple(ids.split()), holds))
    return parts


def right(answer: Answer, one: Judged) -> bool:
    """Whether an answer is what the judgement asks for."""
    return answer.item in one.items and re.search(one.holds, answer.text) is not None


def figures(told: list[tuple[Judged, list[Answer]]], least: float) -> dict[str, float]:
    """At a threshold: shares of the answerable that are answered rightly and wrongly, and of the others refused."""
    able = [(one, found) for one, found in told if one.items]
    others = [found for one, found in told if not one.items]
    given = [(one, found[0]) for one, found in able if found and found[0].confidence >= least]
    correct = sum(right(answer, one) for one, answer in given)
    refused = sum(not (found and found[0].confidence >= least) for found in others)
    wrong = len(given) - correct
    return {
        "right at 1": correct / len(able),
        "wrong": wrong / len(able),
        "refused": refused / len(others),
        "precision": correct / max(1, len(given) + len(others) - refused),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="list what went wrong")
    show = parser.parse_args().show
    catalog = Catalog()
    catalog.apply({item.id: item for item in items(Path(os.environ["MICROMOMENTS_SHARED"]))})
    catalog.settle()
    start = time.process_time()
    made, fresh = ([(one, catalog.considered(one.question)) for one in part] for part in judged())
    told = [*made, *fresh]
    spent = (time.process_time() - start) / len(told) * 1e3
    halves = {"chosen on": made[1::2], "seen": made[::2], "fresh": fresh}
    rows = {}
    print(f"{'half':<10} {'at':>5} {'right at 1':>11} {'wrong':>7} {'refused':>8} {'precision':>10}")
    for name, half in halves.items():
        for least in (0.0, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85):
            row = rows[f"{name} {least}"] = figures(half, least)
            cells = f"{row['right at 1']:>11.3f} {row['wrong']:>7.3f} {row['refused']:>8.3f} {row['precision']:>10.3f}"
            print(f"{name:<10} {least:>5.2f} {cells}")
    print(f"{len(told)} questions, {spent:.2f} ms of processor time each")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "answers.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    if show:
        for one, found in told:
            best = next(iter(found), None)
            given = best is not None and best.confidence >= answers.CONFIDENT
            if given != bool(one.items) or (best is not None and one.items and not right(best, one)):
                said = f"{best.confidence:.2f} {best.item} {best.text[:90]!r}" if best is not None else "nothing"
                print(f"{one.question} [{' '.join(one.items)}] -> {said}")


if __name__ == "__main__":
    main()
