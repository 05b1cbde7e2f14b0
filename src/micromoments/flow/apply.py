"""``apply``: one record folded into the world of people and links. Finds the person, handles identity, calls ``step``.

The engine applies every durable record through here, and so does a replay: there is one way to fold the log.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from micromoments.core.effect import Effect, Joined
from micromoments.core.event import Millis
from micromoments.core.moment import Reading
from micromoments.core.person import Claim, Link, Person, Stamp
from micromoments.core.record import DecidedRecord, EventRecord, Record, TickRecord
from micromoments.flow import people
from micromoments.flow.step import retell, step, told_between
from micromoments.flow.view import View
from micromoments.learn.attribution import ENDED

MAX_JOINED = 64
"""User ids that alias may join into one person; a further alias joins nobody."""

FLEETING = "anon:\u200b"
"""How the keys of those begin who live for one decision only and are forgotten with its window: no door takes such an
id, as it can't be printed.
"""


class Links(Protocol):
    """What is known of source ids."""

    def link(self, key: str) -> Link | None:
        """What is known of that source id."""
        ...


class Memory(Links, Protocol):
    """Where people and links are while records are applied: a dictionary in a replay, a bounded cache in the engine."""

    def person(self, id: str) -> Person | None:
        """The person of that id."""
        ...

    def keep(self, person: Person) -> None:
        """Put the person's new value."""
        ...

    def drop(self, id: str) -> None:
        """Forget a person whose all went to another."""
        ...

    def tie(self, key: str, link: Link) -> None:
        """Put a source id's new link."""
        ...


Applied = tuple[Person | None, tuple[Effect, ...]]
"""The person that a record was folded into, as it is now, and what must be done; ``None`` where it was about nobody."""


def apply(memory: Memory, record: Record, view: View) -> Applied:
    """Fold one record of the log into the world; what is not about a person (items, activations) gives nothing."""
    match record:
        case EventRecord():
            return _event(memory, record, view)
        case DecidedRecord():
            id, _ = home(memory, record.key, record.at, 0)
            return _step(memory, id, record.decision.surrogate, record, view, "")
        case TickRecord():
            if memory.person(record.key) is None:
                return None, ()
            person, effects = _step(memory, record.key, 0, record, view, "")
            if record.key.startswith(FLEETING) and person is not None and all(ENDED in p.done for p in person.pending):
                memory.drop(record.key)
            return person, effects
        case _:
            return None, ()


def home(memory: Links, key: str, at: Millis, mid: int) -> tuple[str, str]:
    """Whose an event is that was sent under ``key`` at this stamp: (the person's id, the part its trace goes to)."""
    if key.startswith("anon:"):
        user = people.owner(memory.link(key), at, mid)
        if user is None:
            return key, key
        return canonical(memory, user), f"{key}>{user}"
    return canonical(memory, key[5:]), key


def canonical(memory: Links, user: str) -> str:
    """The person's id of a user id: the least of those that alias joined it with."""
    link = memory.link(f"user:{user}")
    return f"user:{min(link.joined)}" if link is not None and link.joined else f"user:{user}"


def _event(memory: Memory, record: EventRecord, view: View) -> Applied:
    event = record.event
    effects: tuple[Effect, ...] = ()
    named = event.type == "identify" or (event.type == "alias" and not event.previous_id)
    if named and event.user_id and event.anonymous_id:
        effects = _claim(memory, f"anon:{event.anonymous_id}", event.user_id, record, view)
    elif event.type == "alias" and event.user_id and event.previous_id:
        effects = _alias(memory, event.previous_id, event.user_id, record, view)
    if event.user_id:
        id, part = canonical(memory, event.user_id), f"user:{event.user_id}"
    else:
        id, part = home(memory, record.key, record.occurred, record.mid)
    person, told = _step(memory, id, record.nonce, record, view, part)
    return person, effects + told if effects else told


def _step(memory: Memory, id: str, surrogate: int, record: Record, view: View, part: str) -> Applied:
    person = memory.person(id) or people.new(id, surrogate)
    after, effects = step(person, record, view, part)
    if after is not person:
        memory.keep(after)
    return after, effects


def _claim(memory: Memory, source: str, user: str, record: EventRecord, view: View) -> tuple[Effect, ...]:
    """An identify: from its stamp until the next, the anonymousId is this user's; the first adopts what came before."""
    old = memory.link(source) or Link()
    link = people.claim(old, Claim(Stamp(record.occurred, record.mid), user))
    if link == old:
        return ()
    memory.tie(source, link)
    effects: tuple[Effect, ...] = ()
    stranger = memory.person(source)
    if stranger is not None:
        first = people.owner(link, 0, 0) or user
        effects = _join(memory, source, canonical(memory, first), record, view)
    if len({c.user for c in link.claims}) > 1 or stranger is not None:
        effects += _deal(memory, source, link, record, view)
    return effects


def _deal(memory: Memory, source: str, link: Link, record: EventRecord, view: View) -> tuple[Effect, ...]:
    homes = {c.user: canonical(memory, c.user) for c in link.claims}
    owners = {id: memory.person(id) or people.new(id, _mix(record.nonce, id)) for id in homes.values()}
    effects: list[Effect] = []
    for id, changed in people.regroup(source, link, owners, homes).items():
        told = retell(_parted(owners[id], changed), view, record.at)
        effects += told_between(changed.reading, told, record.at)
        memory.keep(told)
    return tuple(effects)


def _parted(before: Person, after: Person) -> Person:
    """The person without the ended moments of traces that turned out to be another's."""
    here, there = ({t.mid for part in p.parts.values() for t in part.traces} for p in (after, before))
    ended = tuple(m for m in after.reading.ended if (there - here).isdisjoint(m.traces))
    return replace(after, reading=replace(after.reading, ended=ended))


def _alias(memory: Memory, previous: str, user: str, record: EventRecord, view: View) -> tuple[Effect, ...]:
    """Alias joins two user ids for good; a previous id that is anonymous, now or once it is heard of, is claimed as by
    identify.
    """
    effects = _claim(memory, f"anon:{previous}", user, record, view)
    joined = {previous, user}
    for id in (previous, user):
        if (link := memory.link(f"user:{id}")) is not None:
            joined.update(link.joined)
    if len(joined) > MAX_JOINED:
        return effects
    before = sorted({canonical(memory, id) for id in joined})
    members = tuple(sorted(joined))
    for id in members:
        link = memory.link(f"user:{id}") or Link()
        if link.joined != members:
            memory.tie(f"user:{id}", replace(link, joined=members))
    into = f"user:{members[0]}"
    for id in before:
        if id != into:
            effects += _join(memory, id, into, record, view)
    return effects


def _join(memory: Memory, id: str, into: str, record: EventRecord, view: View) -> tuple[Effect, ...]:
    """Everything of one person goes to another; both surrogates are known from then on to be one."""
    gone, stays = memory.person(id), memory.person(into)
    if gone is None or id == into:
        return ()
    both = people.join(gone, stays) if stays is not None else gone
    ended = {m.id: m for p in (gone, stays) if p is not None for m in p.reading.ended}
    opened = {m.id: m for p in (gone, stays) if p is not None for m in p.reading.open}
    both = replace(both, id=into, reading=Reading(open=tuple(opened.values()), ended=tuple(ended.values())))
    told = retell(both, view, record.at)
    memory.drop(id)
    memory.keep(told)
    effects = told_between(both.reading, told, record.at)
    for surrogate in {gone.surrogate, *((stays.surrogate,) if stays is not None else ())} - {told.surrogate}:
        joined = Joined(id=f"{surrogate:x}:joined", surrogate=surrogate, into=told.surrogate, at=record.at)
        effects.append(joined)
    return tuple(effects)


def _mix(nonce: int, id: str) -> int:
    """A surrogate for a person who appears because another's traces turned out to be theirs."""
    return (nonce ^ int.from_bytes(id.encode()[-8:].rjust(8, b"\0"), "big")) & (2**63 - 1)
