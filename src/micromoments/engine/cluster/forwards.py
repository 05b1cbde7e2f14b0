"""Forwards on a cluster: whoever folds a partition passes its events on, each forward by a cursor of its own there.

A partition that goes to another worker takes its cursors along. What the one before had sent and not yet noted comes
again, under the same ids, as after a crash on one machine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock

from msgspec.structs import replace

from micromoments.core.delivery import Delivery
from micromoments.core.event import Millis
from micromoments.core.record import Logged
from micromoments.engine.cluster.folding import Folding
from micromoments.engine.cluster.wiring import Shared
from micromoments.engine.forwarder import LOOK, Forwarder, Inside
from micromoments.ports import Batch

_NOTHING = Batch(people={}, links={}, timers={}, decisions=(), facts=(), policies={}, items={}, position=-1)
log = logging.getLogger("micromoments")


class Folded:
    """How far a partition is folded, and where dead letters go."""

    def __init__(self, position: int, outbox: list[Delivery]) -> None:
        self.position = position
        self.outbox = outbox


class Dead(list[Delivery]):
    """Dead letters: kept with the person at once, as no commit of this process takes them along."""

    def __init__(self, keep: Callable[[Delivery], None]) -> None:
        super().__init__()
        self._keep = keep

    def append(self, one: Delivery) -> None:
        """Keep one."""
        self._keep(one)


class Partition:
    """The forwards of one partition, from where it was when it was given to this worker."""

    def __init__(self, all: Forwards, number: int, folding: Folding, kept: Mapping[str, bytes]) -> None:
        self.folding = folding
        self._log, self._reading = all.shared.events.log(number), Lock()
        self.folded = Folded(folding.first, Dead(all.dead_letter))
        end = f"/{number}"
        inside = all.inside._replace(
            applier=self.folded,
            kept={name.removesuffix(end): value for name, value in kept.items() if name.endswith(end)},
            keep=lambda name, body: all.keep(name + end, body),
        )
        self.forwarder = Forwarder(all.shared.stores, inside, all.clock, self._read)
        self.task = asyncio.get_running_loop().create_task(self.forwarder.run(), name=f"forwards{end}")

    def _read(self, start: int, limit: int) -> Sequence[Logged]:
        with self._reading:
            return self._log.read(start, limit)

    async def stop(self) -> None:
        """Begin nothing more."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        await asyncio.to_thread(self._log.close)


class Forwards:
    """All forwards of the partitions that a worker has: what ``held`` gives."""

    def __init__(self, shared: Shared, inside: Inside, clock: Callable[[], Millis]) -> None:
        self.shared, self.inside, self.clock = shared, inside, clock
        self.held: Callable[[], Mapping[int, Folding]] = dict
        self._partitions: dict[int, Partition] = {}
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="forward-cursors")
        self._gone = [0, 0, 0]

    async def run(self) -> None:
        """Pass on, for ever, of whichever partitions there are."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK)
        finally:
            for one in list(self._partitions):
                await self._let_go(one)
            await asyncio.to_thread(self._writer.shutdown)

    async def _look(self) -> None:
        held = self.held() if self.inside.view().settings.forwards else {}
        for number in list(self._partitions):
            if held.get(number) is not self._partitions[number].folding:
                await self._let_go(number)
        new = [number for number in held if number not in self._partitions]
        for number, one in self._partitions.items():
            one.folded.position = held[number].next
        if new:
            # Not before what was said of them here is written.
            kept = await asyncio.get_running_loop().run_in_executor(self._writer, self.shared.cursors.load)
            self._partitions.update((number, Partition(self, number, held[number], kept)) for number in new)

    async def _let_go(self, number: int) -> None:
        one = self._partitions.pop(number)
        await one.stop()
        f = one.forwarder
        self._gone = [a + b for a, b in zip(self._gone, (f.sent, f.failed, f.dead), strict=True)]

    def keep(self, name: str, body: bytes) -> None:
        """Note a cursor, soon: what was sent and isn't noted comes again under the same id."""
        self._write(lambda: self.shared.cursors.keep(name, body))

    def dead_letter(self, one: Delivery) -> None:
        """Keep what a destination refuses for good."""
        self._write(lambda: self.shared.state.commit(replace(_NOTHING, outbox=(one,))))

    def _write(self, work: Callable[[], None]) -> None:
        def done() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - it is sent again, under the same id
                log.error("what was forwarded could not be noted (%s)", error)

        self._writer.submit(done)

    def waiting(self) -> int:
        """Records that the slowest forward has still to look at."""
        return max((one.forwarder.waiting() for one in self._partitions.values()), default=0)

    @property
    def sent(self) -> int:
        """Events passed on."""
        return self._gone[0] + sum(one.forwarder.sent for one in self._partitions.values())

    @property
    def failed(self) -> int:
        """Tries that failed."""
        return self._gone[1] + sum(one.forwarder.failed for one in self._partitions.values())

    @property
    def dead(self) -> int:
        """Events refused for good."""
        return self._gone[2] + sum(one.forwarder.dead for one in self._partitions.values())
