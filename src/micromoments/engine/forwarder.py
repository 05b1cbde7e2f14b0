"""Passes events on as they came, each forward by a cursor of its own over the log.

A batch is sent, then the cursor moves and is committed with the state: after a crash the last batch may come again,
under the same ids. What a destination can't take now waits in the log; what it refuses for good becomes a dead letter,
alone, and the rest goes on. One forward never waits for another, nor the intake for any.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from micromoments.core.decision import Decision, Request
from micromoments.core.delivery import Delivery, Receipt, later
from micromoments.core.event import Arrival, Millis
from micromoments.core.person import Person
from micromoments.core.record import EventRecord, Logged
from micromoments.core.settings import Destination, Forward
from micromoments.engine.wiring import Stores
from micromoments.flow import forward as forwarding
from micromoments.flow.triggers import barred
from micromoments.flow.view import View
from micromoments.ports import Channel

LOOK = 0.5
"""Seconds between looks at what was folded."""
READ = 1000
"""Records that are read in one go."""
LONGEST = 60.0
"""The longest seconds between tries."""
PREFIX = "forward:"
log = logging.getLogger("micromoments")


class Folded(Protocol):
    """Up to where the log is folded, and where deliveries go that are to be kept with the next commit."""

    position: int
    outbox: list[Delivery]


class Inside(NamedTuple):
    """What sending needs of the engine: who somebody is, how to decide and to collect, what is in force, who folds, and
    where cursors are kept: as of the start, and with the next commit.
    """

    person: Callable[[str], Person | None]
    decide: Callable[[Request], Awaitable[Decision]]
    collect: Callable[[Sequence[Arrival]], Awaitable[list[int]]]
    view: Callable[[], View]
    applier: Folded
    kept: Mapping[str, bytes]
    keep: Callable[[str, bytes], None]


class Forwarder:
    """All forwards of a project, over its log; or ``read`` reads another, and people are asked for over a network."""

    def __init__(
        self,
        stores: Stores,
        inside: Inside,
        clock: Callable[[], Millis],
        read: Callable[[int, int], Sequence[Logged]] | None = None,
    ) -> None:
        self.stores, self.inside, self.clock = stores, inside, clock
        self.read, self.far = read or stores.log.read, read is not None
        self.cursors = {k: int(v) for k, v in inside.kept.items() if k.startswith(PREFIX)}
        self._lines: dict[str, _Line] = {}
        self.sent = self.failed = self.dead = 0

    async def run(self) -> None:
        """Pass on, for ever; a forward whose settings changed goes on where it was, under the new ones."""
        try:
            while True:
                self._man()
                await asyncio.sleep(LOOK)
        finally:
            await asyncio.gather(*(line.stop() for line in self._lines.values()))

    def _man(self) -> None:
        settings = self.inside.view().settings
        wanted = {name: (f, settings.destinations[f.to]) for name, f in settings.forwards.items()}
        for name, line in list(self._lines.items()):
            if wanted.get(name) != (line.forward, line.destination):
                line.task.cancel()
                if line.task.done():
                    del self._lines[name]
        for name, (forward, destination) in wanted.items():
            if name not in self._lines:
                self._lines[name] = _Line(self, name, forward, destination)

    def waiting(self) -> int:
        """Records that the slowest forward has still to look at."""
        return max((self.inside.applier.position - line.cursor for line in self._lines.values()), default=0)

    def move(self, name: str, cursor: int) -> None:
        """Remember up to where a forward came; durable with the next commit."""
        self.cursors[PREFIX + name] = cursor
        self.inside.keep(PREFIX + name, b"%d" % cursor)


class _Line:
    """One forward: its place in the log, its channel, its thread."""

    def __init__(self, forwarder: Forwarder, name: str, forward: Forward, destination: Destination) -> None:
        self.forward, self.destination = forward, destination
        self._all, self._name = forwarder, name
        if PREFIX + name not in forwarder.cursors:
            forwarder.move(name, forwarder.inside.applier.position)
        self.cursor = self._read = forwarder.cursors[PREFIX + name]
        self._held: list[EventRecord] = []
        self._since = 0.0
        self._tries = 0
        self._channel: Channel | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"forward-{name}")
        self.task = asyncio.get_running_loop().create_task(self._run(), name=f"forward-{name}")

    async def stop(self) -> None:
        """Begin nothing more."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                try:
                    rest = await self._turn()
                except Exception as error:  # noqa: BLE001 - what was not passed on is still in the log
                    log.error("forward %s can't go on (%s); tried again", self._name, error)
                    rest = LONGEST / 4
                if rest:
                    await asyncio.sleep(rest)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            if self._channel is not None:
                self._channel.close()

    async def _turn(self) -> float:
        """Gather, and send what is ripe; gives the seconds to rest."""
        await self._gather()
        if not self._held:
            self._move()
            return LOOK
        ripe = self._since + self.forward.wait_seconds - monotonic()
        if len(self._held) < self.forward.batch and ripe > 0:
            return min(ripe, LOOK)
        return await self._send()

    async def _gather(self) -> None:
        """Take from the log, up to where it is folded, until a batch is full."""
        end = self._all.inside.applier.position
        while len(self._held) < self.forward.batch and self._read < end:
            found = await asyncio.to_thread(self._all.read, self._read, READ)
            for logged in found:
                if logged.position >= end or len(self._held) == self.forward.batch:
                    break
                self._read = logged.position + 1
                if forwarding.wanted(logged.record, self._name, self.forward):
                    assert isinstance(logged.record, EventRecord)  # noqa: S101 - nothing else is wanted
                    self._since = self._since if self._held else monotonic()
                    self._held.append(logged.record)
            if not found:
                break
            await asyncio.sleep(0)

    async def _send(self) -> float:
        """Hand over what is held; halves where something in it is refused, until it stands alone."""
        far = self._all.far
        parts = [await asyncio.to_thread(self._allowed, self._held) if far else self._allowed(self._held)]
        while parts:
            part = parts.pop(0)
            if not part:
                continue
            one = forwarding.batch(self._name, self.forward, part)
            receipt = await self._try(one)
            if receipt.taken:
                self._all.sent += len(part)
            elif receipt.again:
                self._all.failed += 1
                self._held = [record for rest in (part, *parts) for record in rest]
                self._tries += 1
                return max(min(LONGEST, float(1 << min(self._tries, 6))), min(receipt.after, LONGEST))
            elif len(part) > 1:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
            else:
                self._set_aside(part[0], receipt)
        self._held, self._tries = [], 0
        self._move()
        return 0.0

    async def _try(self, one: Delivery) -> Receipt:
        loop = asyncio.get_running_loop()
        try:
            if self._channel is None:
                channel = self._all.stores.channel
                self._channel = await loop.run_in_executor(self._pool, channel, self.forward.to, self.destination)
            return await loop.run_in_executor(self._pool, self._channel.send, one, self._all.clock())
        except Exception as error:  # noqa: BLE001 - a channel that raises has not handed it over
            log.error("forward %s can't be served (%s); tried again", self._name, error)
            return later(f"{type(error).__name__}: {error}")

    def _allowed(self, records: Sequence[EventRecord]) -> list[EventRecord]:
        """Those whose person agrees now; of nobody who is unknown, or being erased."""
        inside, settings = self._all.inside, self._all.inside.view().settings
        kept = []
        for record in records:
            person = inside.person(forwarding.whose(record))
            if person is not None and not barred(person, self.destination, settings):
                kept.append(record)
        return kept

    def _set_aside(self, record: EventRecord, receipt: Receipt) -> None:
        """One event that is refused for good: a dead letter, to be looked at and sent again."""
        person = self._all.inside.person(forwarding.whose(record))
        one = forwarding.batch(self._name, self.forward, [record], person.id if person is not None else record.key)
        dead = replace(one, status="dead", tries=1, detail=receipt.detail[:200])
        self._all.inside.applier.outbox.append(dead)
        self._all.dead += 1

    def _move(self) -> None:
        if self._read != self.cursor:
            self.cursor = self._read
            self._all.move(self._name, self.cursor)
