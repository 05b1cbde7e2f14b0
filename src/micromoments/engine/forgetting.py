"""What is older than a project keeps is forgotten from time to time, by a clock that is believed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from micromoments.core.event import Millis
from micromoments.core.settings import DAY
from micromoments.engine.wiring import Stores

BELIEVED: Millis = DAY
"""How much further than time the clock may go from one look to the next."""
log = logging.getLogger("micromoments")


class Forgetting:
    """Forgets in a folder: the log below the state's position, facts, deliveries, decisions, people not heard of.

    Args:
        stores: the folder's. clock: the time. seconds: what time has gone by, whatever the clock says.
    """

    def __init__(self, stores: Stores, clock: Callable[[], Millis], seconds: Callable[[], float] = monotonic) -> None:
        self._stores, self._clock, self._seconds = stores, clock, seconds
        self._looked = clock(), seconds()

    def now(self) -> Millis | None:
        """The present by which things are old; ``None`` where the clock has leapt ahead since the last look: what it
        would forget is gone for ever, and a clock that was set wrong is mostly put right before the next.
        """
        (at, then), now, seconds = self._looked, self._clock(), self._seconds()
        self._looked = now, seconds
        leapt = now - at - round(1000 * (seconds - then))
        if leapt <= BELIEVED:
            return now
        log.warning("the clock leapt %.1f days ahead; nothing is forgotten until it is looked at again", leapt / DAY)
        return None

    async def go(self, quietly: Callable[..., Awaitable[Any]]) -> None:
        """Forget now; ``quietly`` does each part beside the loop, and says so where it fails."""
        keep, now, stores = self._stores.retention, self.now(), self._stores
        if now is None:
            return
        oldest = now - int(keep.log_days * DAY)
        await quietly(lambda: stores.log.trim(oldest, stores.position(), now))
        await quietly(stores.facts().trim, now - int(keep.facts_days * DAY))
        await quietly(stores.outbox.trim, oldest)
        await quietly(stores.forget_decisions, oldest)
        await quietly(stores.state.erase, frozenset(), frozenset(), now - int(keep.people_days * DAY))
        await quietly(stores.seen.seal, now)
