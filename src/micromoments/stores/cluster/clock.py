"""The time of a cluster: Redis's, so that all mean the same, and no process minds when its machine's clock jumps."""

from __future__ import annotations

import logging
import time
from threading import Event, Thread

from micromoments.core.event import Millis
from micromoments.ports import StoreError
from micromoments.stores.cluster.database import Database

LOOK = 2.0
"""Seconds between looks at Redis's clock; in between, a clock that nobody can set counts on."""
SLACK: Millis = 20
"""What a look may be off by, for the way there and back: less than that changes nothing."""
TOO_LONG = 1.0
"""Seconds after which an answer says nothing about now."""
NOTED: Millis = 5_000
log = logging.getLogger("micromoments")


class SharedClock:
    """Call it for the instant. Looks at Redis once when made, then in a thread of its own, until ``close``.

    Raises:
        StoreError: Redis can't be asked (when made; later the time just counts on).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = 0.0
        self._said = False
        self._closed = Event()
        while not self.look():
            continue
        Thread(target=self._follow, name="micromoments-clock", daemon=True).start()

    def __call__(self) -> Millis:
        """The instant."""
        return int(_steady() + self._ahead)

    def skew(self) -> Millis:
        """How far this machine's own clock is ahead."""
        return time.time_ns() // 1_000_000 - self()

    def cautious(self) -> Millis:
        """The earlier of the instant and what this machine's own clock says: for forgetting, which can't be undone. One
        clock that jumps ahead takes nothing with it.
        """
        return min(self(), time.time_ns() // 1_000_000)

    def look(self) -> bool:
        """Ask Redis; False where the answer took too long to mean anything."""
        asked = _steady()
        seconds, micros = self._database.one(0, "TIME")
        answered = _steady()
        if answered - asked > TOO_LONG * 1000:
            return False
        ahead = int(seconds) * 1000 + int(micros) / 1000 - (asked + answered) / 2
        if abs(ahead - self._ahead) > SLACK:
            self._ahead = ahead
        return True

    def _follow(self) -> None:
        while not self._closed.wait(LOOK):
            try:
                self.look()
            except StoreError:
                continue  # time counts on
            wrong = abs(self.skew()) > NOTED
            if wrong and not self._said:
                log.error("this machine's clock is %.1f s ahead of Redis's, which counts", self.skew() / 1000)
            self._said = wrong

    def close(self) -> None:
        """Look no more."""
        self._closed.set()


def _steady() -> float:
    return time.monotonic() * 1000
