"""The ports in memory, for tests: what is on the ``Disk`` survives a crash, everything else goes with the adapters.

They keep objects, not bytes; formats are the business of the adapters that store them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery, Status
from micromoments.core.event import Millis
from micromoments.core.fact import SCHEMAS, TABLES, Fact, PersonFact, Table
from micromoments.core.item import Item
from micromoments.core.person import Link, Person
from micromoments.core.record import DecidedRecord, ErasedRecord, EventRecord, Logged, OutcomeRecord, Record
from micromoments.ports import FIRST, NOTHING, Batch, Corrupt, Whose, nobodys

V = TypeVar("V")

DAY: Millis = 86_400_000
_TABLE_OF: dict[type, Table] = {SCHEMAS[table]: table for table in TABLES}


@dataclass
class Disk:
    """What is durable."""

    groups: list[tuple[int, list[Record]]] = field(default_factory=list)
    end: int = 0
    people: dict[str, Person] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    timers: dict[str, Millis] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    live: list[Fact] = field(default_factory=list)
    sealed: list[Fact] = field(default_factory=list)
    policies: dict[str, bytes] = field(default_factory=dict)
    versions: dict[tuple[str, int], bytes] = field(default_factory=dict)
    position: int = 0
    outbox: dict[str, Delivery] = field(default_factory=dict)
    reservations: dict[str, tuple[str, int, Millis, str]] = field(default_factory=dict)
    artifacts: dict[str, bytes] = field(default_factory=dict)


class MemoryLog:
    """``ports.Log``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def append(self, records: Sequence[Record]) -> int:
        """Write the group; give the position of the first."""
        first = self._disk.end
        if records:
            self._disk.groups.append((first, list(records)))
            self._disk.end = first + len(records)
        return first

    def read(self, start: int, limit: int = 10_000) -> Sequence[Logged]:
        """Records from a position on, by whole groups."""
        found: list[Logged] = []
        for first, records in self._disk.groups:
            found += [Logged(n, r) for n, r in enumerate(records, first) if n >= start]
            if len(found) >= limit:
                break
        return found

    def end(self) -> int:
        """The position that the next record will get."""
        return self._disk.end

    def trim(self, before: Millis, below: int, now: Millis) -> int:
        """Forget whole groups, oldest first."""
        goes = 0
        for n, (first, records) in enumerate(self._disk.groups, 1):
            newest = max(r.at for r in records)
            if before <= newest <= now or first + len(records) > below:
                break
            goes = n if newest < before else goes
        gone, self._disk.groups[:] = self._disk.groups[:goes], self._disk.groups[goes:]
        return sum(len(records) for _, records in gone)

    def erase(self, keys: frozenset[str], mentions: frozenset[str], others: Whose = nobodys) -> int:
        """Blank records."""
        gone = 0
        for _, records in self._disk.groups:
            for n, record in enumerate(records):
                if (record.key in keys and not others(record)) or _mentions(record) in mentions:
                    records[n] = ErasedRecord(at=record.at)
                    gone += 1
        return gone

    def mids(self, since: Millis) -> Iterable[tuple[int, Millis]]:
        """The (message hash, arrival) of events that arrived at or after an instant."""
        for _, records in self._disk.groups:
            yield from ((r.mid, r.at) for r in records if isinstance(r, EventRecord) and r.at >= since)


def _mentions(record: Record) -> str | None:
    if isinstance(record, DecidedRecord):
        return record.decision.id
    return record.outcome.decision if isinstance(record, OutcomeRecord) else None


class MemoryState:
    """``ports.State``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those that exist."""
        d = self._disk
        return {k: d.people[k] for k in people if k in d.people}, {k: d.links[k] for k in links if k in d.links}

    def commit(self, batch: Batch) -> None:
        """Write the batch."""
        d = self._disk
        _put(d.people, batch.people)
        _put(d.links, batch.links)
        _put(d.items, batch.items)
        d.timers.update({k: at for k, at in batch.timers.items() if k in d.people})
        for gone in d.timers.keys() - d.people.keys():
            del d.timers[gone]
        d.decisions.update({one.id: one for one in batch.decisions})
        d.live.extend(batch.facts)
        _put(d.policies, batch.policies)
        d.outbox = {**{one.id: one for one in batch.outbox}, **d.outbox}
        d.position = batch.position

    def position(self) -> int:
        """The position of the first record that no commit covers."""
        return self._disk.position

    def due(self, until: Millis, limit: int, *, after: tuple[Millis, str] = FIRST) -> Sequence[tuple[Millis, str]]:
        """The people whose timer is due, earliest first."""
        timers = self._disk.timers.items()
        return sorted((at, key) for key, at in timers if 0 < at <= until and (at, key) > after)[:limit]

    def decision(self, id: str) -> Decision | None:
        """A decision by its id."""
        return self._disk.decisions.get(id)

    def erase(
        self, people: frozenset[str], links: frozenset[str], before: Millis, left: Mapping[str, Link] = NOTHING
    ) -> frozenset[int]:
        """Remove people; give their surrogates."""
        d = self._disk
        gone = people | {k for k, p in d.people.items() if p.last < before}
        theirs = {d.people[k].surrogate for k in gone if k in d.people}
        for key in gone:
            d.people.pop(key, None)
            d.timers.pop(key, None)
        for key in links:
            d.links.pop(key, None)
        d.links.update(left)
        all_keys = gone | links
        d.outbox = {k: v for k, v in d.outbox.items() if v.person not in all_keys}
        d.decisions = {k: v for k, v in d.decisions.items() if v.person not in all_keys and v.key not in all_keys}
        theirs = _joined(theirs, d.live)
        d.live = [f for f in d.live if f.surrogate not in theirs]
        return frozenset(theirs)


def _put(into: dict[str, V], new: Mapping[str, V | None]) -> None:
    for key, value in new.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value


def _joined(roots: Iterable[int], facts: Iterable[Fact]) -> set[int]:
    found = set(roots)
    joins = [f for f in facts if isinstance(f, PersonFact)]
    while more := {f.surrogate for f in joins if f.into in found} - found:
        found |= more
    return found


class MemoryOutbox:
    """``ports.Outbox``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def due(self, destination: str, until: Millis, limit: int) -> Sequence[Delivery]:
        """Deliveries that are due, earliest first."""
        wanted = "waiting" if destination else "intended"
        mine = [d for d in self._all() if d.status == wanted and destination in ("", d.destination)]
        return sorted((d for d in mine if d.due <= until), key=lambda d: d.due)[:limit]

    def settle(self, deliveries: Sequence[Delivery], facts: Sequence[Fact]) -> None:
        """Write those back that are there."""
        here = {d.id: d for d in deliveries if d.id in self._disk.outbox}
        self._disk.outbox.update(here)
        self._disk.live += [fact for fact in facts if fact.id in here]

    def listed(self, status: Status | None, destination: str, after: str, limit: int) -> Sequence[Delivery]:
        """Deliveries in the order of their ids."""
        mine = [d for d in self._all() if d.status == (status or d.status)]
        named = [d for d in mine if d.status != "intended" and d.destination == destination] if destination else mine
        return sorted((d for d in named if d.id > after), key=lambda d: d.id)[:limit]

    def of(self, person: str, since: Millis) -> Sequence[Delivery]:
        """A person's deliveries."""
        return sorted((d for d in self._all() if d.person == person and d.due > since), key=lambda d: -d.due)

    def trim(self, before: Millis) -> int:
        """Forget what was done."""
        gone = [d.id for d in self._all() if d.status not in ("intended", "waiting") and d.due < before]
        for id in gone:
            del self._disk.outbox[id]
        return len(gone)

    def _all(self) -> list[Delivery]:
        return list(self._disk.outbox.values())


class MemoryFacts:
    """``ports.Facts``; its files have names only."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def seal(self, until: Millis) -> int:
        """Move live facts."""
        moved = [f for f in self._disk.live if f.received_at < until]
        self._disk.live = [f for f in self._disk.live if f.received_at >= until]
        self._disk.sealed += moved
        return len(moved)

    def files(self, table: Table) -> Sequence[str]:
        """A name for each day."""
        days = {f.received_at // DAY for f in self._disk.sealed if _TABLE_OF[type(f)] == table}
        return [f"{table}/{day}" for day in sorted(days)]

    def live(self, table: Table) -> Iterable[Fact]:
        """The facts of a table that are not sealed."""
        return [f for f in self._disk.live if _TABLE_OF[type(f)] == table]

    def erase(self, surrogates: frozenset[int]) -> int:
        """Remove facts."""
        d = self._disk
        theirs = _joined(surrogates, [*d.sealed, *d.live])
        before = len(d.sealed) + len(d.live)
        d.sealed = [f for f in d.sealed if f.surrogate not in theirs]
        d.live = [f for f in d.live if f.surrogate not in theirs]
        return before - len(d.sealed) - len(d.live)

    def trim(self, before: Millis) -> int:
        """Forget whole days."""
        files = sum(len(self.files(table)) for table in TABLES)
        self._disk.sealed = [f for f in self._disk.sealed if f.received_at // DAY >= before // DAY]
        return files - sum(len(self.files(table)) for table in TABLES)


class MemoryCatalogue:
    """``ports.Catalogue``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def get(self, id: str) -> Item | None:
        """One item."""
        return self._disk.items.get(id)

    def items(self, after: str = "", limit: int = 1000) -> Sequence[Item]:
        """Items in the order of their ids' bytes."""
        return [self._disk.items[k] for k in sorted(self._disk.items, key=str.encode) if k.encode() > after.encode()][
            :limit
        ]

    def size(self) -> int:
        """How many items there are."""
        return len(self._disk.items)


class MemorySeen:
    """``ports.Seen``, with no bound; a crash forgets it, the log remembers."""

    def __init__(self, tail: Iterable[tuple[int, Millis]] = ()) -> None:
        self._mids = dict(tail)

    def fresh(self, mid: int, at: Millis) -> bool:
        """Note a hash."""
        if mid in self._mids:
            return False
        self._mids[mid] = at
        return True

    def forget(self, mids: Iterable[int]) -> None:
        """Take hashes back."""
        for mid in mids:
            self._mids.pop(mid, None)

    def window(self) -> Millis:
        """A day."""
        return DAY

    def seal(self, now: Millis) -> None:
        """Let go of what is older than a day."""
        self._mids = {mid: at for mid, at in self._mids.items() if at >= now - DAY}


class MemoryPolicies:
    """``ports.Policies``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def load(self) -> Mapping[str, bytes]:
        """Every policy's newest state."""
        return dict(self._disk.policies)

    def keep(self, key: str, version: int, body: bytes) -> None:
        """Keep a named version."""
        self._disk.versions[key, version] = body

    def versions(self, key: str) -> Sequence[int]:
        """The kept versions."""
        return sorted(v for k, v in self._disk.versions if k == key)

    def version(self, key: str, version: int) -> bytes | None:
        """One kept version."""
        return self._disk.versions.get((key, version))

    def forget(self, key: str) -> None:
        """Let go of the kept versions."""
        for version in self.versions(key):
            del self._disk.versions[key, version]


class MemoryBudgets:
    """``ports.Budgets``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def reserve(self, budget: str, units: int, limit: int, id: str, until: Millis, instead: str = "") -> bool:
        """Take units."""
        known = self._disk.reservations.get(id)
        if known is None or known[3] == "returned":
            used, (name, held, _, state) = (
                sum(self.used(budget)),
                self._disk.reservations.get(instead, ("", 0, 0, "")),
            )
            if name != budget or state != "open":
                held = 0
            granted = used - held + units <= (max(limit, used) if held else limit)
            if granted and name == budget:
                self.settle(instead, spend=False)
            known = (budget, units, until, "open" if granted else "refused")
            self._disk.reservations[id] = known
        return known[3] != "refused"

    def settle(self, id: str, spend: bool) -> bool:
        """Spend or give back."""
        budget, units, until, state = self._disk.reservations.get(id, ("", 0, 0, ""))
        if state != "open":
            return False
        self._disk.reservations[id] = (budget, units, until, "spent" if spend else "returned")
        return True

    def expire(self, now: Millis) -> int:
        """Give back what is over."""
        over = [id for id, (_, _, until, state) in self._disk.reservations.items() if state == "open" and until <= now]
        return sum(self.settle(id, spend=False) for id in over)

    def used(self, budget: str) -> tuple[int, int]:
        """(spent, reserved) units."""
        units = {"spent": 0, "open": 0}
        for name, count, _, state in self._disk.reservations.values():
            if name == budget and state in units:
                units[state] += count
        return units["spent"], units["open"]


class MemoryArtifacts:
    """``ports.Artifacts``."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def put(self, body: bytes) -> str:
        """Keep the bytes."""
        digest = "sha256:" + sha256(body).hexdigest()
        self._disk.artifacts[digest] = body
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes."""
        body = self._disk.artifacts[digest]
        if "sha256:" + sha256(body).hexdigest() != digest:
            raise Corrupt(f"artifact {digest} fails its digest; wanted the bytes as kept; put it again")
        return body
