"""What the doors show of moments, decisions and items: camelCase objects, instants in milliseconds UTC.

``openapi`` makes the contract's schemas of these classes. Fields are only ever added.
"""

from __future__ import annotations

from typing import Any

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.item import Item, Kind
from micromoments.core.moment import Ending, MomentType, MomentView


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An object of the doors; what is at its default is left out."""


class EvidenceShape(Shape, frozen=True):
    """One reason for a moment in a person's words; ``weight`` is its present pull towards ``type``, in nats."""

    text: str
    type: MomentType
    weight: float
    at: Millis


class MomentShape(Shape, frozen=True):
    """A stretch of intent: type, probabilities, need, how sure, how urgent, why, until when."""

    id: str
    type: MomentType
    probabilities: dict[str, float]
    need: dict[str, str | int]
    confidence: float
    urgency: float
    stage: str
    evidence: list[EvidenceShape]
    opened_at: Millis
    expires_at: Millis
    channels: list[str]
    ended: Ending | None = None
    ended_at: Millis | None = None


class ServedShape(Shape, frozen=True):
    """One served item; ``propensity`` is its probability given the positions above it."""

    id: str
    kind: Kind
    title: str
    score: float
    propensity: float
    reasons: tuple[str, ...]
    attributes: dict[str, Any]


class PolicyShape(Shape, frozen=True):
    """Which policy decided, and its version: the outcomes that it had learned."""

    name: str
    version: int


class VariantShape(Shape, frozen=True):
    """The person's variant in an experiment."""

    key: str
    variant: str


class TellingShape(Shape, frozen=True):
    """A word of ``context.query`` that tells: the type that it speaks for, and the nats that it adds."""

    word: str
    type: MomentType
    weight: float


class DecisionShape(Shape, frozen=True, kw_only=True):
    """The answer to ``decide``. ``propensity`` is the product over positions; ``degraded`` says what was missing.

    ``telling`` are the words of ``context.query`` that tell most, the strongest first.
    """

    decision_id: str
    slot: str
    moment: MomentShape | None
    moments: tuple[str, ...]
    items: list[ServedShape]
    propensity: float
    policy: PolicyShape
    config_version: str
    experiments: list[VariantShape]
    holdout: bool
    degraded: tuple[str, ...]
    telling: list[TellingShape] = []


class RefusedShape(Shape, frozen=True):
    """A candidate that could not be served, and why."""

    id: str
    code: str
    detail: str


class ScoredShape(Shape, frozen=True):
    """An eligible candidate's score, and its probability of the first position."""

    id: str
    score: float
    propensity: float


class GuardShape(Shape, frozen=True):
    """A policy served beside its default: the slot's guard, the policy's share, and how much likelier than it was
    the policy (``own``) and the default (``other``) by themselves would have served this.
    """

    guard: float
    share: float
    own: float
    other: float


class ExplainedShape(DecisionShape, frozen=True, kw_only=True):
    """A decision with what led to it. ``considered`` counts the candidates before any was refused. In shadow ``would``
    are the items that the policy would have served; ``rules`` touched it and took ``ruleCost`` of the expected score.
    """

    at: Millis
    until: Millis
    key: str
    mode: str
    goal: str
    considered: int
    refused: list[RefusedShape]
    scored: list[ScoredShape]
    chosen: list[str]
    channel: str = ""
    would: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    rule_cost: float = 0.0
    guard: GuardShape | None = None


class PriceShape(Shape, frozen=True):
    """Whole minor units of an ISO 4217 currency."""

    amount: int
    currency: str


class PlaceShape(Shape, frozen=True):
    """Degrees (WGS 84)."""

    lat: float
    lon: float


class ItemShape(Shape, frozen=True):
    """Something that can be served. ``hours`` is an OpenStreetMap expression, ``stock`` pieces left."""

    id: str
    kind: Kind
    title: str
    text: str = ""
    category: str = ""
    brand: str = ""
    tags: tuple[str, ...] = ()
    url: str = ""
    image: str = ""
    price: PriceShape | None = None
    location: PlaceShape | None = None
    hours: str = ""
    timezone: str = ""
    stock: int | None = None
    valid_from: Millis | None = None
    valid_until: Millis | None = None
    budget: str = ""
    campaign: str = ""
    value: int = 0
    priority: int = 0
    condition: dict[str, Any] | None = None
    attributes: dict[str, Any] = {}


def moment(view: MomentView) -> MomentShape:
    """A moment as the doors show it."""
    return MomentShape(
        id=view.id,
        type=view.type,
        probabilities=view.probabilities,
        need=view.need,
        confidence=view.confidence,
        urgency=view.urgency,
        stage=view.stage,
        evidence=[EvidenceShape(text=e.text, type=e.type, weight=e.weight, at=e.at) for e in view.evidence],
        opened_at=view.opened_at,
        expires_at=view.expires_at,
        channels=view.channels,
        ended=view.ended,
        ended_at=view.ended_at,
    )


def decision(decided: Decision) -> DecisionShape:
    """A decision as it is answered."""
    return DecisionShape(**_answer(decided))


def explained(decided: Decision) -> ExplainedShape:
    """A decision with its candidates, refusals and scores."""
    return ExplainedShape(
        **_answer(decided),
        at=decided.at,
        until=decided.until,
        key=decided.key,
        mode=decided.mode,
        goal=decided.goal,
        considered=decided.considered,
        refused=[RefusedShape(id=r.id, code=r.code, detail=r.detail) for r in decided.refused],
        scored=[ScoredShape(id=s.id, score=s.score, propensity=s.propensity) for s in decided.scored],
        chosen=[one.id for one in decided.items],
        channel=decided.channel,
        would=decided.would,
        rules=decided.rules,
        rule_cost=decided.rule_cost,
        guard=GuardShape(*decided.guard) if decided.guard else None,
    )


def _answer(decided: Decision) -> dict[str, Any]:
    return {
        "decision_id": decided.id,
        "slot": decided.slot,
        "moment": None if decided.moment is None else moment(decided.moment),
        "moments": decided.moments,
        "items": [
            ServedShape(
                id=i.id,
                kind=i.kind,
                title=i.title,
                score=i.score,
                propensity=i.propensity,
                reasons=i.reasons,
                attributes=i.attributes,
            )
            for i in decided.items
        ],
        "propensity": decided.propensity,
        "policy": PolicyShape(name=decided.policy.name, version=decided.policy.version),
        "config_version": decided.config_version,
        "experiments": [VariantShape(key=a.key, variant=a.variant) for a in decided.experiments],
        "holdout": decided.holdout,
        "degraded": decided.degraded,
    }


def item(one: Item) -> ItemShape:
    """An item as it is put."""
    price, place = one.price, one.location
    plain = {field: getattr(one, field) for field in ItemShape.__struct_fields__ if field not in ("price", "location")}
    return ItemShape(
        **plain,
        price=None if price is None else PriceShape(amount=price.amount, currency=price.currency),
        location=None if place is None else PlaceShape(lat=place.lat, lon=place.lon),
    )
