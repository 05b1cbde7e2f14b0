"""Facts as spans of traces: from the event that told a moment to what was decided for it, sent, and came of that.

A trace is a moment, and a decision without one. Ids come of ids, so whatever process keeps a fact, its span finds its
trace and its parent, and folded twice it is the same span. Nothing of a person is in one.

An event or a request that came with a trace of its caller's is a span of that one, too; each links to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.delivery import FORWARDED
from micromoments.core.event import Millis
from micromoments.core.fact import DecisionFact, DeliveryFact, EventFact, Fact, MomentFact, OutcomeFact


class Caller(NamedTuple):
    """Whoever sent an event or a request, by the trace and the span in which it was sent."""

    trace: int
    span: int


NOBODY: Mapping[int, Caller] = {}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span: ``trace`` is a number of 128 bits, ``id`` and ``parent`` (0: none) are of 64. ``links`` are spans of
    other traces, each by its trace and its id. ``called``: it is of its caller's trace.
    """

    name: str
    trace: int
    id: int
    parent: int
    start: Millis
    end: Millis
    attributes: Mapping[str, str | int | float | bool]
    links: tuple[tuple[int, int], ...] = ()
    called: bool = False


def spans(facts: Iterable[Fact], callers: Mapping[int, Caller] = NOBODY) -> list[Span]:
    """The spans of facts that were committed together; an event is one where it told a moment, and one in the trace of
    its caller, where the event of a version has one.
    """
    known = list(facts)
    events = {f.version: f for f in known if isinstance(f, EventFact)}
    found = [_sent(events[version], caller, known) for version, caller in callers.items() if version in events]
    for fact in known:
        match fact:
            case MomentFact():
                found += _moment(fact, events.get(fact.version), callers.get(fact.version))
            case DecisionFact():
                found.append(_decision(fact))
            case OutcomeFact():
                found.append(_outcome(fact))
            case DeliveryFact() if not fact.id.startswith(FORWARDED):
                found.append(_delivery(fact))
            case _:
                continue
    return found


def request(caller: Caller, decision: Decision, start: Millis, end: Millis) -> Span:
    """The span of a request for a decision in its caller's own trace, linked with the decision's."""
    of = decision.moment.id if decision.moment is not None else decision.id
    return Span(
        name="POST /v1/decide",
        trace=caller.trace,
        id=_number(f"request:{caller.trace:x}:{caller.span:x}:{decision.id}", 8),
        parent=caller.span,
        start=start,
        end=end,
        attributes={"micromoments.decision": decision.id, "micromoments.slot": decision.slot},
        links=((_number(of, 16), _decided(decision.id)),),
        called=True,
    )


def _sent(event: EventFact, caller: Caller, facts: Iterable[Fact]) -> Span:
    """An event in its caller's trace, linked with its span in the trace of each moment that it told."""
    told = [fact.id for fact in facts if isinstance(fact, MomentFact) and fact.version == event.version]
    named = {"decision": event.decision, "goal": event.goal, "channel": event.channel}
    return Span(
        name=event.name or event.type,
        trace=caller.trace,
        id=_sending(event, caller),
        parent=caller.span,
        start=event.received_at,
        end=event.received_at,
        attributes={f"micromoments.{name}": value for name, value in named.items() if value},
        links=tuple((_number(id, 16), _telling(event, id)) for id in told),
        called=True,
    )


def _moment(fact: MomentFact, event: EventFact | None, caller: Caller | None) -> Iterable[Span]:
    trace, root = _number(fact.id, 16), _number(f"moment:{fact.id}", 8)
    about = {"micromoments.moment": fact.id, "micromoments.type": fact.type}
    if event is not None:
        yield Span(
            name=event.name or event.type,
            trace=trace,
            id=_telling(event, fact.id),
            parent=root,
            start=event.received_at,
            end=event.received_at,
            attributes={**about, "micromoments.confidence": fact.confidence, "micromoments.channel": event.channel},
            links=((caller.trace, _sending(event, caller)),) if caller is not None else (),
        )
    if fact.ended and not fact.withdrawn:
        yield Span(
            name=f"moment {fact.type}",
            trace=trace,
            id=root,
            parent=0,
            start=fact.opened_at,
            end=max(fact.opened_at, fact.ended_at),
            attributes={**about, "micromoments.ended": fact.ended},
        )


def _decision(fact: DecisionFact) -> Span:
    return Span(
        name=f"decide {fact.slot}",
        trace=_number(fact.moment or fact.id, 16),
        id=_decided(fact.id),
        parent=_number(f"moment:{fact.moment}", 8) if fact.moment else 0,
        start=fact.received_at,
        end=fact.received_at,
        attributes={
            "micromoments.decision": fact.id,
            "micromoments.slot": fact.slot,
            "micromoments.policy": fact.policy,
            "micromoments.policy_version": fact.policy_version,
            "micromoments.items": len(fact.items),
            "micromoments.considered": fact.considered,
            "micromoments.holdout": fact.holdout,
            "micromoments.degraded": fact.degraded,
        },
    )


def _outcome(fact: OutcomeFact) -> Span:
    return Span(
        name=f"{fact.what} {fact.goal}".strip(),
        trace=_number(fact.moment or fact.decision, 16),
        id=_number(f"outcome:{fact.id}", 8),
        parent=_decided(fact.decision),
        start=fact.received_at,
        end=fact.received_at,
        attributes={
            "micromoments.decision": fact.decision,
            "micromoments.slot": fact.slot,
            "micromoments.value": fact.value,
            "micromoments.currency": fact.currency,
        },
    )


def _delivery(fact: DeliveryFact) -> Span:
    """From when it was intended to how it ended, below its decision, else below the moment that set it off."""
    moment = _number(f"moment:{fact.moment}", 8) if fact.moment else 0
    return Span(
        name=f"deliver {fact.destination}",
        trace=_number(fact.moment or fact.decision or fact.id, 16),
        id=_number(f"delivery:{fact.id}:{fact.version}", 8),
        parent=_decided(fact.decision) if fact.decision else moment,
        start=fact.at,
        end=max(fact.at, fact.received_at),
        attributes={
            "micromoments.delivery": fact.id,
            "micromoments.decision": fact.decision,
            "micromoments.trigger": fact.trigger,
            "micromoments.channel": fact.channel,
            "micromoments.status": fact.status,
            "micromoments.tries": fact.tries,
        },
    )


def _sending(event: EventFact, caller: Caller) -> int:
    return _number(f"sent:{event.id}:{caller.trace:x}:{caller.span:x}", 8)


def _telling(event: EventFact, moment: str) -> int:
    return _number(f"event:{event.id}:{moment}", 8)


def _decided(id: str) -> int:
    return _number(f"decision:{id}", 8)


def _number(text: str, size: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=size).digest(), "big") or 1
