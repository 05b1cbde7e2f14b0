"""The engine as the doors see it: one event loop that collects, decides, tells and erases. Every effect starts here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import time_ns
from typing import Any

import msgspec

from micromoments.core.decision import Decision, Request
from micromoments.core.event import UNCOUNTED, Arrival, Millis
from micromoments.core.item import Item
from micromoments.core.moment import MomentType, MomentView
from micromoments.core.person import Person
from micromoments.core.record import DecidedRecord, OutcomeRecord, Record
from micromoments.core.settings import Settings
from micromoments.engine.ahead import Ahead
from micromoments.engine.appender import Appender, Down, LogDown
from micromoments.engine.applier import Applier
from micromoments.engine.audit import Trail
from micromoments.engine.brain import Policies
from micromoments.engine.control import Control
from micromoments.engine.erasure import Erasure
from micromoments.engine.fallback import chosen
from micromoments.engine.forwarder import Inside
from micromoments.engine.indexing import Indexer
from micromoments.engine.intake import Intake, names_in
from micromoments.engine.keeper import Keeper
from micromoments.engine.learned import Learned
from micromoments.engine.nexts import Nexts
from micromoments.engine.outward import Deliveries
from micromoments.engine.purse import Purse
from micromoments.engine.recovery import activations, as_left, as_opened, in_force, indexed, recover, same_folder
from micromoments.engine.refusals import Overloaded, same
from micromoments.engine.residents import Residents
from micromoments.engine.stream import Stream
from micromoments.engine.timers import Timers
from micromoments.engine.wiring import Stores, open_stores
from micromoments.flow import apply
from micromoments.flow.decide import decide, seed_of
from micromoments.flow.people import new
from micromoments.flow.rank import rank
from micromoments.flow.telling import told
from micromoments.flow.view import View, bounded, config_digest, refuses

MAX_BACKLOG = 100_000
"""Records accepted but not yet durable or folded, past which clients are asked to slow down."""
MAX_BEHIND = 3_000
"""Durable records that may wait to be folded before new ones have to: what keeps recognition within a second."""
TICK = 1.0
"""Seconds between looks at whose time has come."""
log = logging.getLogger("micromoments")


def now_ms() -> Millis:
    """The wall clock."""
    return time_ns() // 1_000_000


class Service:
    """One project, embedded, on one event loop. Make it with ``wiring.stores``, then ``await start()``.

    ``collect`` and ``decide`` return when what they accepted is durable. ``clock`` is a parameter so that tests and
    simulations own time.
    """

    def __init__(self, stores: Stores, clock: Callable[[], Millis]) -> None:
        self.settings = settings = stores.settings
        self.config_version = config_digest(settings)
        self.catalog = indexed(stores)
        self.stream = Stream(clock())
        self.audit = Trail(stores.audit)
        self.ready, self.down = False, Down()
        self.clock, self._stores = clock, stores
        self._intake = Intake(stores.seen, self.catalog)
        self._kept = kept = stores.policies.load()
        brain = Policies(kept)
        self._view = View(settings, self.config_version, stores.recogniser, self.catalog, brain, guards=brain.guards)
        self._residents = Residents(stores.state)
        self._purse = Purse(stores.budgets, settings.budgets)
        self._applier = Applier(
            self._residents, stores.state, stores.budgets, brain, self.stream, lambda: self._view, self._derive, clock
        )
        self._applier.activated = self._activated
        self._keeper = Keeper(stores, self._residents, self._applier, brain, self.catalog, clock)
        self.control = Control(stores, kept, lambda: self._view, self._use, self.change, self._keep, clock)
        self.learned = Learned(stores.policies, brain, self.change, clock, lambda: self._view)
        self._deciding: dict[str, asyncio.Future[Decision]] = {}
        self._ahead = Ahead(self._applier, self._residents, self.home)
        inside = Inside(self.person, self.decide, self.collect, lambda: self._view, self._applier, kept, self._keep)
        self.deliveries = Deliveries(stores, self.stream, inside, clock)
        self._keeper.committed = self.deliveries.wake
        self._erasure = Erasure(self._keeper, self.stream, self.home, self.settled, self._barrier)
        self._indexer = Indexer(self.catalog, self.change, clock, apart=stores.apart)
        self.nexts = Nexts(stores, kept, self.catalog, self.change, clock)
        self._timers = Timers(
            stores.state, self._residents, self.change, lambda: self._keeper.commits, lambda: self._erasure.barred
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._appender: Appender
        self.accepted = self.duplicates = self.decided = 0

    async def start(self, *, outward: bool = True) -> None:
        """Load the items, fold what the log has beyond the state, and begin to take traffic. Where it isn't ``outward``
        nothing is delivered or passed on: what is intended meanwhile is looked at after the next start.
        """
        loop = asyncio.get_running_loop()
        self._appender = Appender(self._stores.log, loop, self._applier.take, self.down)
        self._view = as_left(self._view, self._kept)
        recover(self._stores, self._kept, self._applier, self._keeper, self.catalog)
        if changed := activations(self._stores, {**self._kept, **self._keeper.active}, self.clock()):
            self._keeper.active.update((key, record.body) for key, record in changed.items())
            await self.change(list(changed.values()))
        self._use(as_opened(self._view, self._stores.settings))
        self.control.started()
        self._tasks = [
            loop.create_task(self._keeper.run(self._barrier), name="keeper"),
            loop.create_task(self._tick_forever(), name="ticks"),
            loop.create_task(self.nexts.run(), name="nexts"),
        ]
        if outward:
            self._tasks.append(loop.create_task(self.deliveries.run(), name="deliveries"))
        if self._stores.apart:  # elsewhere nothing happens between calls
            self._tasks.append(loop.create_task(self._indexer.run(), name="indexer"))
        self.ready = True

    async def stop(self) -> None:
        """Take no more, fold and commit what was accepted, and close the stores."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self.settled()
        except LogDown as error:
            log.error("outcomes could not be logged (%s); the next start derives them", error)
        await self._keeper.commit(self._barrier, everything=True)
        await self._appender.stop()
        self._keeper.close()
        self.catalog.close()
        self._stores.close()

    async def collect(self, arrivals: Sequence[Arrival], at: Millis | Sequence[Millis] | None = None) -> list[int]:
        """Accept events; returns once they are durable, with the indexes of those that were duplicates.

        ``at`` is the arrival that history is imported with, one for all or one for each; by default now.

        Raises:
            Overloaded: too much is waiting; nothing was accepted.
            LogDown: the log can't be written; nothing was accepted.
        """
        if self._appender.waiting + self._applier.backlog > MAX_BACKLOG:
            raise Overloaded(f"got {len(arrivals)} events while {MAX_BACKLOG} wait; send them again in a second")
        await self._applier.keep_up(MAX_BEHIND)
        if self._erasure.barred:
            await self._erasure.let_by(name for a in arrivals for name in names_in(a.event))
        records, duplicates = self._intake.take(arrivals, at or self.clock())
        if duplicates:
            self.duplicates += len(duplicates)
        if not records and not duplicates:
            return duplicates
        forgotten = self._intake.forgotten
        future = self._appender.submit(records)
        try:
            first = await future
        except LogDown:
            self._intake.forget(records)
            raise
        if duplicates and self._intake.forgotten != forgotten:
            raise LogDown("what was sent before may not have been written; send all of it again")
        self.accepted += len(records)
        self._ahead.note(records, first)
        return duplicates

    async def decide(self, request: Request, arrival: Arrival | None = None) -> Decision:
        """Answer a request; returns once the decision is durable. ``arrival`` is an event that came with it.

        Raises:
            Conflict: the id was used with another body.
            Overloaded, LogDown: nothing was decided.
        """
        if self._erasure.barred:
            await self._erasure.let_by([request.key])
        known = None if request.fresh else self._applier.decision(request.id)
        if known is not None:
            return same(known, request)
        if request.id in self._deciding:
            return same(await asyncio.shield(self._deciding[request.id]), request)
        mine = asyncio.get_running_loop().create_future()
        self._deciding[request.id] = mine
        try:
            if arrival is not None:
                await self.collect([arrival])
            decision = await self._decide(request)
            mine.set_result(decision)
        except BaseException as error:
            mine.set_exception(error)
            mine.exception()
            raise
        finally:
            del self._deciding[request.id]
        self.decided += 1
        return decision

    async def _decide(self, request: Request) -> Decision:
        if not bounded(self._view, request.slot):
            return await self._draw(request)
        # What a person was served bounds what they may be served next: one decision after the other.
        async with self._ahead.turn(self.home(request.key)):
            return await self._draw(request)

    async def _draw(self, request: Request) -> Decision:
        await self._ahead.caught_up(request.key)
        if self._erasure.barred:  # since the request came
            await self._erasure.let_by([request.key])
        id, _ = apply.home(self._residents, request.key, request.at, 0)
        person = self._residents.person(id) or new(id, self._intake.nonce())
        left, choose, taken = self._purse.left(request.at), rank if request.actions else decide, set[str]()
        asked = msgspec.structs.replace(request, marks=request.marks | (person.marks & UNCOUNTED))
        while True:
            decision, reserves = chosen(choose, person, asked, self._view, seed_of(request.id), left)
            if self._purse.reserve(reserves, left, taken, request.at):
                break
        self._purse.give_back(taken - {r.id for r in reserves})
        first = await self._appender.submit([DecidedRecord(key=request.key, at=request.at, decision=decision)])
        self._applier.decisions[decision.id] = decision
        if bounded(self._view, request.slot):
            self._ahead.decided(id, first)
        return decision

    def preview(self, key: str, slot: str, **more: Any) -> Decision:
        """A decision to look at only, as ``Control.preview`` makes it; ``key`` may be empty for somebody made up."""
        return self.control.preview(self.person(key) if key else None, slot, self._purse.left(self.clock()), **more)

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept; of who is being erased none."""
        found = self._applier.decision(id)
        return None if found is not None and {found.key, found.person} & self._erasure.barred else found

    def telling(self, text: str) -> tuple[tuple[str, MomentType, float], ...]:
        """The words of a text that tell most, each with the type that it speaks for and the nats that it adds."""
        return self._view.recogniser.text.telling(text)

    def home(self, key: str) -> str:
        """The id of the person behind a source key, now."""
        return apply.home(self._residents, key, self.clock(), 0)[0]

    def items(self, after: str = "", limit: int = 100) -> Sequence[Item]:
        """Items in the order of their ids, after one; what was put a moment ago is among them."""
        changed = {**self._applier.committing, **self._applier.items}
        kept = {i.id: i for i in self._stores.catalogue.items(after, limit + len(changed)) if i.id not in changed}
        kept.update((id, item) for id, item in changed.items() if item is not None and id > after)
        return [kept[id] for id in sorted(kept)[:limit]]

    def person(self, key: str) -> Person | None:
        """The person behind a source key (``user:<id>`` or ``anon:<id>``) as of now; ``None`` if unknown or erased."""
        id = self.home(key)
        return None if id in self._erasure.barred else self._residents.person(id)

    async def moments(self, key: str, *, linked: bool = True, history: bool = False) -> list[MomentView]:
        """The person's open moments, strongest first; with ``history`` those that ended too, newest first."""
        await self._ahead.caught_up(key)
        person = self.person(key)
        if person is None or refuses(person, "personalise"):
            return []
        return told(person, key, self._view, self.clock(), linked=linked, history=history)

    async def export(self, key: str) -> dict[str, object] | None:
        """All that is held of a person, in words that a person can read; ``None`` if nobody is known by that key."""
        await self.settled()
        person = self.person(key)
        return None if person is None else await self._keeper.export(person, key)

    async def erase(self, key: str) -> dict[str, int]:
        """Forget a person: from reads at once, then from facts, log and state. Gives how much went of each."""
        return await self._erasure.erase(key)

    async def put_items(self, items: Sequence[Item]) -> None:
        """Put items; durable and to be found when this returns. ``ValueError`` for what ``Catalog.check`` refuses."""
        await self._indexer.put(items)

    async def delete_items(self, ids: Sequence[str]) -> None:
        """Delete items; those that aren't there are no error."""
        await self._indexer.delete(ids)

    async def change(self, records: Sequence[Record]) -> None:
        """Append records of the business's own (items, activations); durable and folded when this returns."""
        if records:
            first = await self._appender.submit(records)
            await self._applier.reached(first + len(records))

    def _activated(self, record: Record) -> None:
        self._use(in_force(self._view, record, self._keeper.active))
        self.nexts.activated(record, self._keeper.active)
        self.control.fold(record)

    def _use(self, view: View) -> None:
        self._view, self.settings, self.config_version = view, view.settings, view.config_version
        self._purse.configured = view.settings.budgets

    def _keep(self, name: str, body: bytes) -> None:
        self._keeper.active[name] = body

    async def report(self, name: str, params: Mapping[str, str]) -> dict[str, object]:
        """A report over the facts, as of the last commit; runs in a process of its own.

        Raises:
            ValueError: no such report, or a parameter that it doesn't take (the message says what it takes).
        """
        await self.settled()
        await self._keeper.commit(self._barrier)
        return await self._stores.reports(name, params, self.settings)

    def stats(self) -> dict[str, float]:
        """Counters and gauges by name, for the metrics."""
        a = self._applier
        return {
            "events_accepted_total": self.accepted,
            "events_duplicate_total": self.duplicates,
            "decisions_total": self.decided,
            "outcomes_total": a.outcomes,
            "moments_opened_total": a.moments_opened,
            "fence_crossings_total": a.crossings,
            "redemptions_unfunded_total": a.unfunded,
            "records_applied_total": a.applied,
            "records_failed_total": a.failed,
            "apply_backlog": a.backlog,
            "apply_lag_seconds": a.lag / 1000,
            "apply_busy_seconds_total": a.busy,
            "log_waiting": self._appender.waiting,
            "log_groups_total": self._appender.groups,
            "log_failures_total": self._appender.failures,
            "people_resident": len(self._residents),
            "items": self.catalog.size(),
            "listeners": len(self.stream),
            "dedup_window_seconds": self._stores.seen.window() / 1000,
            "commits_total": self._keeper.commits,
            "commit_failures_total": self._keeper.failures,
            **self.deliveries.stats(),
        }

    def _derive(self, outcomes: list[OutcomeRecord]) -> None:
        self._keeper.watch(self._appender.submit(outcomes), outcomes)

    async def _barrier(self) -> None:
        """Return when everything submitted before is durable, outcomes that failed at first included.

        Raises:
            LogDown: those outcomes still can't be written.
        """
        await self._appender.submit([])
        if owed := self._keeper.take_owed():
            future = self._appender.submit(owed)
            self._keeper.watch(future, owed)
            await future

    async def settled(self) -> None:
        """Return when everything accepted so far is folded, outcomes that it brought included; later traffic isn't
        waited for.
        """
        for _ in ("what was accepted", "its outcomes"):
            if self._appender.waiting:
                await self._barrier()
            await self._applier.reached(self._stores.log.end())

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                await self.tick(gently=True)
            except Exception as error:  # noqa: BLE001 - timers are due again at the next look
                log.error("timers could not fire (%s); tried again", error)

    async def tick(self, *, gently: bool = False) -> int:
        """Fire the timers that are due, ``gently`` where others are served; give how many people's."""
        now = self.clock()
        self._purse.expire(now)
        return await self._timers.fire(now, gently=gently)


def open_service(
    path: Path | str,
    settings: Settings | None,
    clock: Callable[[], Millis],
    *,
    apart: bool = False,
    synced: bool = True,
) -> Service:
    """The engine over a folder, ready to be started; arguments and errors as for ``wiring.open_stores``."""
    stores = same_folder(open_stores(path, settings, now=clock(), apart=apart, synced=synced))
    return Service(stores, clock)
