"""``micromoments backtest``: how well something would have done on data that lies there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, TypeVar

import typer

from micromoments.cli.backtest_policy import policy
from micromoments.cli.backtest_uplift import uplift
from micromoments.cli.lines import opened
from micromoments.cli.table import Format, put_json, put_table, say

backtest = typer.Typer(
    help="Try a ranking, a policy or an uplift model on data that lies there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Parsed = TypeVar("Parsed")


@backtest.command("sessions")
def sessions(
    train: Annotated[str, typer.Option(help="one session a line: item ids split by one space, oldest click first")],
    test: Annotated[str, typer.Option(help="one case a line: a session's ids, a tab, the next id")],
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Rank the next item of sessions: HR@20 and MRR@20 over every line of --test, and predictions a second."""
    from micromoments.retrieve.nextitem.model import NextItems

    past = _read(train, _session)
    cases = _read(test, _case)
    if not past or not cases:
        raise ValueError(
            f"got {len(past):,} sessions in {train} and {len(cases):,} cases in {test}; wanted at least one of each"
        )
    began = time.process_time()
    model = NextItems(past, say=lambda what: say(f"learning {what} ({time.process_time() - began:.0f} s)"))
    trained = time.process_time() - began
    say(f"ranking after {len(cases):,} sessions")
    hits, reciprocal, seconds = _rank(model.predict, cases)
    row = {
        "HR@20": round(hits / len(cases), 5),
        "MRR@20": round(reciprocal / len(cases), 5),
        "cases": len(cases),
        "predictions_a_second": round(len(cases) / max(sum(seconds), 1e-9)),
        "p99_ms": round(1000 * sorted(seconds)[int(0.99 * (len(seconds) - 1))], 3),
        "train_cpu_seconds": round(trained, 1),
    }
    if format is Format.json:
        put_json(row)
    else:
        put_table(f"next items, {len(past):,} sessions learned", [row])


def _rank(
    predict: Callable[[Sequence[str]], list[str]], cases: Sequence[tuple[list[str], str]]
) -> tuple[int, float, list[float]]:
    """Hits among the first 20, the sum of 1/rank (0 beyond 20), and each prediction's seconds."""
    hits, reciprocal, seconds = 0, 0.0, []
    for session, following in cases:
        began = time.perf_counter()
        ranked = predict(session)
        seconds.append(time.perf_counter() - began)
        if following in ranked[:20]:
            hits += 1
            reciprocal += 1 / (ranked.index(following) + 1)
    return hits, reciprocal, seconds


def _session(line: str, _: str) -> list[str]:
    return line.split()


def _case(line: str, where: str) -> tuple[list[str], str]:
    session, tab, following = line.partition("\t")
    if not tab or not following.strip():
        raise ValueError(f"{where}: got {line[:60]!r}; wanted a session's ids split by spaces, a tab, and the next id")
    return session.split(), following.strip()


def _read(name: str, parse: Callable[[str, str], Parsed]) -> list[Parsed]:
    """The lines that aren't empty, each parsed; gzipped files are read as they are."""
    with opened(name) as file:
        numbered: Iterator[tuple[int, str]] = enumerate((raw.decode(errors="replace") for raw in file), 1)
        return [parse(line.rstrip("\r\n"), f"{name}, line {n}") for n, line in numbered if line.strip(" \r\n")]


backtest.command("policy")(policy)
backtest.command("uplift")(uplift)
