"""``micromoments replay``: fold a folder's log again from nothing, and hold the result against its state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from micromoments.cli.on_spark import On, checked, passing
from micromoments.cli.table import Format, put_json, say

if TYPE_CHECKING:
    from micromoments.engine.spark.place import Place
    from micromoments.engine.verify import Rebuilt, Verdict
    from micromoments.engine.wiring import Stores


def replay(
    folder: Annotated[Path, typer.Argument(help="the project's folder, not serving; on Spark also a log as Parquet")],
    on: Annotated[On, typer.Option(help="what folds it: this process, or Spark")] = On.here,
    master: Annotated[str, typer.Option(help="Spark's master, such as local[4]; else spark-submit's")] = "",
    to: Annotated[str, typer.Option(help="keep log and moments in this folder or bucket, as Parquet (Spark)")] = "",
    format: Annotated[Format, typer.Option(help="how to show the result: table or json")] = Format.table,
) -> None:
    """Replay the whole log and compare people, links and policies with the state, byte for byte.

    Exit status 1 where they differ. Where the log no longer begins at its first record (retention trims it), people who
    are older than it differ by what was forgotten. A log as Parquet has no state: it is folded, and nothing compared.
    On a cluster what Kafka keeps is folded, and held against Redis, while everything goes on.
    """
    from micromoments.config import load_cluster

    if format is Format.html:
        raise typer.BadParameter("got html; wanted table or json")
    checked(on, master, to)
    alone = on is On.spark and _is_log(folder)
    if not alone and not (folder / "log.sqlite").is_file() and load_cluster(folder, os.environ) is None:
        raise typer.BadParameter(f"got {str(folder)!r}, which has no log; wanted a project's folder")
    start = perf_counter()
    verdict = _here(folder) if on is On.here else _spark(folder, master, to, alone=alone)
    seconds = perf_counter() - start
    if format is Format.json:
        put_json({**msgspec.structs.asdict(verdict), "seconds": round(seconds, 3)})
    else:
        for what in ("records", "people", "links", "policies"):
            typer.echo(f"{what:<12}{getattr(verdict, what):>12,}")
        typer.echo(f"{'differences':<12}{len(verdict.differences):>12,}")
        for difference in verdict.differences[:20]:
            typer.echo(difference)
    say(f"{verdict.records / max(seconds, 1e-9):,.0f} records a second")
    if verdict.differences:
        raise typer.Exit(1)


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Stores, int, Callable[[Rebuilt], Verdict]]]:
    """A project's log in open stores, the position up to which it is folded, and what holds a replay against its state:
    its own, or where it is on a cluster, a copy of what Kafka keeps.
    """
    from micromoments.config import load_cluster
    from micromoments.engine.service import now_ms

    if (cluster := load_cluster(folder, os.environ)) is not None:
        say("folded under the settings that the file has now; on a cluster whoever was folded under others may differ")
        from micromoments.engine.cluster.brought import brought

        with brought(folder, cluster, now_ms) as there:
            if not there.whole:
                say("Kafka keeps the newest part of the log alone; people who are older differ by what was forgotten")
            yield there.stores, 2**62, there.hold
        return
    from micromoments.engine.verify import against
    from micromoments.engine.wiring import open_stores

    stores = open_stores(folder, now=now_ms())
    try:
        yield stores, stores.position(), partial(against, stores)
    finally:
        stores.close()


def _here(folder: Path) -> Verdict:
    from micromoments.engine.tuning import tune_process
    from micromoments.engine.verify import rebuild

    with _opened(folder) as (stores, until, hold):
        tune_process()
        return _held(stores, hold(rebuild(stores, stores.settings, stores.recogniser, until)))


def _is_log(folder: Path) -> bool:
    """Whether it is a log as Parquet, in a folder or a bucket."""
    from micromoments.engine.spark.folding import ABOUT
    from micromoments.engine.spark.place import Place

    return Place(folder).has(ABOUT)


def _spark(folder: Path, master: str, to: str, *, alone: bool) -> Verdict:
    from micromoments.engine.spark import folding
    from micromoments.engine.spark.place import Place
    from micromoments.engine.spark.session import running

    if alone:
        with running(master, [Place(folder).where, to]) as session:
            return _unheld(_fold(session, Place(folder), to))
    with running(master, [to]) as session, passing(to) as place, _opened(folder) as (stores, until, hold):
        log = place.under("log")
        folding.stage(stores, log, until)
        return _held(stores, hold(_fold(session, log, to)))


def _fold(session: object, log: Place, to: str) -> Rebuilt:
    from micromoments.engine.spark import folding
    from micromoments.engine.spark.place import Place

    folded, rebuilt = folding.refold(session, log)
    if to:
        folding.write_moments(session, folded, Place(to).under("moments"))
    return rebuilt


def _held(stores: Stores, verdict: Verdict) -> Verdict:
    """The verdict, with words for differences that an upgrade explains."""
    from micromoments.engine.verify import renewed

    if verdict.differences and (at := renewed(stores)):
        say(
            f"another release or another model folded the records before position {at}; a replay recognises them anew "
            "with this one, so people who are older than that may differ though nothing is wrong"
        )
    return verdict


def _unheld(rebuilt: Rebuilt) -> Verdict:
    from micromoments.engine.verify import Verdict

    say("a log without its folder: nothing to compare with")
    return Verdict(rebuilt.records, len(rebuilt.people), len(rebuilt.links), len(rebuilt.policies), [])
