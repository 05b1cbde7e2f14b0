"""What was said of consent, by whom, and what holds: the law by which several ids' words become one person's.

A *word* is an act: a consent event, an unsubscribing, a complaint, or Global Privacy Control, which somebody switched
on. A *state* is what a consent tool attaches to every event (``context.consent``), whether anybody was asked or not.
Words are kept by how well the sender proved the id, states by the id as sent; both join by maxima, so ``join`` is
associative, commutative and idempotent, and what holds (``held``) is read from what was joined. ADR 0052.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from micromoments.core.event import GPC, Event
from micromoments.core.person import MAX_STATES, Person, Stamp, State, Trait, Words
from micromoments.core.record import EventRecord
from micromoments.core.settings import CHANNELS, PURPOSES, Settings
from micromoments.learn.delivered import stopped

CONSENT_EVENTS = frozenset({"Consent Updated", "Segment Consent Preference Updated", "Segment Consent Preference"})
NAMED = (*PURPOSES, *(f"contact_{channel}" for channel in CHANNELS))
"""What can be said yes or no to by its own name: the purposes, and to be contacted on one channel."""
PLAIN = Settings()
K = TypeVar("K", bound=str | int)


class Said(NamedTuple):
    """What a person's ids said so far."""

    words: dict[str, Words]
    states: dict[int, State]


def hear(person: Person, record: EventRecord, stated: Mapping[str, bool]) -> dict[str, Any]:
    """The person's fields that change by what a record says of consent, given ``consent_in`` of its event; nothing
    where it says nothing.
    """
    stop = stopped(record.event)
    gpc = bool(record.marks & GPC)
    if not stated and not gpc and not stop:
        return {}
    stamp = Stamp(record.occurred, record.mid)
    act: Mapping[str, bool] = stated if record.event.event in CONSENT_EVENTS else stop
    words = _words({"share": False, **act} if gpc and "share" not in stated else act, record, stamp)
    states = {_source(record.key): _state(stated, record, stamp)} if stated else {}
    said = join(said_by(person), Said(words, states))
    return {"words": said.words, "states": said.states, "consent": held(said)}


def join(a: Said, b: Said) -> Said:
    """Both sides' words and states."""
    states = _both(a.states, b.states, _joined)
    newest = sorted(states, key=lambda k: (states[k].stamp, k))[-MAX_STATES:]
    return Said(_both(a.words, b.words, _latest), {k: states[k] for k in sorted(newest)})


def said_by(person: Person) -> Said:
    """What a person's ids said; what was stored before it was told apart counts as words of the id's own kind."""
    told = {*person.words, *(p for s in person.states.values() for p in s.said)}
    old = {p: trait for p, trait in person.consent.items() if p not in told}
    if not old:
        return Said(person.words, person.states)
    known = person.id.startswith("user:")
    words = {p: Words(claimed=t) if known else Words(device=t) for p, t in old.items()}
    return join(Said(person.words, person.states), Said(words, {}))


def held(said: Said) -> dict[str, Trait]:
    """What holds, by purpose, with who said it last; a purpose of which nothing was said isn't there."""
    found: dict[str, Trait] = {}
    for purpose in sorted({*said.words, *(p for s in said.states.values() for p in s.said)}):
        word = said.words.get(purpose)
        found[purpose] = _word(word, purpose, said.states) if word is not None else _stated(purpose, said.states)
    return found


def consent_in(event: Event, settings: Settings = PLAIN) -> dict[str, bool]:
    """What an event says of consent, by purpose: Segment's ``context.consent.categoryPreferences``, or a consent
    event. Names of categories mean what the settings say; a no to one of several that mean a purpose is a no.
    """
    said: Mapping[str, Any] = {}
    consent = event.context.get("consent")
    if isinstance(consent, dict) and isinstance(consent.get("categoryPreferences"), dict):
        said = consent["categoryPreferences"]
    if event.event in CONSENT_EVENTS:
        said = {**said, **event.properties}
    if not said:
        return {}
    found: dict[str, bool] = {}
    for category, purposes in settings.consent_categories.items():
        if isinstance(value := said.get(category), bool):
            found.update({p: value and found.get(p, True) for p in purposes})
    return {**found, **{p: said[p] for p in NAMED if isinstance(said.get(p), bool)}}


def _words(said: Mapping[str, bool], record: EventRecord, stamp: Stamp) -> dict[str, Words]:
    """Words as strong as the proof of the id under which they were sent."""
    if not record.event.user_id:
        return {p: Words(device=Trait(stamp, v)) for p, v in said.items()}
    if record.confirmed:
        return {p: Words(proven=Trait(stamp, v)) for p, v in said.items()}
    return {p: Words(claimed=Trait(stamp, v)) for p, v in said.items()}


def _state(said: Mapping[str, bool], record: EventRecord, stamp: Stamp) -> State:
    agreed = {p: record.occurred for p, v in said.items() if v}
    return State(stamp, known=bool(record.event.user_id), said=dict(said), agreed=agreed)


def _source(key: str) -> int:
    """63 bits that stand for an id as sent."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


def _word(words: Words, purpose: str, states: Mapping[int, State]) -> Trait:
    """The last word under the best proven id. A later no under a lesser one still stops it; a lesser yes lifts
    nothing.
    """
    first, *lesser = _by_strength(words, purpose, states)
    for said in lesser:
        if first.value and said.stamp > first.stamp:
            first = said
    return first


def _by_strength(words: Words, purpose: str, states: Mapping[int, State]) -> Iterator[Trait]:
    """What was said, the best proven first; last the devices on which somebody took back a yes: a state that turned to
    no is an act.
    """
    yield from (said for said in (words.proven, words.claimed, words.device) if said is not None)
    turned = [s.stamp for s in states.values() if s.said.get(purpose) is False and _before(s, purpose)]
    if turned:
        yield Trait(max(turned), False)


def _before(state: State, purpose: str) -> bool:
    return purpose in state.agreed and state.agreed[purpose] < state.stamp.at


def _stated(purpose: str, states: Mapping[int, State]) -> Trait:
    """Where no word was said, states count: those sent with a user id before those without; a no before a yes."""
    found = [s for s in states.values() if purpose in s.said]
    found = [s for s in found if s.known] or found
    return Trait(max(s.stamp for s in found), all(s.said[purpose] for s in found))


def _joined(a: State, b: State) -> State:
    newest = a if (a.stamp, a.known, sorted(a.said.items())) >= (b.stamp, b.known, sorted(b.said.items())) else b
    if a.agreed == b.agreed == newest.agreed:
        return newest
    return State(newest.stamp, newest.known, newest.said, _both(a.agreed, b.agreed, min))


def _latest(a: Words, b: Words) -> Words:
    return Words(_later(a.proven, b.proven), _later(a.claimed, b.claimed), _later(a.device, b.device))


def _later(a: Trait | None, b: Trait | None) -> Trait | None:
    """The later word; of one instant's two the no."""
    if a is None or b is None:
        return a if b is None else b
    return a if (a.stamp, not a.value) >= (b.stamp, not b.value) else b


def _both(a: Mapping[K, Any], b: Mapping[K, Any], join: Any) -> dict[K, Any]:
    """Key by key, in order."""
    if not b:
        return dict(a)
    return {k: join(a[k], b[k]) if k in a and k in b else a[k] if k in a else b[k] for k in sorted({*a, *b})}
