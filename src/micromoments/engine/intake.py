"""From arrivals to records: duplicates are told apart, and what folding will need of the catalogue is captured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from hashlib import blake2b
from itertools import repeat

from msgspec.structs import replace

from micromoments.core.event import Arrival, Event, Millis, source_key
from micromoments.core.item import Facet, Nearby
from micromoments.core.record import EventRecord
from micromoments.flow.decide import position
from micromoments.flow.said import products
from micromoments.ports import Seen
from micromoments.retrieve.catalog import Catalog
from micromoments.retrieve.fences import accuracy_of

NONCES = 512
MAX_NAMED = 8
"""Items of one event whose facets are captured."""


class Intake:
    """Makes records of arrivals; the only place where chance enters (a nonce for a person who is new)."""

    def __init__(self, seen: Seen, catalog: Catalog) -> None:
        self._seen = seen
        self._catalog = catalog
        self._nonces: list[int] = []
        self.forgotten = 0
        """How often records were taken back: who was told of a duplicate meanwhile can't be sure of it."""

    def nonce(self) -> int:
        """A random 63-bit number; drawn from the system many at a time, as each asking costs microseconds."""
        if not self._nonces:
            noise = os.urandom(8 * NONCES)
            self._nonces = [int.from_bytes(noise[n : n + 8], "big") >> 1 for n in range(0, 8 * NONCES, 8)]
        return self._nonces.pop()

    def take(self, arrivals: Sequence[Arrival], now: Millis | Sequence[Millis]) -> tuple[list[EventRecord], list[int]]:
        """Records of those arrivals that are new, and the indexes of the duplicates. ``now`` may be one for each."""
        records: list[EventRecord] = []
        duplicates: list[int] = []
        fresh = self._seen.fresh
        times = repeat(now) if isinstance(now, int) else now
        for index, (arrival, at) in enumerate(zip(arrivals, times, strict=False)):
            mid = message_hash(arrival.message_id)
            if not fresh(mid, at):
                duplicates.append(index)
                continue
            try:
                records.append(self._record(arrival, at, mid, self.nonce()))
            except Exception:
                self._seen.forget([mid, *(record.mid for record in records)])
                raise
        return records, duplicates

    def forget(self, records: Sequence[EventRecord]) -> None:
        """Take back records that could not be made durable, so that the client's retry is taken."""
        self.forgotten += 1
        self._seen.forget([r.mid for r in records])

    def _record(self, arrival: Arrival, now: Millis, mid: int, nonce: int) -> EventRecord:
        event = arrival.event
        record = EventRecord(
            key=source_key(event.anonymous_id, event.user_id),
            at=now,
            occurred=arrival.occurred,
            message_id=arrival.message_id,
            mid=mid,
            nonce=nonce,
            body=arrival.body,
            event=event,
            marks=arrival.marks,
            confirmed=arrival.confirmed,
        )
        facets: tuple[Facet, ...] = ()
        nearby: Nearby | None = None
        if event.properties:
            if redeemed := self._catalog.redeemed(event):
                record = replace(record, redeemed=redeemed)
            named = products(event.properties)
            if not named and isinstance(item := event.properties.get("item_id"), str):
                named = [item]
            facets = self._catalog.facets(named[:MAX_NAMED]) if named else ()
        if "location" in event.context and (point := position(event.context)) is not None:
            nearby = self._catalog.nearest(point, now)
            fences = self._catalog.fences(point, now, accuracy_of(event.context))
            if fences is not None:
                record = replace(record, fences=fences)
        return replace(record, facets=facets, nearby=nearby) if facets or nearby is not None else record


def names_in(event: Event) -> list[str]:
    """The source keys that an event is about."""
    before = event.previous_id  # of a user, or of a device that nobody was known by
    named = (("anon", event.anonymous_id), ("user", event.user_id), ("user", before), ("anon", before))
    return [f"{kind}:{id}" for kind, id in named if id]


def message_hash(message_id: str) -> int:
    """63 bits of a messageId's BLAKE2b hash: how duplicates are known and ties in time broken."""
    return int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest(), "big") >> 1
