"""A report's rows as flat tables, for pages and terminals: one for each kind of row, and for what lift rows hold."""

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


def tables(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Flat]]:
    """The rows by the kind that they are ``of`` (empty where they don't say), without anything nested."""
    kinds: dict[str, list[Flat]] = {}
    for row in rows:
        for kind, flat in _flattened(row):
            kinds.setdefault(kind, []).append(flat)
    return kinds


def _flattened(row: Mapping[str, Any]) -> Iterator[tuple[str, Flat]]:
    of = str(row.get("of", ""))
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
