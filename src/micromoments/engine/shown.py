"""Decisions, outcomes and crossings as the live stream tells them."""

from __future__ import annotations

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.effect import Crossed
from micromoments.core.event import SIMULATED
from micromoments.core.outcome import Outcome


def crossed(effect: Crossed) -> bytes:
    """A crossing of a fence, as JSON."""
    c = effect.crossing
    place = {"id": c.fence.id, "title": c.fence.title, "open": c.fence.open}
    told = {"change": c.change, "at": c.at, "since": c.since, "person": effect.person, "place": place}
    return msgspec.json.encode({**told, "simulated": bool(effect.marks & SIMULATED)})


def decided(decision: Decision) -> dict[str, object]:
    """A decision."""
    return {
        "decisionId": decision.id,
        "at": decision.at,
        "slot": decision.slot,
        "person": decision.person,
        "momentId": decision.moment.id if decision.moment is not None else None,
        "items": [{"id": i.id, "kind": i.kind, "title": i.title, "reasons": i.reasons} for i in decision.items],
        "holdout": decision.holdout,
        "simulated": bool(decision.marks & SIMULATED),
    }


def came(outcome: Outcome) -> dict[str, object]:
    """An outcome: what came of a delivery."""
    return {
        "decisionId": outcome.decision,
        "at": outcome.at,
        "slot": outcome.slot,
        "item": outcome.item,
        "what": outcome.what,
        "goal": outcome.goal,
        "value": outcome.value,
        "currency": outcome.currency,
        "simulated": bool(outcome.marks & SIMULATED),
    }
