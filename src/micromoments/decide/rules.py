"""Merchandisers' rules over what is eligible: excluded, pinned, boosted, buried; with priorities and business value.

What a rule does to the distribution is done before the draw, so what is logged is what was drawn from. A rule with
``measure`` leaves a share of people without it, by hash: an experiment whose lift is the rule's worth, or its cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log1p
from typing import TYPE_CHECKING, Any

from micromoments.core.decision import Assignment, Refused
from micromoments.core.item import Item
from micromoments.core.settings import Rule, Settings, Slot
from micromoments.core.when import within
from micromoments.decide import targeting
from micromoments.decide.experiment import bucket

if TYPE_CHECKING:
    from micromoments.core.event import Millis
    from micromoments.retrieve.ask import Candidate

RULE = "rule:"
"""The key of a measured rule's assignment is this and the rule's name."""
WITH, WITHOUT = "with", "without"
BURIED = -1_000_000
"""The tier of what is buried: below every priority."""


@dataclass(slots=True)
class Ruled:
    """The eligible after the rules, with what the draw must mind: by row, how much more likely and in which tier; by
    position from 0, the pinned row.
    """

    may: list[Candidate]
    refused: list[Refused] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    tiers: list[int] = field(default_factory=list)
    pins: dict[int, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    given: tuple[Assignment, ...] = ()


def plain(slot: Slot, settings: Settings) -> bool:
    """Whether nothing here changes what a policy does in a slot."""
    return not settings.rules and not slot.priorities and not slot.value_weight


def pins(slot_name: str, settings: Settings, now: Millis, attributes: Mapping[str, Any]) -> dict[str, Rule]:
    """The pins in force, by name: what they cover is to be among the candidates, whether it was found or not."""
    return {
        name: rule
        for name, rule in settings.rules.items()
        if rule.action == "pin" and _in_force(rule, slot_name, now, attributes)
    }


def ruled(
    may: Sequence[Candidate],
    slot_name: str,
    slot: Slot,
    settings: Settings,
    now: Millis,
    unit: str,
    attributes: Mapping[str, Any],
) -> Ruled:
    """Apply the rules in force to the eligible. ``unit`` is what the person is dealt by, ``attributes`` what a rule's
    condition may speak of.
    """
    touched: list[tuple[Rule, list[int]]] = []
    names: list[str] = []
    given: list[Assignment] = []
    for name in sorted(settings.rules):
        rule = settings.rules[name]
        if not _in_force(rule, slot_name, now, attributes):
            continue
        rows = [row for row, one in enumerate(may) if covers(rule, one.item)]
        if not rows:
            continue
        without = rule.measure > 0.0 and bucket(unit, RULE + name) < rule.measure
        if rule.measure > 0.0:
            given.append(Assignment(RULE + name, WITHOUT if without else WITH, unit, now))
        if not without:
            touched.append((rule, rows))
            names.append(name)
    out: dict[int, str] = {}
    for name, (rule, rows) in zip(names, touched, strict=True):
        if rule.action == "exclude":
            out.update(dict.fromkeys(rows, name))
    kept = [row for row in range(len(may)) if row not in out]
    place = {row: index for index, row in enumerate(kept)}
    result = Ruled(
        may=[may[row] for row in kept],
        refused=[Refused(may[row].item.id, "rule", _words(name, settings.rules[name])) for row, name in out.items()],
        weights=[_worth(may[row].item, slot) for row in kept],
        tiers=[may[row].item.priority if slot.priorities else 0 for row in kept],
        names=tuple(names),
        given=tuple(given),
    )
    for rule, rows in touched:
        _touch(result, rule, [place[row] for row in rows if row in place])
    return result


def _touch(result: Ruled, rule: Rule, rows: Sequence[int]) -> None:
    if rule.action == "boost":
        for row in rows:
            result.weights[row] *= rule.factor
    elif rule.action == "bury":
        for row in rows:
            result.tiers[row] += BURIED
    elif rule.action == "pin":
        at = rule.position - 1
        for row in rows:
            if row not in result.pins.values():
                while at in result.pins:
                    at += 1
                result.pins[at] = row
                at += 1


def _in_force(rule: Rule, slot: str, now: Millis, attributes: Mapping[str, Any]) -> bool:
    if (rule.slots and slot not in rule.slots) or not within(rule.starts, rule.ends, now):
        return False
    return rule.condition is None or targeting.matches(attributes, rule.condition)


def covers(rule: Rule, item: Item) -> bool:
    """Whether a rule is about an item. Plain comparisons are made here: the library takes a hundred times as long."""
    fields: dict[str, Any] | None = None
    for name, wanted in rule.where.items():
        if name.startswith("$") or "." in name or isinstance(wanted, Mapping | list):
            known = targeting.of_item(item)
            return targeting.matches({**known, "item": known, "attributes": item.attributes}, rule.where)
        if fields is None:
            fields = targeting.of_item(item)
        got = fields.get(name)
        if got != wanted and not (isinstance(got, list) and name == "tags" and wanted in got):
            return False
    return True


def _worth(item: Item, slot: Slot) -> float:
    """How much likelier an item's business value makes it: 1 without a weight, e^weight for 100,000 major units."""
    if not slot.value_weight:
        return 1.0
    return exp(slot.value_weight * min(1.0, log1p(max(0, item.value)) / log1p(10_000_000)))


def _words(name: str, rule: Rule) -> str:
    why = f": {rule.reason}" if rule.reason else ""
    by = f" (of {rule.owner})" if rule.owner else ""
    return f"excluded by the rule {name}{by}{why}"
