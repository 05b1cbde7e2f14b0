"""What a slip of the finger costs: ``python -m benchmarks.quality.slips``.

The probes of ``benchmarks.quality.queries`` as they stand, and with one slip in one word each (a letter doubled, one of
a double left out, two swapped, one left out, another for one), drawn with a seed; read by the model that ships, as it
is and without the mending of words (``recognise.spelling``). Prints macro-F1; writes ``benchmarks/results/slips.json``.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from unittest import mock

import numpy as np

from micromoments.core.moment import TYPES
from micromoments.recognise import text
from micromoments.recognise.text import TextModel

PROBES = Path(__file__).with_name("probe_queries.tsv")
RESULTS = Path(__file__).parents[1] / "results" / "slips.json"
SEED = 7


def slipped(query: str, rng: random.Random) -> str:
    """The query with one slip in a word of at least four letters, if it has one."""
    words = query.split()
    long = [i for i, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    if not long:
        return query
    at = rng.choice(long)
    word = words[at]
    i = rng.randrange(1, len(word) - 1)
    doubles = [k for k in range(1, len(word)) if word[k] == word[k - 1]]
    luck = rng.random()
    if luck < 0.25 and doubles:
        k = rng.choice(doubles)
        words[at] = word[:k] + word[k + 1 :]
    elif luck < 0.5:
        words[at] = word[: i + 1] + word[i:]
    elif luck < 0.75:
        words[at] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    elif luck < 0.9:
        words[at] = word[:i] + word[i + 1 :]
    else:
        words[at] = word[:i] + rng.choice("etaoinshr") + word[i + 1 :]
    return " ".join(words)


def macro_f1(model: TextModel, queries: list[str], labels: list[int]) -> float:
    """Macro-F1, of a model that remembers no words."""
    model._seen.clear()
    chosen = np.array([int(np.argmax(model.probabilities(query))) for query in queries])
    wanted = np.array(labels)
    hits = [int(((wanted == c) & (chosen == c)).sum()) for c in range(5)]
    return round(float(np.mean([2 * hits[c] / ((wanted == c).sum() + (chosen == c).sum()) for c in range(5)])), 4)


def main() -> int:
    """Measure, print, write."""
    rows = [line.split("\t") for line in PROBES.read_text(encoding="utf-8").splitlines()]
    labels, queries = [TYPES.index(kind) for _, kind, _ in rows], [query for _, _, query in rows]
    rng, model = random.Random(SEED), TextModel.load()
    wrong = [slipped(query, rng) for query in queries]
    report = {
        "weights": model.digest,
        "queries": len(rows),
        "as they stand": macro_f1(model, queries, labels),
        "a slip each": macro_f1(model, wrong, labels),
    }
    with mock.patch.object(text, "mended", lambda word, _: word):
        report["a slip each, not mended"] = macro_f1(model, wrong, labels)
    for name, value in report.items():
        print(f"{name:<26}{value}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
