"""Forgetting a person while everyone else is served: what comes of their ids meanwhile waits, and is a new person's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from micromoments.engine.keeper import Keeper
from micromoments.engine.stream import Stream
from micromoments.ports import StoreError


class Erasure:
    """One erasure at a time. ``barred`` are the ids of the person who is being erased: they can't be read.

    Args:
        keeper: commits and removes. stream: what was told of the person goes from it too.
        home: the id of the person behind a source key. settled: returns when what was accepted is folded.
        barrier: returns when what was submitted is durable.
    """

    def __init__(
        self,
        keeper: Keeper,
        stream: Stream,
        home: Callable[[str], str],
        settled: Callable[[], Awaitable[None]],
        barrier: Callable[[], Awaitable[None]],
    ) -> None:
        self._keeper = keeper
        self._stream = stream
        self._home = home
        self._settled = settled
        self._barrier = barrier
        self._one = asyncio.Lock()
        self._freed = asyncio.Event()
        self.barred: frozenset[str] = frozenset()

    async def erase(self, key: str) -> dict[str, int]:
        """Forget a person: from reads at once, then from facts, log and state. Gives how much went of each.

        Ids that an event under way brings to the person are found in a second look, and barred too. It goes on where
        whoever asked for it is gone, as half of it would be forgotten, and half not.

        Raises:
            StoreError: what is known of the person can't be committed, and would outlive them; nothing was erased.
        """
        return await asyncio.shield(asyncio.ensure_future(self._erase(key)))

    async def _erase(self, key: str) -> dict[str, int]:
        async with self._one:
            try:
                while True:
                    await self._settled()
                    if not await self._keeper.commit(self._barrier):
                        raise StoreError("got a state that can't be written; nobody was erased; see the log, try again")
                    id = self._home(key)
                    keys, shared = await self._keeper.names_of(id, key)
                    if keys | {id} == self.barred:
                        break
                    self.barred = keys | {id}
                gone = await self._keeper.erase(id, keys, shared, self._barrier)
                self._stream.forget(self.barred)
                return gone
            finally:
                self.barred = frozenset()
                self._freed.set()
                self._freed = asyncio.Event()

    async def let_by(self, keys: Iterable[str]) -> None:
        """Wait while one of these ids is being erased."""
        named = frozenset(keys)
        while not self.barred.isdisjoint(named):
            await self._freed.wait()
