"""``micromoments train``: learn from the log what its events mean here, and say whether that is better."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from micromoments.cli.on_spark import On, checked, passing
from micromoments.cli.owner import through_owner
from micromoments.cli.table import Format, put_json, say
from micromoments.cli.train_sessions import train_sessions

if TYPE_CHECKING:
    from micromoments.engine.training import Trained
    from micromoments.engine.wiring import Stores
    from micromoments.recognise.weights import Weights


WHOLE = 2**62
"""A position that no log has reached."""


class Plan(NamedTuple):
    """How to label and to examine, as ``engine.training.train`` takes it."""

    step: int
    within: int
    holdout: float


class Step(StrEnum):
    """A step of the journey; the order is that of ``words.STAGES``."""

    consider = "consider"
    choose = "choose"
    commit = "commit"
    done = "done"


def train(
    folder: Annotated[Path, typer.Argument(help="the project's folder; a server may have it open")],
    counts: Annotated[Step, typer.Option(help="the least step that tells what somebody wanted")] = Step.consider,
    within: Annotated[float, typer.Option(help="minutes in which it must follow", min=1)] = 30.0,
    holdout: Annotated[float, typer.Option(help="the newest share of the log, to examine on", min=0.05, max=0.8)] = 0.3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what it would be worth")] = False,
    force: Annotated[bool, typer.Option("--force", help="use the new weights even if they aren't better")] = False,
    sessions: Annotated[bool, typer.Option("--sessions", help="learn what comes after each item instead")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="put the weights before those in force back")] = False,
    on: Annotated[On, typer.Option(help="what reads the log: this process, or Spark")] = On.here,
    master: Annotated[str, typer.Option(help="Spark's master, such as local[4]; else spark-submit's")] = "",
    to: Annotated[str, typer.Option(help="where the log passes to Spark: a folder or bucket that it reaches")] = "",
    format: Annotated[Format, typer.Option(help="how to show the result: table or json")] = Format.table,
) -> None:
    """Learn from a project's log what its events say about intent: what people did next is the label.

    The newest part of the log examines old and new weights; only better ones are put in force. The old ones are kept:
    --rollback puts them back. With --sessions the recommender learns what people look at next; it too is put in force
    only where it is better on the newest sessions than counts.
    """
    from micromoments.config import load_cluster

    checked(on, master, to)
    if sessions:
        if rollback or on is On.spark or format is Format.html:
            raise typer.BadParameter("got --sessions with --rollback, --on spark or html; wanted --dry-run or --force")
        train_sessions(folder, dry_run=dry_run, force=force, as_json=format is Format.json)
        return
    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    if rollback and (dry_run or force):
        raise typer.BadParameter("got --rollback with --dry-run or --force; wanted one of them")
    if not (folder / "log.sqlite").is_file() and load_cluster(folder, os.environ) is None:
        raise typer.BadParameter(f"got {str(folder)!r}, which has no log; wanted a project's folder")
    if not dry_run:
        through_owner(folder, "GET", "/v1/weights")  # who can't be asked afterwards is found out before the work
    if rollback:
        told = _change(folder, None)
        _tell(None, bool(told["changed"]), int(told["number"]), format)
        return
    trained = _learned(folder, Plan(2 + list(Step).index(counts), round(within * 60_000), holdout), on, (master, to))
    better = not dry_run and (trained.verdict.better or force)
    _tell(trained, better, int(_change(folder, trained.weights)["number"]) if better else 0, format)


def _learned(folder: Path, plan: Plan, on: On, spark: tuple[str, str]) -> Trained:
    """Learn from a copy of what the project's log and state hold, so that it may go on being served."""
    from micromoments.engine.training import train as learn

    with _copied(folder) as (stores, until):
        if on is On.here:
            return learn(stores, **plan._asdict())
        from micromoments.engine.spark import folding
        from micromoments.engine.spark.session import running
        from micromoments.engine.spark.training import OnSpark

        master, to = spark
        with passing(to) as place, running(master, [to]) as session:
            folding.stage(stores, log := place.under("log"), until)
            return learn(stores, **plan._asdict(), reading=OnSpark(session, log))


@contextmanager
def _copied(folder: Path) -> Iterator[tuple[Stores, int]]:
    """Open stores to learn from, and the position up to which: a folder's copy, or what Kafka keeps."""
    from micromoments.config import load_cluster
    from micromoments.engine.service import now_ms
    from micromoments.engine.wiring import copy_to_learn, open_stores

    if (cluster := load_cluster(folder, os.environ)) is not None:
        from micromoments.engine.cluster.brought import brought

        with brought(folder, cluster, now_ms) as there:
            yield there.stores, WHOLE
        return
    with TemporaryDirectory(prefix="micromoments-train-") as copy:
        copy_to_learn(folder, copy)
        stores = open_stores(copy, now=now_ms())
        try:
            yield stores, WHOLE
        finally:
            stores.close()


def _change(folder: Path, weights: Weights | None) -> dict[str, Any]:
    """Put weights, or those before, in force: by the folder's owner process, or in the folder where nobody has it."""
    import asyncio

    import msgspec

    body = {"back": True} if weights is None else {"weights": msgspec.json.decode(weights.encode())}
    told = through_owner(folder, "PUT", "/v1/weights", body)
    if told is None:
        from micromoments.engine.service import now_ms
        from micromoments.engine.training import change

        told = asyncio.run(change(folder, weights, now_ms))
    return told


def _tell(trained: Trained | None, changed: bool, number: int, format: Format) -> None:
    import msgspec

    name = f"weights {number}" if number else "the shipped weights"
    if trained is None:
        if format is Format.json:
            put_json({"activated": changed, "number": number})
        say(f"{name} are in force again" if changed else f"{name} are in force; none came before")
        return
    verdict = trained.verdict
    if format is Format.json:
        row: dict[str, Any] = {**msgspec.to_builtins(verdict), "activated": changed}
        span = {"since": trained.since, "split": trained.split, "until": trained.until}
        put_json({**row, **span, "names": len(trained.weights.acts), "weights": trained.weights})
    else:
        _table(trained)
    gain = f"log loss falls by {verdict.gain:+.4f} ({verdict.low:+.4f} to {verdict.high:+.4f}) nats an event"
    if changed:
        say(f"{'better' if verdict.better else 'not better, but forced'}: {gain}; {name} are in force")
    elif verdict.better:
        say(f"better: {gain}; nothing was changed (--dry-run)")
    else:
        say(f"not better: {gain}; the weights in force stay")


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _table(trained: Trained) -> None:
    verdict = trained.verdict
    form = "{:<26}{:>10}{:>14}{:>10}"
    typer.echo(form.format("on the newest events", "log loss", "calibration", "right"))
    for name, one in (("in force", verdict.old), ("trained", verdict.new), ("base rates alone", verdict.base_rates)):
        typer.echo(form.format(name, f"{one.log_loss:.4f}", f"{one.calibration_error:.4f}", f"{one.right:.3f}"))
    typer.echo(
        f"taught by {trained.weights.events:,} events from {_day(trained.since)}, examined on "
        f"{verdict.examples:,} events of {verdict.people:,} people from {_day(trained.split)}"
    )
    told = ", ".join(f"{name} {count:,}" for name, count in verdict.labels.items() if count)
    typer.echo(f"what they did next: {told}")
    typer.echo("")
    typer.echo(f"{'learned':<34}" + "".join(f"{t:>7}" for t in ("know", "go", "do", "buy")))
    shown = sorted(trained.weights.acts.items(), key=lambda kv: (-max(map(abs, kv[1])), kv[0]))[:20]
    for name, w in shown:
        typer.echo(f"{name[:33]:<34}" + "".join(f"{x / 100:>7.2f}" for x in w[:4]))
