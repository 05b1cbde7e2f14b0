"""``python -m tools.train_text --corpora CLONE [--shared DIR]``: train, calibrate and write the weights that ship.

``--corpora`` is a checkout of github.com/dariusk/corpora at the commit in ``lexicon.CORPORA_COMMIT`` (CC0-1.0);
``--shared`` holds ``data/queries``. About eight minutes of one core. Held-out models are kept in ``.cache/text_folds``
for the bench.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from micromoments.recognise.text import TextModel
from tools.train_text.fit import save
from tools.train_text.folds import FOLDS, folds
from tools.train_text.lexicon import CORPORA_COMMIT
from tools.train_text.sources import mapping
from tools.train_text.train import (
    calibrated,
    fit,
    material,
    meta_of,
    queries,
    temperature_from,
    training_sources,
)

WEIGHTS = Path(__file__).parents[2] / "src" / "micromoments" / "recognise" / "data" / "text.npz"


def manifest(rows: dict[str, int], own: int, digest: str, temperature: float, doubt: float) -> dict[str, object]:
    """What the weights were made of, for people and for the test that reads it."""
    specs = mapping()
    sources = [
        {"name": name, "licence": specs[name]["licence"], "origin": specs[name]["origin"], "examples": rows[name]}
        for name in training_sources()
    ]
    sources.append(
        {"name": "own text", "licence": "Apache-2.0", "origin": "tools/train_text (this project)", "examples": own}
    )
    sources.append(
        {
            "name": "corpora",
            "licence": "CC0-1.0",
            "origin": f"dariusk/corpora at {CORPORA_COMMIT} (word lists)",
            "examples": 0,
        }
    )
    never = [name for name, spec in specs.items() if spec["role"] == "test"]
    return {
        "weights": WEIGHTS.name,
        "sha256": digest,
        "trained_by": "tools/train_text",
        "temperature": temperature,
        "doubt": doubt,
        "sources": sources,
        "never_trained_on": never,
    }


def main() -> int:
    """Train and write."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_text", description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument(
        "--keep-folds", action="store_true", help="use held-out models of an earlier run if they are there"
    )
    args = parser.parse_args()
    found = queries(args.shared / "data" / "queries")
    of = material(args.corpora)
    public = [q for name in training_sources() for q in found[name] if q.split == "train"]
    models = folds(found, of, keep=args.keep_folds)
    model = fit(public, of)
    print("fitted on all shippable sources", file=sys.stderr, flush=True)
    temperature, doubt = temperature_from(models, found)
    model = calibrated(model, temperature, doubt)
    save(WEIGHTS, model._weights, meta_of(model), of.lexicon, model.vocabulary, model.sense)
    digest = TextModel.load(WEIGHTS.read_bytes()).digest
    rows = {name: sum(q.source == name for q in public) for name in training_sources()}
    said = manifest(rows, len(of.own), digest, temperature, doubt)
    WEIGHTS.with_name("MANIFEST.json").write_text(json.dumps(said, indent=2) + "\n")
    print(f"wrote {WEIGHTS} ({WEIGHTS.stat().st_size} bytes), held-out models in {FOLDS}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
