"""Next items of shop sessions: the model against baselines, and what each ingredient adds.

On the last tenth of a file's sessions, every prefix with its next click, learned from the nine tenths before it. Needs
the shared data (see ``MICROMOMENTS_SHARED``). GRU4Rec and SR-GNN are held against it by ``gru4rec.py`` and
``srgnn.py`` beside this file. Each row is printed as soon as it is there; ``--quick`` looks at the last 15,000 sessions
only, and ``--no-ingredients`` leaves out the blend without each of its parts. The last rows are what the live
recommender asks: a table of the model, against its own counts, on next items new to the session. Set
``OMP_NUM_THREADS=1`` for times of one core.

``--published`` splits as the published figures' splits do: the newest sessions, as many as give as many cases as the
published test split has, without the items that the past doesn't know, and every prefix of them is a case, of which
``--cases`` are drawn. What is held back is the end of the published *training* split, as the test split isn't here.

usage: python -m benchmarks.quality.sessions [diginetica|yoochoose64|retailrocket] [--published] [--cases 5000]
       [--quick] [--no-ingredients] [--json FILE]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from micromoments.retrieve.nextitem.blend import Blend
from micromoments.retrieve.nextitem.finder import Finder
from micromoments.retrieve.nextitem.model import NextItems, Plan, lesson
from micromoments.retrieve.nextitem.past import fold
from micromoments.retrieve.nextitem.vectors import Vectors, backward, cases, joined
from micromoments.retrieve.sessions import SessionNeighbours, Tuning
from micromoments.retrieve.similar import Ties
from micromoments.retrieve.trained import MOST, Trained

Session = Sequence[str]
Predict = Callable[[Session], list[str]]
N = 20
QUICK = 15_000
PUBLISHED = {"diginetica": 60_858, "yoochoose64": 55_898, "retailrocket": 3_000}
"""Cases of the published test splits (SR-GNN, Wu and others 2019); of the shared week of RetailRocket there is none."""

PLAIN = Tuning(neighbours=100, sample=1000, reach=100, back=3.0, apart=1e9, rare=0.0, follows=0.0)
"""V-SKNN: decayed by place in the present session, cosine, no say of where an item stood."""

PARTS: dict[str, Sequence[int]] = {
    "near sessions": (*range(4), *range(8, 12), 39),
    "what came straight after": (4, 12, 40),
    "ties after and before": (*range(5, 8), *range(13, 16)),
    "vectors": (*range(16, 20), 41, 46),
    "vectors of their company": range(43, 46),
    "popularity and recency": (*range(20, 25), 42),
    "what the session had": (25, *range(26, 35), 36, 38),
}
"""Clues by where they come from, as ``Finder`` numbers them."""


def main() -> None:
    """Run it, print the tables, write JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.sessions", description=__doc__)
    parser.add_argument("name", nargs="?", default="diginetica", choices=list(PUBLISHED))
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-ingredients", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    shared = Path(os.environ.get("MICROMOMENTS_SHARED", "../shared"))
    lines = read(shared / "data" / "sessions", given.name)
    if given.quick:
        lines, given.cases = lines[-QUICK:], min(given.cases, 1000)
    cut, held = newest(lines, PUBLISHED[given.name]) if given.published else tenth(lines)
    drawn = np.random.Generator(np.random.PCG64(1)).permutation(len(held))[: given.cases]
    chosen = [held[i] for i in drawn]
    print(f"{cut:,} sessions to learn from, {len(chosen):,} cases of the {len(lines) - cut:,} after them", flush=True)
    rows: list[dict[str, Any]] = []
    for row in table(lines, cut, chosen, None if given.no_ingredients else given.cases):
        print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        rows.append(row)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=2))


def read(folder: Path, name: str) -> list[list[str]]:
    """The sessions of a file of two clicks or more, oldest first."""
    if name != "retailrocket":
        with gzip.open(folder / f"{name}_train.txt.gz", "rt") as file:
            return [line.split() for line in file]
    views: dict[str, list[tuple[int, str]]] = {}
    with gzip.open(folder / "retailrocket_events.tsv.gz", "rt") as file:
        for line in list(file)[1:]:
            at, _, kind, item, session, _ = line.split("\t")
            if kind == "view":
                views.setdefault(session, []).append((int(at), item))
    inorder = sorted((sorted(one) for one in views.values()), key=lambda one: one[0])
    return [[item for _, item in one] for one in inorder if len(one) > 1]


def tenth(lines: Sequence[list[str]]) -> tuple[int, list[tuple[list[str], str]]]:
    """Where the last tenth of the sessions begins, and every prefix of it with its next item."""
    cut = len(lines) * 9 // 10
    return cut, [(one[:i], one[i]) for one in lines[cut:] for i in range(1, len(one))]


def newest(lines: Sequence[list[str]], cases_: int) -> tuple[int, list[tuple[list[str], str]]]:
    """Where the newest sessions with about so many cases begin, and these cases, of items known before alone."""
    cut, clicks = len(lines), 0
    while cut and clicks < cases_:
        cut -= 1
        clicks += len(lines[cut]) - 1
    known = {item for session in lines[:cut] for item in session}
    kept = [[item for item in session if item in known] for session in lines[cut:]]
    return cut, [(one[:i], one[i]) for one in kept for i in range(1, len(one))]


def table(
    lines: Sequence[Session], cut: int, chosen: Sequence[tuple[Session, str]], ingredients_of: int | None
) -> Iterator[dict[str, Any]]:
    """All rows, one after the other."""
    known = {item for session in lines[:cut] for item in session}
    for name, predict in baselines(lines[:cut]):
        yield measured(name, predict, chosen, known)
    began = time.process_time()
    model = NextItems(lines[:cut])
    spent = round(time.process_time() - began)
    yield measured("the model", model.predict, chosen, known) | {"train_cpu_s": spent}
    if ingredients_of is not None:
        yield from ingredients(lines, cut, ingredients_of)
    yield from live(model, lines[:cut], chosen)


def live(model: NextItems, past: Sequence[Session], chosen: Sequence[tuple[Session, str]]) -> Iterator[dict[str, Any]]:
    """What the live recommender says of next items new to the session: by counts, by the table, by the whole model."""
    new = [(seen, following) for seen, following in chosen if following not in seen]
    counted, trained = Ties(), Ties()
    for session in past:
        for place, item in enumerate(session):
            counted.tie(item, list(dict.fromkeys(session[:place][::-1])), 1.0, 0)
    trained.trained = Trained(*model.after_each(MOST))

    def of(ties: Ties) -> Predict:
        return lambda seen: [id for id, _, _ in ties.like(list(dict.fromkeys(seen[::-1]))[:4], 0, N)]

    def whole(seen: Session) -> list[str]:
        return [id for id in model.predict(seen, N + len(seen)) if id not in seen]

    for name, predict in (("live: counts", of(counted)), ("live: table", of(trained)), ("live: whole model", whole)):
        yield measured(name, predict, new)


def measured(
    name: str, predict: Predict, chosen: Sequence[tuple[Session, str]], known: Collection[str] = ()
) -> dict[str, Any]:
    """HR@20 and MRR@20 over the cases, over those alone whose next item is among ``known`` (published splits of
    Diginetica have no others), and a prediction's CPU time in ms: the middle, and what 99 of 100 stay under.
    """
    ranks, seconds = [], []
    for seen, following in chosen:
        began = time.thread_time()
        ranked = predict(seen)[:N]
        seconds.append(time.thread_time() - began)
        ranks.append(ranked.index(following) + 1 if following in ranked else 0)
    hits = [rank for rank in ranks if rank]
    row: dict[str, Any] = {"what": name}
    for of, cases_ in (("", len(ranks)), (" of known", sum(following in known for _, following in chosen))):
        if cases_:
            row[f"HR@20{of}"] = round(len(hits) / cases_, 4)
            row[f"MRR@20{of}"] = round(sum(1 / rank for rank in hits) / cases_, 4)
    return row | {
        "p50_ms": round(1000 * float(np.median(seconds)), 3),
        "p99_ms": round(1000 * float(np.quantile(seconds, 0.99)), 3),
    }


def baselines(past: Sequence[Session]) -> list[tuple[str, Predict]]:
    """Popular, session-popular, item-to-item, V-SKNN and VSTAN."""
    counts = Counter(item for session in past for item in session)
    popular = [item for item, _ in counts.most_common(N)]
    after: dict[str, Counter[str]] = {}
    for session in past:
        for at, item in enumerate(session):
            after.setdefault(item, Counter()).update([*session[:at], *session[at + 1 :]])

    def own_first(session: Session) -> list[str]:
        own = [item for item, _ in Counter(reversed(session)).most_common(N)]
        return list(dict.fromkeys([*own, *popular]))

    def item_to_item(session: Session) -> list[str]:
        return [item for item, _ in after.get(session[-1], Counter()).most_common(N)]

    return [
        ("popular", lambda _: popular),
        ("session-popular", own_first),
        ("item-to-item", item_to_item),
        ("V-SKNN", SessionNeighbours(past, PLAIN).predict),
        ("VSTAN", SessionNeighbours(past).predict),
    ]


def ingredients(lines: Sequence[Session], cut: int, most: int) -> list[dict[str, Any]]:
    """The blend with each part's clues left out in turn; the parts learn from 92 % of the nine tenths, the blend from
    the rest of these. Figures are over all cases whose next item the parts know.
    """
    plan = Plan()
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(id, len(numbers)) for id in session] for session in lines]
    early = int(cut * (1 - plan.held))
    past = fold(rows[:early], len(numbers))
    vectors = Vectors(len(numbers), plan.shape)
    data = joined(cases(past, plan.shape.reach), backward(past, plan.shape.reach), plan.backward)
    vectors.learn(data, np.bincount(past.flat, minlength=past.items).astype(float), plan.epochs)
    finder = Finder(past, vectors, plan.bounds)
    fit, test = lesson(finder, rows[early:cut], 12_000, 0), lesson(finder, rows[cut:], most, 1)
    everything = np.arange(fit.clues.shape[1])
    out = []
    for name, gone in [("all parts", ()), *PARTS.items()]:
        kept = np.setdiff1d(everything, gone)
        blend = Blend(np.ascontiguousarray(fit.clues[:, kept]), fit.starts, fit.right)
        score = blend.score(np.ascontiguousarray(test.clues[:, kept]))
        better = score > np.repeat(score[test.right], np.diff(test.starts))
        ranks = np.add.reduceat(better, test.starts[:-1]) + 1
        hit = ranks <= N
        row: dict[str, Any] = {"what": f"without {name}" if gone else name}
        row["HR@20"] = round(float(hit.mean()) * test.share, 4)
        row["MRR@20"] = round(float((hit / ranks).mean()) * test.share, 4)
        out.append(row)
    return out


if __name__ == "__main__":
    main()
