"""A report's figures and rows as flat tables, for pages and terminals: one for each kind of row, and for what lift
rows hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from micromoments.report.parts import money

Flat = dict[str, Any]
_COMPARED = (
    "treated",
    "treated_mean",
    "control",
    "control_mean",
    "difference",
    "low",
    "high",
    "p",
    "verdict",
)


_MONEY = frozenset({"treated_mean", "control_mean", "difference", "low", "high"})
"""What is money where values are compared."""


def cards(figures: Sequence[Mapping[str, Any]]) -> dict[str, list[Flat]]:
    """Figures by their scorecard (empty where they have none), each with its value and what it counts in words.

    >>> cards([{"title": "Moments served", "value": 0.5, "unit": "share", "count": 1, "of": 2, "card": "be there"}])
    {'be there': [{'figure': 'Moments served', 'value': '50.0%', 'counted': '1 of 2'}]}
    """
    kinds: dict[str, list[Flat]] = {}
    for one in figures:
        anchored = {"anchored": "the recogniser can't move it"} if one.get("anchored") else {}
        row = {"figure": one["title"], "value": shown(one), "counted": counted(one), **anchored}
        kinds.setdefault(str(one.get("card", "")), []).append(row)
    return kinds


def shown(figure: Mapping[str, Any]) -> str:
    """A figure's value as people read it, by its unit; a dash where there is nothing to divide by."""
    value, unit = figure["value"], figure["unit"]
    if value is None:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    if unit == "milliseconds":
        return time(value) + (f" (95 % within {time(figure['p95'])})" if figure.get("p95") is not None else "")
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def short(figure: Mapping[str, Any]) -> str:
    """The value alone, where its spread stands elsewhere or would be too much."""
    return shown({**figure, "p95": None})


def counted(figure: Mapping[str, Any]) -> str:
    """How many there were, of how many."""
    of = f" of {figure['of']:,}" if figure.get("of") is not None else ""
    return f"{figure['count']:,}{of}"


def time(milliseconds: float) -> str:
    """A stretch of time in the unit that fits it.

    >>> time(1500), time(90_000)
    ('1.5 s', '1.5 min')
    """
    for size, name in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")):
        if milliseconds >= size:
            return f"{milliseconds / size:.1f} {name}"
    return f"{milliseconds:.0f} ms"


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Flat]]:
    """The rows by the kind that they are ``of`` (empty where they don't say), without anything nested; of a part of a
    break-down its figures.
    """
    kinds: dict[str, list[Flat]] = {}
    for row in rows:
        for kind, flat in _flattened(row):
            kinds.setdefault(kind, []).append(flat)
    return kinds


def _flattened(row: Mapping[str, Any]) -> Iterator[tuple[str, Flat]]:
    of = str(row.get("of", ""))
    if "figures" in row:
        yield of, {"part": row["part"], **{one["title"]: short(one) for one in row["figures"]}}
        return
    if "comparisons" not in row:
        yield of, {name: value for name, value in row.items() if name != "of" and not isinstance(value, list | dict)}
        return
    about = {"slot": row["slot"], "experiment": row["experiment"], "goal": row["goal"]}
    for one in row["comparisons"]:
        yield of, {**about, "metric": one["metric"], **{name: _amount(one, name) for name in _COMPARED}}
    if row.get("plan"):
        yield "what can be found, and how long it takes", {**about, **row["plan"]}
    for part, name, kind in (
        ("segments", "type", "by type of moment, explored"),
        ("guards", "guard", "guard-rails"),
    ):
        for one in row.get(part, ()):
            yield kind, {**about, name: one[name], **{key: one[key] for key in _COMPARED}}
    if row.get("novelty"):
        yield "novelty: the second week less the first", {**about, **{key: row["novelty"][key] for key in _COMPARED}}


def _amount(one: Mapping[str, Any], name: str) -> Any:
    """A number of a comparison as people read it: money in its currency's major units."""
    value, currency = one[name], one.get("currency", "")
    paid = one["metric"] == "value" and currency and name in _MONEY and value is not None
    return money(value, currency) if paid else value
