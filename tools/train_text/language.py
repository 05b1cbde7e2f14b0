"""``python -m tools.train_text.language es --out es.npz``: a second language from data alone.

``languages/CODE.txt`` holds lists and templates of own text in that language, ``languages/CODE_held_out.tsv``
labelled queries that its writer put there by another route. No code knows any language: the same rows of words, pairs
and letters are fitted. Prints what the English model that ships and the new one make of the held-out queries;
``--out`` writes weights for ``micromoments recognise FILE --weights es.npz``, or for ``TextModel.load``.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import numpy as np

from micromoments.core.moment import TYPES
from micromoments.recognise.features import CUES
from micromoments.recognise.text import TextModel
from tools.train_text.fit import Examples, Reader, calibrate, logistic, raw, rounded, save, vocabulary_of
from tools.train_text.train import PENALTY, PRIOR, SEED, meta_of

FOLDER = Path(__file__).parent / "languages"
COUNT = 2500
"""Examples drawn for each type."""
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


class Pack:
    """The lists and templates of one language."""

    def __init__(self, code: str) -> None:
        """``code`` names a file of ``languages``; ``ValueError`` names those that there are."""
        path = FOLDER / f"{code}.txt"
        if not path.exists():
            there = ", ".join(sorted(p.stem for p in FOLDER.glob("*.txt")))
            raise ValueError(f"got language {code!r}, wanted one of {there}: write {path.name} to add it")
        self.lists: dict[str, list[str]] = {}
        self.templates: dict[str, tuple[list[str], list[float]]] = {kind: ([], []) for kind in TYPES}
        for line in path.read_text(encoding="utf-8").splitlines():
            kind, _, rest = line.partition(" ")
            if kind == "=":
                name, _, entries = rest.partition(" ")
                self.lists[name] = entries.split("|")
            elif kind in self.templates:
                weight, _, template = rest.partition(" ")
                self.templates[kind][0].append(template)
                self.templates[kind][1].append(float(weight))

    @staticmethod
    def slots(template: str) -> list[str]:
        """The names of the lists that a template draws from."""
        return _SLOT.findall(template)

    def one(self, kind: str, rng: random.Random) -> str:
        """One example of a type."""
        texts, weights = self.templates[kind]
        text = rng.choices(texts, weights)[0]
        while match := _CHOICE.search(text):
            text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
        while match := _SLOT.search(text):
            text = text[: match.start()] + rng.choice(self.lists[match.group(1)]) + text[match.end() :]
        return " ".join(text.split())


def drawn(pack: Pack, seed: int) -> list[tuple[str, int]]:
    """Examples of every type, some without their accents, as people type."""
    rng = random.Random(seed)
    plain = str.maketrans("áéíóúüñàèìòùâêîôûäöß", "aeiouunaeiouaeiouaos")
    found = []
    for label, kind in enumerate(TYPES):
        for _ in range(COUNT):
            text = pack.one(kind, rng)
            found.append((text.translate(plain) if rng.random() < 0.3 else text, label))
    return found


def trained(pack: Pack) -> TextModel:
    """A model of one language, its temperature from own text that it was not fitted on."""
    rows = drawn(pack, SEED)
    random.Random(SEED).shuffle(rows)
    cut = len(rows) * 9 // 10
    made = Examples()
    for text, label in rows[:cut]:
        made.add(text, label, 1.0)
    words = vocabulary_of(made.texts)
    x = Reader({}, words).matrix(made)
    table = logistic(x, np.array(made.labels), np.array(made.weights), penalty=PENALTY, rounds=60)
    weights, cue, gram = rounded(table, CUES)
    meta = {"cue": cue, "gram": gram, "temperature": 1.0, "doubt": 0.0, "prior": PRIOR}
    model = TextModel(weights, meta, {}, words)
    logits, known = raw(model, [text for text, _ in rows[cut:]])
    temperature, doubt = calibrate(
        logits, known, np.array([label for _, label in rows[cut:]]), np.ones(len(rows) - cut)
    )
    return TextModel(weights, meta | {"temperature": max(temperature, 1.0), "doubt": doubt}, {}, words)


def held_out(code: str) -> tuple[list[str], list[int]]:
    """The labelled queries of a language and their types' numbers."""
    lines = (FOLDER / f"{code}_held_out.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [text for _, text in rows], [TYPES.index(kind) for kind, _ in rows]


def right(model: TextModel, texts: list[str], labels: list[int]) -> tuple[float, float]:
    """The share of queries read as labelled, and the mean confidence."""
    p = np.array([model.probabilities(text) for text in texts])
    return float((p.argmax(axis=1) == np.array(labels)).mean()), float(p.max(axis=1).mean())


def main() -> int:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m tools.train_text.language", description=__doc__)
    parser.add_argument("code")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    model = trained(Pack(args.code))
    texts, labels = held_out(args.code)
    for name, one in (("English, as it ships", TextModel.load()), (args.code, model)):
        share, confidence = right(one, texts, labels)
        print(f"{name:<22}{len(texts):>5} queries  right {share:.2f}  mean confidence {confidence:.2f}")
    if args.out:
        save(args.out, model._weights, meta_of(model), {}, model.vocabulary, None)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
