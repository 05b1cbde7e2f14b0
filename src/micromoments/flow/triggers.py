"""Triggers: what is to be delivered when a moment turns, to whom it may go, and when. Pure; the engine's courier acts.

A trigger fires once a moment: the delivery's id is derived from both, and the outbox takes an id once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b

from micromoments.core.delivery import Delivery
from micromoments.core.effect import Told
from micromoments.core.event import SIMULATED, UNCOUNTED, Millis
from micromoments.core.moment import TYPES, Moment
from micromoments.core.person import ADDRESSES_OF, Person
from micromoments.core.settings import HOUR, MINUTE, Destination, Settings, Trigger
from micromoments.core.when import quiet, quiet_until
from micromoments.decide.eligibility import consents, zone_for
from micromoments.flow.people import merged
from micromoments.recognise.recogniser import Recogniser

WHILE_OPEN = frozenset({"opened", "strengthened", "expiring"})
"""Triggers that are too late once their moment has ended."""
STRONG = 0.8
"""The probability at which a moment has strengthened, where the trigger names none."""
FEW_HOURS = 4
"""Different hours of activity and answers below which nothing is known of a person's habits."""
REPLY = 4.0
"""How much an hour counts in which a person answered a message, beside one in which they were just there."""


def intended(told: Told, person: Person, recogniser: Recogniser, settings: Settings, now: Millis) -> Iterator[Delivery]:
    """What the triggers make of a moment's turn: one delivery for each machine, one for the channels together.

    ``now`` only spares what is too late already, such as history that is imported.
    """
    if told.marks & (UNCOUNTED | SIMULATED):
        return
    for name, trigger in settings.triggers.items():
        if not _fires(told, trigger, recogniser):
            continue
        due, until = _time(told, person, trigger, settings)
        if until <= now:
            continue
        machines = [to for to in trigger.to if to in settings.destinations and not settings.destinations[to].channel]
        lanes = [*machines, *([""] if len(machines) < len(trigger.to) else [])]
        for to in lanes:
            yield Delivery(
                id=delivery_id(name, told.moment.id, to),
                trigger=name,
                person=told.person,
                surrogate=told.surrogate,
                moment=told.moment.id,
                at=told.at,
                due=due,
                until=until,
                destination=to,
                marks=told.marks,
            )


def delivery_id(trigger: str, moment: str, destination: str) -> str:
    """The id by which a receiver tells a delivery from another, however often it comes."""
    return f"dlv_{blake2b(chr(0).join((trigger, moment, destination)).encode(), digest_size=12).hexdigest()}"


def decision_id(delivery: Delivery) -> str:
    """The id of the decision that a trigger makes for a moment: one for all of its destinations."""
    return f"trg_{blake2b(chr(0).join((delivery.trigger, delivery.moment)).encode(), digest_size=12).hexdigest()}"


def _fires(told: Told, trigger: Trigger, recogniser: Recogniser) -> bool:
    moment = told.moment
    if trigger.types and moment.type not in trigger.types:
        return False
    if trigger.on in WHILE_OPEN:
        if moment.ended or told.change not in ({"opened"} if trigger.on == "opened" else {"opened", "changed"}):
            return False
        least = trigger.confidence or (STRONG if trigger.on == "strengthened" else 0.0)
        return not least or recogniser.likely(moment.sums)[TYPES.index(moment.type)] >= least
    return told.change == "ended" and trigger.on in ("ended", moment.ended)


def _time(told: Told, person: Person, trigger: Trigger, settings: Settings) -> tuple[Millis, Millis]:
    """When it is due, and when it is too late."""
    due = told.at + round(trigger.delay_minutes * MINUTE)
    if trigger.on == "expiring":
        due = max(due, expiring_at(told.moment, trigger))
    until = due + round(trigger.within_hours * HOUR)
    if trigger.when == "best":
        due = best_hour((t.at for t in merged(person.parts.values())), person, settings, due, until)
    return due, until


def expiring_at(moment: Moment, trigger: Trigger) -> Millis:
    """When a moment is about to expire, as things stand."""
    return moment.expires_at - round(trigger.lead_minutes * MINUTE)


def best_hour(active: Iterable[Millis], person: Person, settings: Settings, first: Millis, last: Millis) -> Millis:
    """The instant in [first, last) at whose hour of the day this person most often answers or is active, the earliest
    of equals: an answer to a message (opened, clicked) counts ``REPLY`` times as much as being there.

    An hour counts once a day, its neighbours half. Of whom little is known: at once.
    """
    _, zone = zone_for(person, {}, settings)

    def local(at: Millis) -> datetime:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)

    there = {(local(at).date(), local(at).hour): 1.0 for at in active}
    hours = there | {(local(at).date(), local(at).hour): REPLY for at in person.replies}
    if len(hours) < FEW_HOURS:
        return first
    weight = [0.0] * 24
    for (_, hour), share in hours.items():
        weight[hour] += share
        weight[hour - 1] += share / 2
        weight[(hour + 1) % 24] += share / 2
    best = first
    for at in range((first // HOUR + 1) * HOUR, last, HOUR):
        if weight[local(at).hour] > weight[local(best).hour]:
            best = at
    return best


def over(delivery: Delivery, trigger: Trigger, person: Person, open_now: Iterable[Moment], now: Millis) -> str:
    """Why a delivery has become pointless, in a code; empty where it hasn't."""
    if now >= delivery.until:
        return "too_late"
    if trigger.on in WHILE_OPEN:
        return "" if any(m.id == delivery.moment for m in open_now) else "moment_over"
    ended = next((m.ended_at for m in person.reading.ended if m.id == delivery.moment), delivery.at)
    if trigger.on in ("abandoned", "expired") and any(at >= ended for at in person.bought.values()):
        return "bought_since"
    return ""


def contactable(person: Person, channel: str, settings: Settings) -> bool:
    """Whether the person agreed to be contacted on a channel: a no to contact, or to this channel, holds before any
    yes; unknown means no.
    """
    said = [person.consent[p].value for p in ("contact", f"contact_{channel}") if p in person.consent]
    return all(v is True for v in said) if said else "contact" in settings.consent


def barred(person: Person, destination: Destination, settings: Settings) -> str:
    """Why a destination may not get anything of a person, in a code; empty where it may."""
    channel = destination.channel
    purpose = destination.purpose or ("contact" if channel else "share")
    if purpose == "contact":
        if not contactable(person, channel or "email", settings):
            return "no_consent"
    elif not consents(person, purpose, settings):
        return "no_consent"
    if channel and destination.kind != "webhook" and not address(person, channel):
        return "no_address"
    return ""


def address(person: Person, channel: str) -> dict[str, str]:
    """What is needed to reach a person on a channel, by name; empty where some of it isn't known for certain."""
    wanted = ADDRESSES_OF.get(channel, ())
    found = {name: str(told.value) for name in wanted if (told := person.addresses.get(name)) and told.value}
    return found if len(found) == len(wanted) else {}


def awake(person: Person, hours: str, settings: Settings, now: Millis) -> Millis:
    """The first instant from ``now`` on that lies outside quiet hours in the person's zone."""
    _, zone = zone_for(person, {}, settings)
    return quiet_until(hours, zone, now) if hours and quiet(hours, zone, now) else now
