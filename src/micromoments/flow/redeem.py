"""Offers that a person redeemed: remembered as often as limits need, and their units of a budget spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from micromoments.core.effect import Effect, Settle, Spend
from micromoments.core.event import TRUSTED, UNCOUNTED
from micromoments.core.offer import Redemption, reservation
from micromoments.core.outcome import Outcome
from micromoments.core.person import Person, Redeemed
from micromoments.core.record import EventRecord
from micromoments.flow.people import newest_redeemed
from micromoments.learn.attribution import SKEW, find
from micromoments.learn.goals import Reached
from micromoments.retrieve.offers import REDEEMED

REDEEMING = frozenset({"Order Completed", REDEEMED})
"""Events that redeem what they name, beside every event that reaches a goal."""


def redeemed(
    person: Person, record: EventRecord, reached: Reached, outcomes: Sequence[Outcome]
) -> tuple[Person, tuple[Effect, ...]]:
    """The person with the offers redeemed by an event, and what that spends of budgets.

    An offer is redeemed where an order, or an event that reaches a goal, names it or its code; one without a code also
    where its decision reached a goal (``outcomes``), whose own effect spends what is held. Orders are told apart by
    ``order_id``, events without one by their message, so an order that is told twice redeems once. Units are spent
    whatever is left where the business's own server says so; others, whom anybody may play, spend only what a decision
    of this person holds.
    """
    name = record.event.event or ""
    if record.marks & UNCOUNTED or reached.value < 0 or not (outcomes or name in REDEEMING or reached.goals):
        return person, ()
    by = _order(record)
    known = {(one.item, one.by) for one in person.redeemed}
    named = record.redeemed if name in REDEEMING or reached.goals else ()
    new = [one for one in named if (one.item, by) not in known]
    earned = {o.item for o in outcomes if o.what == "goal" and _redeems(person, o)}
    items = {one.item for one in new} | {item for item in earned if (item, by) not in known}
    if not items:
        return person, ()
    noted = [Redeemed(min(record.occurred, record.at), item, by) for item in items]
    after = replace(person, redeemed=newest_redeemed((*person.redeemed, *noted)))
    return after, tuple(_spent(person, record, new, by))


def told(outcomes: Sequence[Outcome], record: EventRecord) -> Sequence[Outcome]:
    """The outcomes, with the offers that the event named on goals that were reached."""
    if not record.redeemed:
        return outcomes
    items = tuple([one.item for one in record.redeemed])
    return [replace(o, redeemed=items) if o.what == "goal" and o.value >= 0 else o for o in outcomes]


def _spent(person: Person, record: EventRecord, new: Sequence[Redemption], by: int) -> Iterator[Effect]:
    for one in new:
        if not one.budget:
            continue
        held, id = _held(person, record, one), f"{one.item}:{by:x}:redeemed"
        if record.marks & TRUSTED:
            yield Spend(id=id, budget=one.budget, units=one.units, held=held, at=record.at)
        elif held:
            yield Settle(id=id, reservation=held, spend=True)


def _held(person: Person, record: EventRecord, one: Redemption) -> str:
    """The reservation of the decision that the event names, or else of the last one that served the offer before."""
    served = [s for s in person.served if s.item == one.item and s.at <= record.occurred + SKEW]
    told = record.event.properties.get("decision_id")
    found = next((s for s in served if s.decision == told), max(served, key=lambda s: (s.at, s.decision), default=None))
    return reservation(found.decision, one.item, coded=one.coded) if found is not None else ""


def _redeems(person: Person, outcome: Outcome) -> bool:
    """Whether a goal redeemed the item that earned it: an offer without a code."""
    pending = find(person, outcome.decision) if outcome.item else None
    return pending is not None and outcome.item in pending.offers


def _order(record: EventRecord) -> int:
    """63 bits that tell this order from others."""
    order = record.event.properties.get("order_id")
    if not isinstance(order, str | int) or isinstance(order, bool) or order == "":
        return record.mid
    return int.from_bytes(blake2b(str(order).encode(), digest_size=8).digest(), "big") >> 1
