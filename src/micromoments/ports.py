"""The ports: what the engine asks of the outside, as Protocols of at most five methods.

Every adapter passes the contract suite of its port in ``micromoments.testing``. What will be hard on Kafka, Valkey and
object storage is written at each port, and in ``docs/reference/ports.md``.
All methods are synchronous; the engine decides on which thread they run. Errors: ``StoreError`` for a store that
can't do what it was asked now (nothing was half done), ``Corrupt`` for bytes that fail their checksum or their
version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from micromoments.core.audit import Entry, Noted
from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery, Receipt, Status
from micromoments.core.event import Millis
from micromoments.core.fact import Fact, Table
from micromoments.core.geo import Point
from micromoments.core.item import Item
from micromoments.core.person import Link, Person
from micromoments.core.record import Logged, Record


class StoreError(Exception):
    """A store can't do what was asked now; nothing was half done. The message says what to do."""


class Corrupt(StoreError):
    """Bytes that fail their checksum, or a version that this release doesn't read."""


class Later(Corrupt):
    """What a newer release wrote: whole, and not for this one to change."""


NOTHING: Mapping[str, Link] = {}
Whose = Callable[[Record], bool]
"""Whether a record is of those whom it is asked about."""


def nobodys(_record: Record) -> bool:
    """A record is of nobody else."""
    return False


class Log(Protocol):
    """The durable order of records: positions are whole numbers from 0 without gaps.

    Hard on Kafka: one sequence a partition instead of one in all (positions become (partition, offset)); a retried
    ``append`` may write twice unless the producer is idempotent; ``erase`` cannot rewrite, so payloads are sealed
    with the person's key, and the key is destroyed.
    """

    def append(self, records: Sequence[Record]) -> int:
        """Write the group and make it durable, all or nothing; give the position of the first."""
        ...

    def read(self, start: int, limit: int = 10_000) -> Sequence[Logged]:
        """At most about ``limit`` records from position ``start`` on, in order; empty at the end.

        A start before the oldest kept record gives from the oldest kept.
        """
        ...

    def end(self) -> int:
        """The position that the next record will get."""
        ...

    def trim(self, before: Millis, below: int, now: Millis) -> int:
        """Forget whole groups that arrived before an instant and lie below a position; give how many records went. What
        says that it arrives only after ``now`` came while the clock was ahead, and goes with what came after it.
        """
        ...

    def erase(self, keys: frozenset[str], mentions: frozenset[str], others: Whose = nobodys) -> int:
        """Blank every record under ``keys`` that isn't another's (``others``: who shares a device), and any decision or
        outcome that concerns ``mentions`` (decision ids); positions stay. Nothing of them is left in the store's files.
        Give how many were blanked.
        """
        ...


FIRST: tuple[Millis, str] = (0, "")
"""Before every timer."""


class Batch(msgspec.Struct, kw_only=True):
    """What one commit writes, whole or not at all.

    ``people`` and ``links`` map ids to their new value (``None``: gone). ``timers`` is each person's next ``wake_at``
    (0: none). ``decisions`` are new ones; ``facts`` are appended; ``policies`` maps a policy's key to its encoded
    state (``None``: let go of); ``outbox`` are deliveries intended, of which those known already change nothing.
    ``position`` is that of the first record *not* covered: recovery reads the log from there.
    """

    people: Mapping[str, Person | None]
    links: Mapping[str, Link | None]
    timers: Mapping[str, Millis]
    decisions: Sequence[Decision]
    facts: Sequence[Fact]
    policies: Mapping[str, bytes | None]
    items: Mapping[str, Item | None]
    position: int
    outbox: Sequence[Delivery] = ()


class State(Protocol):
    """People, links, timers, decisions, items and policies as of a log position.

    Hard on Valkey: a commit spans keys, so it is a script or a transaction on one slot, and what spans slots is
    idempotent by ids; ``due`` is a sorted set per shard; compare-and-set guards a person that two workers hold.
    """

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Those of the people and links that exist."""
        ...

    def commit(self, batch: Batch) -> None:
        """Write the batch atomically. After it returns the batch survives a crash of the process; a crash of the
        machine may lose the newest commits whole and in order, which recovery from the log makes good.
        """
        ...

    def due(self, until: Millis, limit: int, *, after: tuple[Millis, str] = FIRST) -> Sequence[tuple[Millis, str]]:
        """The people whose ``wake_at`` is at or before ``until``, earliest first, then by key: (instant, key), from the
        one ``after`` on.
        """
        ...

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept."""
        ...

    def erase(
        self, people: frozenset[str], links: frozenset[str], before: Millis, left: Mapping[str, Link] = NOTHING
    ) -> frozenset[int]:
        """Remove these people and links with their timers, decisions and live facts, and everyone not heard of since
        ``before`` (0: nobody); nothing of them is left in the store's files. ``left`` is what stays of those links that
        are others', too. Give their surrogates.
        """
        ...


class Outbox(Protocol):
    """Deliveries as committed with the people that they are for (``State.commit``), until they are long done.

    Hard on Valkey: a sorted set a destination; taking one is a lease, as several couriers serve a destination.
    """

    def due(self, destination: str, until: Millis, limit: int) -> Sequence[Delivery]:
        """Deliveries to send to a destination that are due, earliest first; to an empty one: those to be decided."""
        ...

    def settle(self, deliveries: Sequence[Delivery], facts: Sequence[Fact]) -> None:
        """Write deliveries back as they are now, and what became of them, atomically. One that was erased stays so."""
        ...

    def listed(self, status: Status | None, destination: str, after: str, limit: int) -> Sequence[Delivery]:
        """Deliveries in the order of their ids, after one; of a status and a destination where they are given."""
        ...

    def of(self, person: str, since: Millis) -> Sequence[Delivery]:
        """A person's deliveries that were last due after an instant, whatever became of them: for caps."""
        ...

    def trim(self, before: Millis) -> int:
        """Forget what was sent, held or given up before an instant; give how many went."""
        ...


class Channel(Protocol):
    """One destination: it hands a delivery over, and says what became of it.

    ``send`` may be called from several threads at a time. A receiver that honours ids takes each id once.
    """

    def send(self, delivery: Delivery, now: Millis) -> Receipt:
        """Hand one over within the destination's time; failures are receipts, not exceptions."""
        ...

    def close(self) -> None:
        """Let go of connections; twice is harmless."""
        ...


class Facts(Protocol):
    """Facts by table, versioned and append-only, in Parquet sealed by received date, and a live part.

    Hard on object storage: a sealed file appears whole or not at all (write, then name it in a manifest); erasure
    rewrites files; two writers must not seal the same range (the range is in the name).
    """

    def seal(self, until: Millis) -> int:
        """Move live facts received before an instant to Parquet; give how many moved. Repeating it is harmless."""
        ...

    def files(self, table: Table) -> Sequence[str]:
        """The sealed Parquet files of a table, for DuckDB, Spark or a warehouse."""
        ...

    def live(self, table: Table) -> Iterable[Fact]:
        """The facts of a table that are not sealed yet, oldest first."""
        ...

    def erase(self, surrogates: frozenset[int]) -> int:
        """Remove every fact of these surrogates, sealed ones too; give how many rows went."""
        ...

    def trim(self, before: Millis) -> int:
        """Forget sealed facts received before an instant, by whole days; give how many files went."""
        ...


class Catalogue(Protocol):
    """The items as kept: written by ``State.commit``, read here. The indexes over them live in ``retrieve``.

    Hard when many: each server holds its own index and follows the item records in the log.
    """

    def get(self, id: str) -> Item | None:
        """One item."""
        ...

    def items(self, after: str = "", limit: int = 1000) -> Sequence[Item]:
        """Items in the order of their ids, after one; for listing and for loading the indexes."""
        ...

    def size(self) -> int:
        """How many items there are."""
        ...


class Seen(Protocol):
    """Which messages were accepted in the last 24 h, within a budget of memory: a filter in front, exact hashes on
    disk.

    Hard on Kafka and Valkey: the set is per partition, so a message retried under another key is not caught.
    """

    def fresh(self, mid: int, at: Millis) -> bool:
        """Note a message's 63-bit hash; True if it is new, False for a duplicate."""
        ...

    def forget(self, mids: Iterable[int]) -> None:
        """Take back hashes whose records could not be made durable, so that the client's retry is taken."""
        ...

    def window(self) -> Millis:
        """How far back duplicates are known to be caught now: 24 h, less when past the budget."""
        ...

    def seal(self, now: Millis) -> None:
        """Move what is due from memory to disk, and let go of what is older than 24 h."""
        ...


class Policies(Protocol):
    """Learned policies' states, by key, versioned.

    Hard when many: one learner writes, all servers read within a second; a standby takes over.
    """

    def load(self) -> Mapping[str, bytes]:
        """Every policy's newest committed state."""
        ...

    def keep(self, key: str, version: int, body: bytes) -> None:
        """Keep a named version for comparison and rollback."""
        ...

    def versions(self, key: str) -> Sequence[int]:
        """The kept versions, oldest first."""
        ...

    def version(self, key: str, version: int) -> bytes | None:
        """One kept version."""
        ...

    def forget(self, key: str) -> None:
        """Let go of the kept versions."""
        ...


class Budgets(Protocol):
    """Units that may be spent, exact: never over, under concurrency and across a crash.

    Hard on Valkey: a script a budget; replicas lag, so reservations go to the primary; a failover may forget the last
    ones unless the write waits for a replica.
    """

    def reserve(self, budget: str, units: int, limit: int, id: str, until: Millis, instead: str = "") -> bool:
        """Take units until an instant, durably; False if spent + reserved + units would pass ``limit``. The same id
        again gives the same answer and takes nothing more; once given back, it takes them anew.

        ``instead`` is a reservation of that budget which this one takes the place of: where it is open, its units are
        given back in the same step, and what it held is granted whatever the limit is now.
        """
        ...

    def settle(self, id: str, spend: bool) -> bool:
        """Spend a reservation or give it back; False if it isn't open (already settled: harmless)."""
        ...

    def expire(self, now: Millis) -> int:
        """Give back the reservations whose time is over."""
        ...

    def used(self, budget: str) -> tuple[int, int]:
        """(spent, reserved) units."""
        ...


class Artifacts(Protocol):
    """Bytes by digest: configurations, models, golden copies of what a record refers to.

    Hard on object storage: none; names are digests, so a write can be repeated.
    """

    def put(self, body: bytes) -> str:
        """Keep the bytes; give their digest, ``sha256:<hex>``."""
        ...

    def get(self, digest: str) -> bytes:
        """The bytes; ``KeyError`` where unknown, ``Corrupt`` where they fail their digest."""
        ...


class Router(Protocol):
    """Ways along streets. Without one the straight line is taken, with a detour factor. Hard when many: nothing."""

    def reach(self, start: Point, ends: Sequence[Point], mode: Literal["foot", "bike", "car"]) -> Sequence[float]:
        """Seconds from a position to each of many, -1 where the router doesn't know; never less than the straight line
        at the way's highest speed.
        """
        ...


def replay(log: Log, start: int = 0) -> Iterator[Logged]:
    """Every record of the log from a position on, read a stretch at a time."""
    while stretch := log.read(start):
        yield from stretch
        start = stretch[-1].position + 1


class Audit(Protocol):
    """What was changed, and who was looked at: bounded, the oldest go first. Hard on Kafka: nothing."""

    def note(self, entry: Entry) -> None:
        """Write one entry; durable on return."""
        ...

    def newest(self, before: int = 0, limit: int = 100, containing: str = "") -> Sequence[Noted]:
        """The newest first: below a number (0: from the newest on), and whose words hold a text, in any case."""
        ...

    def close(self) -> None:
        """Give the store free."""
        ...
