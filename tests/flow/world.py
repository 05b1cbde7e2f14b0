"""A world to fold records in: people and links in dictionaries, records made of what a client would send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import replace

from micromoments.core.effect import Effect
from micromoments.core.event import Event, Millis
from micromoments.core.person import Link, Part, Person
from micromoments.core.record import EventRecord, Record, TickRecord
from micromoments.core.settings import Settings
from micromoments.engine.intake import message_hash
from micromoments.flow.apply import apply
from micromoments.flow.view import View, config_digest
from micromoments.policy import make
from micromoments.recognise.recogniser import Recogniser
from micromoments.retrieve.catalog import Catalog

T0: Millis = 1_800_000_000_000
MINUTE: Millis = 60_000


@cache
def view() -> View:
    """A view with personalisation and location allowed by default; its catalogue and policies are not asked."""
    settings = Settings(consent=("personalise", "location"))
    recogniser = Recogniser(settings)
    return View(settings, config_digest(settings), recogniser, Catalog(), {"default": make("popular")})


class World:
    """``flow.apply.Memory`` in dictionaries, with what folding gave."""

    def __init__(self, seen_by: View | None = None) -> None:
        self.view = seen_by or view()
        self.people: dict[str, Person] = {}
        self.links: dict[str, Link] = {}
        self.effects: list[Effect] = []

    def person(self, id: str) -> Person | None:
        """The person of that id."""
        return self.people.get(id)

    def link(self, key: str) -> Link | None:
        """What is known of that source id."""
        return self.links.get(key)

    def keep(self, person: Person) -> None:
        """Put the person's new value."""
        self.people[person.id] = person

    def drop(self, id: str) -> None:
        """Forget a person whose all went to another."""
        del self.people[id]

    def tie(self, key: str, link: Link) -> None:
        """Put a source id's new link."""
        self.links[key] = link

    def fold(self, records: Iterable[Record]) -> World:
        """Fold records in this order."""
        for record in records:
            _, effects = apply(self, record, self.view)
            self.effects += effects
        return self

    def rest(self, at: Millis) -> World:
        """Wake everyone at one instant, so that worlds which heard different things last can be compared."""
        return self.fold([TickRecord(key=id, at=at) for id in sorted(self.people)])

    def content(self) -> dict[str, object]:
        """All that is known, but for surrogates and the stamps of the first and last arrival."""
        people = {id: replace(p, surrogate=0, first=0, last=0) for id, p in self.people.items()}
        return {"people": _plain(people), "links": _plain(self.links)}


def _plain(what: Mapping[str, Person] | Mapping[str, Link]) -> object:
    return msgspec.to_builtins(dict(sorted(what.items())))


def event(
    number: int,
    type: str = "track",
    *,
    anon: str | None = None,
    user: str | None = None,
    name: str | None = None,
    properties: dict[str, Any] | None = None,
    at: Millis | None = None,
    occurred: Millis | None = None,
    **more: Any,
) -> EventRecord:
    """The record of one event; ``number`` names its message and, unless said, its minute."""
    occurred = T0 + number * MINUTE if occurred is None else occurred
    sent = {
        "type": type,
        "anonymousId": anon,
        "userId": user,
        "event": name,
        "properties": properties or {},
        **more,
    }
    body = msgspec.json.encode({k: v for k, v in sent.items() if v is not None})
    return EventRecord(
        key=f"anon:{anon}" if anon else f"user:{user}",
        at=occurred if at is None else at,
        occurred=occurred,
        message_id=f"message-{number}",
        mid=message_hash(f"message-{number}"),
        nonce=message_hash(f"nonce-{number}"),
        body=body,
        event=msgspec.json.decode(body, type=Event),
    )


def arriving(records: Sequence[EventRecord]) -> list[EventRecord]:
    """The records as if they had arrived in this order, after all of them had happened."""
    last = max((r.occurred for r in records), default=T0)
    return [replace(r, at=last + n) for n, r in enumerate(records)]


def traces(person: Person) -> int:
    """How many traces are kept of a person."""
    return sum(len(part.traces) for part in person.parts.values())


def channels(parts: Mapping[str, Part]) -> set[str]:
    """The channels on which a person was seen."""
    return {t.channel for p in parts.values() for t in p.traces}
