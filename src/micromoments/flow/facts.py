"""Records and effects as facts: what reports are asked of. Surrogates only, never an id as sent."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace

from micromoments.core.decision import Decision
from micromoments.core.effect import Told
from micromoments.core.event import Event, Millis
from micromoments.core.fact import DecisionFact, EventFact, MomentFact, OutcomeFact
from micromoments.core.moment import TYPES
from micromoments.core.offer import coded
from micromoments.core.outcome import Outcome
from micromoments.core.person import Person
from micromoments.core.record import EventRecord
from micromoments.core.rollup import PAIN
from micromoments.core.settings import DAY, Settings
from micromoments.flow.said import Said, named, said
from micromoments.learn.goals import guarded
from micromoments.recognise.recogniser import Recogniser
from micromoments.recognise.sensitive import detector

NAN = float("nan")
MANY = 1 << 40
"""Past any true number of results; a column holds 64 bits."""
RENDERED = "Decision Rendered"
"""A page shows what was decided, or its default."""


def event_fact(record: EventRecord, surrogate: int, position: int, settings: Settings) -> EventFact:
    """One accepted event as a fact; its goals and their worth are those that the settings name."""
    event, context = record.event, record.event.context
    get = event.properties.get
    location, device = context.get("location"), context.get("device")
    place = location if isinstance(location, dict) else {}
    item = named(event.properties) or get("item_id") or _clicked(event) or ""
    query, results = get("query"), get("results")
    words = said(record, settings)
    won = words.reached
    return EventFact(
        f"{position:x}",
        position,
        record.at,
        record.occurred,
        surrogate,
        event.type,
        (event.event or event.name or "")[:128],
        words.channel,
        _word(device.get("type")) if isinstance(device, dict) else "",
        item[:128] if isinstance(item, str) else str(item)[:128],
        _spoken(query, settings) if query else "",
        won.value,
        won.currency,
        _goals(words, record, settings),
        _word(get("decision_id")),
        results if type(results) is int and -1 <= results < MANY else -1,
        _word(place.get("country")) if place else "",
        _word(place.get("city")) if place else "",
        record.marks,
        *(_rendered(event.properties) if event.event == RENDERED else ()),
    )


def _clicked(event: Event) -> object:
    """The page's element that a click in anger or into nothing was on."""
    element = event.properties.get("element")
    return element if element and (event.event or "").lower() in PAIN else None


def _rendered(said: Mapping[str, Any]) -> tuple[str, str, int, str]:
    """Slot, what was shown (``decision``, or why the default was), milliseconds from need to content, network."""
    shown, took = _word(said.get("shown")), said.get("milliseconds")
    if shown == "default":
        shown = _word(said.get("reason")) or "empty"
    if isinstance(took, bool) or not isinstance(took, int | float) or not 0 < took < DAY:
        took = 0
    return _word(said.get("slot")), shown, round(took), _word(said.get("network"))


def moment_fact(told: Told, version: int, recognised_at: Millis, recogniser: Recogniser) -> MomentFact:
    """One version of a moment as a fact; its probabilities are those of its last evidence."""
    moment, need = told.moment, told.moment.need
    p = recogniser.likely(moment.sums)
    return MomentFact(
        moment.id,
        version,
        told.at,
        told.surrogate,
        moment.opened_at,
        moment.updated_at,
        moment.expires_at,
        moment.type,
        *p,
        p[TYPES.index(moment.type)],
        need.query,
        need.category,
        need.item,
        need.place,
        moment.stage,
        ",".join(moment.channels),
        moment.ended or "",
        moment.ended_at,
        told.served,
        recognised_at,
        "",
        told.change == "withdrawn",
        told.marks,
    )


def theirs(decision: Decision, person: Person | None) -> Decision:
    """The decision under the number that facts know its person by. Who is new may be decided for twice at one time, or
    beside their first event; each then drew a number, and the person has that of what was folded first.
    """
    if person is None or person.surrogate == decision.surrogate:
        return decision
    return replace(decision, surrogate=person.surrogate)


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
        would=list(decision.would),
        rules=list(decision.rules),
        rule_cost=decision.rule_cost,
    )


def _goals(words: Said, record: EventRecord, settings: Settings) -> str:
    """The goals by commas, then the guard-rails with ``!`` before each. However it is said, a no to personalisation is
    an opting out.
    """
    won, guards = words.reached.goals, guarded(record, settings)
    if words.consent.get("personalise") is False and "opt_out" in settings.guards and "opt_out" not in guards:
        guards = (*guards, "opt_out")
    return ",".join([*won, *(f"!{name}" for name in guards)]) if guards else ",".join(won)


def outcome_fact(outcome: Outcome, version: int, decision: Decision | None = None) -> OutcomeFact:
    """One outcome as a fact, with what the redeemed offer of its decision costs."""
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
        cost=_cost(outcome, decision) if decision is not None and outcome.what == "goal" else 0,
    )


def _cost(outcome: Outcome, decision: Decision) -> int:
    """The attribute ``cost`` (minor units) of the offer that was redeemed, else of the item that a goal was reached by;
    the first one's where none is said. An offer with a code costs nothing where the code wasn't used.

    A refund takes nothing back: what was given away is gone.
    """
    if outcome.value < 0:
        return 0
    found = next((i for i in decision.items if i.id in outcome.redeemed), None)
    if found is None:
        found = next((i for i in decision.items if i.id == outcome.item), next(iter(decision.items), None))
        if found is not None and coded(found.attributes):
            return 0
    cost = found.attributes.get("cost", 0) if found is not None else 0
    return cost if isinstance(cost, int) and not isinstance(cost, bool) and 0 < cost < MANY else 0


def _spoken(query: Any, settings: Settings) -> str:
    """A query's words as facts may hold them: nothing of a sensitive need."""
    if not isinstance(query, str):
        return ""
    return "" if detector(settings.recognition.sensitive)(query) else query[:256]


def unit_hash(unit: str) -> str:
    """An experiment's unit as facts know it: 16 hex digits of its BLAKE2b hash, never the id as sent."""
    return blake2b(unit.encode(), digest_size=8).hexdigest() if unit else ""


def _word(value: Any) -> str:
    return value[:128] if isinstance(value, str) else ""
