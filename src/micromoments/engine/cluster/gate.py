"""What a server accepts: written to Kafka and noted in Redis by one thread, as much at once as has come."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue

from micromoments.core.event import Millis
from micromoments.core.record import DecidedRecord, EventRecord, Record
from micromoments.engine.appender import Down, LogDown
from micromoments.engine.cluster.wiring import Shared
from micromoments.ports import StoreError

MAX_GROUP = 2000
"""Records that go to Kafka together; more wait for the next turn."""
log = logging.getLogger("micromoments")

Waiting = tuple[Sequence[Record], asyncio.Future[list[int]]]


class Gate:
    """Three steps for each group, and a round trip each: which messages are known, Kafka, what nobody has folded yet.

    A message counts as known only when Kafka has it, so that a server that dies in between loses nothing: what is sent
    again is written again, and whoever folds it knows it by its hash.
    """

    def __init__(self, shared: Shared, loop: asyncio.AbstractEventLoop, clock: Callable[[], Millis]) -> None:
        self._shared, self._loop, self._clock = shared, loop, clock
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="micromoments-gate", daemon=True)
        self.waiting = self.groups = self.failures = 0
        self._down = Down()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, records: Sequence[Record]) -> asyncio.Future[list[int]]:
        """The records' offsets, -1 for a duplicate, once all that are new are durable.

        Raises (in the future):
            LogDown: they could not be written, as far as is known.
        """
        future: asyncio.Future[list[int]] = self._loop.create_future()
        self.waiting += len(records)
        self._queue.put((records, future))
        return future

    def stop(self) -> None:
        """Write what was submitted and end the thread; blocks until it has."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            taken: Waiting | None = self._queue.get()
            group: list[Waiting] = []
            count = 0
            while True:
                if taken is None:
                    stopping = True
                    break
                group.append(taken)
                count += len(taken[0])
                if count >= MAX_GROUP:
                    break
                try:
                    taken = self._queue.get_nowait()
                except Empty:
                    break
            if group:
                self._write(group)

    def _write(self, group: Sequence[Waiting]) -> None:
        records = [record for mine, _ in group for record in mine]
        error: LogDown | None = None
        offsets: list[int] = []
        try:
            offsets = self._written(records)
        except Exception as problem:  # noqa: BLE001 - whatever a store says, the waiters must hear it
            error = LogDown(f"the log can't be written ({problem}); send it again later")
        self._down.hear(error)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._answer, group, offsets, error)

    def _written(self, records: Sequence[Record]) -> list[int]:
        """Write what is new; note it as seen, as unfolded, and decisions by their ids."""
        shared, now = self._shared, self._clock()
        mids = [r.mid for r in records if isinstance(r, EventRecord)]
        seen = {mid for mid, known in zip(mids, shared.seen.known(mids, now), strict=True) if known}
        new: list[Record] = []
        places: list[int] = []
        for place, record in enumerate(records):
            if isinstance(record, EventRecord):
                if record.mid in seen:
                    continue
                seen.add(record.mid)
            new.append(record)
            places.append(place)
        written = shared.events.append(new)
        try:
            fresh = [r.mid for r in new if isinstance(r, EventRecord)]
            made = [r.decision for r in new if isinstance(r, DecidedRecord)]
            partitions = [shared.events.partition(r.key) for r in new]
            commands = shared.pending.noting(new, partitions, written) + shared.seen.noting(fresh, now)
            shared.database.many(commands + shared.state.naming(new) + shared.state.keeping(made))
        except StoreError as problem:
            log.error("what is in the log could not be noted (%s); it is folded all the same", problem)
        offsets = [-1] * len(records)
        for place, offset in zip(places, written, strict=True):
            offsets[place] = offset
        return offsets

    def _answer(self, group: Sequence[Waiting], offsets: list[int], error: LogDown | None) -> None:
        self.groups += 1
        self.failures += error is not None
        start = 0
        for mine, future in group:
            self.waiting -= len(mine)
            if not future.cancelled():
                if error is not None:
                    future.set_exception(error)
                else:
                    future.set_result(offsets[start : start + len(mine)])
            start += len(mine)


def noted_again(shared: Shared, ends: Mapping[int, int], now: Millis) -> None:
    """Note as seen what came to Kafka after these ends: whoever wrote it may have been killed before it was noted."""
    mids = [one.record.mid for one in shared.events.since(ends) if isinstance(one.record, EventRecord)]
    shared.database.many(shared.seen.noting(mids, now))
