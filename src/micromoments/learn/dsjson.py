"""Lines of Vowpal Wabbit's decision service (dsjson), as Azure Personalizer logged its ranks and rewards.

A line is one rank with what came of it: ``{"_label_cost", "_label_probability", "_label_Action", "EventId",
"Timestamp", "a", "p", "c": {<namespaces>, "_multi": [{"_tag", "i": {"id"}, <namespaces>}]}}``; a cost is a reward with
its sign turned, ``_label_Action`` counts from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

MARK = b'"_label_'
"""What such a line has and no other."""


class _Slot(msgspec.Struct):
    cost: float = msgspec.field(name="_label_cost")
    actions: list[int] = msgspec.field(name="_a")
    probabilities: list[float] = msgspec.field(name="_p")
    event: str = msgspec.field(name="_id", default="")


class _Rank(msgspec.Struct):
    context: dict[str, Any] = msgspec.field(name="c")
    cost: float = msgspec.field(name="_label_cost", default=0.0)
    probability: float = msgspec.field(name="_label_probability", default=0.0)
    action: int = msgspec.field(name="_label_Action", default=0)
    event: str = msgspec.field(name="EventId", default="")
    at: str = msgspec.field(name="Timestamp", default="")
    skipped: bool = msgspec.field(name="_skipLearn", default=False)
    slots: list[_Slot] = msgspec.field(name="_outcomes", default=[])


_DECODER = msgspec.json.Decoder(_Rank)


def records(line: bytes) -> list[dict[str, Any]]:
    """A line as records of a log of decisions (``learn.logged``), before they are checked: one of a rank, and one of
    each slot of a rank of several (``_slots`` with ``_outcomes``), whose actions are those that were left for it.

    Raises:
        ValueError: it isn't such a line, or one that says nothing of choices among actions.
    """
    try:
        rank = _DECODER.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    actions = rank.context.get("_multi")
    if not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        raise ValueError("got a line without actions; wanted choices among c._multi")
    if rank.skipped:
        raise ValueError("it was never activated, so nothing came of it")
    named = [_name(one) or str(n) for n, one in enumerate(actions, 1)]
    ids = named if len(set(named)) == len(named) else [str(n) for n in range(1, len(named) + 1)]
    told = [{"id": id, "features": namespaces(one)} for id, one in zip(ids, actions, strict=True)]
    if "_slots" in rank.context or rank.slots:
        return _of_slots(rank, told)
    if not 1 <= rank.action <= len(actions):
        raise ValueError(f"got _label_Action {rank.action}; wanted 1 to {len(actions)}")
    return [_record(rank, rank.event, told, ids[rank.action - 1], rank.probability, rank.cost)]


def _of_slots(rank: _Rank, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    slots = rank.context.get("_slots")
    if not isinstance(slots, list) or len(slots) != len(rank.slots) or not all(isinstance(one, dict) for one in slots):
        raise ValueError(f"got {len(rank.slots)} _outcomes; wanted one for each of c._slots")
    out = []
    for n, (one, slot) in enumerate(zip(rank.slots, slots, strict=True), 1):
        if not one.actions or len(one.probabilities) != len(one.actions):
            raise ValueError(f"got {len(one.actions)} actions and {len(one.probabilities)} probabilities; wanted pairs")
        if not all(0 <= at < len(actions) for at in one.actions):
            raise ValueError(f"got _a {one.actions}; wanted numbers from 0 to {len(actions) - 1}")
        left = [actions[at] for at in one.actions]
        name = f"{rank.event}:{_name(slot) or n}" if rank.event else one.event
        told = _record(rank, name, left, left[0]["id"], one.probabilities[0], one.cost)
        out.append(told | {"context": told["context"] | {"slot": namespaces(slot)}})
    return out


def _record(
    rank: _Rank, event: str, actions: list[dict[str, Any]], chosen: str, probability: float, cost: float
) -> dict[str, Any]:
    return {
        "decision_id": event,
        "ts": rank.at,
        "context": namespaces(rank.context),
        "actions": actions,
        "chosen": chosen,
        "propensity": probability,
        "reward": -cost if cost else 0.0,
    }


def _name(action: Mapping[str, Any]) -> str:
    """What an action or a slot is called: its tag, its id, or the id among its features."""
    inner = action.get("i")
    return str(action.get("_tag") or action.get("_id") or (inner.get("id") if isinstance(inner, dict) else "") or "")


def namespaces(values: Mapping[str, Any]) -> dict[str, Any]:
    """Features as the client sent them: Personalizer wrapped its lists in a namespace of its own; others stay."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        if name.startswith("_") or name == "i":
            continue
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            for one in value:
                out.update(one)
        else:
            out[name] = value
    return out
