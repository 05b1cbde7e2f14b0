"""Models that each never saw one source, kept in ``.cache`` between training and the bench."""

from __future__ import annotations

import sys
from pathlib import Path

from micromoments.recognise.text import TextModel
from tools.train_text.fit import save
from tools.train_text.sources import Query
from tools.train_text.train import Material, held_out, meta_of, training_sources

FOLDS = Path(".cache/text_folds")
LEFT = (("clinc150",), ("hwu64",), ("banking77",), ("snips2017", "mozilla"))
"""Which sources are left out together: the two smallest share a model, which saw neither."""


def folds(found: dict[str, list[Query]], of: Material, *, keep: bool) -> dict[str, TextModel]:
    """For each shippable source the uncalibrated model that never saw it; ``keep`` uses those of an earlier run."""
    models: dict[str, TextModel] = {}
    for left in LEFT:
        path = FOLDS / f"{'_'.join(left)}.npz"
        if not (keep and path.exists()):
            model = held_out(found, of, left)
            save(path, model._weights, meta_of(model), of.lexicon, model.vocabulary, model.sense)
            print(f"fitted without {', '.join(left)}", file=sys.stderr, flush=True)
        models |= dict.fromkeys(left, TextModel.load(path.read_bytes()))
    if set(models) != set(training_sources()):
        raise ValueError(f"got folds for {sorted(models)}, wanted {sorted(training_sources())}: correct LEFT")
    return models
