"""Puts the parts together: which examples, how weighted, fitted, rounded and calibrated."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from micromoments.core.moment import TYPES
from micromoments.recognise.features import CUES, SMALL
from micromoments.recognise.text import TextModel
from tools.train_text.convolve import fitted
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
from tools.train_text.manners import polite
from tools.train_text.sources import Query, mapping, read
from tools.train_text.vectors import vectors

SEED = 20261123
OWN_EXAMPLES = 36_000
"""Examples drawn from the grammar for each type."""
OWN_SHARE = 0.75
"""Share of a type's weight that own examples have beside the public sources."""
WRITTEN = 0.35
"""Draws of whole written queries for each filled template."""
PRICED = 0.06
"""Share of buy's own examples that are a task or a thing asked about, with words of price added."""
OPENED = 0.04
"""Share of own examples cut to their first letters."""
TITLED = {"know": 0.08, "go": 0.06, "do": 0.25, "buy": 0.10, "none": 0.02}
"""Share of own examples written as titles, by type: instructions are often headings, device commands never."""
PENALTY = 1e-5
ROUNDS = 40
SHARE = 0.5
"""How much the linear model's logits count beside those of the convolution."""
PRIOR = (0.23, 0.2, 0.18, 0.22, 0.17)
"""The prior of ``probabilities``: what people ask of a business's search box, before their words are known."""


class Material(NamedTuple):
    """What every model is made of beside public queries."""

    own: list[tuple[str, int]]
    lexicon: dict[int, int]


def material(clone: Path) -> Material:
    """Own text, and the lexicon that ships."""
    return Material(own_examples(clone, SEED), build(clone))


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
        for i in range(round(count * (1.0 + WRITTEN))):
            if kind == "buy" and i < count and rng.random() < PRICED:
                drawn.append((grammar.one("priced"), label))
                continue
            text = polite(grammar.rng, kind, grammar.one(kind) if i < count else grammar.natural(kind))
            luck = rng.random()
            if luck < 0.07:
                text = grammar.misspell(text)
            elif luck < 0.19 and len(text.split()) > 2:
                text = grammar.begun(text)
            elif 0.19 + OPENED <= luck < 0.19 + OPENED + TITLED[kind]:
                text = grammar.titled(text)
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


def fit(public: list[Query], of: Material, seed: int = SEED) -> TextModel:
    """A model, not yet calibrated (temperature 1, no doubt)."""
    lexicon = of.lexicon
    made = examples(public, of.own, seed)
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
    meta = {"cue": cue, "gram": gram, "temperature": 1.0, "doubt": 0.0, "prior": PRIOR, "share": SHARE}
    open_ones = [i for i, hidden in enumerate(made.hidden) if not hidden]
    labels, counts = np.array(made.labels)[open_ones], np.array(made.weights)[open_ones]
    near = vectors([q.text for q in public] + [text for text, _ in of.own], seed)
    sense = fitted(plain, labels, counts, lexicon, *near, seed)
    return TextModel(weights, meta, lexicon, words, sense)


def calibrated(model: TextModel, temperature: float, doubt: float) -> TextModel:
    """The same model at another temperature."""
    meta = meta_of(model) | {"temperature": temperature, "doubt": doubt}
    return TextModel(model._weights, meta, model.lexicon, model.vocabulary, model.sense)


def meta_of(model: TextModel) -> dict[str, Any]:
    """What the weights file says of a model beside its arrays."""
    from micromoments.recognise.features import CUE

    return {
        "cue": model._cue / CUE,
        "gram": model._gram,
        "temperature": model._temperature,
        "doubt": model._doubt,
        "prior": PRIOR,
        "share": SHARE,
    }


def held_out(found: dict[str, list[Query]], of: Material, left: Sequence[str]) -> TextModel:
    """A model that never saw the sources ``left`` out: trained on the train splits of the other shippable ones."""
    public = [q for name in training_sources() if name not in left for q in found[name] if q.split == "train"]
    return fit(public, of)


def temperature_from(
    models: dict[str, TextModel], found: dict[str, list[Query]], without: str = ""
) -> tuple[float, float]:
    """Temperature and doubt by sources left out: the validation split of each is read by the model that never saw it,
    and the sum of their mean log-losses is made least. Every source weighs alike, as a source that nobody has here is
    as likely to be like one as like another; so what they differ by is in the temperature, and nothing is added to it.
    """
    logits, known, labels, weights = [], [], [], []
    for source, model in models.items():
        rows = [q for q in found[source] if q.split == "valid"]
        if not rows or source == without:
            continue
        some = random.Random(SEED).sample(rows, min(len(rows), 1500))
        a, b = raw(model, [q.text for q in some])
        logits.append(a)
        known.append(b)
        labels += [q.label for q in some]
        weights += [1.0 / len(some)] * len(some)
    return calibrate(np.concatenate(logits), np.concatenate(known), np.array(labels), np.array(weights))
