"""Models that each never saw one source, kept in ``.cache`` between training and the bench."""

from __future__ import annotations

import sys
from pathlib import Path

from micromoments.recognise.text import TextModel
from tools.train_text.fit import save
from tools.train_text.sources import Query
from tools.train_text.train import held_out, meta_of, training_sources

FOLDS = Path(".cache/text_folds")


def folds(
    found: dict[str, list[Query]], own: list[tuple[str, int]], lexicon: dict[int, int], *, keep: bool
) -> dict[str, TextModel]:
    """For each shippable source the uncalibrated model that never saw it; ``keep`` uses those of an earlier run."""
    models = {}
    for source in training_sources():
        path = FOLDS / f"{source}.npz"
        if not (keep and path.exists()):
            model = held_out(found, own, lexicon, source)
            save(path, model._weights, meta_of(model), lexicon, model.vocabulary)
            print(f"fitted without {source}", file=sys.stderr, flush=True)
        models[source] = TextModel.load(path.read_bytes())
    return models
