"""Group commit: makes records durable, as many at once as have come; in a thread where the disk is slow."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from time import perf_counter

from micromoments.core.event import Millis
from micromoments.core.record import Record, TickRecord
from micromoments.ports import Log

MAX_GROUP = 4096
"""Records in one group; more wait for the next, so that one commit stays short."""
QUICK = 0.0005
"""Seconds within which a group is written so soon that the loop had better wait: a thread has to get the interpreter
three times for a group, from a loop that is busy folding, and each time may take as long (``tuning.SWITCH``).
"""
PATIENCE = 4
"""Writes that may be slower, less those that were quick, until a thread takes over: a checkpoint is one of them."""
APART = 64
"""Groups that the thread writes before the loop tries one again."""
AGAIN = 1.0
"""Seconds between tries of a log that can't be written: whoever hears that it can't may send nothing until it can."""
NOBODY = ""
"""Whose record such a try is: it folds into nobody."""

Waiting = tuple[Sequence[Record], asyncio.Future[int]]
"""Records and who waits for them to be durable."""
Durable = Callable[[Sequence[Record], int], None]
Written = tuple[list[Record], list[Waiting], int, "LogDown | None"]
"""The records of a group, who waits for them, the position of the first, and what went wrong."""
log = logging.getLogger("micromoments")


class LogDown(Exception):
    """The log could not be written; nothing of the group was accepted. The client should send it again."""


class Down:
    """What the operator hears of a log that can't be written: why, once for as long as it is the same, and its end.

    ``why`` is empty while it can be written.
    """

    def __init__(self) -> None:
        self.why = ""

    def hear(self, error: LogDown | None) -> None:
        """A group was written, or not."""
        said = str(error or "")
        if said != self.why:
            log.error("%s", said or "the log is written again")
        self.why = said


class Appender:
    """Writes what one turn of the loop brought as one group, and wakes its waiters.

    ``durable`` is called on the loop, in the log's order, once for each group that the log holds, before its waiters
    wake. Where writing is slow (its time is the disk's) a thread does it; what comes meanwhile forms the next group.
    A log that can't be written is tried every second with a record of nobody; ``down`` says whether it is one.
    """

    def __init__(self, log: Log, loop: asyncio.AbstractEventLoop, durable: Durable, down: Down) -> None:
        self._log = log
        self._loop = loop
        self._durable = durable
        self._queue: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._turn: list[Waiting] = []
        self._thread: threading.Thread | None = None
        self._slow = 0
        self._apart = 0
        self._handed = 0
        self._ended = False
        self.waiting = 0
        self.groups = 0
        self.failures = 0
        self._down = down
        self._trying: asyncio.TimerHandle | None = None

    def submit(self, records: Sequence[Record]) -> asyncio.Future[int]:
        """A future of the position of the first of these records; no records make a barrier behind all that came
        before.

        Raises (in the future):
            LogDown: the log could not be written.
        """
        future: asyncio.Future[int] = self._loop.create_future()
        if self._ended:
            future.set_exception(LogDown("the engine is being closed; nothing was accepted, open it again"))
            return future
        self.waiting += len(records)
        if not self._turn:
            self._loop.call_soon(self._flush)
        self._turn.append((records, future))
        return future

    def _flush(self) -> None:
        """Write all that one turn of the loop brought, or hand it over; behind what the thread still has."""
        turn = self._turn
        if not turn or (self._handed and not self._apart):
            return
        self._turn = []
        if self._apart:
            self._apart -= 1
            self._hand_over(turn)
            return
        began = perf_counter()
        self._written(*self._write(turn))
        self._slow = max(0, self._slow + (1 if perf_counter() - began > QUICK else -1))
        if self._slow >= PATIENCE:
            self._slow, self._apart = PATIENCE - 1, APART  # the next try decides

    def _try(self, at: Millis) -> None:
        """Write a record of nobody where the log can't be written, as far as is known."""
        self._trying = None
        if self._down.why and not self._ended:
            self.submit([TickRecord(key=NOBODY, at=at)]).add_done_callback(asyncio.Future.exception)

    def _hand_over(self, turn: list[Waiting]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="micromoments-log", daemon=True)
            self._thread.start()
        self._handed += 1
        self._queue.put(turn)

    async def stop(self) -> None:
        """Write what was submitted and end the thread; returns once it has. What comes later is refused."""
        self._ended = True
        turn, self._turn = self._turn, []
        if turn:
            self._hand_over(turn)
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            taken = self._queue.get()
            turns, group, count = 0, list[Waiting](), 0
            while True:
                if taken is None:
                    stopping = True
                else:
                    turns += 1
                    group += taken
                    count += sum(len(mine) for mine, _ in taken)
                if count >= MAX_GROUP or stopping:
                    break
                try:
                    taken = self._queue.get_nowait()
                except Empty:
                    break
            if group:
                written = self._write(group)
                if not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._returned, turns, *written)

    def _returned(self, turns: int, *written: *Written) -> None:
        """The thread wrote so many turns; what waited for it goes on."""
        self._handed -= turns
        self._written(*written)
        self._flush()

    def _write(self, group: list[Waiting]) -> Written:
        records = [record for mine, _ in group for record in mine]
        first, error = 0, None
        if records:
            try:
                first = self._log.append(records)
            except Exception as problem:  # noqa: BLE001 - whatever the store says, the waiters must hear it
                error = LogDown(f"the log can't be written ({problem}); nothing was accepted, send it again later")
        return records, group, first, error

    def _written(self, records: list[Record], group: list[Waiting], first: int, error: LogDown | None) -> None:
        self.waiting -= len(records)
        if records:
            self._down.hear(error)
            if error is not None and self._trying is None:
                self._trying = self._loop.call_later(AGAIN, self._try, records[-1].at)
        position = first
        for mine, future in group:
            if error is not None and mine and not future.cancelled():
                future.set_exception(error)
            elif not future.cancelled():
                future.set_result(position)
            position += len(mine)
        # After the waiters: they wake in the loop's next turn, and their answers go out before folding begins.
        if error is not None:
            self.failures += any(record.key != NOBODY for record in records)
        else:
            self.groups += 1
            if records:
                self._durable(records, first)
