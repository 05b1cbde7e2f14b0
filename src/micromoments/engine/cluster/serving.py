"""The role ``serve``: events to Kafka, decisions from Redis. Nothing is kept here, so there may be any number."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from micromoments.core.decision import Decision, Request
from micromoments.core.event import UNCOUNTED, Arrival, Millis
from micromoments.core.item import Item
from micromoments.core.moment import MomentType, MomentView
from micromoments.core.person import Person
from micromoments.core.record import DecidedRecord, ItemRecord
from micromoments.core.settings import Settings
from micromoments.decide.fair import remember
from micromoments.engine.appender import Down
from micromoments.engine.audit import Trail
from micromoments.engine.cluster.follower import Follower
from micromoments.engine.cluster.forgetting import erase, export
from micromoments.engine.cluster.forwards import Folded, Forwards
from micromoments.engine.cluster.gate import Gate
from micromoments.engine.cluster.wiring import Shared, Told
from micromoments.engine.cluster.world import World
from micromoments.engine.control import Control
from micromoments.engine.fallback import chosen
from micromoments.engine.forwarder import Inside
from micromoments.engine.intake import Intake
from micromoments.engine.learned import WAITED, Learned
from micromoments.engine.outward import Deliveries
from micromoments.engine.purse import Purse
from micromoments.engine.refusals import Overloaded, same
from micromoments.engine.stream import Stream
from micromoments.flow.decide import decide, seed_of
from micromoments.flow.rank import rank
from micromoments.flow.telling import told
from micromoments.flow.view import View, bounded, refuses
from micromoments.retrieve.catalog import Catalog

MAX_WAITING = 20_000
"""Records on their way to Kafka, past which clients are asked to slow down."""
TURN: Millis = 10_000
"""How long one decision may keep the next of the same person, or of the same id, waiting."""
AGAIN = 0.005
log = logging.getLogger("micromoments")


class Fresh:
    """``ports.Seen`` for making records: whether a message is known is asked for many at once, at the gate."""

    def fresh(self, _mid: int, _at: Millis) -> bool:
        """Every message is taken as new here."""
        return True

    def forget(self, _mids: object) -> None:
        """Nothing was noted."""

    def window(self) -> Millis:
        """Nothing is known here."""
        return 0

    def seal(self, _now: Millis) -> None:
        """Nothing is kept."""


class Serving:
    """``server.service.Service`` over shared stores, on one event loop."""

    def __init__(self, shared: Shared, clock: Callable[[], Millis]) -> None:
        self._shared = shared
        self.clock = clock
        self.follower = follower = Follower(shared)
        self.stream = Stream(clock())
        self.audit = Trail(shared.stores.audit)
        self.ready, self.down = False, Down()  # all servers write to the same log: one less of them helps nobody
        self._intake = Intake(Fresh(), follower.catalog)
        self._purse = Purse(shared.stores.budgets, shared.settings.budgets)
        self.control = Control(
            shared.stores, follower.kept, lambda: self.view, self._use, follower.change, self._keep, clock
        )
        follower.activated = self.control.fold
        self.learned = Learned(
            shared.stores.policies,
            follower.brain,
            follower.change,
            clock,
            lambda: self.view,
            lambda name: shared.turn(name, WAITED),
        )
        inside = self._inside()
        self.forwards = Forwards(shared, inside, clock)
        self.deliveries = Deliveries(shared.stores, self.stream, inside, clock, self.forwards)
        self._tasks: list[asyncio.Task[None]] = []
        self._gate: Gate
        self.accepted = self.duplicates = self.decided = 0

    def _inside(self) -> Inside:
        """What sending deliveries needs. Nothing is folded here, so nothing stands for its place."""
        nothing = Folded(0, [])
        return Inside(
            self.person, self.decide, self.collect, lambda: self.view, nothing, self.follower.kept, self._keep
        )

    @property
    def view(self) -> View:
        """What is in force."""
        return self.follower.view

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.follower.view.settings

    @property
    def config_version(self) -> str:
        """Their digest."""
        return self.follower.view.config_version

    @property
    def catalog(self) -> Catalog:
        """The items."""
        return self.follower.catalog

    async def start(self) -> None:
        """Read the items, and begin to take traffic."""
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self.follower.start)
        self._purse.configured = self.settings.budgets
        self._gate = Gate(self._shared, loop, self.clock)
        self._gate.start()
        self.control.started()

        def heard(messages: list[Told]) -> None:
            loop.call_soon_threadsafe(self._heard, messages)

        self._shared.wire.listen(heard)
        self._tasks = [loop.create_task(self.follower.follow(), name="follow")]
        self.ready = True

    async def stop(self) -> None:
        """Take no more; what was accepted is in Kafka."""
        self.ready = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._gate.stop)
        self._shared.close()

    async def collect(self, arrivals: Sequence[Arrival], at: Millis | Sequence[Millis] | None = None) -> list[int]:
        """Accept events; returns once every replica in sync has them, with the indexes of those that were duplicates.

        Raises:
            Overloaded: too much is on its way; nothing was accepted.
            LogDown: the log can't be written; nothing is known to be accepted.
        """
        if self._gate.waiting > MAX_WAITING:
            raise Overloaded(f"got {len(arrivals)} events while {MAX_WAITING} wait; send them again in a second")
        records, _ = self._intake.take(arrivals, at or self.clock())
        offsets = await self._gate.submit(records) if records else []
        duplicates = [index for index, offset in enumerate(offsets) if offset < 0]
        self.duplicates += len(duplicates)
        self.accepted += len(records) - len(duplicates)
        return duplicates

    async def decide(self, request: Request, arrival: Arrival | None = None) -> Decision:
        """Answer a request; returns once the decision is durable. ``arrival`` is an event that came with it.

        Raises:
            Conflict: the id was used with another body.
            Overloaded, LogDown: nothing was decided.
        """
        if request.fresh:
            return await self._answered(request, arrival)
        async with self._turn(f"decision:{request.id}"):
            known = await asyncio.to_thread(self._shared.state.decision, request.id)
            return same(known, request) if known is not None else await self._answered(request, arrival)

    async def _answered(self, request: Request, arrival: Arrival | None) -> Decision:
        if arrival is not None:
            await self.collect([arrival])
        if bounded(self.view, request.slot):
            # What a person was served bounds what they may be served next: one decision after the other.
            async with self._turn(f"person:{(await self._world(request.key, request.at)).id}"):
                decision = await self._draw(request)
        else:
            decision = await self._draw(request)
        self.decided += 1
        return decision

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        turn = self._shared.turn(name, TURN)
        until = asyncio.get_running_loop().time() + TURN / 1000
        while not await asyncio.to_thread(turn.take):
            if asyncio.get_running_loop().time() > until:
                raise Overloaded("another decision for the same takes too long; send it again in a second")
            await asyncio.sleep(AGAIN)
        try:
            yield
        finally:
            await asyncio.to_thread(turn.give)

    async def _world(self, key: str, at: Millis) -> World:
        return await asyncio.to_thread(World.read, self._shared, key, at)

    async def _draw(self, request: Request) -> Decision:
        view = self.view
        world = await self._world(request.key, request.at)
        person = world.fold(view) or Person(id=world.id, surrogate=self._intake.nonce())
        self._purse.configured = view.settings.budgets
        left = await asyncio.to_thread(self._purse.left, request.at) if view.settings.budgets else {}
        choose, taken = rank if request.actions else decide, set[str]()
        asked = msgspec.structs.replace(request, marks=request.marks | (person.marks & UNCOUNTED))
        while True:
            decision, reserves = chosen(choose, person, asked, view, seed_of(request.id), left)
            if not reserves and not taken:
                break
            if await asyncio.to_thread(self._purse.reserve, reserves, left, taken, request.at):
                await asyncio.to_thread(self._purse.give_back, taken - {r.id for r in reserves})
                break
        await self._gate.submit([DecidedRecord(key=request.key, at=request.at, decision=decision)])
        return decision

    def preview(self, key: str, slot: str, **more: Any) -> Decision:
        """A decision to look at only, as ``Control.preview`` makes it; ``key`` may be empty for somebody made up."""
        return self.control.preview(self.person(key) if key else None, slot, self._purse.left(self.clock()), **more)

    def decision(self, id: str) -> Decision | None:
        """A decision by its id, for as long as it is kept."""
        return self._shared.state.decision(id)

    def telling(self, text: str) -> tuple[tuple[str, MomentType, float], ...]:
        """The words of a text that tell most, each with the type that it speaks for and the nats that it adds."""
        return self.view.recogniser.text.telling(text)

    def home(self, key: str) -> str:
        """The id of the person behind a source key, now."""
        return World.read(self._shared, key, self.clock()).id

    def person(self, key: str) -> Person | None:
        """The person behind a source key as of now; ``None`` if unknown or erased."""
        return World.read(self._shared, key, self.clock()).fold(self.view)

    async def moments(self, key: str, *, linked: bool = True, history: bool = False) -> list[MomentView]:
        """The person's open moments, strongest first; with ``history`` those that ended too, newest first."""
        person = (await self._world(key, self.clock())).fold(self.view)
        if person is None or refuses(person, "personalise"):
            return []
        return told(person, key, self.view, self.clock(), linked=linked, history=history)

    async def export(self, key: str) -> dict[str, object] | None:
        """All that is held of a person; ``None`` if nobody is known by that key."""
        world = await self._world(key, self.clock())
        person = world.fold(self.view)
        return None if person is None else await asyncio.to_thread(export, self._shared, world, person, key)

    async def erase(self, key: str) -> dict[str, int]:
        """Forget a person in facts, log and state; gives how much went of each: of the log how many keys."""
        gone = await erase(self._shared, key, self.clock)
        self.stream.forget({key})
        return gone

    def items(self, after: str = "", limit: int = 100) -> Sequence[Item]:
        """Items in the order of their ids, after one; what was put a moment ago is among them."""
        changed = {id: item for id, (_, item) in self.follower.recent.items()}
        page = self._shared.stores.catalogue.items(after, limit + len(changed))
        kept = {i.id: i for i in page if i.id not in changed}
        kept.update((id, item) for id, item in changed.items() if item is not None and id > after)
        return [kept[id] for id in sorted(kept)[:limit]]

    async def put_items(self, items: Sequence[Item]) -> None:
        """Put items; durable, and to be found here, when this returns; by every other server within a second."""
        now, known = self.clock(), self.catalog.get
        records = [ItemRecord(key=i.id, at=now, item=remember(i, known(i.id), now)) for i in items]
        await self.follower.change(records)

    async def delete_items(self, ids: Sequence[str]) -> None:
        """Delete items; those that aren't there are no error."""
        now = self.clock()
        await self.follower.change([ItemRecord(key=id, at=now, item=None) for id in ids])

    async def report(self, name: str, params: Mapping[str, str]) -> dict[str, object]:
        """A report over the facts, as the workers have committed them.

        Raises:
            ValueError: no such report, or a parameter that it doesn't take.
        """
        return await self._shared.stores.reports(name, params, self.settings)

    def stats(self) -> dict[str, float]:
        """Counters and gauges by name, for the metrics."""
        return {
            "events_accepted_total": self.accepted,
            "events_duplicate_total": self.duplicates,
            "decisions_total": self.decided,
            "log_waiting": self._gate.waiting if self.ready else 0,
            "log_groups_total": self._gate.groups if self.ready else 0,
            "log_failures_total": self._gate.failures if self.ready else 0,
            "redis_round_trips_total": self._shared.database.trips,
            "redis_commands_total": self._shared.database.commands,
            "clock_ahead_seconds": self._shared.clock.skew() / 1000,
            "items": self.catalog.size(),
            "listeners": len(self.stream),
            "dedup_window_seconds": self._shared.seen.window() / 1000,
            **self.deliveries.stats(),
        }

    def _use(self, view: View) -> None:
        self.follower.use(view)
        self._purse.configured = view.settings.budgets

    def _keep(self, name: str, body: bytes) -> None:
        self._shared.policies.teach({name: body})

    def _heard(self, messages: list[Told]) -> None:
        for kind, person, body in messages:
            if kind in ("moment", "decision", "delivery"):
                self.stream.publish(kind, person, lambda body=body: body)  # type: ignore[misc,arg-type]
