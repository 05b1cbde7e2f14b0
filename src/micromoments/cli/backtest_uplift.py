"""``micromoments backtest uplift``: whom a treatment changes, learned on one table and tried on another."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from micromoments.cli.lines import opened
from micromoments.cli.table import Format, put_json, put_table, say

if TYPE_CHECKING:
    from micromoments.learn.columns import FloatArray

Table = dict[str, list[str]]
CONTROL_WORDS = (
    "control",
    "no e-mail",
    "no email",
    "no",
    "none",
    "0",
    "0.0",
    "false",
    "holdout",
    "placebo",
    "untreated",
)
"""What arms without treatment are called, in lower case."""
NO_ARM = frozenset({"nan", "null", "?"})
"""What is no arm, in lower case, beside an empty cell."""
TRUTHS = {"true": "1", "yes": "1", "y": "1", "t": "1", "false": "0", "no": "0", "n": "0", "f": "0"}
FEW = 50
"""Rows that an arm needs, in either file."""
SHIELDED = "a protected trait; nobody gets less for it (a lawful basis is named by --lawful-basis)"
"""Why a column isn't learned from."""
LEAST = 6
"""Groups of no protected trait that are told of."""
FIRST = 0.5
"""The share that each group has of any half by chance."""
UNEVEN = 5.0
"""Standard errors of difference between arms that chance doesn't give."""


def uplift(
    train: Annotated[str, typer.Option(help="CSV of an experiment to learn from; - is standard input")],
    test: Annotated[str, typer.Option(help="CSV with the same columns to try it on")],
    treatment: Annotated[str, typer.Option(help="the column that says which arm a row was in; two arms or more")],
    outcome: Annotated[str, typer.Option(help="the column of what came of it: 0/1, true/false, or a number")],
    control: Annotated[str, typer.Option(help="the value of --treatment that means untreated; told by its looks")] = "",
    leave_out: Annotated[
        list[str] | None, typer.Option(help="a column not to learn from; may be given more than once")
    ] = None,
    lawful_basis: Annotated[
        list[str] | None,
        typer.Option(help="a protected column to learn from all the same, as you have a lawful basis; may be repeated"),
    ] = None,
    format: Annotated[Format, typer.Option(help="how to show it")] = Format.table,
) -> None:
    """Learn whom a treatment changes, and print the Qini coefficient, the uplift of the first 10 to 100 %, and who gets
    less. Protected traits, such as sex and age, are not learned from.
    """
    from micromoments.learn.columns import Encoder, giveaways
    from micromoments.learn.favoured import protected

    (one, gone_one), (two, gone_two) = (_told(name, _read(name), treatment, outcome) for name in (train, test))
    y, z = _outcome(one[outcome], train, outcome), _outcome(two[outcome], test, outcome)
    features = {name: cells for name, cells in one.items() if name not in (treatment, outcome, *(leave_out or ()))}
    gone = giveaways(features, y, one[treatment])
    guarded = [name for name in protected(one) if name not in (treatment, outcome)]
    gone |= {name: SHIELDED for name in guarded if name in features and name not in (lawful_basis or ())}
    features = {name: cells for name, cells in features.items() if name not in gone}
    if not features:
        raise ValueError(f"{train}: got no column to learn from beside {', '.join(gone)}; wanted one at least; add it")
    shown = {name: cells for name, cells in two.items() if name in features or name in guarded}
    none = _control(one[treatment], control)
    encoder = Encoder(features)
    arms = [
        _arm(
            arm,
            none,
            (encoder.encode(features), one[treatment], y),
            (encoder.encode(two), two[treatment], z),
            shown,
            guarded,
        )
        for arm in sorted(set(one[treatment]) - {none})
    ]
    reply: dict[str, Any] = {
        "outcome": outcome,
        "control": none,
        "columns": list(features),
        "left_out": [{"column": name, "why": why} for name, why in gone.items()],
        "qini_is": "area between Qini curve and chance, divided by that of a perfect ranking (scikit-uplift's)",
        "arms": arms,
        "set_aside": {"train": gone_one, "test": gone_two},
    }
    for name, why in gone.items():
        say(f"left out column {name!r}: {why}")
    {Format.json: put_json, Format.html: _html, Format.table: _table}[format](reply)
    if gone_one or gone_two:
        say(f"set aside {gone_one:,} rows of {train} and {gone_two:,} of {test} without a treatment or an outcome")
        raise typer.Exit(3)


def _told(name: str, table: Table, treatment: str, outcome: str) -> tuple[Table, int]:
    """The rows that say which arm they were in and what came of it, and how many don't."""
    from micromoments.learn.columns import missing

    for column in (treatment, outcome):
        if column not in table:
            raise ValueError(f"{name}: got columns {', '.join(table)}; wanted one called {column!r}; correct it")
    pairs = zip(table[treatment], table[outcome], strict=True)
    # "none" and "na" may be what the untreated are called.
    keep = [bool(arm) and arm.lower() not in NO_ARM and not missing(came) for arm, came in pairs]
    gone = len(keep) - sum(keep)
    return {column: list(compress(cells, keep)) for column, cells in table.items()} if gone else table, gone


Part = tuple["FloatArray", list[str], "FloatArray"]


def _arm(
    arm: str, none: str, train: Part, test: Part, shown: Mapping[str, Sequence[str]], guarded: Sequence[str]
) -> dict[str, Any]:
    """One treatment against none: learned on one table, tried on the other, of which ``shown`` are the columns by which
    it is told who gets less.
    """
    import msgspec

    from micromoments.learn.favoured import favoured, left_out
    from micromoments.learn.uplift import Model, imbalance, rank

    (x, t, y), (v, u, z) = _pair(arm, none, train, "--train"), _pair(arm, none, test, "--test")
    uneven = imbalance(x, t)
    warnings = []
    if uneven > UNEVEN:
        warnings.append(
            f"a column differs by {uneven:.0f} standard errors between {arm!r} and {none!r}: treatment was not given "
            "by chance, or the column came after it; effects may be something else's"
        )
    model = Model(x, t, y)
    found = rank(model.predict(v), u, z)
    groups = favoured(model.predict(test[0]), shown, guarded)
    warnings += left_out(groups)
    return {
        "arm": arm,
        "qini": found.qini,
        "qini_area": found.area,
        "effect": msgspec.to_builtins(found.effect),
        "uplift": msgspec.to_builtins(found.uplift),
        "rows": {"train": len(x), "test": len(v)},
        "groups": msgspec.to_builtins(groups),
        "warnings": warnings,
    }


def _pair(arm: str, none: str, part: Part, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Features, treatment and outcome of the rows of an arm and of the control."""
    import numpy as np

    x, cells, y = part
    kinds = np.array(cells, dtype=object)
    which = (kinds == arm) | (kinds == none)
    t = (kinds[which] == arm).astype(np.float64)
    treated = int(t.sum())
    if min(treated, len(t) - treated) < FEW:
        raise ValueError(
            f"{name}: got {treated:,} rows of {arm!r} and {len(t) - treated:,} of {none!r}; "
            f"wanted {FEW} of each at least; give more, or leave that arm out"
        )
    return x[which], t, y[which]


def _control(cells: Sequence[str], told: str) -> str:
    """The value that means untreated."""
    arms = sorted(set(cells))
    if told:
        if told not in arms:
            raise ValueError(f"got --control {told!r}; wanted one of the treatment's values: {', '.join(arms[:10])}")
        return told
    if not 2 <= len(arms) <= 20:
        raise ValueError(
            f"got {len(arms)} different treatments; wanted 2 to 20, one of them none; choose another column"
        )
    found = [arm for arm in arms if arm.lower() in CONTROL_WORDS]
    found = found or [arm for arm in arms if "control" in arm.lower() or arm.lower().startswith("no ")]
    if len(found) != 1:
        raise ValueError(f"got treatments {', '.join(arms)}; wanted to know which of them is none; say --control VALUE")
    return found[0]


def _outcome(cells: Sequence[str], name: str, column: str) -> FloatArray:
    import numpy as np

    from micromoments.learn.columns import number

    values = []
    for n, cell in enumerate(cells, 2):
        value = number(TRUTHS.get(cell.lower(), cell))
        if value is None:
            raise ValueError(
                f"{name}, line {n}: got {cell[:40]!r} for {column}; wanted a number or true/false; correct it"
            )
        values.append(value)
    if len(set(values)) < 2:
        raise ValueError(f"{name}: got one value only for {column}; wanted outcomes that differ; choose another column")
    return np.array(values)


def _read(name: str) -> Table:
    """A CSV file's columns by name, spaces around cells gone; the delimiter is told by the header.

    Raises:
        ValueError: it isn't such a file.
    """
    try:
        return _columns(name)
    except csv.Error as error:
        raise ValueError(f"{name}: got what can't be read as CSV ({error}); wanted a table with a header") from error


def _columns(name: str) -> Table:
    with opened(name) as raw:
        lines = (line.decode("utf-8-sig", errors="replace") for line in raw)
        header = next(lines, "")
        split = max((",", ";", "\t"), key=header.count)
        names = [one.strip() for one in next(csv.reader([header], delimiter=split), [])]
        if len(set(names)) < len(names) or len(names) < 3:
            raise ValueError(
                f"{name}: got header {header.strip()[:80]!r}; wanted at least three columns, each name once; correct it"
            )
        rows = []
        for n, row in enumerate(csv.reader(lines, delimiter=split), 2):
            if len(row) == len(names):
                rows.append(row)
            elif row:
                raise ValueError(
                    f"{name}, line {n}: got {len(row)} cells; wanted {len(names)}, as in the header; correct it"
                )
    if not rows:
        raise ValueError(f"{name}: got no row; wanted an experiment's rows below the header")
    return {one: [cell.strip() for cell in column] for one, column in zip(names, zip(*rows, strict=True), strict=True)}


def _sentence(arm: dict[str, Any], reply: dict[str, Any]) -> str:
    effect = arm["effect"]
    return (
        f"{arm['arm']} against {reply['control']}: {reply['outcome']} {effect['uplift']:+.4f} "
        f"({effect['low']:+.4f} to {effect['high']:+.4f}) for all; Qini {arm['qini']:.4f}"
    )


def _table(reply: dict[str, Any]) -> None:
    for arm in reply["arms"]:
        put_table(f"{arm['arm']}: uplift of those ranked first, per cent", arm["uplift"])
        typer.echo(_sentence(arm, reply))
        if told := [one for one in arm["groups"] if one["protected"]] + _least(arm["groups"]):
            put_table("who gets less: of each group, the share among the half ranked first", told)
        for warning in arm["warnings"]:
            typer.echo(f"warning: {warning}")
    typer.echo(f"Qini: {reply['qini_is']}")


def _least(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The groups, of no protected trait, that the ranking leaves out most."""
    return [one for one in groups if not one["protected"] and one["high"] < FIRST][:LEAST]


def _html(reply: dict[str, Any]) -> None:
    from micromoments.report.html import page

    rows = [{"of": arm["arm"], **at} for arm in reply["arms"] for at in arm["uplift"]]
    notes = [_sentence(arm, reply) for arm in reply["arms"]]
    notes += [warning for arm in reply["arms"] for warning in arm["warnings"]]
    tried = max(arm["rows"]["test"] for arm in reply["arms"])
    about = {"about": f"Learned on one table, tried on up to {tried:,} rows of another; 95 % intervals."}
    counting = f"Difference in {reply['outcome']} among those ranked first; Qini: {reply['qini_is']}."
    typer.echo(page({"title": "Uplift", "counting": counting, **about, "notes": notes, "rows": rows}))
