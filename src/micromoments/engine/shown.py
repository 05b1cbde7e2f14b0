"""Moments, decisions, outcomes and crossings as the live stream tells them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.effect import Crossed, Told
from micromoments.core.event import SIMULATED
from micromoments.core.outcome import Outcome
from micromoments.core.person import Part
from micromoments.flow.people import merged
from micromoments.flow.view import View


class Telling(msgspec.Struct, frozen=True, gc=False):
    """What is told of a moment, as JSON once somebody asks. Thousands wait for that, and mostly nobody does: one value
    that the cycle collector needn't look at, and that holds no more of a person than it takes, where a closure is six.
    """

    told: Told
    parts: Mapping[str, Part]
    view: View

    def __call__(self) -> bytes:
        """The message."""
        told, traces = self.told, {t.mid: t for t in merged(self.parts.values())}
        return msgspec.json.encode(
            {
                "change": told.change,
                "person": told.person,
                "simulated": bool(told.marks & SIMULATED),
                "moment": self.view.moment(told.moment, traces, told.at),
            }
        )


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
