"""The role ``learn``: one active, by a lease, learns from outcomes in the order of their log; another stands by."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.event import Millis
from micromoments.core.item import Item
from micromoments.core.outcome import Outcome
from micromoments.core.record import ActivationRecord, EventRecord, ItemRecord, OutcomeRecord
from micromoments.core.settings import DAY
from micromoments.core.steps import at_once
from micromoments.engine.brain import CATALOG, FROM, POLICY, SESSIONS, Policies, packing, restore_catalog
from micromoments.engine.cluster.beside import beside
from micromoments.engine.cluster.follower import FOLDED, LEARNED, LESSONS, place
from micromoments.engine.cluster.rounds import Rounds
from micromoments.engine.cluster.wiring import Lease, Shared
from micromoments.engine.learned import bodies, due, let_go
from micromoments.engine.nexts import ACTIVE_SESSIONS, table_of
from micromoments.engine.wiring import ACTIVE_WEIGHTS
from micromoments.flow.learn import observe
from micromoments.flow.view import CONFIG, WEIGHTS, settings_of
from micromoments.ports import Batch, Later, StoreError
from micromoments.retrieve.catalog import Catalog

LEASE: Millis = 5_000
"""How long a learner may be silent before the one that stands by takes over."""
LOOK = 0.2
"""Seconds between looks at what there is to learn."""
RENEW = 1.0
CATALOG_EVERY = 60.0
"""Seconds between snapshots of what the catalogue learned."""
TRIM = 3600.0
LINGER: Millis = 600_000
"""How long what the catalogue learned stays after a newer one replaced it: about ten of them."""
RING = 10_000
"""Outcomes that are known by their ids, so that one which was sent again is learned once."""
BITE = 5_000
"""Lessons read at a time."""
log = logging.getLogger("micromoments")


class Learner:
    """One process; ``leading`` says whether it is the active one."""

    def __init__(self, shared: Shared, clock: Callable[[], Millis]) -> None:
        self._shared, self._clock = shared, clock
        self._stopping = threading.Event()
        self.leading = False
        self.learned = 0
        self.beat = time.monotonic()
        """When the loop last turned."""
        self.said = ""
        """What holds learning up, said once for as long as it is the same."""
        self._term = 0

    async def run(self, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        """Learn, or stand by, until ``stopping`` is set; then hand over at once."""
        try:
            await beside(lambda: self._learn(ready), stopping, self._stopping)
        finally:
            self._shared.close()

    def stats(self) -> dict[str, float]:
        """Counters by name."""
        return {
            "outcomes_learned_total": self.learned,
            "learn_leading": float(self.leading),
            "redis_round_trips_total": self._shared.database.trips,
            "clock_ahead_seconds": self._shared.clock.skew() / 1000,
        }

    def _learn(self, ready: Callable[[], None]) -> None:
        lease = self._shared.lease("learn", LEASE)
        ready()
        while not self._stopping.is_set():
            self.beat = time.monotonic()
            try:
                if lease.hold():
                    self.leading = True
                    if lease.term != self._term:
                        log.warning("this learner is the active one, term %d", lease.term)
                    self._term = lease.term
                    Lead(self._shared, lease, self._clock, self).run(self._stopping)
            except Later as error:
                log.error("this learner stands aside (%s); install that release here, too", error)
                lease.release()
                self.leading = False
                self._stopping.wait()
                return
            except StoreError as error:
                if str(error) != self.said:
                    log.error("learning is held up (%s); tried again", error)
                self.said = str(error)
            self.leading = False
            self._stopping.wait(LEASE / 5000)
        try:
            lease.release()
        except StoreError as error:
            log.warning("the lease could not be given back (%s); it ends by itself", error)


class Lead:
    """What the active learner knows: made anew from Redis whenever one becomes active."""

    def __init__(self, shared: Shared, lease: Lease, clock: Callable[[], Millis], learner: Learner) -> None:
        self._shared, self._lease, self._clock, self._learner = shared, lease, clock, learner
        kept = shared.policies.load()
        self._brain = Policies(kept)
        self._settings = shared.settings
        self._catalog = Catalog(shared.settings.synonyms, shared.settings.timezone)
        after = ""
        while items := shared.stores.catalogue.items(after, 2_000):
            self._catalog.apply({i.id: i for i in items})
            after = items[-1].id
        self._learned = kept.get(LEARNED, b"").decode()
        if self._learned:
            self._restore(self._learned)
        self._place = place(kept)
        self._known = dict.fromkeys(self._place.ids, -1)
        """The last outcomes' ids, and where each came first; -1 for what came before this began."""
        self._ids = deque(self._place.ids, RING)
        self._control = int(kept.get(FOLDED, b"0"))
        self._versions: dict[str, int] = {}
        self._catalog_dirty = False
        self._moved = False
        self._active: dict[str, bytes] = {}
        if ACTIVE_SESSIONS in kept:
            self._foresee(kept[ACTIVE_SESSIONS].decode(), fresh=False)
        self.rounds = Rounds(shared, self._catalog, clock)

    def _restore(self, digest: str) -> None:
        """Go on from what the catalogue learned; it may be that who wrote it died before it was named for good."""
        try:
            body = self._shared.artifacts.get(digest)
        except KeyError:
            log.error("what the catalogue learned is gone (%s); it is learned anew", digest)
            return
        self._shared.artifacts.keep(digest)
        restore_catalog(self._catalog, {CATALOG: body})

    def run(self, stopping: threading.Event) -> None:
        """Learn until another has the lease, or ``stopping`` is set."""
        try:
            self._run(stopping)
        finally:
            self.rounds.stop()

    def _run(self, stopping: threading.Event) -> None:
        renewed = snapshot = trimmed = time.monotonic()
        while not stopping.is_set():
            now = self._learner.beat = time.monotonic()
            if now - renewed > RENEW:
                if not self._lease.hold():
                    return
                renewed = now
            self._follow()
            self.rounds.look()
            more = self._lessons()
            if now - snapshot > CATALOG_EVERY:
                snapshot = now
                written = self._write(catalog=True)
            else:
                written = self._write()
            if not written:
                return
            self._learner.said = ""
            if now - trimmed > TRIM:
                trimmed = now
                instant = self._clock()
                oldest = instant - int(self._shared.settings.retention.log_days * DAY)
                self._shared.lessons.trim(oldest, self._place.position, instant)
                self._shared.control.trim(oldest, self._control, instant)
            if not more:
                stopping.wait(LOOK)
        self._write(catalog=True)

    def _follow(self) -> None:
        """Items into Redis; policies that an operator put back."""
        logged = self._shared.control.read(self._control)
        if not logged:
            return
        items: dict[str, Item | None] = {}
        for one in logged:
            if isinstance(one.record, ItemRecord):
                items[one.record.key] = one.record.item
            elif isinstance(one.record, ActivationRecord) and one.record.what == POLICY:
                self._brain.restore(one.record)
                self._again(one.record)
            elif isinstance(one.record, ActivationRecord) and one.record.what == WEIGHTS:
                self._active[ACTIVE_WEIGHTS] = one.record.body
            elif isinstance(one.record, ActivationRecord) and one.record.what == SESSIONS:
                self._foresee(one.record.name, fresh=True)
            elif isinstance(one.record, ActivationRecord) and one.record.what == CONFIG:
                self._settings = settings_of(one.record.body) or self._settings
        self._catalog.apply(items)
        self._shared.state.commit(
            Batch(people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items=items, position=-1)
        )
        self._control = logged[-1].position + 1
        self._moved = True

    def _again(self, record: ActivationRecord) -> None:
        """Learn again what a policy had learned while the state that is now in force was made of an earlier one."""
        told = record.digest.partition(FROM)[2]
        start, seen = int(told) if told else self._place.position, set[str]()
        while start < self._place.position and (logged := self._shared.lessons.read(start, BITE)):
            start = logged[-1].position + 1
            outcomes = [
                (one.position, one.record.outcome)
                for one in logged
                if isinstance(one.record, OutcomeRecord) and one.position < self._place.position
            ]
            decisions = self._shared.state.decisions(one.decision for _, one in outcomes)
            for position, outcome in outcomes:
                first = self._known.get(outcome.id, -1) in {-1, position} and outcome.id not in seen
                seen.add(outcome.id)
                if first and outcome.decision in decisions:
                    self._brain.taught_again(record.name, decisions[outcome.decision], outcome)

    def _foresee(self, name: str, *, fresh: bool) -> None:
        """The table of sessions in force; counts of before it, which it has learned from, are let go, and a day later
        the table that it replaces.
        """
        before = self._active.get(ACTIVE_SESSIONS, b"").decode()
        if before and before != name:
            self._shared.artifacts.let_go(before, DAY)
        self._active[ACTIVE_SESSIONS] = name.encode()
        table = table_of(self._shared.stores.artifacts, name)
        if table is not None:
            self._catalog.foresee(table, fresh=fresh)
            self._catalog_dirty |= fresh

    def _lessons(self) -> bool:
        logged = self._shared.lessons.read(self._place.position, BITE)
        if not logged:
            return False
        outcomes = [one.record.outcome for one in logged if isinstance(one.record, OutcomeRecord)]
        decisions = self._shared.state.decisions(o.decision for o in outcomes)
        for one in logged:
            if isinstance(one.record, EventRecord):
                self._catalog_dirty |= observe(self._catalog, None, one.record)
            elif isinstance(one.record, OutcomeRecord) and self._first(one.record.outcome, one.position):
                self._outcome(one.record.outcome, decisions)
        self._place.position = logged[-1].position + 1
        self._moved = True
        return True

    def _first(self, outcome: Outcome, position: int) -> bool:
        """Whether this outcome comes for the first time, as far back as is known."""
        if outcome.id in self._known:
            return False
        if len(self._ids) == RING:
            self._known.pop(self._ids[0], None)
        self._ids.append(outcome.id)
        self._known[outcome.id] = position
        return True

    def _outcome(self, outcome: Outcome, decisions: dict[str, Decision]) -> None:
        self._learner.learned += 1
        decision = decisions.get(outcome.decision)
        if decision is None:
            return
        self._brain.taught(decision, outcome, self._settings)

    def _write(self, *, catalog: bool = False) -> bool:
        """Write what was learned, with how far that is, in one step; False where another is the learner by now."""
        if not self._moved:
            return True
        states = self._brain.encoded()
        states.update(self._active)
        versions = bodies(states, self._brain)
        self._place.ids = list(self._ids)
        states[LESSONS] = msgspec.msgpack.encode(self._place)
        states[FOLDED] = str(self._control).encode()
        learned = self._learned
        if catalog and self._catalog_dirty:
            learned = self._shared.artifacts.put_unnamed(at_once(packing(self._catalog, self._place.position)))
            states[LEARNED] = learned.encode()
            self._catalog_dirty = False
        if self._shared.policies.teach(states, self._lease.term) < 0:
            log.warning("another learner took over; this one stands by")
            return False
        self._moved = False
        if learned != self._learned:
            self._shared.artifacts.keep(learned)
            if self._learned:
                self._shared.artifacts.let_go(self._learned, LINGER)
            self._learned = learned
        for name in let_go(states):
            self._shared.policies.forget(name)
            self._versions.pop(name, None)
        for name, version, body in versions:
            if name not in self._versions:
                self._versions[name] = max(self._shared.policies.versions(name), default=0)
            if due(version, self._versions[name]):
                self._shared.policies.keep(name, version, body)
                self._versions[name] = version
        return True
