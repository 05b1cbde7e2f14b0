"""``micromoments backtest``: how well something would have done on data that lies there."""

from __future__ import annotations

import time
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

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


@backtest.command("sessions")
def sessions(
    train: Annotated[str, typer.Option(help="one session a line: item ids split by one space, oldest click first")],
    test: Annotated[str, typer.Option(help="one case a line: a session's ids, a tab, the next id")],
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Rank the next item of sessions: HR@20 and MRR@20 over every line of --test, and predictions a second."""
    from micromoments.retrieve.nextitem.model import NextItems

    read, past = _past(train)
    cases = _cases(test)
    if not past or not cases:
        raise ValueError(
            f"got {read:,} sessions in {train} and {len(cases):,} cases in {test}; wanted one of each or more"
        )
    if len(past) < read:
        say(f"learning from the last {len(past):,} of {read:,} sessions")
    began = time.process_time()
    model = NextItems(past, say=lambda what: say(f"learning {what} ({time.process_time() - began:.0f} s)"))
    trained = time.process_time() - began
    say(f"ranking after {len(cases):,} sessions")
    hits, reciprocal, seconds, busy = _rank(model.predict, cases)
    row = {
        "HR@20": round(hits / len(cases), 5),
        "MRR@20": round(reciprocal / len(cases), 5),
        "cases": len(cases),
        "predictions_a_second": round(len(cases) / max(sum(seconds), 1e-9)),
        "p99_ms": _p99(seconds),
        "p99_cpu_ms": _p99(busy),
        "train_cpu_seconds": round(trained, 1),
    }
    if format is Format.json:
        put_json(row)
    else:
        put_table(f"next items, {len(past):,} sessions learned", [row])


def _rank(
    predict: Callable[[Sequence[str]], list[str]], cases: Sequence[tuple[list[str], str]]
) -> tuple[int, float, list[float], list[float]]:
    """Hits among the first 20, the sum of 1/rank (0 beyond 20), each prediction's seconds, and its processor's."""
    hits, reciprocal, seconds, busy = 0, 0.0, [], []
    for session, following in cases:
        began, worked = time.perf_counter(), time.thread_time()
        ranked = predict(session)
        busy.append(time.thread_time() - worked)
        seconds.append(time.perf_counter() - began)
        if following in ranked[:20]:
            hits += 1
            reciprocal += 1 / (ranked.index(following) + 1)
    return hits, reciprocal, seconds, busy


def _p99(seconds: Sequence[float]) -> float:
    """What 99 of 100 stay under, in milliseconds."""
    return round(1000 * sorted(seconds)[int(0.99 * (len(seconds) - 1))], 3)


def _case(line: str, where: str, ids: dict[str, str]) -> tuple[list[str], str]:
    session, tab, following = line.partition("\t")
    if not tab or len(following.split()) != 1:
        raise ValueError(f"{where}: got {line[:60]!r}; wanted a session's ids split by spaces, a tab, and the next id")
    return _ids(session, ids), _ids(following, ids)[0]


def _ids(line: str, ids: dict[str, str]) -> list[str]:
    """The ids of a line; the same id is the same object in every line, which spares most of the memory."""
    return [ids.setdefault(id, id) for id in line.split()]


def _past(name: str) -> tuple[int, list[list[str]]]:
    """How many sessions a file has, and the last ones of these: no more than are learned from are held."""
    from micromoments.retrieve.nextitem.model import Plan

    ids: dict[str, str] = {}
    kept: deque[list[str]] = deque()
    read = clicks = 0
    for line, _ in _lines(name):
        read += 1
        kept.append(_ids(line, ids))
        clicks += len(kept[-1])
        while len(kept) > 1 and clicks - len(kept[0]) >= Plan().most:
            clicks -= len(kept.popleft())
    return read, list(kept)


def _cases(name: str) -> list[tuple[list[str], str]]:
    ids: dict[str, str] = {}
    return [_case(line, where, ids) for line, where in _lines(name)]


def _lines(name: str) -> Iterator[tuple[str, str]]:
    """The lines that aren't empty, each with where it stands; gzipped files are read as they are."""
    with opened(name) as file:
        for number, raw in enumerate(file, 1):
            line = raw.removeprefix(BOM_UTF8 if number == 1 else b"").decode(errors="surrogateescape")
            where = f"{name}, line {number}"
            if "\x00" in line:
                raise ValueError(f"{where}: got {line[:60]!r}; wanted text in UTF-8; convert the file")
            if line.strip(" \r\n"):
                yield line.rstrip("\r\n"), where


backtest.command("policy")(policy)
backtest.command("uplift")(uplift)
