"""Long work on the loop, in bites between what is served (ADR 0097)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from time import perf_counter
from typing import TypeVar

BITE = 0.00025
"""Seconds of it at a time: what a request has to wait for it at the most, give or take a step."""
LATE = 4
"""How much longer that is where it can't keep up, such as where more people change than commits take: folding waits for
them, or memory would grow.
"""
T = TypeVar("T")


async def in_bites(steps: Generator[None, None, T], late: Callable[[], bool] = lambda: False) -> T:
    """What the steps return, taken for ``BITE`` at a time between the loop's other work, for longer while ``late``."""
    until = perf_counter() + BITE
    while True:
        try:
            next(steps)
        except StopIteration as done:
            value: T = done.value
            return value
        if perf_counter() > until:
            await asyncio.sleep(0)
            until = perf_counter() + (BITE * LATE if late() else BITE)
