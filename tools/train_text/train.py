"""Puts the parts together: which examples, how weighted, fitted, rounded and calibrated."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from micromoments.core.moment import TYPES
from micromoments.recognise.features import CUES, SMALL
from micromoments.recognise.text import TextModel
from tools.train_text.fit import (
    Examples,
    Reader,
    calibrate,
    capped,
    group_weight,
    logistic,
    raw,
    rounded,
    vocabulary_of,
)
from tools.train_text.grammar import Grammar
from tools.train_text.lexicon import build
from tools.train_text.sources import Query, mapping, read

SEED = 20261123
OWN_EXAMPLES = 10_000
"""Examples drawn from the grammar for each type."""
OWN_SHARE = 0.6
"""Share of a type's weight that own examples have beside the public sources."""
PRICED = 0.06
"""Share of buy's own examples that are a task or a thing asked about, with words of price added."""
OPENED = 0.04
"""Share of own examples cut to their first letters."""
PENALTY = 1e-5
ROUNDS = 70
PRIOR = (0.23, 0.2, 0.18, 0.22, 0.17)
"""The prior of ``probabilities``: what people ask of a business's search box, before their words are known."""


def queries(folder: Path) -> dict[str, list[Query]]:
    """All mapped sources by name."""
    return {name: list(read(name, folder)) for name in mapping()}


def training_sources() -> list[str]:
    """The names of the sources whose licence allows shipping."""
    return [name for name, spec in mapping().items() if spec["role"] == "train"]


def own_examples(clone: Path, seed: int, count: int = OWN_EXAMPLES) -> list[tuple[str, int]]:
    """Examples from the grammar, some misspelt, some cut as while typing.

    Phrases that only words of price make buy are never cut, as they would lose just those; small words ("how",
    "what") open queries of known manners and aren't cut to themselves.
    """
    grammar = Grammar(clone, seed)
    rng = random.Random(seed + 1)
    drawn = []
    for label, kind in enumerate(TYPES):
        for _ in range(count):
            if kind == "buy" and rng.random() < PRICED:
                drawn.append((grammar.one("priced"), label))
                continue
            text = grammar.polite(kind, grammar.one(kind))
            luck = rng.random()
            if luck < 0.07:
                text = grammar.misspell(text)
            elif luck < 0.19 and len(text.split()) > 2:
                text = grammar.begun(text)
            elif luck < 0.19 + OPENED and text.split()[0] not in SMALL:
                text = grammar.opened(text)
            drawn.append((text, label))
    return drawn


def examples(public: list[Query], own: list[tuple[str, int]], seed: int) -> Examples:
    """Public and own examples: types weigh alike, own text ``OWN_SHARE`` of a type, intents by root of size."""
    rng = random.Random(seed + 2)
    made = Examples()
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    label_of: dict[tuple[str, str], int] = {}
    for q in public:
        groups[q.source, q.group].append(q.text)
        label_of[q.source, q.group] = q.label
    kept = capped(groups, rng)
    totals = [0.0] * 5
    for key, texts in kept.items():
        totals[label_of[key]] += len(texts) * group_weight(texts)
    for key, texts in kept.items():
        label = label_of[key]
        weight = (1.0 - OWN_SHARE) * group_weight(texts) / totals[label]
        for i, text in enumerate(texts):
            made.add(text, label, weight / 2)
            if i % 3 == 0:
                made.add(text, label, 3 * weight / 2, hidden=True)
    counts = [sum(1 for _, label in own if label == i) for i in range(5)]
    for i, (text, label) in enumerate(own):
        weight = (OWN_SHARE if totals[label] else 1.0) / counts[label]
        made.add(text, label, weight / 2)
        if i % 3 == 0:
            made.add(text, label, 3 * weight / 2, hidden=True)
    return made


def fit(public: list[Query], own: list[tuple[str, int]], lexicon: dict[int, int], seed: int = SEED) -> TextModel:
    """A model, not yet calibrated (temperature 1, no doubt)."""
    made = examples(public, own, seed)
    plain = [t for t, hidden in zip(made.texts, made.hidden, strict=True) if not hidden]
    words = vocabulary_of(plain)
    table = logistic(
        Reader(lexicon, words).matrix(made),
        np.array(made.labels),
        np.array(made.weights),
        penalty=PENALTY,
        rounds=ROUNDS,
    )
    weights, cue, gram = rounded(table, CUES)
    meta = {"cue": cue, "gram": gram, "temperature": 1.0, "doubt": 0.0, "prior": PRIOR}
    return TextModel(weights, meta, lexicon, words)


def calibrated(model: TextModel, temperature: float, doubt: float) -> TextModel:
    """The same model at another temperature."""
    meta = meta_of(model) | {"temperature": temperature, "doubt": doubt}
    return TextModel(model._weights, meta, model.lexicon, model.vocabulary)


def meta_of(model: TextModel) -> dict[str, Any]:
    """What the weights file says of a model beside its arrays."""
    from micromoments.recognise.features import CUE

    return {
        "cue": model._cue / CUE,
        "gram": model._gram,
        "temperature": model._temperature,
        "doubt": model._doubt,
        "prior": PRIOR,
    }


def held_out(
    found: dict[str, list[Query]], own: list[tuple[str, int]], lexicon: dict[int, int], source: str
) -> TextModel:
    """A model that never saw ``source``: trained on the train splits of the other shippable sources."""
    public = [q for name in training_sources() if name != source for q in found[name] if q.split == "train"]
    return fit(public, own, lexicon)


def temperature_from(
    models: dict[str, TextModel], found: dict[str, list[Query]], without: str = ""
) -> tuple[float, float]:
    """Temperature and doubt from validation splits of held-out sources, each read by its held-out model."""
    logits, known, labels = [], [], []
    for source, model in models.items():
        rows = [q for q in found[source] if q.split == "valid"]
        if source == without or not rows:
            continue
        some = random.Random(SEED).sample(rows, min(len(rows), 1500))
        a, b = raw(model, [q.text for q in some])
        logits.append(a)
        known.append(b)
        labels += [q.label for q in some]
    return calibrate(np.concatenate(logits), np.concatenate(known), np.array(labels))


def lexicon_of(clone: Path) -> dict[int, int]:
    """The lexicon that ships."""
    return build(clone)
