"""``micromoments train --sessions``: what people look at after each item, for the recommender."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from micromoments.cli.table import put_json, put_table, say

if TYPE_CHECKING:
    from micromoments.config import Cluster
    from micromoments.engine.nexts import Learnt

LEAST = 2
"""Sessions without which there is nothing to learn and examine with."""


def train_sessions(folder: Path, *, dry_run: bool, force: bool, as_json: bool) -> None:
    """Learn from a project's facts, say how it did on the newest sessions, and use it where it is better."""
    from micromoments.config import load_cluster

    cluster = load_cluster(folder, os.environ)
    with _in_folder(folder, dry_run=dry_run) if cluster is None else _on_cluster(folder, cluster) as (found, use):
        chosen = not dry_run and (found.better or force)
        if chosen:
            use()
    exam = found.examined
    rows = [
        {"by": name, "HR@20": one.hit_rate, "MRR@20": one.reciprocal_rank}
        for name, one in (("trained", exam.trained), ("counts", exam.counted))
    ]
    if as_json:
        told = {"sessions": found.sessions, "clicks": found.clicks, "cases": exam.cases, "examined": rows}
        put_json({**told, "better": found.better, "activated": chosen})
        return
    put_table(f"next items, {found.sessions:,} sessions learned, {exam.cases:,} cases of the newest", rows)
    say(("better" if found.better else "not better") + ("; in force" if chosen else "; nothing was changed"))


@contextmanager
def _in_folder(folder: Path, *, dry_run: bool) -> Iterator[tuple[Learnt, Callable[[], None]]]:
    """What a folder's facts teach, and what puts it in force."""
    import asyncio

    from micromoments.engine.nexts import learnt
    from micromoments.engine.service import now_ms
    from micromoments.engine.training import recommend
    from micromoments.engine.wiring import asking, at_rest

    if not (folder / "log.sqlite").is_file():
        raise typer.BadParameter(f"got {str(folder)!r}, which has no log; wanted a project's folder")
    if not dry_run and at_rest(folder).owner() is not None:
        raise ValueError(
            f"got {folder}, which a process has open; wanted it at rest, or --dry-run; a server learns by itself every "
            "recommend.train_hours"
        )
    found = learnt(asking(folder), LEAST, now_ms())
    yield found, lambda: asyncio.run(recommend(folder, found.body, now_ms))


@contextmanager
def _on_cluster(folder: Path, cluster: Cluster) -> Iterator[tuple[Learnt, Callable[[], None]]]:
    """The same of the facts of a cluster: what is put in force there, every server follows within a second."""
    from micromoments.engine.cluster.rounds import put_in_force
    from micromoments.engine.cluster.wiring import open_shared
    from micromoments.engine.service import now_ms

    shared = open_shared(folder, cluster)
    try:
        found = shared.learnt(LEAST, now_ms())
        yield found, lambda: put_in_force(shared, found, now_ms())
    finally:
        shared.close()
