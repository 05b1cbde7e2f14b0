"""How people grow, join and part: traces into parts, persons into persons, shared devices between their owners.

The laws: ``join`` is associative, commutative and idempotent; ``insert`` and ``regroup`` commute, so that the same
events give the same people in any order of arrival (as long as a source's events fit ``MAX_TRACES``; past that the
oldest are gone).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeVar

from msgspec import msgpack
from msgspec.structs import replace

from micromoments.core.decision import Assignment
from micromoments.core.event import Millis
from micromoments.core.moment import Reading, Trace
from micromoments.core.person import (
    MAX_GROUPS,
    MAX_ITEMS,
    MAX_NAMES,
    MAX_PARTS,
    MAX_PENDING,
    MAX_PURCHASE_BYTES,
    MAX_PURCHASES,
    MAX_REDEEMED,
    MAX_REPLIES,
    MAX_SERVED,
    MAX_TRACES,
    MAX_TRAIT_BYTES,
    MAX_TRAITS,
    Claim,
    Link,
    Part,
    Pending,
    Person,
    Redeemed,
    Served,
    Stamp,
    Trait,
    lean,
)
from micromoments.core.settings import DAY
from micromoments.flow import consent
from micromoments.recognise import fences, usual

MAX_ITEM_ID = 256
"""Characters of an item's id that a person is remembered by: events are sent by anybody, and a person is bounded."""
MAX_CLAIMS = 16
"""Identify calls kept for each anonymousId."""

DAY_BYTES = 4
"""What a purchase takes beside its item's id."""

V = TypeVar("V")

NOBODY = lean(Person(id="", surrogate=0))
"""Of whom nothing is known: everybody begins as this."""


def new(id: str, surrogate: int) -> Person:
    """Somebody who was not heard of before."""
    return replace(NOBODY, id=id, surrogate=surrogate)


def insert(part: Part, trace: Trace) -> Part:
    """The part with one more trace in its place; the oldest goes beyond ``MAX_TRACES``; twice is once."""
    traces = part.traces
    if traces and not traces[-1] < trace:
        if any(t.mid == trace.mid and t.at == trace.at for t in traces):
            return part
        ordered = list(traces)
        insort(ordered, trace)
        traces = tuple(ordered)
    else:
        traces = (*traces, trace)
    counts, why = part.counts, trace.signal.why
    if not counts:
        counts = _once(why)
    elif why in counts:
        counts = {**counts, why: counts[why] + 1}
    else:
        counts = _first({**counts, why: 1}, MAX_NAMES)
    return Part(
        traces=traces[-MAX_TRACES:],
        counts=counts,
        first=trace.at if not part.first or trace.at < part.first else part.first,
        last=max(part.last, trace.at),
        total=part.total + 1,
        visits=part.visits,
    )


@lru_cache(maxsize=1024)
def _once(why: str) -> dict[str, int]:
    """The counters of whoever did one thing once, the same value for all of them: nobody changes one in its place."""
    return {why: 1}


def merged(parts: Iterable[Part]) -> list[Trace]:
    """The person's newest ``MAX_TRACES`` traces over these parts, in order."""
    lists = [p.traces for p in parts if p.traces]
    if len(lists) == 1:
        return list(lists[0])
    return sorted({(t.at, t.mid): t for ts in lists for t in ts}.values())[-MAX_TRACES:]


def join(a: Person, b: Person) -> Person:
    """One person out of two. What is derived (``reading``) is left empty, to be folded again by the caller.

    The id is the lesser, ``user:`` before ``anon:``; the surrogate is the lesser.
    """
    said = consent.join(consent.said_by(a), consent.said_by(b))
    return Person(
        id=min(a.id, b.id, key=_rank),
        surrogate=min(a.surrogate, b.surrogate),
        parts=_bound_parts(_join_maps(a.parts, b.parts, _join_part)),
        traits=_newest(_join_maps(a.traits, b.traits, _later)),
        consent=consent.held(said),
        reading=Reading(),
        pending=join_pending(a.pending, b.pending),
        served=join_served(a.served, b.served),
        bought=latest(_join_maps(a.bought, b.bought, max)),
        dismissed=latest(_join_maps(a.dismissed, b.dismissed, max)),
        assignments=_join_maps(a.assignments, b.assignments, _dealt),
        answered=latest(_join_maps(a.answered, b.answered, min)),
        marks=a.marks | b.marks,
        first=min(a.first or b.first, b.first or a.first),
        last=max(a.last, b.last),
        addresses=_newest(_join_maps(a.addresses, b.addresses, _later)),
        groups=newest_groups(_newest(_join_maps(a.groups, b.groups, _later))),
        fences=fences.newest(_join_maps(a.fences, b.fences, fences.join)) if a.fences or b.fences else {},
        words=said.words,
        states=said.states,
        replies=newest_replies((*a.replies, *b.replies)),
        redeemed=newest_redeemed((*a.redeemed, *b.redeemed)),
        purchases=join_purchases(a.purchases, b.purchases),
    )


def join_purchases(a: Mapping[str, tuple[int, ...]], b: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The newest ``MAX_PURCHASES`` of both until they take ``MAX_PURCHASE_BYTES`` together, items and days in order.

    Whether one is kept depends on the newer ones that are kept alone, and so not on the order of joining.
    """
    if not b:
        return dict(a)
    both = {(day, item) for purchases in (a, b) for item, days in purchases.items() for day in days}
    left, kept = MAX_PURCHASE_BYTES, dict[str, tuple[int, ...]]()
    for day, item in sorted(both, reverse=True)[:MAX_PURCHASES]:
        if left <= 0:
            break
        left -= len(item.encode()) + DAY_BYTES
        kept[item] = (day, *kept.get(item, ()))
    return {item: kept[item] for item in sorted(kept)}


def last_bought(person: Person) -> dict[str, Millis]:
    """By item when it was bought last, as far as that is kept; to the day where it is longer ago."""
    return {item: days[-1] * DAY for item, days in person.purchases.items()} | person.bought


def dates(purchases: Mapping[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """Purchases as a person reads them: by item the dates."""
    start, last = date(1970, 1, 1).toordinal(), date.max.toordinal()

    def written(day: int) -> str:
        return date.fromordinal(min(max(1, start + day), last)).isoformat()

    return {item: [written(day) for day in days] for item, days in purchases.items()}


def newest_redeemed(redeemed: Iterable[Redeemed]) -> tuple[Redeemed, ...]:
    """The newest ``MAX_REDEEMED`` redemptions, each once, as it was first told of, in order."""
    first = {(one.item, one.by): one for one in sorted(redeemed, reverse=True)}
    return tuple(sorted(first.values())[-MAX_REDEEMED:])


def newest_replies(replies: Iterable[Millis]) -> tuple[Millis, ...]:
    """The newest ``MAX_REPLIES`` instants, each once, in order."""
    return tuple(sorted(set(replies))[-MAX_REPLIES:])


def newest_groups(groups: dict[str, Trait]) -> dict[str, Trait]:
    """The ``MAX_GROUPS`` that were heard of last, keys in order."""
    kept = sorted(groups, key=lambda k: (groups[k].stamp, k))[-MAX_GROUPS:]
    return {k: groups[k] for k in sorted(kept)}


def _dealt(a: Assignment, b: Assignment) -> Assignment:
    """Of two assignments in one experiment the one dealt under the later version of it, else the first exposure."""
    return min(a, b, key=lambda s: (-s.version, s.at, s.unit))


def join_pending(a: Sequence[Pending], b: Sequence[Pending]) -> tuple[Pending, ...]:
    """Open decisions of both, each once with all that either side knows of it, newest ``MAX_PENDING``."""
    both: dict[str, Pending] = {p.id: p for p in a}
    for p in b:
        mine = both.get(p.id)
        if mine is None:
            both[p.id] = p
        else:
            seen = min(mine.seen or p.seen, p.seen or mine.seen)
            both[p.id] = replace(mine, seen=seen, done=tuple(sorted({*mine.done, *p.done})))
    return tuple(sorted(both.values(), key=lambda p: (p.at, p.id)))[-MAX_PENDING:]


def join_served(a: Sequence[Served], b: Sequence[Served]) -> tuple[Served, ...]:
    """Items served to either, each serving once, newest ``MAX_SERVED``."""
    both = {(s.at, s.decision, s.item): s for s in (*a, *b)}
    return tuple(both[k] for k in sorted(both)[-MAX_SERVED:])


def write(stored: Mapping[str, Trait], values: Mapping[str, Any], stamp: Stamp) -> dict[str, Trait]:
    """The traits after one more write: for each name the last writer by stamp wins."""
    return _newest(_join_maps(stored, {k: Trait(stamp, v) for k, v in values.items()}, _later))


def note(stored: Mapping[str, Millis], items: Iterable[str], at: Millis) -> dict[str, Millis]:
    """The items with their latest instants, newest ``MAX_ITEMS``; what is longer than an id can be is none."""
    return latest(_join_maps(stored, dict.fromkeys([id for id in items if len(id) <= MAX_ITEM_ID], at), max))


def claim(link: Link, new: Claim) -> Link:
    """The link with one more identify."""
    return replace(link, claims=tuple(sorted({*link.claims, new}))[-MAX_CLAIMS:])


def owner(link: Link | None, at: Millis, mid: int) -> str | None:
    """The user id to whom an anonymousId's event at this stamp belongs; ``None`` while nobody claimed it.

    From an identify until the next; what came before the first belongs to the first (history is adopted).
    """
    if link is None or not link.claims:
        return None
    here = Stamp(at, mid)
    found = link.claims[0].user
    for c in link.claims:
        if c.stamp > here:
            break
        found = c.user
    return found


def regroup(source: str, link: Link, people: dict[str, Person], canonical: Mapping[str, str]) -> dict[str, Person]:
    """Deal a shared device's traces out again after its claims changed.

    ``people`` are all who hold traces of ``source`` or now own some, by id; ``canonical`` maps user ids to people's
    ids. Traces and their counts move to whoever owns them by ``link``; gives the people that changed. Where a part was
    goes with its traces if they all go to one person; else it is forgotten, as visits don't say whose they were.
    """
    moving: dict[tuple[str, str], list[Trace]] = {}
    changed: dict[str, Person] = {}
    for id, person in people.items():
        for key, part in person.parts.items():
            if key != source and not key.startswith(source + ">"):
                continue
            for trace in part.traces:
                user = owner(link, trace.at, trace.mid) or ""
                home, home_key = canonical[user], f"{source}>{user}"
                if (home, home_key) != (id, key):
                    moving.setdefault((id, key), []).append(trace)
    for (id, key), traces in moving.items():
        giver = changed.get(id, people[id])
        changed[id] = replace(giver, parts=with_part(giver.parts, key, _without(giver.parts[key], traces)))
        for trace in traces:
            user = owner(link, trace.at, trace.mid) or ""
            home, home_key = canonical[user], f"{source}>{user}"
            taker = changed.get(home, people[home])
            part = insert(taker.parts.get(home_key, Part()), trace)
            changed[home] = replace(taker, parts=with_part(taker.parts, home_key, part))
        if visits := people[id].parts[key].visits:
            whole = len(traces) == len(people[id].parts[key].traces)
            to = {owner(link, t.at, t.mid) or "" for t in traces} if whole else set[str]()
            _move_visits(changed, visits, {(canonical[user], f"{source}>{user}") for user in to})
    return changed


def _move_visits(people: dict[str, Person], visits: tuple[int, ...], homes: set[tuple[str, str]]) -> None:
    """Puts visits to the one part that their traces went to; several, or none, get nothing."""
    if len(homes) == 1:
        id, key = homes.pop()
        part = people[id].parts[key]
        part = replace(part, visits=usual.joined(part.visits, visits))
        people[id] = replace(people[id], parts=with_part(people[id].parts, key, part))


def only(person: Person, source: str) -> list[Trace]:
    """The traces that one source id contributed: all that a caller who proved no identity may have used."""
    return merged(p for k, p in person.parts.items() if k == source or k.startswith(source + ">"))


def with_part(parts: Mapping[str, Part], key: str, part: Part | None) -> dict[str, Part]:
    """The parts with one put or taken out; keys in order, the least recently heard of let go beyond ``MAX_PARTS``."""
    if part is not None and (key in parts or not parts):
        return {**parts, key: part}
    changed = {k: v for k, v in parts.items() if k != key}
    if part is not None:
        changed[key] = part
    return _bound_parts(changed)


def _without(part: Part, gone: Sequence[Trace]) -> Part | None:
    mids = {(t.at, t.mid) for t in gone}
    kept = tuple(t for t in part.traces if (t.at, t.mid) not in mids)
    counts = dict(part.counts)
    for t in gone:
        counts[t.signal.why] = counts.get(t.signal.why, 1) - 1
    counts = {k: n for k, n in counts.items() if n > 0}
    if not kept and not counts:
        return None
    first = kept[0].at if kept else part.first
    last = kept[-1].at if kept else part.last
    return Part(traces=kept, counts=counts, first=first, last=last, total=part.total - len(gone))


def without_visits(parts: Mapping[str, Part]) -> dict[str, Part]:
    """The parts without where they were: consent to location was taken back."""
    return {k: replace(p, visits=()) if p.visits else p for k, p in parts.items() if p.traces or p.counts}


def _join_part(a: Part, b: Part) -> Part:
    if a == b:
        return a
    traces = sorted({(t.at, t.mid): t for t in (*a.traces, *b.traces)}.values())[-MAX_TRACES:]
    return Part(
        traces=tuple(traces),
        counts=_first(_join_maps(a.counts, b.counts, max), MAX_NAMES),
        first=min(a.first or b.first, b.first or a.first),
        last=max(a.last, b.last),
        total=max(a.total, b.total),
        visits=usual.joined(a.visits, b.visits),
    )


def _join_maps(a: Mapping[str, V], b: Mapping[str, V], both: Any) -> dict[str, V]:
    """Key by key; keys in order, so that equal content is equal bytes."""
    if not b:
        return dict(a)
    return {k: (both(a[k], b[k]) if k in a and k in b else a[k] if k in a else b[k]) for k in sorted({*a, *b})}


def _later(a: Trait, b: Trait) -> Trait:
    return a if a.stamp >= b.stamp else b


def _newest(traits: dict[str, Trait]) -> dict[str, Trait]:
    """The newest ``MAX_TRAITS`` that take ``MAX_TRAIT_BYTES`` together, keys in order."""
    left, kept = MAX_TRAIT_BYTES, []
    for name in sorted(traits, key=lambda k: (traits[k].stamp, k), reverse=True)[:MAX_TRAITS]:
        left -= len(msgpack.encode((name, traits[name].value)))
        if left < 0:
            break
        kept.append(name)
    return traits if len(kept) == len(traits) else {k: traits[k] for k in sorted(kept)}


def latest(items: dict[str, Millis]) -> dict[str, Millis]:
    """The newest ``MAX_ITEMS`` of them, keys in order."""
    if len(items) <= MAX_ITEMS:
        return {k: items[k] for k in sorted(items)}
    kept = sorted(items, key=lambda k: (items[k], k))[-MAX_ITEMS:]
    return {k: items[k] for k in sorted(kept)}


def _first(counts: dict[str, int], limit: int) -> dict[str, int]:
    """Counters in the order of their names, the commonest where there are too many."""
    if len(counts) > limit:
        counts = dict(sorted(counts.items(), key=lambda kv: (-kv[1], kv[0]))[:limit])
    return {k: counts[k] for k in sorted(counts)}


def _bound_parts(parts: dict[str, Part]) -> dict[str, Part]:
    if len(parts) <= MAX_PARTS:
        return {k: parts[k] for k in sorted(parts)}
    kept = sorted(parts, key=lambda k: (parts[k].last, k))[-MAX_PARTS:]
    return {k: parts[k] for k in sorted(kept)}


def _rank(id: str) -> tuple[bool, str]:
    return (not id.startswith("user:"), id)
