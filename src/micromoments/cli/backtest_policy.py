"""``micromoments backtest policy``: what another policy would have earned, from a log of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micromoments.cli.lines import opened
from micromoments.cli.table import Format, put_json, put_table, say

if TYPE_CHECKING:
    from micromoments.learn.backtest import Result
    from micromoments.learn.logged import Logged

ALPHA = 0.05
NAMED = frozenset({"rules"})
"""Policies that read the engine's own features, so that they can't be tried on others."""
WIDTH = 96
"""Places that other features are hashed to."""


def policy(
    log: Annotated[
        str,
        typer.Option(
            help="JSON lines: decision_id, ts, context, actions [{id, features}], chosen, propensity, reward; or Azure "
            "Personalizer's dsjson; or VW's text"
        ),
    ],
    target: Annotated[str, typer.Option(help="a policy by its name, which learns from the log as it goes")] = "",
    target_pmf: Annotated[str, typer.Option(help="JSON lines: decision_id, probabilities {id: p}")] = "",
    seed: Annotated[int, typer.Option(help="the seed of a target that draws", min=0)] = 0,
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Estimate what a policy would have earned, a decision: IPS, SNIPS and DR with 95 % intervals."""
    from micromoments.learn.logged import read

    if bool(target) == bool(target_pmf):
        raise typer.BadParameter("got both or neither; wanted one of --target NAME and --target-pmf FILE")
    with opened(log) as lines:
        records, wrong = read(lines)
    if not records:
        raise ValueError(
            f"{log}: got no usable decision; wanted at least one; first: {'; '.join(wrong[:2]) or 'empty'}"
        )
    result = _given(records, target_pmf) if target_pmf else _named(records, target, seed)
    wrong += result.why
    aside = len(wrong) + result.set_aside - len(result.why)
    reply = _reply(result, target or target_pmf, aside, wrong)
    if format is Format.json:
        put_json(reply)
    elif format is Format.html:
        _html(reply, records)
    else:
        _table(reply)
    if aside:
        say(f"set aside {aside:,} decisions; first: " + "; ".join(wrong[:3]))
        raise typer.Exit(3)


def _given(records: Sequence[Logged], name: str) -> Result:
    from micromoments.learn.backtest import given
    from micromoments.learn.logged import read_given

    with opened(name) as lines:
        return given(records, read_given(lines), ALPHA)


def _named(records: Sequence[Logged], name: str, seed: int) -> Result:
    from micromoments.learn import backtest
    from micromoments.learn.logged import DIM, engine_rows
    from micromoments.policy import NAMES, known, make

    if not known(name):
        raise typer.BadParameter(f"got {name!r}; wanted {', '.join(NAMES)}, or one that an installed package brings")
    own = all(engine_rows(record) is not None for record in records)
    if name == "popular" and not own:
        return backtest.popular(records, ALPHA)
    if name in NAMED and not own:
        raise ValueError(
            f"got --target {name} and a log whose features aren't the engine's {DIM}; wanted priority and value among "
            "them; give its probabilities with --target-pmf"
        )
    # Another width than the engine's own: nothing is believed of features before they were seen.
    width = DIM if own else WIDTH
    return backtest.policy(records, make(name, width), seed, ALPHA, width)


def _reply(result: Result, target: str, aside: int, wrong: Sequence[str]) -> dict[str, Any]:
    """What is printed as JSON; the other forms show the same."""
    first = result.estimates[0]
    estimates = [
        {"method": e.method, "value": e.value, "low": e.low, "high": e.high, "effective_sample_size": e.effective}
        for e in result.estimates
    ]
    return {
        "target": target,
        "decisions": result.n,
        "set_aside": aside,
        "why": list(wrong[:5]),
        "confidence": 1.0 - ALPHA,
        "logged_value": result.logged_value,
        "effective_sample_size": first.effective,
        "matched": first.matched,
        "answers": not first.warnings,
        "warnings": list(first.warnings),
        "estimates": estimates,
    }


def _sentences(reply: dict[str, Any]) -> list[str]:
    worth = f"{reply['effective_sample_size']:,.0f}"
    earned = f"the log's own policy earned {reply['logged_value']:.5g} a decision"
    matched = f"{reply['matched']:.1%} of its {reply['decisions']:,} decisions the target might have made"
    return [
        f"{earned}; {matched}; they are worth {worth} of the target's own",
        *(f"warning: this log cannot answer well: {one}" for one in reply["warnings"]),
    ]


def _table(reply: dict[str, Any]) -> None:
    put_table(f"what {reply['target']} would have earned a decision, 95 % intervals", reply["estimates"])
    for sentence in _sentences(reply):
        typer.echo(sentence)


def _html(reply: dict[str, Any], records: Sequence[Logged]) -> None:
    from micromoments.report.html import page

    what = {
        "title": f"What “{reply['target']}” would have earned",
        "counting": "Reward a decision, from a log that another policy wrote; 95 % intervals.",
        "about": f"{len(records):,} decisions, from {records[0].ts} to {records[-1].ts}.",
        "notes": [sentence[0].upper() + sentence[1:] + "." for sentence in _sentences(reply)],
        "rows": reply["estimates"],
    }
    typer.echo(page(what))
