"""``micromoments train --sessions``: what people look at after each item, for the recommender."""

from __future__ import annotations

from pathlib import Path

import typer

from micromoments.cli.table import put_json, put_table, say


def train_sessions(folder: Path, *, dry_run: bool, force: bool, as_json: bool) -> None:
    """Learn from a folder's facts, say how it did on the newest sessions, and use it where it is better."""
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
    found = learnt(asking(folder), 2, now_ms())
    chosen = not dry_run and (found.better or force)
    if chosen:
        import asyncio

        asyncio.run(recommend(folder, found.body, now_ms))
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
