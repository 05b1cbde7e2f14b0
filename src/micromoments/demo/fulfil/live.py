"""Live tracking: order changes and positions as server-sent events.

Order changes are read from the store by their number, so a page that reconnects with ``Last-Event-ID`` misses nothing
and hears nothing twice, after a crash too. What is only of the moment (``tell``: a driver's position) isn't kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from micromoments.demo.fulfil.order import Order
from micromoments.demo.fulfil.store import Store, Topic

BEAT = 15.0
"""Seconds of silence after which a comment is sent, so that nobody on the way closes the connection."""
BEHIND = 64
"""Passing messages that a slow page may be behind; older ones are let go, as newer ones say more."""


class Live:
    """Who watches what. Made and streamed in one event loop; ``changed`` and ``tell`` may come from any thread."""

    def __init__(self, store: Store, show: Callable[[Order], Any]) -> None:
        self._store = store
        self._show = show
        self._loop = asyncio.get_running_loop()
        self._watching: dict[Topic, set[_Watch]] = {}

    def changed(self, order: Order) -> None:
        """An order changed: whoever watches it, its customer or its place is told."""
        topics: list[Topic] = [("order", order.id), ("owner", order.owner), ("place", order.place)]
        self._loop.call_soon_threadsafe(self._wake, topics, b"")

    def tell(self, topic: Topic, kind: str, data: Any) -> None:
        """Tell those who watch now something that isn't kept."""
        message = b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(data))
        self._loop.call_soon_threadsafe(self._wake, [topic], message)

    def watchers(self) -> int:
        """How many watch."""
        return sum(len(watches) for watches in self._watching.values())

    async def stream(self, topic: Topic, after: int | None = None) -> AsyncIterator[bytes]:
        """The topic's messages from now on, or from after a number, until the reader goes away."""
        watch = _Watch()
        self._watching.setdefault(topic, set()).add(watch)
        seq = await asyncio.to_thread(self._store.last) if after is None else after
        try:
            yield b"retry: 1000\n\n"
            while True:
                watch.woken.clear()  # first of all: what comes while the store is read rings again
                while watch.behind():
                    for seen in await asyncio.to_thread(self._store.since, seq, topic):
                        seq = seen.seq
                        watch.put(b"")  # one reading may not give everything
                        data = msgspec.json.encode(self._show(seen.order))
                        yield b"id: %d\nevent: order\ndata: %b\n\n" % (seq, data)
                for message in watch.take():
                    yield message
                try:
                    await asyncio.wait_for(watch.woken.wait(), BEAT)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._watching[topic].discard(watch)
            if not self._watching[topic]:
                del self._watching[topic]

    def _wake(self, topics: list[Topic], message: bytes) -> None:
        for topic in topics:
            for watch in self._watching.get(topic, ()):
                watch.put(message)


class _Watch:
    """One reader's bell and its passing messages."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self._messages: list[bytes] = []
        self._behind = True

    def behind(self) -> bool:
        """Whether the store may hold something new; it is asked only then, as positions pass every second."""
        was, self._behind = self._behind, False
        return was

    def put(self, message: bytes) -> None:
        """Ring the bell: with a passing message, or because there is something new in the store."""
        if message:
            self._messages = [*self._messages[-BEHIND + 1 :], message]
        else:
            self._behind = True
        self.woken.set()

    def take(self) -> list[bytes]:
        """The messages since the last time."""
        taken, self._messages = self._messages, []
        return taken
