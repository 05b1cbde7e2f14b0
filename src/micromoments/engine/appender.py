"""Group commit: one thread that makes records durable, as many at once as have come."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from micromoments.core.record import Record
from micromoments.ports import Log

MAX_GROUP = 4096
"""Records in one group; more wait for the next, so that one commit stays short."""

Waiting = tuple[Sequence[Record], asyncio.Future[int]]
"""Records and who waits for them to be durable."""
Durable = Callable[[Sequence[Record], int], None]
log = logging.getLogger("micromoments")


class LogDown(Exception):
    """The log could not be written; nothing of the group was accepted. The client should send it again."""


class Down:
    """What the operator hears of a log that can't be written: why, once for as long as it is the same, and its end."""

    def __init__(self) -> None:
        self._said = ""

    def hear(self, error: LogDown | None) -> None:
        """A group was written, or not."""
        said = str(error or "")
        if said != self._said:
            log.error("%s", said or "the log is written again")
        self._said = said


class Appender:
    """Hands records to the log's thread and their waiters back to the loop.

    ``durable`` is called on the loop, in the log's order, once for each group that the log holds, before its waiters
    wake. While a commit is under way (its time is the disk's) further records gather and form the next group.

    Not ``apart``, the loop's own thread writes: right for a log that waits for no disk, as handing over costs more.
    """

    def __init__(self, log: Log, loop: asyncio.AbstractEventLoop, durable: Durable, *, apart: bool = True) -> None:
        self._log = log
        self._apart = apart
        self._loop = loop
        self._durable = durable
        self._queue: SimpleQueue[list[Waiting] | None] = SimpleQueue()
        self._turn: list[Waiting] = []
        self._thread = threading.Thread(target=self._run, name="micromoments-log", daemon=True)
        self._ended = False
        self.waiting = 0
        self.groups = 0
        self.failures = 0
        self._down = Down()

    def start(self) -> None:
        """Start the log's thread."""
        if self._apart:
            self._thread.start()

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
        """Wake the log's thread once for all that one turn of the loop brought: waking it costs more than its work."""
        turn, self._turn = self._turn, []
        if turn and self._apart:
            self._queue.put(turn)
        elif turn:
            self._write([record for mine, _ in turn for record in mine], turn)

    def stop(self) -> None:
        """Write what was submitted and end the thread; blocks until it has. What comes later is refused."""
        self._ended = True
        if self._thread.is_alive():
            self._flush()
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            taken = self._queue.get()
            group: list[Waiting] = []
            records: list[Record] = []
            while True:
                if taken is None:
                    stopping = True
                else:
                    group += taken
                    for mine, _ in taken:
                        records.extend(mine)
                if len(records) >= MAX_GROUP or stopping:
                    break
                try:
                    taken = self._queue.get_nowait()
                except Empty:
                    break
            if group:
                self._write(records, group)

    def _write(self, records: list[Record], group: list[Waiting]) -> None:
        first, error = 0, None
        if records:
            try:
                first = self._log.append(records)
            except Exception as problem:  # noqa: BLE001 - whatever the store says, the waiters must hear it
                error = LogDown(f"the log can't be written ({problem}); nothing was accepted, send it again later")
        if not self._apart:
            self._written(records, group, first, error)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._written, records, group, first, error)

    def _written(
        self,
        records: list[Record],
        group: list[Waiting],
        first: int,
        error: LogDown | None,
    ) -> None:
        self.waiting -= len(records)
        if records:
            self._down.hear(error)
        if error is None:
            self.groups += 1
            if records:
                self._durable(records, first)
        else:
            self.failures += 1
        for mine, future in group:
            if error is not None and mine and not future.cancelled():
                future.set_exception(error)
            elif not future.cancelled():
                future.set_result(first)
            first += len(mine)
