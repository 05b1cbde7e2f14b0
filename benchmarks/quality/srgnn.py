"""SR-GNN as RecBole has it, on the files of ``micromoments backtest sessions``: a peer to hold the model against.

It runs under a Python that has ``recbole`` and ``torch``; this project needs neither. The network and its loss are
RecBole's; batches, Adam and the rates are as its paper has them (rate 0.001, a tenth of it every three epochs, later
where ``--slower-every`` says so, L2 1e-5, batches of 100, width 100). HR@20 and MRR@20 are over every line of
``--test``, with all items ranked; unseen next items are misses.
Wu, Tang, Zhu, Wang, Xie, Tan 2019, "Session-based recommendation with graph neural networks".

usage: python srgnn.py --train T --test U [--epochs 6] [--width 100] [--slower-every 3]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

BATCH, LONGEST = 100, 20
ITEM, LENGTH = "item", "length"


def network(items: int, width: int) -> Any:
    """RecBole's module for numbers 1 to ``items``; 0 is padding."""
    config = {
        "USER_ID_FIELD": "user",
        "ITEM_ID_FIELD": ITEM,
        "LIST_SUFFIX": "_list",
        "ITEM_LIST_LENGTH_FIELD": LENGTH,
        "NEG_PREFIX": "neg_",
        "MAX_ITEM_LIST_LENGTH": LONGEST,
        "device": "cpu",
        "embedding_size": width,
        "step": 1,
        "loss_type": "CE",
    }
    model = import_module("recbole.model.sequential_recommender.srgnn").SRGNN
    return model(config, SimpleNamespace(num=lambda _: items + 1))


def batch(torch: Any, sessions: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Sessions as RecBole's networks want them: padded at the end, each with its length."""
    kept = [session[-LONGEST:] for session in sessions]
    padded = np.zeros((len(kept), max(2, *map(len, kept))), np.int64)
    for row, session in zip(padded, kept, strict=True):
        row[: len(session)] = session
    return {ITEM + "_list": torch.from_numpy(padded), LENGTH: torch.tensor([len(session) for session in kept])}


def learned(torch: Any, rows: Sequence[Sequence[int]], items: int, given: argparse.Namespace) -> Any:
    """The network, trained on every prefix."""
    torch.manual_seed(1)
    cases = [(row[:end], row[end]) for row in rows for end in range(1, len(row))]
    model = network(items, given.width)
    adam = torch.optim.Adam(model.parameters(), lr=0.001, weight_decay=1e-5)
    slower = torch.optim.lr_scheduler.StepLR(adam, step_size=given.slower_every, gamma=0.1)
    rng = np.random.Generator(np.random.PCG64(1))
    for _ in range(given.epochs):
        order = rng.permutation(len(cases))
        for begin in range(0, len(order), BATCH):
            chosen = [cases[i] for i in order[begin : begin + BATCH]]
            told = batch(torch, [seen for seen, _ in chosen])
            loss = model.calculate_loss({**told, ITEM: torch.tensor([following for _, following in chosen])})
            adam.zero_grad()
            loss.backward()
            adam.step()
        slower.step()
    return model.eval()


def main() -> None:
    """Learn, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--width", type=int, default=100)
    parser.add_argument("--slower-every", type=int, default=3)
    given = parser.parse_args()
    torch = import_module("torch")
    torch.set_num_threads(1)
    numbers: dict[str, int] = {}
    lines = given.train.read_text(encoding="utf-8").splitlines()
    rows = [[numbers.setdefault(id, len(numbers) + 1) for id in line.split()] for line in lines]
    began = time.process_time()
    model = learned(torch, rows, len(numbers), given)
    spent = time.process_time() - began
    lines = given.test.read_text(encoding="utf-8").splitlines()
    hits, reciprocal = 0, 0.0
    for line in lines:
        session, _, following = line.partition("\t")
        seen = [numbers[id] for id in session.split() if id in numbers]
        if seen and following in numbers:
            with torch.no_grad():
                scores = model.full_sort_predict(batch(torch, [seen])).numpy().ravel()[1:]
            rank = int((scores > scores[numbers[following] - 1]).sum()) + 1
            hits += rank <= 20
            reciprocal += 1 / rank if rank <= 20 else 0.0
    told = {"HR@20": round(hits / len(lines), 4), "MRR@20": round(reciprocal / len(lines), 4), "cases": len(lines)}
    print(json.dumps({**told, "train_cpu_seconds": round(spent, 1)}))


if __name__ == "__main__":
    main()
