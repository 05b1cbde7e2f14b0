"""The role ``work``: one of several that recognise and deliver. It has some partitions, which may go to another at any
time; everything that counts is in Kafka and Redis.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from micromoments.core.event import Millis
from micromoments.core.record import EventRecord, Logged, OutcomeRecord, Record, TickRecord
from micromoments.core.settings import DAY
from micromoments.engine.cluster.beside import beside
from micromoments.engine.cluster.folding import Folding, Output
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.wiring import SHARDS, Command, KafkaGroup, Moved, Shared, names
from micromoments.engine.tracing import traced
from micromoments.flow.learn import LOOKED
from micromoments.flow.view import View, counted
from micromoments.ports import Later, StoreError
from micromoments.retrieve.catalog import Catalog

AT_ONCE = 1000
"""Records that are taken in one go: what is folded again where others wrote meanwhile."""
WAIT = 0.1
"""Seconds to wait for records before looking at timers."""
AGAIN = 0.5
"""Seconds until what failed is tried again."""
TICK, MARK, RETELL, SEAL, TRIM = 1.0, 2.0, 10.0, 180.0, 3600.0
"""Seconds between looks at timers, marks of all shards, outcomes that Kafka lacks, sealing, and forgetting."""
PUBLISH = 0.5
"""Seconds between looks at facts that go to topics."""
DUE = 1000
"""People whose timers fire at a time."""
UNDER_WAY = 30.0
"""Seconds after which a timer that was sent to the log and did not come back is sent again."""
log = logging.getLogger("micromoments")


class Worker:
    """One worker. The loop follows what changed and delivers; a thread of its own reads, folds and commits."""

    def __init__(self, shared: Shared, clock: Callable[[], Millis]) -> None:
        self._shared, self._clock = shared, clock
        self.serving = Serving(shared, clock)
        self.foldings: dict[int, Folding] = {}
        self.serving.forwards.held = self.foldings.copy
        self._ticking: dict[str, float] = {}
        self._then: dict[float, float] = {}
        self._numbered = 0
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._folding_view: tuple[View, View] | None = None
        self._group: KafkaGroup
        self.traced = traced()
        self.failures = self.applied = self.again = self.lag = 0
        self.opened = self.outcomes = self.failed = 0
        self._astray = False
        self._said = ""
        """What holds work up, said once for as long as it is the same."""
        self.beat = time.monotonic()
        """When the loop last turned."""
        self.aside = False

    async def run(self, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        """Work until ``stopping`` is set; then fold what was taken, say how far it got, and leave the group."""
        self._loop = asyncio.get_running_loop()
        await self.serving.start()
        delivering = self._loop.create_task(self.serving.deliveries.run(), name="deliveries")
        try:
            await beside(lambda: self._work(ready), stopping, self._stopping)
        finally:
            delivering.cancel()
            await asyncio.gather(delivering, return_exceptions=True)
            await self.serving.stop()

    def stats(self) -> dict[str, float]:
        """Counters by name."""
        return {
            "records_applied_total": self.applied,
            "records_failed_total": self.failed,
            "moments_opened_total": self.opened,
            "outcomes_total": self.outcomes,
            "shards_again_total": self.again,
            "work_failures_total": self.failures,
            "work_aside": float(self.aside),
            "work_partitions": len(self.foldings),
            "work_lag_records": self.lag,
            **self.serving.deliveries.stats(),
            "redis_round_trips_total": self._shared.database.trips,
            "redis_commands_total": self._shared.database.commands,
            "clock_ahead_seconds": self._shared.clock.skew() / 1000,
        }

    # --- the thread -------------------------------------------------------------------------------

    def _work(self, ready: Callable[[], None]) -> None:
        self._group = self._shared.group(self._given, self._taken)
        ready()
        while not self._stopping.is_set():
            self.beat = time.monotonic()
            try:
                if self._astray:
                    self._find_back()
                for partition, stretch in self._group.poll(AT_ONCE, WAIT).items():
                    self._fold(partition, stretch)
                self._housekeeping()
            except Later as error:
                self._stand_aside(error)
            except StoreError as error:
                self._astray = True
                self._failed(error)
        self._taken(list(self.foldings))
        if not self.aside:
            self._group.close()

    def _stand_aside(self, error: Later) -> None:
        """A newer release is at work: its workers take these partitions, and this one folds and seals nothing more."""
        log.error("this worker stands aside (%s); install that release here, too", error)
        self._taken(list(self.foldings))
        self._group.close()
        self.aside = True
        while not self._stopping.wait(TICK):
            self.beat = time.monotonic()

    def _failed(self, error: Exception) -> None:
        """Whatever a store could not do is done again, from where the state is."""
        self.failures += 1
        self.beat = time.monotonic()
        if str(error) != self._said:
            log.error("work is held up (%s); tried again", error)
        self._said = str(error)
        self._stopping.wait(AGAIN)

    def _find_back(self) -> None:
        """Read every partition from where it is folded to: what an error kept from being folded was read already, and
        nobody knows when the next record comes that would show the gap.
        """
        self._astray = False
        for partition, folding in self.foldings.items():
            try:
                self._group.again(partition, folding.next)
            except StoreError as error:
                log.warning("partition %d can't be read from where it is folded to yet (%s)", partition, error)
                self._astray = True

    def _given(self, partition: int) -> int:
        """A partition is this worker's now; the offset to read it from. Waits for a state that can't be reached."""
        while True:
            try:
                folding = Folding(self._shared, partition, self._view, self._clock, self._number)
            except StoreError as error:
                self._failed(error)
                if self._stopping.is_set():
                    raise
            else:
                self.foldings[partition] = folding
                return folding.next

    def _taken(self, partitions: Sequence[int]) -> None:
        """Partitions go to others: say how far they are, as far as that can be said."""
        for partition in partitions:
            folding = self.foldings.pop(partition, None)
            if folding is not None:
                try:
                    folding.mark()
                except StoreError as error:
                    log.warning("how far partition %d is could not be noted (%s)", partition, error)

    def _fold(self, partition: int, stretch: Sequence[Logged]) -> None:
        folding = self.foldings.get(partition)
        if folding is None:
            return
        new = [one for one in stretch if one.position >= folding.next]
        if not new:
            return
        if new[0].position > folding.next:
            # What was fetched before the partition was read anew. Only what Kafka no longer keeps is passed over.
            oldest = self._group.oldest(partition)
            if oldest > folding.next:
                log.error("partition %d lost %d to %d before they were folded", partition, folding.next, oldest - 1)
                folding.next = oldest
            self._group.again(partition, folding.next)
            return
        again = folding.again
        try:
            output = folding.fold(new)
        except Moved as error:
            log.warning("%s; read again from where the state is", error)
            self._group.again(partition, self._given(partition))
        except Later:
            raise
        except StoreError as error:
            self._failed(error)
            self._group.again(partition, self._given(partition))
        else:
            self.again += folding.again - again
            self._tell(partition, folding, new, output)

    def _tell(self, partition: int, folding: Folding, folded: Sequence[Logged], output: Output) -> None:
        """After a commit: what there is to learn to Kafka, what was pending out of Redis, news to the servers."""
        shared = self._shared
        self.applied += len(folded)
        self.opened, self.failed = self.opened + output.opened, self.failed + output.failed
        self.outcomes += len(output.outcomes)
        self._said = ""
        self.traced(output.facts, output.callers)
        outcomes = [one for _, one in output.outcomes]
        lessons: list[Record] = [*outcomes, *(x.record for x in folded if teaches(x.record))]
        if lessons:
            shared.lessons.append(lessons)
        gone: dict[str, int] = {}
        for one in folded:
            gone.update(dict.fromkeys(names(one.record), one.position + 1))
            self._ticking.pop(one.record.key, None)
        commands = shared.pending.forgetting(partition, gone) + shared.wire.telling(output.told)
        shared.database.many(commands + self._told(folding, output.outcomes))
        if output.deliveries:
            self._loop.call_soon_threadsafe(self.serving.deliveries.wake)
        self._group.folded(partition, folding.next)

    def _told(self, folding: Folding, outcomes: Sequence[tuple[int, OutcomeRecord]]) -> list[Command]:
        by_shard: dict[int, list[str]] = {}
        for shard, one in outcomes:
            by_shard.setdefault(shard, []).append(one.outcome.id)
        return [folding.state.told(shard, ids) for shard, ids in by_shard.items()]

    def _housekeeping(self) -> None:
        if self._due(TICK):
            self.lag = self._group.lag({partition: one.next for partition, one in self.foldings.items()})
            self._tick()
        if self._due(MARK):
            for partition, folding in list(self.foldings.items()):
                try:
                    folding.mark()
                except Moved as error:
                    log.warning("%s; read again from where the state is", error)
                    self._group.again(partition, self._given(partition))
        if self._due(RETELL):
            self._retell()
        if 0 in self.foldings:
            if self._due(PUBLISH):
                self._shared.publish()
            if self._due(SEAL):
                self._shared.stores.facts().seal(self._clock())
            if self._due(TRIM):
                self._trim()

    def _due(self, every: float) -> bool:
        now = time.monotonic()
        if now < self._then.setdefault(every, now + every):
            return False
        self._then[every] = now + every
        return True

    def _shards(self) -> list[int]:
        """The shards whose timers and outcomes are this worker's to look at."""
        count = self._shared.events.count
        return [shard for shard in range(SHARDS) if shard % count in self.foldings]

    def _tick(self) -> None:
        """Send to the log whose time has come: it is folded, with everything else of theirs, by whoever has them."""
        now, clock = self._clock(), time.monotonic()
        if 0 in self.foldings and self.serving.settings.budgets:
            self._shared.stores.budgets.expire(now)
        shards = self._shards()
        if not shards:
            return
        self._ticking = {id: until for id, until in self._ticking.items() if until > clock}
        due = [id for _, id in self._shared.state.due(now, DUE + len(self._ticking), shards) if id not in self._ticking]
        if due:
            self._shared.events.append([TickRecord(key=id, at=now) for id in due])
            self._ticking.update(dict.fromkeys(due, clock + UNDER_WAY))

    def _retell(self) -> None:
        """Outcomes that were committed by one who died before Kafka had them; the learner knows those that it has."""
        mine = set(self._shards())
        for shard, outcomes in self._shared.state.untold().items():
            if shard in mine:
                self._shared.lessons.append(outcomes)
                ids = [one.outcome.id for one in outcomes]
                self._shared.database.many([self._shared.state.told(shard, ids)])

    def _trim(self) -> None:
        """Forget what is older than the project keeps, and folded."""
        now, keep = self._shared.clock.cautious(), self.serving.settings.retention
        oldest = now - int(keep.log_days * DAY)
        for partition in range(self._shared.events.count):
            events = self._shared.events.log(partition)
            events.trim(oldest, self._shared.of_partition(partition).position(), now)
            events.close()
        self._shared.stores.facts().trim(now - int(keep.facts_days * DAY))
        self._shared.stores.outbox.trim(oldest)

    def _view(self) -> View:
        """What folding may look at: no catalogue, as what it needs of that was captured on the record."""
        view = self.serving.view
        if self._folding_view is None or self._folding_view[0] is not view:
            self._folding_view = (view, replace(view, catalog=Catalog()))
        return self._folding_view[1]

    def _number(self, after: int) -> int:
        """A version of facts: above what was read of the same people, whoever wrote that and by whatever clock."""
        self._numbered = max(self._numbered, after, (self._clock() << 12) - 1) + 1
        return self._numbered


def teaches(record: Record) -> bool:
    """Whether the catalogue learns from it what people look at and buy."""
    return isinstance(record, EventRecord) and (record.event.event or "") in LOOKED and counted(record.marks)
