"""GRU4Rec as Cornac has it, on the files of ``micromoments backtest sessions``: a peer to hold the model against.

It runs under a Python that has ``cornac`` and ``torch``; this project needs neither. HR@20 and MRR@20 are over
every line of ``--test``, with all items ranked; unseen next items are misses.
Hidasi, Karatzoglou 2018, "Recurrent neural networks with top-k gains for session-based recommendations".

usage: python gru4rec.py --train T --test U [--epochs 6] [--width 100] [--batch 64]
"""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES, DROPPED = 2048, 0.2
"""Negatives a batch (Cornac's default), and the share of hidden units that is left out while learning."""


def learned(train: Path, given: argparse.Namespace) -> tuple[Any, Any]:
    """The data as Cornac numbers it, and the model that was fitted on it."""
    rows = [
        (session, item, session * 1000 + at)
        for session, line in enumerate(train.read_text(encoding="utf-8").splitlines())
        for at, item in enumerate(line.split())
    ]
    data = import_module("cornac.data").SequentialDataset.build(rows, fmt="SIT", seed=1)
    model = import_module("cornac.models").GRU4Rec(
        layers=[given.width],
        n_epochs=given.epochs,
        batch_size=given.batch,
        n_sample=SAMPLES,
        dropout_p_hidden=DROPPED,
        seed=1,
    )
    model.fit(data)
    return data, model


def main() -> None:
    """Learn, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--batch", type=int, default=64)
    given = parser.parse_args()
    began = time.process_time()
    data, model = learned(given.train, given)
    spent = time.process_time() - began
    lines = given.test.read_text(encoding="utf-8").splitlines()
    hits, reciprocal = 0, 0.0
    for line in lines:
        session, _, following = line.partition("\t")
        seen = [data.iid_map[id] for id in session.split() if id in data.iid_map]
        if seen and following in data.iid_map:
            scores = np.asarray(model.score(0, seen)).ravel()
            rank = int((scores > scores[data.iid_map[following]]).sum()) + 1
            hits += rank <= 20
            reciprocal += 1 / rank if rank <= 20 else 0.0
    told = {"HR@20": round(hits / len(lines), 4), "MRR@20": round(reciprocal / len(lines), 4), "cases": len(lines)}
    print(json.dumps({**told, "train_cpu_seconds": round(spent, 1)}))


if __name__ == "__main__":
    main()
