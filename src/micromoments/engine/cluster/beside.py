"""A role's work in a thread of its own, beside the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


async def beside(work: Callable[[], None], stopping: asyncio.Event, stop: threading.Event) -> None:
    """Run ``work`` in a thread until ``stopping`` is set, which sets ``stop`` for it; return when it has ended.

    Raises:
        Exception: what it raised: a role that can't go on ends, and whoever runs it starts it anew.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work))
    asked = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    stop.set()
    await working
