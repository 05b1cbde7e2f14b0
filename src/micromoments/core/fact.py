"""Facts: append-only versions of what happened, keyed by surrogate, for reports. The schema is documented and kept."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.core.event import Millis

Table = Literal["events", "moments", "decisions", "outcomes", "people", "deliveries"]
TABLES: tuple[Table, ...] = ("events", "moments", "decisions", "outcomes", "people", "deliveries")


class EventFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One accepted event. ``received_at`` is arrival, ``at`` event time; ``value`` minor units; ``query`` scrubbed
    words. Fields with a default came later: what ``Decision Rendered`` says.
    """

    id: str
    version: int
    received_at: Millis
    at: Millis
    surrogate: int
    type: str
    name: str
    channel: str
    device: str
    item: str
    query: str
    value: int
    currency: str
    goal: str
    decision: str
    results: int
    country: str
    city: str
    marks: int
    slot: str = ""
    shown: str = ""
    milliseconds: int = 0
    network: str = ""


class MomentFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One version of a moment; the highest version of an id is what is known now. ``withdrawn`` ones never were."""

    id: str
    version: int
    received_at: Millis
    surrogate: int
    opened_at: Millis
    updated_at: Millis
    expires_at: Millis
    type: str
    p_know: float
    p_go: float
    p_do: float
    p_buy: float
    p_none: float
    confidence: float
    query: str
    category: str
    item: str
    place: str
    stage: int
    channels: str
    ended: str
    ended_at: Millis
    served_at: Millis
    recognised_at: Millis
    evidence: str
    withdrawn: bool
    marks: int


class DecisionFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One decision. ``items``, ``propensities`` and ``kinds`` run by position. Fields with a default came later."""

    id: str
    version: int
    received_at: Millis
    surrogate: int
    slot: str
    moment: str
    moment_type: str
    items: list[str]
    kinds: list[str]
    propensities: list[float]
    propensity: float
    policy: str
    policy_version: int
    experiments: list[str]
    variants: list[str]
    units: list[str]
    holdout: bool
    unit: str
    mode: str
    degraded: str
    considered: int
    refused: list[str]
    marks: int
    would: list[str] = []
    rules: list[str] = []
    rule_cost: float = 0.0


class OutcomeFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One outcome of a decision. ``reward`` is NaN where there was nothing to learn; ``cost`` is what the redeemed
    offer costs the business, in minor units of ``currency``.
    """

    id: str
    version: int
    received_at: Millis
    surrogate: int
    decision: str
    slot: str
    item: str
    what: str
    goal: str
    value: int
    currency: str
    reward: float
    via: str
    moment: str
    marks: int
    cost: int = 0


class PersonFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A surrogate turned out to be another's: reports count ``into``."""

    id: str
    version: int
    received_at: Millis
    surrogate: int
    into: int
    marks: int


class DeliveryFact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How one delivery ended: ``status`` is ``sent``, ``dead`` or ``held``; ``detail`` says why. ``at`` is when it was
    intended, ``due_at`` when it was first to be sent. A dead letter that was replayed has a later version.
    """

    id: str
    version: int
    received_at: Millis
    at: Millis
    due_at: Millis
    surrogate: int
    trigger: str
    destination: str
    channel: str
    status: str
    tries: int
    detail: str
    decision: str
    item: str
    moment: str
    marks: int


Fact = EventFact | MomentFact | DecisionFact | OutcomeFact | PersonFact | DeliveryFact
SCHEMAS: dict[Table, type[msgspec.Struct]] = {
    "events": EventFact,
    "moments": MomentFact,
    "decisions": DecisionFact,
    "outcomes": OutcomeFact,
    "people": PersonFact,
    "deliveries": DeliveryFact,
}
