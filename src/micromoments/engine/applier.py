"""Folds durable records, in the log's order, in short slices between the requests: people, learning, facts, stream."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from time import perf_counter

import msgspec

from micromoments.core.decision import Decision
from micromoments.core.delivery import Delivery
from micromoments.core.effect import Crossed, Effect, Happened, Joined, Settle, Spend, Told
from micromoments.core.event import Millis
from micromoments.core.fact import Fact, PersonFact
from micromoments.core.item import Item
from micromoments.core.outcome import Outcome
from micromoments.core.person import Person
from micromoments.core.record import (
    ActivationRecord,
    DecidedRecord,
    EventRecord,
    ItemRecord,
    OutcomeRecord,
    Record,
    TickRecord,
)
from micromoments.engine import shown
from micromoments.engine.brain import Policies
from micromoments.engine.intake import names_in
from micromoments.engine.purse import settled, spending
from micromoments.engine.residents import Residents
from micromoments.engine.stream import Stream
from micromoments.flow import facts
from micromoments.flow.apply import apply, canonical, home
from micromoments.flow.learn import observe
from micromoments.flow.triggers import intended
from micromoments.flow.view import View, refuses
from micromoments.ports import Budgets, Corrupt, State, StoreError

SLICE = 0.0007
"""Seconds of folding before the loop gets to serve requests again."""
AGAIN = 0.1
"""Seconds until what could not be read of the state is asked for again."""
STRETCH = 64
"""Records whose people are read from the state in one go."""
BITE = 12
"""Records folded between two looks at the clock: about half a millisecond."""
NAMING = frozenset({"identify", "alias"})
"""Types of events that say who somebody is."""
log = logging.getLogger("micromoments")
RECENT = 5_000
"""Decisions kept in memory for their outcomes once the state has them, 11 KB each; older ones are read from it."""

LET_GO = 3
"""Of those, how many go for one that comes: all that a commit of thousands wrote, at once, would take 25 ms."""


class Applier:
    """One queue of durable records and all that follows from folding them.

    ``derived`` is called with the outcomes that came about, to be appended to the log; they are learned when they come
    back durable, so that every policy learns in the log's order. ``activated``, where set, is called with every
    activation, and may put another view in force from the next record on.
    """

    activated: Callable[[Record], None] | None = None

    def __init__(
        self,
        residents: Residents,
        state: State,
        budgets: Budgets,
        policies: Policies,
        stream: Stream,
        view: Callable[[], View],
        derived: Callable[[list[OutcomeRecord]], None],
        clock: Callable[[], Millis],
    ) -> None:
        self._residents = residents
        self._state = state
        self._budgets = budgets
        self._policies = policies
        self._stream = stream
        self._view = view
        self._derived = derived
        self._clock = clock
        self._queue: deque[tuple[int, Record, Millis]] = deque()
        self._unsettled: deque[Settle | Spend] = deque()
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._running = False
        self._fetched = 0
        self.known: set[str] = set()
        self.decisions: dict[str, Decision] = {}
        self.items: dict[str, Item | None] = {}
        self.committing: dict[str, Item | None] = {}
        self.new_decisions: list[Decision] = []
        self.committing_decisions = 0
        self.facts: list[Fact] = []
        self.callers: dict[int, str] = {}
        self.outbox: list[Delivery] = []
        self._recent = RECENT
        self.position = 0
        self.catalog_dirty = False
        self.applied = 0
        self.failed = 0
        self.outcomes = 0
        self.moments_opened = 0
        self.crossings = 0
        self.unfunded = 0
        self.lag: Millis = 0
        self.busy = 0.0

    @property
    def backlog(self) -> int:
        """Durable records that are not folded yet."""
        return len(self._queue)

    @property
    def unsettled(self) -> int:
        """Reservations whose end the store of budgets could not be told yet."""
        return len(self._unsettled)

    def take(self, records: Sequence[Record], first: int) -> None:
        """Queue a durable group."""
        now = self._clock()
        for position, record in enumerate(records, first):
            self._queue.append((position, record, now))
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._slice)

    def keep_every_decision(self) -> None:
        """Hold all decisions in memory: a replay has no state to look them up in."""
        self._recent = 2**62

    def forget_output(self) -> None:
        """Drop what folding gave for the next commit: a replay commits nothing."""
        self.facts.clear()
        self.callers.clear()
        self.new_decisions.clear()
        self.outbox.clear()
        self.items.clear()

    async def keep_up(self, behind: int) -> None:
        """Return once at most so many records wait to be folded: whoever sends more has to wait for them."""
        if len(self._queue) > behind:
            await self.reached(self._queue[-1][0] - behind)

    async def reached(self, position: int) -> None:
        """Return once every record below ``position`` is folded."""
        if self.position >= position:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((position, future))
        await future

    def _slice(self) -> None:
        start = perf_counter()
        queue = self._queue
        unread: StoreError | None = None
        while queue:
            try:
                if not self._fetched:
                    self.prefetch([record for _, record, _ in islice(queue, STRETCH)])
                    self._fetched = min(STRETCH, len(queue))
                stretch = list(islice(queue, min(BITE, self._fetched)))
                self._fetched -= len(stretch)
                self._fold(stretch)
            except StoreError as error:
                unread = error
            while queue and queue[0][0] < self.position:
                queue.popleft()
            if unread is not None or perf_counter() - start > SLICE:
                break
        self.busy += perf_counter() - start
        while self._waiters and self._waiters[0][0] <= self.position:
            _, future = self._waiters.popleft()
            if not future.done():
                future.set_result(None)
        if unread is not None:
            self._fetched = 0
            log.error("the state could not be read (%s); tried again", unread)
            asyncio.get_running_loop().call_later(AGAIN, self._slice)
        elif queue:
            asyncio.get_running_loop().call_soon(self._slice)
        else:
            self._running = False

    def fold(self, stretch: Sequence[tuple[int, Record, Millis]]) -> None:
        """Fold records at their positions now; the third of each is when it became durable, for the lag.

        Raises:
            StoreError: the state can't be read; records from ``position`` on are not folded.
        """
        self.prefetch([record for _, record, _ in stretch])
        self._fold(stretch)

    def _fold(self, stretch: Sequence[tuple[int, Record, Millis]]) -> None:
        outcomes: list[OutcomeRecord] = []
        view, before = self._view(), self.position
        try:
            for position, record, _ in stretch:
                self._residents.mark()
                try:
                    self._one(position, record, view, outcomes)
                    if type(record) is ActivationRecord and self.activated is not None:
                        self.activated(record)
                        view = self._view()
                except Exception as error:
                    self._residents.undo()
                    if isinstance(error, StoreError) and not isinstance(error, Corrupt):
                        raise
                    self.failed += 1
                    log.exception("the record at position %d could not be folded; it is passed over", position)
                self.position = position + 1
                self.applied += 1
        finally:
            self.settle()
            if self.position > before:
                self.lag = max(0, self._clock() - stretch[-1][2]) if stretch[-1][2] else 0
            if outcomes:
                self._derived(outcomes)

    def settle(self) -> bool:
        """Spend or give back reservations; False where the store fails: the rest is tried again with the next records,
        and before the next commit, which can't pass what is told nowhere else.
        """
        try:
            while self._unsettled:
                if budgets := self._view().settings.budgets:
                    self.unfunded += not settled(self._budgets, budgets, self._unsettled[0], self._clock())
                self._unsettled.popleft()
        except StoreError as error:
            log.error("a budget could not be settled (%s); tried again", error)
        except Exception:
            log.exception("%r can't be settled; it is passed over", self._unsettled.popleft())
        return not self._unsettled

    def prefetch(self, records: Sequence[Record]) -> None:
        """Read from the state, in three questions at the most, whom these records will be about. What is damaged is met
        again by the record that it concerns, and by no other.
        """
        with suppress(Corrupt):
            self._prefetch(records)

    def _prefetch(self, records: Sequence[Record]) -> None:
        residents, ids, keys = self._residents, set[str](), set[str]()
        sent: list[EventRecord | DecidedRecord] = []
        for record in records:
            if isinstance(record, EventRecord):
                sent.append(record)
                if user := record.event.user_id:
                    keys.add(f"user:{user}")
            elif isinstance(record, DecidedRecord):
                sent.append(record)
            elif isinstance(record, TickRecord):
                ids.add(record.key)
        keys.update([r.key for r in sent])
        residents.expect((), keys)
        links = residents.tied(keys)
        if links:
            residents.expect((), {f"user:{c.user}" for link in links.values() for c in link.claims})
            ids.update([canonical(residents, key[5:]) for key in keys if key.startswith("user:")])
            ids.update([home(residents, r.key, r.at, 0)[0] for r in sent if r.key not in ids])
        ids |= keys - links.keys()
        residents.expect(ids, ())

    def _one(self, position: int, record: Record, view: View, outcomes: list[OutcomeRecord]) -> None:
        match record:
            case EventRecord():
                person, effects = apply(self._residents, record, view)
                if record.event.type in NAMING:
                    now = max(self._clock(), record.occurred + 1)
                    self._stream.follow(names_in(record.event), lambda key: home(self._residents, key, now, 0)[0])
                if person is not None:
                    self._event_done(position, record, person, view)
                    if effects:
                        self._perform(position, record, person, effects, outcomes)
            case DecidedRecord():
                person, effects = apply(self._residents, record, view)
                decision = facts.theirs(record.decision, person)
                self._remember(decision)
                if not refuses(person, "measure"):
                    self.facts.append(facts.decision_fact(decision, position))
                self._perform(position, record, person, effects, outcomes)
            case OutcomeRecord():
                self._learn(record.outcome, position)
            case ItemRecord():
                view.catalog.apply({record.key: record.item})
                self.items[record.key] = record.item
            case _:
                person, effects = apply(self._residents, record, view)
                self._perform(position, record, person, effects, outcomes)

    def _event_done(self, position: int, record: EventRecord, person: Person, view: View) -> None:
        if refuses(person, "measure"):
            return
        self.facts.append(facts.event_fact(record, person.surrogate, position, view.settings))
        if "traceparent" in record.event.context:
            self.callers[position] = str(record.event.context["traceparent"])[:128]
        if observe(view.catalog, person, record, view.settings):
            self.catalog_dirty = True

    def _perform(
        self,
        position: int,
        record: Record,
        person: Person | None,
        effects: Sequence[Effect],
        outcomes: list[OutcomeRecord],
    ) -> None:
        for effect in effects:
            match effect:
                case Told():
                    self._tell(effect, position, record, person)
                case Happened():
                    if effect.id not in self.known:
                        outcomes.append(OutcomeRecord(key=record.key, at=record.at, outcome=effect.outcome))
                case Settle() | Spend():
                    self._unsettled.append(spending(effect, record, self._view().catalog.get))
                case Crossed():
                    self.crossings += 1
                    self._stream.publish("fence", effect.person, partial(shown.crossed, effect))
                case Joined():
                    self.facts.append(PersonFact(effect.id, position, effect.at, effect.surrogate, effect.into, 0))
                case _:
                    pass

    def _tell(self, told: Told, position: int, record: Record, person: Person | None) -> None:
        if told.change == "opened":
            self.moments_opened += 1
        if person is None or person.id != told.person:
            person = self._residents.person(told.person)
        view = self._view()
        if person is not None and view.settings.triggers and told.change != "served":
            self.outbox += intended(told, person, view.recogniser, view.settings, self._clock())
        if person is None or refuses(person, "measure"):
            return
        if told.turned:
            self.facts.append(facts.moment_fact(told, position, record.at, view.recogniser))
        if told.change != "served":
            self._stream.publish("moment", told.person, shown.Telling(told, person.parts, view))

    def _remember(self, decision: Decision) -> None:
        self.new_decisions.append(decision)
        self.decisions[decision.id] = decision
        excess = len(self.decisions) - self._recent - len(self.new_decisions) - self.committing_decisions
        for _ in range(min(excess, LET_GO)):
            del self.decisions[next(iter(self.decisions))]
        self._stream.publish("decision", decision.person, lambda: msgspec.json.encode(shown.decided(decision)))

    def decision(self, id: str) -> Decision | None:
        """A decision that was folded, from memory or from the state."""
        return self.decisions.get(id) or self._state.decision(id)

    def _person_of(self, decision: Decision) -> Person | None:
        """The person that a decision was made for, as they are known now."""
        residents = self._residents
        return residents.person(decision.person) or residents.person(home(residents, decision.key, decision.at, 0)[0])

    def _learn(self, outcome: Outcome, position: int) -> None:
        decision = self.decision(outcome.decision)
        measured = decision is None or not refuses(self._person_of(decision), "measure")
        self.outcomes += 1
        if measured:
            self.facts.append(facts.outcome_fact(outcome, position, decision))
        if decision is not None:
            self._policies.taught(decision, outcome, self._view().settings)
        self._stream.publish(
            "delivery", decision.person if decision else "", lambda: msgspec.json.encode(shown.came(outcome))
        )
