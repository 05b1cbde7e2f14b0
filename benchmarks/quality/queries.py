"""Queries of sources never seen: ``python -m benchmarks.quality.queries --corpora CLONE [--shared DIR]``.

Each source is read by a model that never saw it: the sources that train what ships by a model trained without them, the
test-only ones by the model that ships. Beside it, in the same run, the floor: TF-IDF of words and pairs with logistic
regression on the public sources alone. Temperatures come from validation splits of other sources than the one measured.
Only ``test`` splits are scored. Prints tables; writes ``benchmarks/results/queries.json``. Seeded; needs scipy.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from micromoments.core.moment import TYPES
from micromoments.recognise.features import CUE
from micromoments.recognise.text import TextModel
from tools.train_text.fit import logistic
from tools.train_text.folds import folds
from tools.train_text.sources import Query, mapping
from tools.train_text.train import (
    PRIOR,
    SEED,
    calibrated,
    material,
    queries,
    temperature_from,
    training_sources,
)

KEPT = Path(__file__).with_name("kept_queries.tsv")
"""Queries in the styles of other sources (products, titles, questions, the web, voice about places), written for this
bench after the own text that trained then; read by the writer of the own text since, their answers never."""
PROBES = Path(__file__).with_name("probe_queries.tsv")
"""More such queries (titles in lower case, mobile ones too), written before the written queries and frames that train.
Of every two the first was used while those were written, the second was scored only."""
QUESTIONS = Path(__file__).with_name("question_queries.tsv")
"""Questions of many forms, most of them know, written before the text of questions (``questions.txt``) that trains: the
errors made on "questions used" were read before that was written, "questions" were scored only."""
RESULTS = Path(__file__).parents[1] / "results" / "queries.json"
MOST = 1500
"""Test queries scored of one source at most, drawn with the seed, so that no source outweighs the rest."""

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def f1_by_type(labels: Whole, chosen: Whole) -> Floats:
    """F1 of each type; 0 where a type has labels but no hits."""
    out = np.zeros(5)
    for c in range(5):
        hits = int(((labels == c) & (chosen == c)).sum())
        total = int((labels == c).sum() + (chosen == c).sum())
        out[c] = 2 * hits / total if total else 0.0
    return out


def calibration_error(p: Floats, labels: Whole, bins: int = 15) -> float:
    """Expected calibration error of the top type (Naeini et al. 2015): 15 equal bins of confidence."""
    top, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.minimum((top * bins).astype(int), bins - 1)
    gaps = [
        abs(top[place == b].mean() - right[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def confusion(labels: Whole, chosen: Whole) -> list[list[int]]:
    """Rows: labelled; columns: recognised."""
    return [[int(((labels == a) & (chosen == b)).sum()) for b in range(5)] for a in range(5)]


class Floor:
    """TF-IDF (smooth idf, unit length) of words and pairs seen twice; multinomial logistic regression, C = 4."""

    def __init__(self, rows: list[Query]) -> None:
        """Fit on labelled queries."""
        grams = [self._grams(q.text) for q in rows]
        counts = Counter(g for found in grams for g in set(found))
        self._column = {g: i for i, g in enumerate(sorted(g for g, n in counts.items() if n > 1))}
        self._idf = np.array([math.log((1 + len(rows)) / (1 + counts[g])) + 1 for g in self._column])
        labels = np.array([q.label for q in rows], np.int64)
        self._there = np.bincount(labels, minlength=5) > 0
        x = self._matrix([q.text for q in rows])
        self._table = logistic(x, labels, np.ones(len(rows)), penalty=1 / (4.0 * len(rows)), rounds=300)

    def probabilities(self, texts: list[str]) -> Floats:
        """Probabilities over all five types; types that it never saw get none."""
        logits = self._matrix(texts) @ self._table
        raised = np.exp(logits - logits.max(axis=1, keepdims=True)) * self._there
        found: Floats = raised / raised.sum(axis=1, keepdims=True)
        return found

    @staticmethod
    def _grams(text: str) -> list[str]:
        words = re.findall(r"\b\w\w+\b", text.lower())
        return words + [f"{a} {b}" for a, b in pairwise(words)]

    def _matrix(self, texts: list[str]) -> csr_matrix:
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for text in texts:
            found = Counter(self._column[g] for g in self._grams(text) if g in self._column)
            weighed = {c: n * self._idf[c] for c, n in found.items()}
            length = math.sqrt(sum(v * v for v in weighed.values())) or 1.0
            columns += list(weighed)
            values += [v / length for v in weighed.values()]
            starts.append(len(columns))
        data = np.array(values, np.float32), np.array(columns, np.int32), np.array(starts, np.int64)
        return csr_matrix(data, shape=(len(texts), len(self._column)))


def floor(found: dict[str, list[Query]], source: str) -> Floor:
    """The floor's model without ``source``."""
    return Floor([q for name in training_sources() if name != source for q in found[name] if q.split == "train"])


def summary(p: Floats, labels: Whole) -> dict[str, Any]:
    """Accuracy, F1 by type, recall by type, calibration error, confusion of one set of answers."""
    chosen = p.argmax(axis=1).astype(np.int64)
    there = [c for c in range(5) if (labels == c).any()]
    recall = {TYPES[c]: round(float((chosen[labels == c] == c).mean()), 4) for c in there}
    alarms = {TYPES[c]: round(float((chosen[labels != c] == c).mean()), 4) for c in range(5) if (labels != c).any()}
    f1 = f1_by_type(labels, chosen)
    return {
        "n": len(labels),
        "accuracy": round(float((chosen == labels).mean()), 4),
        "macro_f1": round(float(f1[there].mean()), 4),
        "f1": {TYPES[c]: round(float(f1[c]), 4) for c in range(5)},
        "recall": recall,
        "false_alarms": alarms,
        "ece": round(calibration_error(p, labels), 4),
        "confusion": confusion(labels, chosen),
    }


def speed(model: TextModel, texts: list[str]) -> dict[str, float]:
    """Microseconds of CPU a query: first sight (words not remembered) and again; the best of five rounds each."""
    fresh: list[float] = []
    again: list[float] = []
    for _ in range(5):
        model._seen.clear()
        if model.sense is not None:
            model.sense.forget()
        for spent in (fresh, again):
            start = time.process_time()
            for text in texts:
                model.probabilities(text)
            spent.append((time.process_time() - start) / len(texts) * 1e6)
    return {"first_sight_us": round(min(fresh), 1), "again_us": round(min(again), 1)}


def reliability(p: Floats, labels: Whole, bins: int = 10) -> list[dict[str, float]]:
    """The reliability diagram of the top type: for each tenth of confidence how many, how sure, how often right."""
    top, right = p.max(axis=1), p.argmax(axis=1) == labels
    place = np.minimum((top * bins).astype(int), bins - 1)
    return [
        {
            "from": b / bins,
            "queries": int((place == b).sum()),
            "sure": round(float(top[place == b].mean()), 3),
            "right": round(float(right[place == b].mean()), 3),
        }
        for b in range(bins)
        if (place == b).any()
    ]


def show(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """One line of the table."""
    recall = "  ".join(f"{k} {v:.2f}" for k, v in ours["recall"].items())
    scores = f"{theirs['macro_f1']:>9.3f}{ours['macro_f1']:>8.3f}{theirs['ece']:>8.3f}{ours['ece']:>7.3f}"
    print(f"{name:<12}{ours['n']:>6}{scores}   {recall}")


def alone(model: TextModel) -> TextModel:
    """The same model without its convolution: what the table of cues and grams reads by itself."""
    meta = {"cue": model._cue / CUE, "gram": model._gram, "temperature": 1.6, "doubt": model._doubt, "prior": PRIOR}
    return TextModel(model._weights, meta, model.lexicon, model.vocabulary)


def lines(path: Path, start: int = 0, step: int = 1) -> list[list[str]]:
    """(Style, type, query) of each line of a file, or of every ``step``-th."""
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()][start::step]


def own(name: str, rows: list[list[str]], shipped: TextModel, plain: Floor) -> dict[str, Any]:
    """Own queries: by style the share read right, and the summary, beside the floor and the table alone."""
    styles, texts = np.array([row[0] for row in rows]), [row[2] for row in rows]
    labels = np.array([TYPES.index(row[1]) for row in rows], np.int64)
    table = alone(shipped)
    answers = {
        "ours": np.array([shipped.probabilities(t) for t in texts]),
        "table alone": np.array([table.probabilities(t) for t in texts]),
        "floor": plain.probabilities(texts),
    }
    report: dict[str, Any] = {}
    print(f"\n{name}, {len(rows)} queries: share read right by style")
    for reader, p in answers.items():
        right = p.argmax(axis=1) == labels
        by = {style: round(float(right[styles == style].mean()), 3) for style in dict.fromkeys(styles.tolist())}
        report[reader] = {"by_style": by, **summary(p, labels)}
        told = "  ".join(f"{style} {share:.2f}" for style, share in by.items())
        print(f"{reader:<12} F1 {report[reader]['macro_f1']:.3f}  ECE {report[reader]['ece']:.3f}   {told}")
    return report


def told_pooled(report: dict[str, Any]) -> None:
    """Calibration and confusion of all sources together."""
    by = "  ".join(f"{r['sure']:.2f} {r['right']:.2f} ({r['queries']})" for r in report["reliability"])
    print(f"\npooled, by confidence: {by}")
    print(f"temperature and doubt without each source: {report['temperatures']}")
    print("\npooled confusion (rows labelled, columns recognised)\n" + " " * 6 + "".join(f"{t:>7}" for t in TYPES))
    for kind, row in zip(TYPES, report["pooled"]["ours"]["confusion"], strict=True):
        print(f"{kind:<6}" + "".join(f"{n:>7}" for n in row))


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.queries", description=__doc__)
    parser.add_argument(
        "--corpora", type=Path, required=True, help="checkout of dariusk/corpora (word lists for the grammar)"
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument(
        "--refit", action="store_true", help="fit held-out models again instead of reading .cache/text_folds"
    )
    args = parser.parse_args()
    folder = args.shared / "data" / "queries"
    if not folder.exists():
        print(f"skipped: {folder} isn't there; name the data's folder with --shared")
        return 0
    found = queries(folder)
    models = folds(found, material(args.corpora), keep=not args.refit)
    shipped = TextModel.load()
    rng = random.Random(SEED)
    print("source           n  floor F1  our F1  floor ECE  our ECE   recall by type")
    report: dict[str, Any] = {"seed": SEED, "weights": shipped.digest, "sources": {}}
    ps, fs, ys = [], [], []
    report["temperatures"] = {}
    for name in mapping():
        rows = [q for q in found[name] if q.split == "test"]
        rows = rng.sample(rows, MOST) if len(rows) > MOST else rows
        model = shipped
        if name in models:
            temperature, doubt = temperature_from(models, found, without=name)
            report["temperatures"][name] = [temperature, doubt]
            model = calibrated(models[name], temperature, doubt)
        texts, labels = [q.text for q in rows], np.array([q.label for q in rows], np.int64)
        p = np.array([model.probabilities(t) for t in texts])
        f = floor(found, name).probabilities(texts)
        report["sources"][name] = {"ours": summary(p, labels), "floor": summary(f, labels)}
        show(name, report["sources"][name]["ours"], report["sources"][name]["floor"])
        ps.append(p)
        fs.append(f)
        ys.append(labels)
    labels = np.concatenate(ys)
    report["pooled"] = {"ours": summary(np.concatenate(ps), labels), "floor": summary(np.concatenate(fs), labels)}
    show("pooled", report["pooled"]["ours"], report["pooled"]["floor"])
    report["reliability"] = reliability(np.concatenate(ps), labels)
    told_pooled(report)
    plain = floor(found, "")
    for told, queries_of in (
        ("kept", lines(KEPT)),
        ("probes used", lines(PROBES, 0, 2)),
        ("probes", lines(PROBES, 1, 2)),
        *((told, [row for row in lines(QUESTIONS) if row[0] == told]) for told in ("questions used", "questions")),
    ):
        report[told] = own(told, queries_of, shipped, plain)
    report["speed"] = speed(shipped, [q.text for q in found["unimobile"]])
    print(f"\nspeed: {report['speed']}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
