"""Reports and sealing beside the engine: in a process of their own where it serves, in a thread where a script has it
open.

A script's process can't be doubled: Python would run the script again in the new one.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import TypeVar

from micromoments.core.event import Millis
from micromoments.core.settings import Settings
from micromoments.engine.tuning import share_heaps, stand_back

T = TypeVar("T")
Answer = Callable[[Path, str, dict[str, str], Settings], dict[str, object]]
"""Answers a report from a folder's facts, in the worker: (folder, name, parameters, settings) -> reply."""
Seal = Callable[[Path, Millis], int]
"""Moves live facts received before an instant to Parquet, in the worker; gives how many."""
FIRST = "freshness"
"""The report that is asked for after each sealing: the least of them, and what it needs all others need, too."""
log = logging.getLogger("micromoments")


def _alone() -> None:
    """Nothing more to be set for questions."""


def _begin(begin: Callable[[], None]) -> None:
    """In the worker: end when the engine's process does, however that ends."""
    share_heaps()
    begin()
    Thread(target=_end_with_parent, name="micromoments-parent", daemon=True).start()


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


class Reporter:
    """One worker, started at the first question; a process that died is started again, once a question.

    Args:
        folder: the project's.
        answer: answers a report.
        seal: seals facts.
        leave: closes what answering left open; for the thread, as a process takes it along.
        apart: in a process of its own; else in a thread (DuckDB leaves the interpreter to others while it counts).
        begin: what that process does first.
    """

    def __init__(
        self,
        folder: Path,
        answer: Answer,
        seal: Seal,
        leave: Callable[[Path], None],
        *,
        apart: bool,
        begin: Callable[[], None] = _alone,
    ) -> None:
        self._apart = apart
        self._begin = begin
        self._folder = folder
        self._answer = answer
        self._seal = seal
        self._ahead: asyncio.Task[None] | None = None
        self._leave = leave
        self._pool: ProcessPoolExecutor | None = None
        self._starting = asyncio.Lock()

    async def report(self, name: str, params: Mapping[str, str], settings: Settings) -> dict[str, object]:
        """Answer a report from the facts as committed.

        Raises:
            ValueError: no such report or parameter.
        """
        return await self._ask(self._answer, self._folder, name, dict(params), settings)

    async def seal(self, until: Millis) -> int:
        """Move live facts received before an instant to Parquet; give how many moved. What questions need of them is
        made ready afterwards, so that nobody who asks has to wait for it; who asks meanwhile waits for the rest.
        """
        moved = await self._ask(self._seal, self._folder, until)
        if self._apart and not self._preparing():
            self._ahead = asyncio.create_task(self._answer_ahead(), name="answered ahead")
        return moved

    def _preparing(self) -> bool:
        return self._ahead is not None and not self._ahead.done()

    async def _answer_ahead(self) -> None:
        try:
            await self._ask(self._answer, self._folder, FIRST, {}, Settings())
        except Exception as error:  # noqa: BLE001 - the next question does it, and says what is wrong
            log.warning("what reports need could not be made ready (%s); the next question tries again", error)

    async def _ask(self, work: Callable[..., T], *args: object) -> T:
        if not self._apart:
            return await asyncio.to_thread(work, *args)
        loop = asyncio.get_running_loop()
        for last in (False, True):
            async with self._starting:
                if self._pool is None:
                    self._pool = await asyncio.to_thread(self._started)
            try:
                return await loop.run_in_executor(self._pool, work, *args)
            except BrokenProcessPool:
                self._pool = None
                if last:
                    raise
        raise AssertionError("unreachable")

    def _started(self) -> ProcessPoolExecutor:
        """A worker that stands back from serving from its first breath: what it loads takes a second of a core."""
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=(self._begin,))
        pool.submit(_alone)
        for pid in pool._processes or ():
            with suppress(OSError):  # it ended already: who asks is told
                stand_back(process=pid)
        return pool

    def close(self) -> None:
        """End the worker; it isn't waited for while it only makes ready, which may be cut off anywhere."""
        if not self._apart:
            self._leave(self._folder)
        if self._pool is not None:
            if self._ahead is not None and self._preparing():
                self._ahead.cancel()
                for process in list((self._pool._processes or {}).values()):
                    process.terminate()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
