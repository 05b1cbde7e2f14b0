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


class _Rank(msgspec.Struct):
    context: dict[str, Any] = msgspec.field(name="c")
    cost: float = msgspec.field(name="_label_cost")
    probability: float = msgspec.field(name="_label_probability")
    action: int = msgspec.field(name="_label_Action")
    event: str = msgspec.field(name="EventId")
    at: str = msgspec.field(name="Timestamp", default="")
    skipped: bool = msgspec.field(name="_skipLearn", default=False)


_DECODER = msgspec.json.Decoder(_Rank)


def record(line: bytes) -> dict[str, Any]:
    """A line as a record of a log of decisions (``learn.logged``), before it is checked.

    Raises:
        ValueError: it isn't such a line, or one that says nothing of one choice among actions.
    """
    try:
        rank = _DECODER.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    actions = rank.context.get("_multi")
    if "_slots" in rank.context or not isinstance(actions, list) or not all(isinstance(one, dict) for one in actions):
        raise ValueError("got a line of several slots, or without actions; wanted one choice among c._multi")
    if rank.skipped:
        raise ValueError("it was never activated, so nothing came of it")
    if not 1 <= rank.action <= len(actions):
        raise ValueError(f"got _label_Action {rank.action}; wanted 1 to {len(actions)}")
    named = [_name(one) or str(n) for n, one in enumerate(actions, 1)]
    ids = named if len(set(named)) == len(named) else [str(n) for n in range(1, len(named) + 1)]
    return {
        "decision_id": rank.event,
        "ts": rank.at,
        "context": namespaces(rank.context),
        "actions": [{"id": id, "features": namespaces(one)} for id, one in zip(ids, actions, strict=True)],
        "chosen": ids[rank.action - 1],
        "propensity": rank.probability,
        "reward": -rank.cost if rank.cost else 0.0,
    }


def _name(action: Mapping[str, Any]) -> str:
    """What an action is called: its tag, or the id among its features."""
    inner = action.get("i")
    return str(action.get("_tag") or (inner.get("id") if isinstance(inner, dict) else "") or "")


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
