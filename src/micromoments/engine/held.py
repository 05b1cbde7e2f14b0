"""What is held of a person, as they may read it, and which of the log's records are theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from micromoments.core.person import Link, Person
from micromoments.core.record import DecidedRecord, EventRecord
from micromoments.engine.residents import Residents
from micromoments.flow.people import dates, owner
from micromoments.recognise.usual import told


def held(person: Person, keys: Collection[str], events: Sequence[Any], decisions: Sequence[Any]) -> dict[str, object]:
    """All that is held of a person, with their ``events`` and ``decisions``."""
    return {
        "id": person.id,
        "ids": sorted(keys),
        "traits": {k: t.value for k, t in person.traits.items()},
        "consent": {k: t.value for k, t in person.consent.items()},
        "addresses": {k: t.value for k, t in person.addresses.items()},
        "groups": {k: t.value for k, t in person.groups.items()},
        "moments": [readable(m) for m in (*person.reading.open, *person.reading.ended)],
        "fences": readable(person.fences),
        "replies": list(person.replies),
        "redeemed": [{"offer": one.item, "at": one.at} for one in person.redeemed],
        "bought": person.bought,
        "purchaseDays": dates(person.purchases),
        "dismissed": person.dismissed,
        "counts": {k: p.counts for k, p in person.parts.items()},
        "usualPlaces": {k: told(p.visits) for k, p in person.parts.items() if p.visits},
        "firstSeen": person.first,
        "lastSeen": person.last,
        "events": events,
        "decisions": decisions,
    }


def keys_of(residents: Residents, person: Person, key: str) -> tuple[frozenset[str], frozenset[str]]:
    """(source keys, user ids) that are this person's."""
    keys = {key, person.id} | {k.split(">", 1)[0] for k in person.parts}
    keys |= {f"user:{k.split('>', 1)[1]}" for k in person.parts if ">" in k}
    for name in sorted(k for k in keys if k.startswith("user:")):
        link = residents.link(name)
        keys |= {f"user:{u}" for u in (link.joined if link is not None else ())}
    return frozenset(keys), frozenset(k[5:] for k in keys if k.startswith("user:"))


def readable(value: Any) -> Any:
    """A structure as names and plain values, all the way down; what is empty is left out."""
    if isinstance(value, msgspec.Struct):
        named = {name: readable(getattr(value, name)) for name in value.__struct_fields__}
        return {name: inner for name, inner in named.items() if inner not in ("", [], {}, None)}
    if isinstance(value, list | tuple):
        return [readable(inner) for inner in value]
    if isinstance(value, dict):
        return {key: readable(inner) for key, inner in value.items()}
    return value


def mine(record: EventRecord | DecidedRecord, links: Mapping[str, Link | None], users: frozenset[str]) -> bool:
    """Whether a record is a person's: an event that names one of their user ids; else what came under one of their
    keys while its device was theirs. ``links`` has each of their keys.
    """
    if isinstance(record, EventRecord):
        if record.event.user_id:
            return record.event.user_id in users
        at, mid = record.occurred, record.mid
    else:
        at, mid = record.at, 0
    if record.key not in links:
        return False
    user = owner(links[record.key], at, mid)
    return user is None or user in users
