"""Keeps what was folded: commits to the state, seals facts, snapshots what was learned, exports and erases people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from time import monotonic
from typing import Any

import msgspec

from micromoments.core.event import Millis
from micromoments.core.fact import Fact
from micromoments.core.person import Link, Person
from micromoments.core.record import ActivationRecord, DecidedRecord, EventRecord, OutcomeRecord, Record
from micromoments.engine.applier import Applier
from micromoments.engine.bites import in_bites
from micromoments.engine.brain import CATALOG, SESSIONS, Policies, packing
from micromoments.engine.forgetting import Forgetting
from micromoments.engine.held import held, keys_of, mine, readable
from micromoments.engine.learned import bodies, due, let_go
from micromoments.engine.residents import Residents
from micromoments.engine.timers import Wakes
from micromoments.engine.tracing import traced
from micromoments.engine.wiring import Stores
from micromoments.flow.learn import observe
from micromoments.ports import Batch, replay
from micromoments.retrieve.catalog import Catalog

COMMIT_EVERY = 1.0
"""Seconds between commits at the least."""
COMMIT_SHARE = 0.05
"""Of the time, what commits may take: a person who changes often is written once for all of it."""
COMMIT_LATEST = 8.0
"""Seconds between commits at the most; what a crash has to fold again."""
COMMIT_AT = 40_000
"""Changed people that bring the next commit forward."""
SNAPSHOT_EVERY = 60.0
"""Seconds between snapshots of what the catalogue learned."""
FAR = 10_000
"""Records that taught the catalogue nothing, after which a snapshot says so: else each start reads them again."""
SEAL_EVERY = 180.0
"""Seconds between sealings of live facts to Parquet."""
SEAL_FIRST = 20.0
"""Seconds from a server's start to the first: it makes ready what reports need, and a start has other work first."""
EVER: Millis = 1 << 62
"""Up to when facts are sealed: what came while the clock was ahead must not keep all that came after it unsealed."""
TRIM_EVERY = 3600.0
"""Seconds between looks at what may be forgotten."""

Barrier = Callable[[], Awaitable[None]]
log = logging.getLogger("micromoments")


class Keeper:
    """Commits in order, one at a time; a failed commit is tried again with all that has come since."""

    def __init__(
        self,
        stores: Stores,
        residents: Residents,
        applier: Applier,
        policies: Policies,
        catalog: Catalog,
        clock: Callable[[], Millis],
    ) -> None:
        self._stores = stores
        self._residents = residents
        self._applier = applier
        self._policies = policies
        self._catalog = catalog
        self._clock = clock
        self._lock = asyncio.Lock()
        self._snapshot_at = monotonic()
        self._took = 0.0
        self._learned_to = 0
        self._watched: set[asyncio.Future[int]] = set()
        self._owed: list[OutcomeRecord] = []
        self._kept_policies: dict[str, bytes | None] = {}
        self._versions: dict[str, int] = {}
        self.active: dict[str, bytes] = {}
        self.committed: Callable[[], None] = _nobody
        self.traced = traced()
        self.commits = 0
        self.failures = 0

    def watch(self, future: asyncio.Future[int], outcomes: list[OutcomeRecord]) -> None:
        """Hear of outcomes on their way to the log; those that fail are owed, and no commit passes them."""
        self._watched.add(future)

        def heard(done: asyncio.Future[int]) -> None:
            self._watched.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                self.failures += 1
                self._owed += outcomes
                log.error("outcomes could not be logged (%s); tried again at the next commit", error)

        future.add_done_callback(heard)

    def take_owed(self) -> list[OutcomeRecord]:
        """The outcomes that could not be logged, to be tried again."""
        owed, self._owed = self._owed, []
        return owed

    async def run(self, barrier: Barrier) -> None:
        """Commit every second, seal and trim from time to time, until cancelled."""
        failed, forgetting = False, Forgetting(self._stores, self._clock)
        trimmed = monotonic()
        sealed = trimmed + SEAL_FIRST - SEAL_EVERY if self._stores.apart else trimmed
        while True:
            waited = 0.0
            while failed or len(self._residents.dirty_people) < COMMIT_AT:
                if waited >= pause(self._took, sending=bool(self._applier.outbox)):
                    break
                await asyncio.sleep(0.1)
                waited += 0.1
            began, failures = monotonic(), self.failures
            try:
                await self.commit(barrier)
            except Exception:
                self.failures += 1
                log.exception("nothing could be committed; it will be tried again")
            self._took, failed = monotonic() - began, self.failures > failures
            if monotonic() - sealed > SEAL_EVERY:
                sealed = monotonic()
                await self._seal()
            if monotonic() - trimmed > TRIM_EVERY:
                trimmed = monotonic()
                await forgetting.go(self._quietly)

    async def commit(self, barrier: Barrier, everything: bool = False) -> bool:
        """Write all changes since the last commit to the state; with ``everything`` the snapshots too. False where that
        failed, and is tried again.

        The outcomes that the folded records brought must be durable before the state may say that they were folded:
        ``barrier`` waits for that. A commit that was begun is brought to its end though whoever asked for it is
        stopped: what it took up is nowhere else, and the next one would write a position beyond it.
        """
        return await asyncio.shield(asyncio.ensure_future(self._commit(barrier, everything)))

    async def _commit(self, barrier: Barrier, everything: bool) -> bool:
        async with self._lock:
            a = self._applier
            taught = a.catalog_dirty or a.position - self._learned_to > FAR
            if not (self._changed() or (everything and taught)):
                return True
            if taught and (everything or monotonic() - self._snapshot_at > SNAPSHOT_EVERY):
                # Before all else, as more is folded meanwhile: it may say less than the state does, never more.
                self._kept_policies[CATALOG] = await self._snapshot()
            if not a.settle():
                self.failures += 1
                return False
            policies = {**self._kept_policies, **self._policies.encoded(), **self.active}
            versions = bodies(policies, self._policies)
            self.active = {}  # what is put in force meanwhile is the next commit's
            people, links = self._residents.begin()
            facts, a.facts = a.facts, []
            callers, a.callers = a.callers, {}
            decisions, a.new_decisions = a.new_decisions, []
            a.committing_decisions = len(decisions)
            outbox, a.outbox = a.outbox, []
            items, a.items = a.items, {}
            a.committing = items
            batch = Batch(
                people=people,
                links=links,
                timers=Wakes(people),
                decisions=decisions,
                facts=facts,
                policies=policies,
                items=items,
                position=a.position,
                outbox=outbox,
            )
            try:
                await barrier()
                await self._write(batch)
            except Exception as error:  # noqa: BLE001 - kept for the next try, whatever it was
                self.failures += 1
                log.error("the state can't be written (%s); kept in memory and in the log, tried again", error)
                self._residents.failed()
                a.facts = facts + a.facts
                a.callers = {**callers, **a.callers}
                a.new_decisions = decisions + a.new_decisions
                a.outbox = outbox + a.outbox
                a.items = {**items, **a.items}
                a.committing, a.committing_decisions = {}, 0
                self._kept_policies = policies
                return False
            self._kept_policies = {}
            a.committing, a.committing_decisions = {}, 0
            self._residents.committed()
            self.traced(facts, callers)
            self.commits += 1
            if outbox:
                self.committed()
            await self._keep_versions(let_go(policies), versions)
            await in_bites(_freed(facts, self._residents), self._late)
            return True

    async def _snapshot(self) -> bytes:
        """What the catalogue has learned by now, encoded in bites: all at once it would take 0.1 s and more."""
        steps = packing(self._catalog, self._applier.position)
        self._snapshot_at, self._learned_to = monotonic(), self._applier.position
        self._applier.catalog_dirty = False
        return await in_bites(steps, self._late)

    async def _keep_versions(self, gone: Sequence[str], versions: Sequence[tuple[str, int, bytes]]) -> None:
        """Let go of the kept versions of policies that are gone, and keep those that are due."""
        for name in gone:
            await self._quietly(self._stores.policies.forget, name)
            self._versions.pop(name, None)
        for name, version, body in versions:
            if due(version, self._last_kept(name)):
                await self._quietly(self._stores.policies.keep, name, version, body)
                self._versions[name] = version

    async def _write(self, batch: Batch) -> None:
        """Commit a batch: made ready here in bites, between what is served, which a thread would contend with for the
        interpreter; written in a thread, where the interpreter is free.
        """
        write = await in_bites(self._stores.committing(batch), self._late)
        await asyncio.to_thread(write)

    def _late(self) -> bool:
        """Whether the next commit is due before this one is done: more changed meanwhile than one should take."""
        return len(self._residents.dirty_people) >= COMMIT_AT

    def _last_kept(self, name: str) -> int:
        if name not in self._versions:
            self._versions[name] = max(self._stores.policies.versions(name), default=0)
        return self._versions[name]

    def _changed(self) -> bool:
        """Whether anything was folded since the last commit that the state must hold."""
        r, a = self._residents, self._applier
        return bool(
            r.dirty_people
            or r.dirty_links
            or a.facts
            or a.items
            or a.outbox
            or a.new_decisions
            or self._policies.changed
            or self.active
            or self._kept_policies
            or self._owed
        )

    def relearn(self, learned: int, start: int) -> None:
        """Let the catalogue learn again what it had learned between its snapshot and the state's last commit."""
        self._learned_to = learned
        for logged in replay(self._stores.log, learned):
            if logged.position >= start:
                break
            if isinstance(logged.record, ActivationRecord) and logged.record.what == SESSIONS:
                self._catalog.recount()
            elif isinstance(logged.record, EventRecord):
                observe(self._catalog, None, logged.record)

    async def _seal(self) -> None:
        """Move live facts to Parquet, in the reports' process, so that serving doesn't feel it."""
        try:
            await self._stores.seal(EVER)
        except Exception as error:  # noqa: BLE001 - housekeeping is tried again; serving goes on
            self.failures += 1
            log.error("facts could not be sealed (%s); it will be tried again", error)

    async def _quietly(self, work: Callable[..., Any], *args: object) -> None:
        try:
            await asyncio.to_thread(work, *args)
        except Exception as error:  # noqa: BLE001 - housekeeping is tried again; serving goes on
            self.failures += 1
            log.error("housekeeping failed (%s); it will be tried again", error)

    async def export(self, person: Person, key: str) -> dict[str, object]:
        """All that is held of a person: profile, consent, moments, events as sent, decisions."""
        users = keys_of(self._residents, person, key)[1]
        keys = (await self.names_of(person.id, key))[0]  # with devices so many that the person forgot some
        links = {name: self._residents.link(name) for name in keys}

        def read() -> tuple[list[Any], list[Any]]:
            events, decisions = [], []
            for logged in replay(self._stores.log):
                record = logged.record
                if isinstance(record, EventRecord) and mine(record, links, users):
                    events.append({"receivedAt": record.at, "event": msgspec.json.decode(record.body)})
                elif isinstance(record, DecidedRecord) and mine(record, links, users):
                    decisions.append(readable(record.decision))
            return events, decisions

        events, decisions = await asyncio.to_thread(read)
        return held(person, keys, events, decisions)

    async def names_of(self, id: str, key: str) -> tuple[frozenset[str], dict[str, Link]]:
        """(every source key of a person, the links of shared devices as they are without this person).

        As of the last commit, so commit before.
        """
        person = self._residents.person(id)
        keys, users = frozenset({key, id}), frozenset[str]()
        if person is not None:
            keys, users = keys_of(self._residents, person, key)
        shared: dict[str, Link] = {}
        for name, link in (await asyncio.to_thread(self._stores.links_naming, users)).items():
            keys |= {name}
            if left := tuple(c for c in link.claims if c.user not in users):
                shared[name] = Link(claims=left)
        return keys, shared

    async def erase(
        self, id: str, keys: frozenset[str], shared: Mapping[str, Link], barrier: Barrier
    ) -> dict[str, int]:
        """Remove a person from facts, log and state for good; gives how much went of each. Facts go first, as only the
        state knows whose they are, should this be cut short and asked for again. What others did on a device that they
        shared stays.
        """
        person = self._residents.person(id)
        links = {name: self._residents.link(name) for name in shared}
        users = frozenset(key[5:] for key in keys if key.startswith("user:"))

        def others(record: Record) -> bool:
            """Whether it is of who shares the device: what came of a decision goes where that goes."""
            if isinstance(record, EventRecord | DecidedRecord):
                return record.key in shared and not mine(record, links, users)
            return record.key in shared and isinstance(record, OutcomeRecord)

        async with self._lock:
            rows = 0
            if person is not None:
                rows = await asyncio.to_thread(self._stores.facts().erase, frozenset({person.surrogate}))
            found = self._stores.decisions_of([id], keys)
            kept = [d for d in found if others(DecidedRecord(key=d.key, at=d.at, decision=d))]
            decisions = frozenset(d.id for d in found) - {d.id for d in kept}
            blanked = await asyncio.to_thread(self._stores.log.erase, keys, decisions, others)
            await asyncio.to_thread(self._stores.state.erase, frozenset({id}), keys, 0, shared)
            self._residents.forget({id}, keys)
            self._applier.new_decisions[:0] = kept
            for d in decisions:
                self._applier.decisions.pop(d, None)
        await self.commit(barrier)
        return {"people": 1 if person is not None else 0, "records": blanked, "facts": rows, "ids": len(keys)}

    def close(self) -> None:
        """Nothing of the keeper's own is open; the stores are closed by who opened them."""
        self._watched.clear()


def pause(took: float, *, sending: bool) -> float:
    """Seconds until the next commit, the last having taken ``took``; messages go out when they are committed, so with
    some to be sent it doesn't wait for more.
    """
    return COMMIT_EVERY if sending else min(COMMIT_LATEST, max(COMMIT_EVERY, took / COMMIT_SHARE))


def _freed(facts: list[Fact], residents: Residents) -> Generator[None, None, None]:
    """Let go of what the state has: of facts a few at a time, as thousands at once take 8 ms, and of people."""
    while facts:
        del facts[-10:]
        yield
    yield from residents.let_go()


def _nobody() -> None:
    """Nobody sends deliveries: a replay, or a test of the keeper alone."""
