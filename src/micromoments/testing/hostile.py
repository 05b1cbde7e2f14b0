"""A hostile set of ports: refusals, deliveries that are done twice, and crashes between any two calls.

Trouble comes at calls that a schedule names, counted over all ports of the set, so a test can go through every place at
which a process may die:

    for n in range(1_000):
        world = HostilePorts(Trouble(crash_at=n))
        try:
            work(world)
        except Crash:
            world = world.restarted()
        ...
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle
from random import Random
from threading import Lock
from typing import Any, Generic, Literal, TypeVar

from micromoments.core.delivery import Delivery, Receipt, later, never, taken
from micromoments.core.event import Millis
from micromoments.ports import StoreError
from micromoments.testing.memory import (
    Disk,
    MemoryArtifacts,
    MemoryBudgets,
    MemoryCatalogue,
    MemoryFacts,
    MemoryLog,
    MemoryOutbox,
    MemoryPolicies,
    MemorySeen,
    MemoryState,
)

T = TypeVar("T")

REPEATABLE = frozenset(
    {"seal", "erase", "trim", "settle", "expire", "keep", "put", "reserve", "load", "read", "forget"}
)
"""Calls that a network may do twice: the ports promise that it makes no difference to what is kept."""


class Crash(BaseException):
    """The process died here. No handler of ordinary errors sees it."""


class Trouble:
    """When what goes wrong. Calls are counted from 0; each has two places to die: before and after its effect.

    Args:
        crash_at: the place at which the process dies; call ``n`` has places ``2n`` and ``2n + 1``. -1: it doesn't.
        refuse: the share of calls that fail with ``StoreError`` before any effect (a lost compare-and-set, a full
        disk). repeat: the share of repeatable calls that are done twice. seed: draws which.
    """

    def __init__(self, *, crash_at: int = -1, refuse: float = 0.0, repeat: float = 0.0, seed: int = 0) -> None:
        self._crash_at, self._refuse, self._repeat = crash_at, refuse, repeat
        self._random = Random(seed)
        self.place = 0
        self.refused = 0

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        """Do a call, with what is due at it."""
        self._step()
        if self._random.random() < self._refuse:
            self.refused += 1
            raise StoreError(f"{name}: refused by the test's schedule; nothing was done; try again")
        if name in REPEATABLE and self._random.random() < self._repeat:
            first = work()
            work()
        else:
            first = work()
        self._step()
        return first

    def _step(self) -> None:
        place, self.place = self.place, self.place + 1
        if place == self._crash_at:
            raise Crash(f"at place {place}")


class Hostile(Generic[T]):
    """A port whose calls go through a schedule of trouble."""

    def __init__(self, inner: T, trouble: Trouble) -> None:
        self._inner, self._trouble = inner, trouble

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            def work() -> Any:
                return method(*args, **kwargs)

            return self._trouble.call(name, work)

        return call


class Patient(Generic[T]):
    """A port that tries a refused call again, as the engine does."""

    def __init__(self, inner: T, tries: int = 50) -> None:
        self._inner, self._tries = inner, tries

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            for _ in range(self._tries - 1):
                try:
                    return method(*args, **kwargs)
                except StoreError as error:
                    if "test's schedule" not in str(error):
                        raise
            return method(*args, **kwargs)

        return call


class HostilePorts:
    """One of each port over one disk, under one schedule of trouble. Each attribute fits its Protocol."""

    def __init__(self, trouble: Trouble | None = None, disk: Disk | None = None) -> None:
        self.disk = disk if disk is not None else Disk()
        self.trouble = trouble or Trouble()
        log = MemoryLog(self.disk)
        self.log: Any = Hostile(log, self.trouble)
        self.state: Any = Hostile(MemoryState(self.disk), self.trouble)
        self.outbox: Any = Hostile(MemoryOutbox(self.disk), self.trouble)
        self.facts: Any = Hostile(MemoryFacts(self.disk), self.trouble)
        self.catalogue: Any = Hostile(MemoryCatalogue(self.disk), self.trouble)
        self.policies: Any = Hostile(MemoryPolicies(self.disk), self.trouble)
        self.budgets: Any = Hostile(MemoryBudgets(self.disk), self.trouble)
        self.artifacts: Any = Hostile(MemoryArtifacts(self.disk), self.trouble)
        self.seen: Any = Hostile(MemorySeen(log.mids(0)), self.trouble)

    def restarted(self, trouble: Trouble | None = None) -> HostilePorts:
        """The same disk after a crash, with nothing in memory."""
        return HostilePorts(trouble, self.disk)


class HostileChannel:
    """A receiver of deliveries that does as a schedule says, over and over: takes (True), refuses for good (False),
    fails (None), or takes and then says that it failed (``"lost"``): the answer that never came back.

    ``ids`` are those taken, each time; ``seen`` those of a receiver that honours ids.
    """

    def __init__(self, schedule: Sequence[bool | Literal["lost"] | None] = (True,)) -> None:
        self._schedule = cycle(schedule)
        self._lock = Lock()
        self.ids: list[str] = []
        self.calls = 0

    @property
    def seen(self) -> set[str]:
        """What a receiver has that takes each id once."""
        return set(self.ids)

    def send(self, delivery: Delivery, now: Millis) -> Receipt:  # noqa: ARG002 the port has it
        """One call, as the schedule says."""
        with self._lock:
            self.calls += 1
            what = next(self._schedule)
            if what is True or what == "lost":
                self.ids.append(delivery.id)
        if what is False:
            return never("refused by the test's schedule")
        return taken() if what is True else later("failed by the test's schedule")

    def close(self) -> None:
        """Nothing is open."""
