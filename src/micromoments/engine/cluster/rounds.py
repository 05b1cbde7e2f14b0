"""The active learner's rounds of learning sessions: in a process of its own, put in force by the control log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from micromoments.core.event import Millis
from micromoments.core.settings import HOUR
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.nexts import FIRST_LOOK, LOOK_EVERY, TooFew, activation
from micromoments.retrieve.catalog import Catalog

if TYPE_CHECKING:
    from micromoments.engine.nexts import Learnt

log = logging.getLogger("micromoments")


class Rounds:
    """When it is time, a process learns from the facts; what it gives is put in force where it is better than counts.

    Lives on the learner's thread, which calls ``look`` often; nothing here waits.
    """

    def __init__(self, shared: Shared, catalog: Catalog, clock: Callable[[], Millis]) -> None:
        self._shared, self._catalog, self._clock = shared, catalog, clock
        self._settings = shared.settings.recommend
        self._then = time.monotonic() + FIRST_LOOK
        self._tried: Millis = 0
        self._pool: ProcessPoolExecutor | None = None
        self._round: Future[Learnt] | None = None

    def look(self) -> None:
        """Begin a round, or take what one gave, if it is time."""
        if self._round is not None:
            if self._round.done():
                self._take(self._round)
                self.stop()
        elif time.monotonic() >= self._then:
            self._then = time.monotonic() + LOOK_EVERY
            every = self._settings.train_hours * HOUR
            if every > 0 and self._clock() - max(self._catalog.foreseen_at, self._tried) >= every:
                self.begin()

    @property
    def learning(self) -> bool:
        """Whether a round is under way."""
        return self._round is not None

    def begin(self) -> None:
        """Learn in a process that is started for it."""
        self._tried = self._clock()
        self._pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        self._round = self._pool.submit(self._shared.learnt, self._settings.least_sessions, self._tried)

    def _take(self, done: Future[Learnt]) -> None:
        try:
            found = done.result()
        except TooFew as error:
            log.debug("sessions aren't learned: %s", error)
            return
        except Exception as error:  # noqa: BLE001 - housekeeping is tried again; learning goes on
            log.error("sessions could not be learned (%s); it will be tried again", error)
            return
        if found.better:
            put_in_force(self._shared, found, self._tried)
        log.info("sessions learned: %d of them, %s; used: %s", found.sessions, found.examined, found.better)

    def stop(self) -> None:
        """End a round; nobody waits for minutes of learning."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.terminate()
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._round = None


def put_in_force(shared: Shared, found: Learnt, at: Millis) -> None:
    """Let everybody recommend by what a round gave, from when they read that it is so."""
    shared.control.append([activation(shared.stores.artifacts, found.body, at)])
