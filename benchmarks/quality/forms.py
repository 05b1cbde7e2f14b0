"""What forms of speech cost: ``python -m benchmarks.quality.forms [--shared DIR]``.

Own queries that refuse, that thumbs typed, that ask for a contract (a loan, cover, a line), and everyday ones, read by
the model that ships, as it is and without reading refusals and thumbs by their form (``recognise.refusal``,
``recognise.thumbs``). With ``--shared`` also how many public queries of train and validation splits only refuse, and
what these are labelled. Prints a table; writes ``benchmarks/results/forms.json``.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from unittest import mock

from micromoments.core.moment import TYPES
from micromoments.recognise import text
from micromoments.recognise.refusal import asked
from micromoments.recognise.text import TextModel
from tools.train_text.train import queries

QUERIES = Path(__file__).with_name("form_queries.tsv")
"""Style, type and query. All were written before what reads them. Errors on those "used" were read while that was
written, and of "everyday" on every third; on "refusals" and the rest of "everyday" once it was measured."""
RESULTS = Path(__file__).parents[1] / "results" / "forms.json"
SURE = 0.7


def score(model: TextModel, rows: list[list[str]]) -> dict[str, float]:
    """The share read right, the mean confidence, and the share that is wrong and sure."""
    right = confidence = misled = 0.0
    for _, kind, query in rows:
        p = model.probabilities(query)
        top = max(p)
        hit = TYPES[p.index(top)] == kind
        right += hit
        confidence += top
        misled += not hit and top > SURE
    many = len(rows)
    return {"right": right / many, "confidence": confidence / many, "wrong and sure": misled / many}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.forms", description=__doc__)
    parser.add_argument("--shared", type=Path)
    given = parser.parse_args()
    rows = [line.split("\t") for line in QUERIES.read_text(encoding="utf-8").splitlines()]
    model, report = TextModel.load(), {}
    print(f"{'style':<16}{'queries':>8}  read by form{'':>24}words alone")
    for style in dict.fromkeys(row[0] for row in rows):
        some = [row for row in rows if row[0] == style]
        now = score(model, some)
        with mock.patch.object(text, "asked", lambda told: told), mock.patch.object(text, "spelled", lambda told: told):
            alone = score(model, some)
        report[style] = {"queries": len(some), "by form": now, "words alone": alone}
        told = ["  ".join(f"{name} {value:.2f}" for name, value in one.items()) for one in (now, alone)]
        print(f"{style:<16}{len(some):>8}  {told[0]}   {told[1]}")
    if given.shared:
        public = [q for of in queries(given.shared / "data" / "queries").values() for q in of if q.split != "test"]
        refusing = Counter(TYPES[q.label] for q in public if not asked(q.text))
        report["public"] = {"queries": len(public), "only refuse": dict(refusing)}
        print(f"of {len(public)} public queries {refusing.total()} only refuse: {dict(refusing)}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
