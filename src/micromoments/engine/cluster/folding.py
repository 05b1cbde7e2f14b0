"""Records of one partition into people, shard by shard: folded by the same ``flow`` as on one machine, committed where
nobody else wrote meanwhile, and folded again where somebody did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from micromoments.core.event import Millis
from micromoments.core.fact import EventFact, Fact
from micromoments.core.person import Person
from micromoments.core.record import DecidedRecord, EventRecord, Logged, OutcomeRecord, Record, TickRecord
from micromoments.engine.applier import Applier, outcome_shown
from micromoments.engine.brain import Policies
from micromoments.engine.cluster.wiring import SHARDS, Shared, Told
from micromoments.engine.residents import Residents
from micromoments.engine.stream import Body, Kind, Stream
from micromoments.flow import facts
from micromoments.flow.apply import home
from micromoments.flow.view import View, refuses
from micromoments.ports import Batch, StoreError

TRIES = 200
"""How often a shard is folded again because somebody else wrote in it: each time somebody got further."""
_NOTHING = Batch(people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items={}, position=-1)


class Telling(Stream):
    """A stream that keeps what is told, until it is known that it came to be."""

    def __init__(self) -> None:
        super().__init__(0)
        self.told: list[Told] = []

    def publish(self, kind: Kind, person: str, body: Body) -> None:
        """Keep it."""
        self.told.append((kind, person, body()))


class Watchful(Residents):
    """Residents that remember that they could not be read: a record isn't passed over because of that."""

    error: StoreError | None = None

    def fetch(self, people: Iterable[str], links: Iterable[str]) -> None:
        """Read those that are not resident."""
        try:
            super().fetch(people, links)
        except StoreError as error:
            self.error = error
            raise


class Output:
    """What a stretch of records gave beside the people, all of it committed."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[int, OutcomeRecord]] = []
        self.told: list[Told] = []
        self.facts: list[Fact] = []
        self.deliveries = 0


class Folding:
    """One partition's; ``next`` is the position that follows on what is folded.

    Args:
        shared: the stores. partition: whose records. view: what is in force. clock: the time. count: gives each record
            a number above one that is known: the version of the facts that it brings.
    """

    def __init__(
        self,
        shared: Shared,
        partition: int,
        view: Callable[[], View],
        clock: Callable[[], Millis],
        count: Callable[[int], int],
    ) -> None:
        self._shared, self._view, self._clock, self._count = shared, view, clock, count
        self.state = shared.of_partition(partition)
        self.next = self.state.position()
        self.again = 0
        self.folded = 0

    def fold(self, stretch: Sequence[Logged]) -> Output:
        """Fold records that follow on what was folded before; committed when this returns.

        Raises:
            Moved: another worker has the partition, or Redis lost its newest: read on from ``state.position()``.
            StoreError: a store can't be reached.
        """
        output = Output()
        run: list[Logged] = []
        for logged in stretch:
            if spans(logged.record):
                self._commit(run, output)
                run = []
                self._span(logged, output)
            else:
                run.append(logged)
        self._commit(run, output)
        self.next = stretch[-1].position + 1
        self.folded += len(stretch)
        return output

    def mark(self) -> None:
        """Let every shard know how far the partition is folded: what a restart need not look at again."""
        self.state.mark(self.next, [shard for shard in range(SHARDS) if self.state.at[shard] < self.next])

    # --- records of one person --------------------------------------------------------------------

    def _commit(self, run: Sequence[Logged], output: Output) -> None:
        """Fold records each of which is about one person."""
        if not run:
            return
        end = run[-1].position + 1
        todo: set[int] | None = None
        for _ in range(TRIES):
            self.state.let_go()
            applier, residents, telling, derived = self._applier()
            applier.prefetch([x.record for x in run])
            shards: dict[int, list[Logged]] = {}
            for logged in run:
                shard = self._shared.database.shard(home_of(residents, logged.record))
                if logged.position >= self.state.at[shard] and (todo is None or shard in todo):
                    shards.setdefault(shard, []).append(logged)
            parts = {s: self._part(applier, residents, derived, telling, mine) for s, mine in shards.items()}
            self._complete(parts, applier)
            refused = self.state.commit_shards(
                {s: p.batch for s, p in parts.items()}, outcomes={s: p.outcomes for s, p in parts.items()}, upto=end
            )
            for shard, part in parts.items():
                if shard not in refused:
                    part.into(output, shard)
            if not refused:
                return
            self.again += len(refused)
            todo = set(refused)
        raise RuntimeError(f"a shard was changed by others {TRIES} times in a row; wanted a quieter one")

    def _applier(self) -> tuple[Applier, Watchful, Telling, list[OutcomeRecord]]:
        shared, telling = self._shared, Telling()
        derived: list[OutcomeRecord] = []
        residents = Watchful(self.state)
        applier = Applier(
            residents,
            self.state,
            shared.stores.budgets,
            Policies({}),  # what is learned is the learner's
            telling,
            self._view,
            derived.extend,
            self._clock,
        )
        return applier, residents, telling, derived

    def _part(
        self,
        applier: Applier,
        residents: Watchful,
        derived: list[OutcomeRecord],
        telling: Telling,
        records: Sequence[Logged],
    ) -> Part:
        """What folding these gave, taken out of the applier."""
        now = self._clock()
        numbered = [(self._count(self.state.newest), logged.record, now) for logged in records]
        applier.fold(numbered)
        if residents.error is not None or applier.unsettled:
            raise residents.error or StoreError("a budget can't be settled; look at Redis; it is tried again")
        people, links = residents.begin()
        residents.committed()
        timers = {id: p.wake_at() if p is not None else 0 for id, p in people.items()}
        for logged in records:
            if isinstance(logged.record, TickRecord) and residents.person(logged.record.key) is None:
                timers[logged.record.key] = 0  # somebody who went by themselves left a timer
        batch = replace(
            _NOTHING,
            people=people,
            links=links,
            timers=timers,
            decisions=tuple(applier.new_decisions),
            facts=_by_message(applier.facts, {n: record for n, record, _ in numbered}),
            outbox=tuple(applier.outbox),
        )
        part = Part(batch, list(derived), list(telling.told))
        for some in (applier.new_decisions, applier.facts, applier.outbox, derived, telling.told):
            some.clear()
        return part

    def _complete(self, parts: dict[int, Part], applier: Applier) -> None:
        """Outcomes as facts, which say what their decisions were; those are asked for in one round trip."""
        asked = {o.outcome.decision for part in parts.values() for o in part.outcomes}
        if not asked:
            return
        found = self.state.decisions(asked - applier.decisions.keys()) | applier.decisions
        for part in parts.values():
            for one in part.outcomes:
                decision = found.get(one.outcome.decision)
                person = part.batch.people.get(decision.person) if decision is not None else None
                if not refuses(person, "measure"):
                    fact = facts.outcome_fact(one.outcome, self._count(self.state.newest), decision)
                    part.batch = replace(part.batch, facts=[*part.batch.facts, fact])
                shown = msgspec.json.encode(outcome_shown(one.outcome))
                part.told.append(("delivery", decision.person if decision is not None else "", shown))

    # --- records of several people ----------------------------------------------------------------

    def _span(self, logged: Logged, output: Output) -> None:
        """Fold a record that may join or part people: those who stay, those who go, links, and last the position.

        Each step can be repeated, so that one cut short anywhere is folded again from the start: joining is idempotent.
        """
        database = self._shared.database
        for _ in range(TRIES):
            self.state.let_go()
            applier, residents, telling, derived = self._applier()
            applier.prefetch([logged.record])
            if logged.position < self.state.at[database.shard(home_of(residents, logged.record))]:
                return
            part = self._part(applier, residents, derived, telling, [logged])
            here = database.shard(home_of(residents, logged.record))
            self._complete({here: part}, applier)
            whole = part.batch
            kept: dict[str, Person | None] = {id: p for id, p in whole.people.items() if p is not None}
            steps = (
                replace(whole, people=kept, links={}, timers={id: whole.timers[id] for id in kept}),
                replace(_NOTHING, people={id: None for id, p in whole.people.items() if p is None}),
                replace(_NOTHING, links=whole.links),
            )
            if all(self._step(step, here, part.outcomes if n == 0 else ()) for n, step in enumerate(steps)):
                self.state.mark(logged.position + 1, [here])
                part.into(output, here)
                return
            self.again += 1
        raise RuntimeError(f"people were changed by others {TRIES} times in a row; wanted them quieter")

    def _step(self, step: Batch, here: int, outcomes: Sequence[OutcomeRecord]) -> bool:
        """Write one step; False where somebody else wrote one of them meanwhile."""
        shard = self._shared.database.shard
        parts: dict[int, Batch] = {}
        for field in ("people", "links", "timers"):
            for key, value in getattr(step, field).items():
                part = parts.get(shard(key), _NOTHING)
                parts[shard(key)] = replace(part, **{field: {**getattr(part, field), key: value}})
        if step.facts or step.decisions or step.outbox or outcomes:
            parts[here] = replace(
                parts.get(here, _NOTHING), facts=step.facts, decisions=step.decisions, outbox=step.outbox
            )
        return not (parts and self.state.commit_shards(parts, outcomes={here: outcomes}))


class Part:
    """One shard's share of a stretch, before it is committed."""

    def __init__(self, batch: Batch, outcomes: list[OutcomeRecord], told: list[Told]) -> None:
        self.batch, self.outcomes, self.told = batch, outcomes, told

    def into(self, output: Output, shard: int) -> None:
        """It was committed."""
        output.outcomes += [(shard, one) for one in self.outcomes]
        output.told += self.told
        output.facts += self.batch.facts
        output.deliveries += len(self.batch.outbox)


def _by_message(told: Sequence[Fact], records: Mapping[int, Record]) -> list[Fact]:
    """The facts, an event's under its message's hash: positions of several partitions name nothing, and an event that
    is folded again, or was written twice, is the same fact.
    """
    named: list[Fact] = []
    for fact in told:
        record = records.get(fact.version)
        if isinstance(fact, EventFact) and isinstance(record, EventRecord):
            named.append(replace(fact, id=f"{record.mid:x}"))
        else:
            named.append(fact)
    return named


def spans(record: Record) -> bool:
    """Whether a record may touch more than one person: an identify with an anonymousId, an alias."""
    if not isinstance(record, EventRecord):
        return False
    event = record.event
    return event.type in ("identify", "alias") and bool(event.user_id and (event.anonymous_id or event.previous_id))


def home_of(residents: Residents, record: Record) -> str:
    """The id of the person that a record will be folded into."""
    if isinstance(record, EventRecord):
        key = f"user:{record.event.user_id}" if record.event.user_id else record.key
        return home(residents, key, record.occurred, record.mid)[0]
    if isinstance(record, DecidedRecord):
        return home(residents, record.key, record.at, 0)[0]
    return record.key
