"""Records and effects as facts: what reports are asked of. Surrogates only, never an id as sent."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from micromoments.core.decision import Decision
from micromoments.core.effect import Told
from micromoments.core.event import Millis
from micromoments.core.fact import DecisionFact, EventFact, MomentFact, OutcomeFact
from micromoments.core.outcome import Outcome
from micromoments.core.record import EventRecord
from micromoments.core.settings import Settings
from micromoments.flow.step import channel
from micromoments.flow.view import View
from micromoments.learn.goals import reached

NAN = float("nan")


def event_fact(record: EventRecord, surrogate: int, position: int, settings: Settings) -> EventFact:
    """One accepted event as a fact; its goals and their worth are those that the settings name."""
    event, properties = record.event, record.event.properties
    context = event.context
    location = context.get("location")
    name = event.event or event.name or ""
    item = properties.get("product_id") or properties.get("item_id") or ""
    query = properties.get("query") or ""
    results = properties.get("results")
    won = reached(record, settings)
    device = context.get("device")
    return EventFact(
        id=f"{position:x}",
        version=position,
        received_at=record.at,
        at=record.occurred,
        surrogate=surrogate,
        type=event.type,
        name=name[:128],
        channel=channel(event),
        device=_word(device.get("type")) if isinstance(device, dict) else "",
        item=str(item)[:128],
        query=query[:256] if isinstance(query, str) else "",
        value=won.value,
        currency=won.currency,
        goal=won.goal,
        decision=_word(properties.get("decision_id")),
        results=results if isinstance(results, int) else -1,
        country=_word(location.get("country")) if isinstance(location, dict) else "",
        city=_word(location.get("city")) if isinstance(location, dict) else "",
        marks=record.marks,
    )


def moment_fact(told: Told, version: int, view: View, recognised_at: Millis) -> MomentFact:
    """One version of a moment as a fact."""
    moment = told.moment
    shown = view.recogniser.view(moment, {}, moment.updated_at)
    p = shown.probabilities
    return MomentFact(
        id=moment.id,
        version=version,
        received_at=told.at,
        surrogate=told.surrogate,
        opened_at=moment.opened_at,
        updated_at=moment.updated_at,
        expires_at=moment.expires_at,
        type=moment.type,
        p_know=p["know"],
        p_go=p["go"],
        p_do=p["do"],
        p_buy=p["buy"],
        p_none=p["none"],
        confidence=shown.confidence,
        query=moment.need.query,
        category=moment.need.category,
        item=moment.need.item,
        place=moment.need.place,
        stage=moment.stage,
        channels=",".join(moment.channels),
        ended=moment.ended or "",
        ended_at=moment.ended_at,
        served_at=told.served,
        recognised_at=recognised_at,
        evidence="",
        withdrawn=told.change == "withdrawn",
        marks=told.marks,
    )


def decision_fact(decision: Decision, version: int) -> DecisionFact:
    """One decision as a fact."""
    return DecisionFact(
        id=decision.id,
        version=version,
        received_at=decision.at,
        surrogate=decision.surrogate,
        slot=decision.slot,
        moment=decision.moment.id if decision.moment is not None else "",
        moment_type=decision.moment.type if decision.moment is not None else "none",
        items=[i.id for i in decision.items],
        kinds=[i.kind for i in decision.items],
        propensities=[i.propensity for i in decision.items],
        propensity=decision.propensity,
        policy=decision.policy.name,
        policy_version=decision.policy.version,
        experiments=[a.key for a in decision.experiments],
        variants=[a.variant for a in decision.experiments],
        units=[unit_hash(a.unit) for a in decision.experiments],
        holdout=decision.holdout,
        unit=unit_hash(decision.unit),
        mode=decision.mode,
        degraded=",".join(decision.degraded),
        considered=decision.considered,
        refused=sorted(r.code for r in decision.refused),
        marks=decision.marks,
    )


def outcome_fact(outcome: Outcome, version: int) -> OutcomeFact:
    """One outcome as a fact."""
    return OutcomeFact(
        id=outcome.id,
        version=version,
        received_at=outcome.at,
        surrogate=outcome.surrogate,
        decision=outcome.decision,
        slot=outcome.slot,
        item=outcome.item,
        what=outcome.what,
        goal=outcome.goal,
        value=outcome.value,
        currency=outcome.currency,
        reward=NAN if outcome.reward is None else outcome.reward,
        via=outcome.via,
        moment=outcome.moment,
        marks=outcome.marks,
    )


def unit_hash(unit: str) -> str:
    """An experiment's unit as facts know it: 16 hex digits of its BLAKE2b hash, never the id as sent."""
    return blake2b(unit.encode(), digest_size=8).hexdigest() if unit else ""


def _word(value: Any) -> str:
    return value[:128] if isinstance(value, str) else ""
