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
from micromoments.core.record import EventRecord, Logged, OutcomeRecord, Record, TickRecord
from micromoments.engine import shown
from micromoments.engine.applier import Applier
from micromoments.engine.brain import Policies
from micromoments.engine.cluster.whose import home_of, joined, places, spans
from micromoments.engine.cluster.wiring import SHARDS, Shared, Told, names
from micromoments.engine.residents import Residents
from micromoments.engine.stream import Body, Kind, Stream
from micromoments.flow import facts
from micromoments.flow.view import View, refuses
from micromoments.ports import Batch, StoreError

TRIES = 200
"""Turns in a row in which nothing could be folded because others wrote in the same shards: each time somebody got
further.
"""
LEAST_AHEAD = 64
"""Records at the least that a turn looks at."""
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
        self.callers: dict[int, str] = {}
        self.deliveries = self.opened = self.failed = 0


class Folding:
    """One partition's; ``next`` is the position that follows on what is folded, ``first`` where it was to begin with.

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
        self.first = self.next = self.state.position()
        self.again = 0
        self.folded = 0

    def fold(self, stretch: Sequence[Logged]) -> Output:
        """Fold records that follow on what was folded before; committed when this returns.

        Raises:
            Moved: another worker has the partition, or Redis lost its newest: read on from ``state.position()``.
            StoreError: a store can't be reached.
        """
        output, stuck, ahead = Output(), 0, len(stretch)
        known = self._read(stretch)
        left = [one for one in stretch if not self._passed(known.residents, one)]
        while left:
            again, before = self.again, len(left)
            left = self._turn(known, left[:ahead], output) + left[ahead:]
            done = before - len(left)
            # Where each waits for the one before it, little is looked at that must wait anyway.
            ahead, stuck = max(LEAST_AHEAD, 4 * done), 0 if done else stuck + 1
            if stuck == TRIES:
                raise RuntimeError(f"people were changed by others {TRIES} times in a row; wanted them quieter")
            if self.again > again:
                known = self._read(left)
        self.next = stretch[-1].position + 1
        self.folded += len(stretch)
        return output

    def mark(self) -> None:
        """Let every shard know how far the partition is folded: what a restart need not look at again."""
        self.state.mark(self.next, [shard for shard in range(SHARDS) if self.state.at[shard] < self.next])

    def _passed(self, residents: Residents, logged: Logged) -> bool:
        """Whether a record was folded before: its shard is further, and so are all in which its person may have been,
        or it is among their traces. While it waited, another partition may have brought them to where all is folded.
        """
        if logged.position >= self.state.at[self.home(residents, logged)]:
            return False
        shard, record = self._shared.database.shard, logged.record
        if all(logged.position < self.state.at[shard(id)] for id in places(residents, record)):
            return True
        person = residents.person(home_of(residents, record))
        parts = person.parts.values() if person is not None else ()
        mids = {trace.mid for part in parts for trace in part.traces}
        return isinstance(record, EventRecord) and record.mid in mids

    def _read(self, records: Sequence[Logged]) -> Known:
        """Whom these records are about, as they are now."""
        self.state.let_go()
        known = Known(self)
        known.applier.prefetch([x.record for x in records])
        return known

    def _turn(self, known: Known, records: Sequence[Logged], output: Output) -> list[Logged]:
        """Fold all that nothing stands before: records of one person, then those of several; gives the rest, in order.
        What touches a shard waits for what was there before, of the other sort.
        """
        touched = self._touched(known.residents, records)
        waiting, taken = set[int](), set[int]()
        run, several, rest = list[Logged](), list[Logged](), list[Logged]()
        alike: set[tuple[str, ...]] = set()
        for logged in records:
            spanning = touched.get(logged.position)
            shards = spanning or {self.home(known.residents, logged)}
            free = taken.isdisjoint(shards) or (spanning is not None and tuple(names(logged.record)) in alike)
            if not free or not waiting.isdisjoint(shards):
                rest.append(logged)
                waiting |= shards
            elif spanning is not None:
                several.append(logged)
                taken |= shards
                alike.add(tuple(names(logged.record)))
            else:
                run.append(logged)
        if run:
            lost = self._commit(known, run, taken | waiting, records[-1].position + 1, output)
            rest += [x for x in run if self.home(known.residents, x) in lost]
            rest += [x for x in several if not lost.isdisjoint(touched[x.position])]
            several = [x for x in several if lost.isdisjoint(touched[x.position])]
        if several:
            rest += self._span(known, several, touched, output)
        return sorted(rest, key=lambda one: one.position)

    def home(self, residents: Residents, logged: Logged) -> int:
        """The shard of the person that a record will be folded into."""
        return self._shared.database.shard(home_of(residents, logged.record))

    def _touched(self, residents: Residents, records: Sequence[Logged]) -> dict[int, set[int]]:
        """By position, the shards that each record of several people may read or write."""
        shard = self._shared.database.shard
        keys: dict[int, set[str]] = {}
        for one in records:
            if spans(one.record):
                keys[one.position] = {*names(one.record)}
                if isinstance(one.record, EventRecord) and one.record.event.previous_id:
                    keys[one.position].add(f"anon:{one.record.event.previous_id}")
        residents.fetch((), {key for some in keys.values() for key in some})
        for some in keys.values():
            for link in [residents.link(key) for key in some]:
                if link is not None:
                    some.update(f"user:{user}" for user in (*(c.user for c in link.claims), *link.joined))
        everyone = {key for some in keys.values() for key in some}
        residents.fetch(everyone, everyone)
        return {at: {shard(id) for key in some for id in (key, *joined(residents, key))} for at, some in keys.items()}

    # --- records of one person --------------------------------------------------------------------

    def _commit(self, known: Known, run: Sequence[Logged], blocked: set[int], end: int, output: Output) -> set[int]:
        """Fold records each of which is about one person; gives the shards that somebody else wrote in meanwhile. A
        shard is folded up to ``end``, or, where something of it waits, up to where it is.
        """
        shards: dict[int, list[Logged]] = {}
        for logged in run:
            shards.setdefault(self.home(known.residents, logged), []).append(logged)
        parts = {s: self._part(known, mine) for s, mine in shards.items()}
        self._complete(parts.values(), known.applier)
        refused = self.state.commit_shards(
            {s: p.batch for s, p in parts.items()},
            outcomes={s: p.outcomes for s, p in parts.items()},
            upto={
                s: max(self.state.at[s], mine[-1].position + 1 if s in blocked else end) for s, mine in shards.items()
            },
        )
        for shard, part in parts.items():
            if shard not in refused:
                part.into(output, shard)
        self.again += len(refused)
        return set(refused)

    def applier(
        self, residents: Residents, telling: Stream, derived: Callable[[Sequence[OutcomeRecord]], None]
    ) -> Applier:
        """What folds records; what is learned is the learner's."""
        budgets = self._shared.stores.budgets
        return Applier(residents, self.state, budgets, Policies({}), telling, self._view, derived, self._clock)

    def _part(self, known: Known, records: Sequence[Logged]) -> Part:
        """What folding these gave, taken out of the applier."""
        applier, residents, telling, derived = known.applier, known.residents, known.telling, known.derived
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
        part = Part(batch, list(derived), list(telling.told), dict(applier.callers))
        part.opened, part.failed, applier.moments_opened, applier.failed = applier.moments_opened, applier.failed, 0, 0
        for some in (applier.new_decisions, applier.facts, applier.outbox, derived, telling.told, applier.callers):
            some.clear()
        return part

    def _complete(self, parts: Iterable[Part], applier: Applier) -> None:
        """Outcomes as facts, which say what their decisions were; those are asked for in one round trip."""
        parts = list(parts)
        asked = {o.outcome.decision for part in parts for o in part.outcomes}
        if not asked:
            return
        found = self.state.decisions(asked - applier.decisions.keys()) | applier.decisions
        for part in parts:
            for one in part.outcomes:
                decision = found.get(one.outcome.decision)
                person = part.batch.people.get(decision.person) if decision is not None else None
                if not refuses(person, "measure"):
                    fact = facts.outcome_fact(one.outcome, self._count(self.state.newest), decision)
                    part.batch = replace(part.batch, facts=[*part.batch.facts, fact])
                told = msgspec.json.encode(shown.came(one.outcome))
                part.told.append(("delivery", decision.person if decision is not None else "", told))

    # --- records of several people ----------------------------------------------------------------

    def _span(
        self, known: Known, several: Sequence[Logged], touched: dict[int, set[int]], output: Output
    ) -> list[Logged]:
        """Fold records that may join or part people: those who stay, those who go, links, and last the positions; gives
        those of which somebody else wrote anything meanwhile.

        Each step can be repeated, so that one cut short anywhere is folded again from the start: joining is idempotent.
        """
        parts = {one.position: self._part(known, [one]) for one in several}
        here = {one.position: self.home(known.residents, one) for one in several}
        self._complete(parts.values(), known.applier)
        refused: set[int] = set()
        for step in (staying, going, tying):
            batches: dict[int, Batch] = {}
            outcomes: dict[int, list[OutcomeRecord]] = {}
            for at, part in parts.items():
                if at not in refused:
                    touched[at] = touched[at] | self._spread(step(part.batch), here[at], batches)
                    if step is staying and part.outcomes:
                        batches.setdefault(here[at], _NOTHING)
                        outcomes.setdefault(here[at], []).extend(part.outcomes)
            lost = self.state.commit_shards(batches, outcomes=outcomes) if batches else {}
            refused.update(at for at in parts if not touched[at].isdisjoint(lost))
        ends = {here[at]: max(self.state.at[here[at]], at + 1) for at in parts if at not in refused}
        self.state.commit_shards(dict.fromkeys(ends, _NOTHING), upto=ends)
        for at, part in parts.items():
            if at not in refused:
                part.into(output, here[at])
        self.again += len(refused)
        return [one for one in several if one.position in refused]

    def _spread(self, step: Batch, here: int, batches: dict[int, Batch]) -> set[int]:
        """Add a step's people, timers and links to the batches of where they lie, its facts, decisions and deliveries
        to that of shard ``here``; gives the shards.
        """
        shard, found = self._shared.database.shard, set[int]()
        for field in ("people", "links", "timers"):
            for key, value in getattr(step, field).items():
                part = batches.get(shard(key), _NOTHING)
                batches[shard(key)] = replace(part, **{field: {**getattr(part, field), key: value}})
                found.add(shard(key))
        if step.facts or step.decisions or step.outbox:
            part = batches.get(here, _NOTHING)
            batches[here] = replace(
                part,
                facts=[*part.facts, *step.facts],
                decisions=(*part.decisions, *step.decisions),
                outbox=(*part.outbox, *step.outbox),
            )
            found.add(here)
        return found


class Known:
    """Who was read for a stretch, with what was folded into them since, and what folds."""

    def __init__(self, folding: Folding) -> None:
        self.telling = Telling()
        self.derived: list[OutcomeRecord] = []
        self.residents = Watchful(folding.state)
        self.applier = folding.applier(self.residents, self.telling, self.derived.extend)


def staying(whole: Batch) -> Batch:
    """The first step of a record of several people: those who are there afterwards, and what followed."""
    kept: dict[str, Person | None] = {id: p for id, p in whole.people.items() if p is not None}
    return replace(whole, people=kept, links={}, timers={id: whole.timers[id] for id in kept})


def going(whole: Batch) -> Batch:
    """The second: those whose all went to others."""
    return replace(_NOTHING, people={id: None for id, p in whole.people.items() if p is None})


def tying(whole: Batch) -> Batch:
    """The third: whose an id is from now on."""
    return replace(_NOTHING, links=whole.links)


class Part:
    """One shard's share of a stretch, before it is committed."""

    def __init__(
        self, batch: Batch, outcomes: list[OutcomeRecord], told: list[Told], callers: Mapping[int, str]
    ) -> None:
        self.batch, self.outcomes, self.told, self.callers = batch, outcomes, told, callers
        self.opened = self.failed = 0

    def into(self, output: Output, shard: int) -> None:
        """It was committed."""
        output.outcomes += [(shard, one) for one in self.outcomes]
        output.told += self.told
        output.facts += self.batch.facts
        output.callers.update(self.callers)
        output.deliveries += len(self.batch.outbox)
        output.opened += self.opened
        output.failed += self.failed


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
