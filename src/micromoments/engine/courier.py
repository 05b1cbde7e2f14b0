"""The courier: decides what the outbox intends, hands it to destinations, and writes down what became of it.

Each destination has a few threads of its own and looks at a few deliveries at a time, so that one which hangs or fails
keeps neither the others waiting nor the intake. What waits, waits on the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from micromoments.core.delivery import LATE, Delivery, Receipt, later
from micromoments.core.event import Millis
from micromoments.core.fact import DeliveryFact
from micromoments.core.settings import HOUR, Destination, Settings
from micromoments.engine.stream import Stream
from micromoments.engine.tracing import traced
from micromoments.ports import Channel, Outbox

AT_ONCE = 64
"""Deliveries that are decided in one go."""
LOOK = 1.0
"""Seconds after which the outbox is looked at though nothing was said."""
FIRST, LONGEST = 2_000, 3_600_000
"""Milliseconds of the first wait after a failure, which doubles from try to try, and of the longest."""
REST = 60.0
"""The longest seconds that a destination is left alone where everything sent to it failed."""
log = logging.getLogger("micromoments")

Decide = Callable[[Delivery], Awaitable[Delivery]]


class Courier:
    """Runs on the engine's loop; everything that blocks is done in threads.

    Args:
        outbox: where deliveries are kept. stream: who is told. open: a destination's channel (``ValueError`` where it
            can't be had). settings: those in force. clock: the time. lost: is told of a written message to a person
            that won't arrive. still: gives a delivery back as it is where it may go now, else as it has become.
    """

    def __init__(
        self,
        outbox: Outbox,
        stream: Stream,
        open: Callable[[str, Destination], Channel],
        settings: Callable[[], Settings],
        clock: Callable[[], Millis],
        lost: Callable[[Delivery], Awaitable[None]],
        still: Callable[[Delivery], Delivery],
    ) -> None:
        self._outbox, self._stream, self._open, self._settings, self.clock = outbox, stream, open, settings, clock
        self._lost, self.still = lost, still
        self.traced = traced()
        self._lanes: dict[str, _Lane] = {}
        self._awake = asyncio.Event()
        self.sent = self.failed = self.dead = self.held = 0

    def wake(self) -> None:
        """Something was committed to the outbox, or is due again."""
        self._awake.set()

    async def run(self, decide: Decide) -> None:
        """Decide and hand over, for ever. ``decide`` is awaited for each intended delivery and gives it back written,
        held or put off.
        """
        try:
            while True:
                more = 0
                try:
                    more = await self._decide(decide)
                    self._man_lanes()
                except Exception as error:  # noqa: BLE001 - the outbox keeps what was not done
                    log.error("deliveries could not be decided (%s); tried again", error)
                if more < AT_ONCE:
                    await self._pause()
        finally:
            await asyncio.gather(*(lane.stop() for lane in self._lanes.values()))

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._awake.wait(), LOOK)
        except TimeoutError:
            return
        finally:
            self._awake.clear()

    async def _decide(self, decide: Decide) -> int:
        if not self._settings().destinations:
            return 0
        intended = await asyncio.to_thread(self._outbox.due, "", self.clock(), AT_ONCE)
        decided: list[Delivery] = []
        written = set[str]()
        for one in intended:
            try:
                found = await decide(one)
            except Exception as error:  # noqa: BLE001 - one that can't be decided doesn't stop the others
                found = replace(one, due=self.clock() + wait(one), tries=one.tries + 1, detail=f"{error}"[:200])
            written |= {found.destination} if found.status == "waiting" else set()
            to = self._settings().destinations.get(found.destination)
            if to is not None and to.times:
                await self.settle([found])  # at once, so that the next one's cap counts it
            else:
                decided.append(found)
        if decided:
            await self.settle(decided)
        for name in written:
            if (lane := self._lanes.get(name)) is not None:
                lane.awake.set()
        return len(intended)

    def _man_lanes(self) -> None:
        """One lane a destination, opened anew where its settings changed."""
        wanted = self._settings().destinations
        for name, destination in wanted.items():
            lane = self._lanes.get(name)
            if lane is None or lane.destination != destination:
                if lane is not None:
                    lane.task.cancel()
                self._lanes[name] = _Lane(self, name, destination)
        for name in self._lanes.keys() - wanted.keys():
            self._lanes.pop(name).task.cancel()

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Write deliveries back; those that ended become facts, and are told to who listens."""
        now = self.clock()
        ended = [d for d in deliveries if d.status in ("sent", "dead", "held")]
        facts = [fact(d, now) for d in ended]
        await asyncio.to_thread(self._outbox.settle, deliveries, facts)
        self.traced(facts)
        for d in ended:
            self.held += d.status == "held"
            self.dead += d.status == "dead"
            self.sent += d.status == "sent"
            if d.status != "sent" and d.channel and d.decision:
                await self._give_up(d)
            self._tell(d)

    async def _give_up(self, d: Delivery) -> None:
        try:
            await self._lost(d)
        except Exception as error:  # noqa: BLE001 - the delivery is settled; only its policy goes without the news
            log.error("delivery %s was given up, which could not be noted (%s)", d.id, error)

    def _tell(self, d: Delivery) -> None:
        self._stream.publish("delivery", d.person, lambda: msgspec.json.encode(shown(d)))

    async def due(self, name: str, limit: int) -> Sequence[Delivery]:
        """What is due at a destination."""
        return await asyncio.to_thread(self._outbox.due, name, self.clock(), limit)

    def after(self, one: Delivery, receipt: Receipt, destination: Destination) -> Delivery:
        """The delivery after one try: sent, given up, or waiting for the next."""
        now = self.clock()
        tried = replace(one, tries=one.tries + 1, due=now, detail=receipt.detail[:200])
        if receipt.taken:
            return replace(tried, status="sent")
        self.failed += 1
        again = now + max(wait(one), round(receipt.after * 1000))
        if not receipt.again or again - one.since > destination.give_up_hours * HOUR:
            return replace(tried, status="dead")
        return replace(tried, due=again)

    def channel(self, name: str, destination: Destination) -> Channel:
        """Open a destination."""
        return self._open(name, destination)


class _Lane:
    """One destination: its channel, its threads, its turn."""

    def __init__(self, courier: Courier, name: str, destination: Destination) -> None:
        self.destination = destination
        self.awake = asyncio.Event()
        self._courier, self._name = courier, name
        self._pool = ThreadPoolExecutor(destination.concurrency, thread_name_prefix=f"to-{name}")
        self._channel: Channel | None = None
        self.task = asyncio.get_running_loop().create_task(self._run(), name=f"to-{name}")

    async def stop(self) -> None:
        """Begin nothing more; what is under way is waited for as long as the destination may take."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        rest = 0.0
        try:
            while True:
                rest = await self._turn(rest)
                if rest >= 0:
                    await self._sleep(rest or LOOK, wakes=not rest)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)
            if self._channel is not None:
                self._channel.close()

    async def _sleep(self, seconds: float, *, wakes: bool) -> None:
        if wakes:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.awake.wait(), seconds)
        else:
            await asyncio.sleep(seconds)
        self.awake.clear()

    async def _turn(self, rested: float) -> float:
        """Hand over a few; give the seconds to rest, or -1 where there may be more at once."""
        try:
            if self._channel is None:
                self._channel = await asyncio.to_thread(self._courier.channel, self._name, self.destination)
            due = await self._courier.due(self._name, self.destination.concurrency)
            if not due:
                return 0.0
            may = [self._courier.still(one) for one in due]
            gone = [one for one, now in zip(due, may, strict=True) if now is one]
            receipts = await asyncio.gather(*(self._send(one) for one in gone))
            done = [self._courier.after(one, r, self.destination) for one, r in zip(gone, receipts, strict=True)]
            await self._courier.settle([*done, *(now for one, now in zip(due, may, strict=True) if now is not one)])
        except Exception as error:  # noqa: BLE001 - whatever it was, what was not settled is still in the outbox
            log.error("destination %s can't be served (%s); tried again", self._name, error)
            return REST / 4
        if len(gone) < len(due) or any(r.taken or not r.again for r in receipts):
            return -1.0
        return min(REST, max(1.0, rested * 2))

    async def _send(self, one: Delivery) -> Receipt:
        """One try in a thread of the destination's own, bounded in time whatever its channel does."""
        assert self._channel is not None  # noqa: S101 - opened in this turn
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._channel.send, one, self._courier.clock())
        except Exception as error:  # noqa: BLE001 - a channel that raises has not handed it over
            return later(f"{type(error).__name__}: {error}")


def wait(one: Delivery) -> Millis:
    """Milliseconds until the next try: doubling, and shortened by up to half as the id and the try have it, so that
    many that failed together don't come back together.
    """
    most = min(LONGEST, FIRST << min(one.tries, 16))
    share = blake2b(f"{one.id}:{one.tries}".encode(), digest_size=2).digest()
    return most // 2 + most // 2 * int.from_bytes(share, "big") // 65_535


def fact(d: Delivery, now: Millis) -> DeliveryFact:
    """How a delivery ended, as a fact; a later end of the same has a later version."""
    return DeliveryFact(
        id=d.id,
        version=now,
        received_at=now,
        at=d.at,
        due_at=d.since or d.due,
        surrogate=d.surrogate,
        trigger=d.trigger,
        destination=d.destination,
        channel=d.channel,
        status=d.status,
        tries=d.tries,
        detail=d.detail if d.status == "held" or d.detail == LATE else d.detail[:3],
        decision=d.decision,
        item=d.item,
        moment=d.moment,
        marks=d.marks,
    )


def shown(d: Delivery) -> dict[str, object]:
    """A delivery as the stream and the doors tell it: nothing of what it says, nor of where the person is reached."""
    return {
        "deliveryId": d.id,
        "status": d.status,
        "trigger": d.trigger,
        "destination": d.destination,
        "channel": d.channel,
        "person": d.person,
        "momentId": d.moment,
        "decisionId": d.decision or None,
        "item": d.item or None,
        "at": d.at,
        "due": d.due,
        "tries": d.tries,
        "detail": d.detail,
    }
