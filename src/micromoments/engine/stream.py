"""The live stream: what became durable, told to whoever listens, from a bounded ring that one can resume from."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from typing import Literal

import msgspec

RING = 4096
"""Messages kept for ``Last-Event-ID``."""
QUEUE = 1024
"""Messages that a slow listener may be behind before it is told of a gap."""
MAX_DIGITS = 18
"""Of an id that a listener names; a longer one is none of ours."""

Kind = Literal["moment", "decision", "delivery", "fence", "gap"]


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message: ``id`` grows by one, ``data`` is JSON."""

    id: int
    kind: Kind
    person: str
    data: bytes


Body = Callable[[], bytes]


class Stream:
    """Publishes to any number of subscriptions; memory is bounded by the ring and by each subscription's queue.

    A body is encoded when somebody first needs it, so that nobody listening costs next to nothing. Ids start at the
    time of the process's start, so that an id of an earlier process is older than any of this one's.
    """

    def __init__(self, first_id: int) -> None:
        self._ring: deque[tuple[int, Kind, str, Body]] = deque(maxlen=RING)
        self._next = first_id
        self._subscriptions: set[Subscription] = set()

    def __len__(self) -> int:
        return len(self._subscriptions)

    def publish(self, kind: Kind, person: str, body: Body) -> None:
        """Tell all listeners, and keep it for those who resume."""
        entry = (self._next, kind, person, body)
        self._next += 1
        self._ring.append(entry)
        if self._subscriptions:
            message = Message(entry[0], kind, person, body())
            for subscription in self._subscriptions:
                subscription.offer(message)

    def subscribe(self, person: str | None = None, last_id: str | None = None, key: str = "") -> Subscription:
        """Listen from now on, or from just after ``last_id``; of one person's id, or of all. With the ``key`` that the
        person was asked for by it follows whoever is behind that.

        Where the ring no longer holds what follows ``last_id``, or that is none of this process's, the first message is
        a ``gap``.
        """
        subscription = Subscription(self, person, key)
        if last_id is not None and last_id.isascii() and last_id.isdecimal() and len(last_id) <= MAX_DIGITS:
            after = int(last_id)
            held = self._ring[0][0] if self._ring else self._next
            if not held - 1 <= after < self._next:
                before = held if after < held else self._next
                subscription.offer(Message(before - 1, "gap", person or "", b'{"missed":true}'))
            for id, kind, whose, body in self._ring:
                if id > after:
                    subscription.offer(Message(id, kind, whose, body()))
        self._subscriptions.add(subscription)
        return subscription

    def follow(self, names: Collection[str], home: Callable[[str], str]) -> None:
        """Source keys may have come to others: who follows one of them hears of who is behind it now."""
        for one in self._subscriptions:
            if one.key and (one.key in names or one.person in names):
                one.person = home(one.key)

    def forget(self, people: Collection[str]) -> None:
        """Let go of what was told of these people, so that nobody who resumes hears it again."""
        self._ring = deque((entry for entry in self._ring if entry[2] not in people), maxlen=RING)

    def close(self, subscription: Subscription) -> None:
        """Stop telling this listener."""
        self._subscriptions.discard(subscription)


class Subscription:
    """One listener: take what waits with ``some``. ``close`` it when done."""

    def __init__(self, stream: Stream, person: str | None, key: str) -> None:
        self._stream = stream
        self.person, self.key = person, key
        self._queue: deque[Message] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, message: Message) -> None:
        """Take a message if it is for this listener; one who is too far behind loses the oldest and is told so."""
        if self.person is not None and message.person not in (self.person, ""):
            return
        if len(self._queue) >= QUEUE:
            self._queue.clear()
            self._queue.append(Message(message.id - 1, "gap", message.person, b'{"missed":true}'))
        self._queue.append(message)
        self.wake()

    def wake(self) -> None:
        """Let ``some`` return now, with nothing where nothing came."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def some(self, seconds: float, most: int = QUEUE) -> list[Message]:
        """Up to ``most`` messages, as soon as there is one; none after so many seconds, or when woken."""
        if not self._queue:
            # A future and a timer: a thousand listeners wait for each message, and a task for each would cost more.
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(seconds, self.wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    async def next(self, seconds: float) -> Message | None:
        """The next message, or ``None`` after so many seconds without one."""
        return next(iter(await self.some(seconds, 1)), None)

    def close(self) -> None:
        """Stop listening."""
        self._stream.close(self)
