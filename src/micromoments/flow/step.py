"""``step``: one record folded into one person. Pure: the same person and record give the same bytes and effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from msgspec.structs import replace

from micromoments.core.decision import Decision
from micromoments.core.effect import Effect, Happened, Settle, Told
from micromoments.core.event import BOT, GPC, INTERNAL, SIMULATED, Millis
from micromoments.core.moment import Moment, Reading, Trace
from micromoments.core.offer import reservation
from micromoments.core.outcome import Outcome
from micromoments.core.person import ADDRESSES, ADDRESSES_OF, MAX_ADDRESS, MAX_ENDED, MAX_TRACES, Part, Person, Stamp
from micromoments.core.record import DecidedRecord, EventRecord, Record
from micromoments.core.settings import DAY
from micromoments.decide.eligibility import consents
from micromoments.flow import consent, people, redeem, whereabouts
from micromoments.flow.said import Said, said
from micromoments.flow.view import View, refuses
from micromoments.learn import delivered
from micromoments.learn.attribution import attribute, windows
from micromoments.learn.servings import remember

NOTHING = Part()
NOBODY: frozenset[str] = frozenset()
LASTING = BOT | INTERNAL | SIMULATED
"""Marks that stay with a person; a test order is a test, but its sender may be a customer."""
MAX_GROUP_TRAITS = 4
BOUGHT_EVENTS = frozenset({"Order Completed"})
DISMISSED_EVENTS = frozenset({"Decision Dismissed"})


def step(person: Person, record: Record, view: View, part: str = "") -> tuple[Person, tuple[Effect, ...]]:
    """Fold one record into the person that it belongs to; ``part`` is the person's part that an event's trace goes to.

    First the person's own timers due by the record's arrival fire, so that state never depends on how punctual the
    clock's process is; then the record itself is folded. Effects carry deterministic ids.
    """
    before, at = person.reading, record.at
    effects: list[Effect] = []
    event = record if isinstance(record, EventRecord) else None
    if person.fences or (event is not None and event.fences is not None):
        # A position comes before the clock: who is heard to have left long ago didn't stay until now.
        person, crossings = _crossed(person, record, view, part)
        effects += whereabouts.effects(person, crossings)
    if (before.open or person.pending) and 0 < person.wake_at() <= at:
        person, outcomes = _fire(person, at, view)
        effects += _happened(outcomes)
    if event is not None:
        person, outcomes = _event(person, event, view, part or event.key)
        if outcomes or event.redeemed:
            person, spent = redeem.redeemed(person, event, said(event, view.settings).reached, outcomes)
            named = {one.item for one in event.redeemed} if spent else NOBODY
            effects += [*_happened(redeem.told(outcomes, event), named), *spent]
    elif isinstance(record, DecidedRecord):
        answered = person.answered
        person = _decided(person, record.decision, view)
        if person.answered is not answered and person.reading is before:
            effects += [_told(person, "served", m, at) for m in before.open if m.id not in answered]
    if person.reading is not before:
        effects += _tell(before, person, at)
    return person, tuple(effects)


def retell(person: Person, view: View, at: Millis) -> Person:
    """The person with the reading folded again from all traces: after a join, a parting or a late event."""
    traces = people.merged(person.parts.values())
    reading = view.recogniser.settle(view.recogniser.fold(traces), at)
    if traces:
        kept = [m for m in person.reading.ended if m.updated_at < traces[0].at]
        reading = replace(reading, ended=_newest_ended([*kept, *reading.ended]))
    return replace(person, reading=reading)


def told_between(before: Reading, person: Person, at: Millis) -> list[Effect]:
    """What listeners and facts must hear after a person's reading changed from ``before``."""
    return _tell(before, person, at)


def _crossed(person: Person, record: Record, view: View, part: str) -> tuple[Person, whereabouts.Crossings]:
    """The person after their position, where the record has one, and their fences' timers; traces tell of both."""
    passed: whereabouts.Crossings = ()
    clock = record.at
    before: dict[str, Any] = {}
    if isinstance(record, EventRecord):
        if record.fences is not None and (asked := said(record, view.settings).consent):
            # What an event says of consent holds for its own position: the first of all isn't lost, a no is heard.
            heard = consent.hear(person, record, asked)
            before = {name: getattr(person, name) for name in heard}
            person = replace(person, **heard)
        # What a phone kept while it was offline comes piece by piece: until all is there, its own clock counts.
        clock = min(clock, record.occurred)
        person, passed = whereabouts.sighted(person, record, part or record.key, view)
    crossings: whereabouts.Crossings = ()
    if person.fences:
        person, crossings = whereabouts.crossed(person, clock, view.settings)
    told = (*passed, *crossings)
    for source, crossing in told:
        person = replace(person, **_with(person, whereabouts.trace(crossing), source, view, record.at))
    return (replace(person, **before) if before else person), told


def _fire(person: Person, at: Millis, view: View) -> tuple[Person, tuple[Outcome, ...]]:
    reading = view.recogniser.settle(person.reading, at)
    if reading is not person.reading:
        person = replace(person, reading=reading)
    return windows(person, at, view.settings)


def _event(person: Person, record: EventRecord, view: View, part: str) -> tuple[Person, tuple[Outcome, ...]]:
    words = said(record, view.settings)
    changes = _changes(person, record, words)
    if (person.consent or "consent" in changes) and refuses(replace(person, **changes), "personalise"):
        person = _forget(replace(person, **changes))
    else:
        asked = person
        if "consent" in changes:
            asked = replace(person, consent=changes["consent"])
            if not consents(asked, "location", view.settings):
                if any(p.visits for p in person.parts.values()):
                    changes["parts"] = people.without_visits(person.parts)
                if person.fences:
                    changes["fences"] = {}
                asked = replace(asked, **{name: changes[name] for name in ("parts", "fences") if name in changes})
        changes.update(_traced(asked, record, view, part, words.channel))
        person = replace(person, **changes)
    return attribute(person, record, view.settings, words.reached)


def _changes(person: Person, record: EventRecord, words: Said) -> dict[str, Any]:
    """What an event says of the person outright: traits, consent, what was bought or waved away."""
    event, at = record.event, record.at
    changes: dict[str, Any] = {"last": max(person.last, at), "first": person.first or at}
    if lasting := record.marks & LASTING & ~person.marks:
        changes["marks"] = person.marks | lasting
    if event.type == "identify" and event.traits:
        changes["traits"] = people.write(person.traits, _small(event.traits), Stamp(record.occurred, record.mid))
        if record.confirmed and (found := _addresses(event.traits)):
            changes["addresses"] = people.write(person.addresses, found, Stamp(record.occurred, record.mid))
    elif event.type == "group" and event.group_id:
        said_of = {event.group_id[:64]: dict(list(_small(event.traits).items())[:MAX_GROUP_TRAITS])}
        groups = people.write(person.groups, said_of, Stamp(record.occurred, record.mid))
        changes["groups"] = people.newest_groups(groups)
    came = event.event in delivered.EVENTS
    if words.consent or record.marks & GPC or came:
        changes |= consent.hear(person, record, words.consent)
    if came and (told := delivered.came(event)) is not None and told.what in ("seen", "clicked"):
        changes["replies"] = people.newest_replies((*person.replies, record.occurred))
    if came and record.confirmed and (dead := ADDRESSES_OF.get(delivered.lost(event))):
        gone = {name: "" for name in dead if name in person.addresses}
        changes["addresses"] = people.write(person.addresses, gone, Stamp(record.occurred, record.mid))
    if event.event in BOUGHT_EVENTS:
        changes["bought"] = people.note(person.bought, words.products, record.occurred)
        days = dict.fromkeys(words.products, (record.occurred // DAY,))
        changes["purchases"] = people.join_purchases(person.purchases, days)
    elif event.event in DISMISSED_EVENTS and (item := event.properties.get("item_id")):
        changes["dismissed"] = people.note(person.dismissed, [str(item)], record.occurred)
    return changes


def _traced(person: Person, record: EventRecord, view: View, key: str, channel: str) -> dict[str, Any]:
    """The parts and the reading after what the event says about intent; nothing where it says nothing.

    The newest trace is added to the reading as it stands; a late one, or one that pushes out a trace on which an open
    moment depends, has all traces folded again. Both ways give the same.
    """
    parts, before = person.parts, person.parts.get(key, NOTHING)
    if record.nearby is None and "location" not in record.event.context:
        signal = view.recogniser.signal(record)
    else:
        signal, visits = whereabouts.accustomed(person, record, before.visits, view)
        if visits is not before.visits:
            parts = people.with_part(parts, key, replace(before, visits=visits))
            person = replace(person, parts=parts)
    moved = {"parts": parts} if parts.get(key, before) is not before else {}
    if signal is None:
        return moved
    return _with(person, Trace(record.occurred, record.mid, signal, channel), key, view, record.at) or moved


def _with(person: Person, trace: Trace, key: str, view: View, at: Millis) -> dict[str, Any]:
    """The parts and the reading after one more trace; nothing where it is known."""
    recogniser, parts = view.recogniser, person.parts
    old = parts.get(key)
    part = people.insert(old or NOTHING, trace)
    if part is old:
        return {}
    parts = people.with_part(parts, key, part)
    if _newest(person.parts, key, part, trace) and _remembers(person, old, part):
        return {"parts": parts, "reading": recogniser.settle(recogniser.add(person.reading, trace), at)}
    return {"parts": parts, "reading": retell(replace(person, parts=parts), view, at).reading}


def _newest(parts: Mapping[str, Part], key: str, part: Part, trace: Trace) -> bool:
    """Whether a trace that ``key``'s ``part`` took in comes after all that are kept."""
    if part.traces[-1] is not trace:
        return False
    if len(parts) == (key in parts):
        return True
    return all(p.traces[-1] < trace for k, p in parts.items() if k != key and p.traces)


def _remembers(person: Person, old: Part | None, part: Part) -> bool:
    """Whether every trace that the open moments depend on is still kept once ``part`` replaced ``old``."""
    now, before = len(part.traces), len(old.traces) if old is not None else 0
    if len(person.parts) > (old is not None):
        others = sum([len(p.traces) for p in person.parts.values()]) - before
        return others + now <= MAX_TRACES and now > before
    return now > before or (old is not None and old.traces[0].at < person.reading.since)


def _decided(person: Person, decision: Decision, view: View) -> Person:
    slot = view.settings.slot(decision.slot)
    person = remember(person, decision, slot, view.settings)
    if decision.items and not decision.holdout and decision.mode == "live":
        answered = {m: decision.at for m in decision.moments if m not in person.answered}
        if answered:
            person = replace(person, answered=people.latest({**person.answered, **answered}))
    return replace(person, last=max(person.last, decision.at), first=person.first or decision.at)


def _forget(person: Person) -> Person:
    """Personalisation was refused: what was profiled goes at once; consent and open windows stay."""
    if not (person.parts or person.bought or person.reading.open or person.fences or person.replies):
        return person
    forgotten = replace(person, parts={}, reading=Reading(), bought={}, dismissed={}, answered={}, fences={})
    forgotten = replace(forgotten, purchases={}) if person.purchases else forgotten
    return replace(forgotten, replies=()) if person.replies else forgotten


def _happened(outcomes: Sequence[Outcome], redeemed: Set[str] = NOBODY) -> Iterator[Effect]:
    """Outcomes as effects; a goal spends what its item reserved of a budget, a dismissal gives it back, a refund
    neither. What was ``redeemed`` by name is spent for itself.
    """
    for o in outcomes:
        yield Happened(id=o.id, outcome=o)
        if not o.item or o.item in redeemed or o.value < 0:
            continue
        if o.what in ("goal", "dismissed"):
            held = reservation(o.decision, o.item, coded=False)
            yield Settle(id=f"{o.id}:settled", reservation=held, spend=o.what == "goal", item=o.item)
        if o.what == "dismissed":
            yield Settle(id=f"{o.id}:code", reservation=reservation(o.decision, o.item, coded=True), spend=False)


def _tell(before: Reading, person: Person, at: Millis) -> list[Effect]:
    after = person.reading
    told: list[Effect] = []
    # What ended is seldom touched; where it wasn't, only the open moments can tell anything.
    same = after.ended is before.ended
    old = {m.id: m for m in (before.open if same else (*before.ended, *before.open))}
    for moment in after.open if same else (*after.ended, *after.open):
        was = old.pop(moment.id, None)
        if was is None:
            told.append(_told(person, "opened", moment, at))
            if moment.ended:
                told.append(_told(person, "ended", moment, at))
        elif moment.ended and not was.ended:
            told.append(_told(person, "ended", moment, at))
        elif was.updated_at != moment.updated_at or was.ended != moment.ended or was.sums != moment.sums:
            told.append(_told(person, "changed", moment, at, turned=_turned(was, moment)))
    told += [_told(person, "withdrawn", was, at) for was in old.values() if not was.ended or _undone(was, after)]
    return told


def _undone(was: Moment, after: Reading) -> bool:
    """Whether an ended moment is gone because late events tell another story, rather than for want of room."""
    if not after.ended:
        return bool(after.open)
    oldest = after.ended[0]
    return len(after.ended) < MAX_ENDED or (was.ended_at, was.id) > (oldest.ended_at, oldest.id)


def _turned(was: Moment, now: Moment) -> bool:
    """Whether more changed than a moment's strength and the item that was looked at last."""
    return (was.type, was.stage, was.need.query, was.channels) != (now.type, now.stage, now.need.query, now.channels)


def _told(person: Person, change: Any, moment: Moment, at: Millis, *, turned: bool = True) -> Told:
    return Told(
        id=f"{moment.id}:{change}:{moment.updated_at}:{moment.ended or ''}",
        person=person.id,
        surrogate=person.surrogate,
        change=change,
        moment=moment,
        at=at,
        marks=person.marks,
        served=person.answered.get(moment.id, 0),
        turned=turned,
    )


def _newest_ended(moments: Sequence[Moment]) -> tuple[Moment, ...]:
    by_id = {m.id: m for m in moments}
    return tuple(sorted(by_id.values(), key=lambda m: (m.ended_at, m.id)))[-MAX_ENDED:]


def _addresses(traits: Mapping[str, Any]) -> dict[str, str]:
    """The addresses among traits."""
    told = {name: traits.get(name) for name in ADDRESSES}
    return {name: v for name, v in told.items() if isinstance(v, str) and 0 < len(v) <= MAX_ADDRESS and v.isprintable()}


def _small(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Traits that fit a bounded person: plain values and short lists; long texts are cut, numbers past 64 bits left
    out.
    """
    kept: dict[str, Any] = {}
    for name, value in traits.items():
        if isinstance(value, str):
            kept[name[:64]] = value[:128]
        elif value is None or _number(value):
            kept[name[:64]] = value
        elif isinstance(value, list) and len(value) <= 16 and all(isinstance(v, str) or _number(v) for v in value):
            kept[name[:64]] = [v[:64] if isinstance(v, str) else v for v in value]
    return kept


def _number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)
