"""Reports and sealing, in a process of their own: they read the facts while the engine goes on serving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from micromoments.core.event import Millis
from micromoments.core.settings import Settings

T = TypeVar("T")


class Reporter:
    """One worker process, started at the first report; a worker that died is started again, once a question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool: ProcessPoolExecutor | None = None

    async def report(self, name: str, params: Mapping[str, str], settings: Settings) -> dict[str, object]:
        """Answer a report from the facts as committed.

        Raises:
            ValueError: no such report or parameter.
        """
        return await self._ask(answer, self._folder, name, dict(params), settings)

    async def seal(self, until: Millis) -> int:
        """Move live facts received before an instant to Parquet; give how many moved."""
        return await self._ask(seal, self._folder, until)

    async def _ask(self, work: Callable[..., T], *args: object) -> T:
        loop = asyncio.get_running_loop()
        for last in (False, True):
            if self._pool is None:
                self._pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
            try:
                return await loop.run_in_executor(self._pool, work, *args)
            except BrokenProcessPool:
                self._pool = None
                if last:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the worker."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def answer(folder: Path, name: str, params: dict[str, str], settings: Settings) -> dict[str, object]:
    """In the worker: one report."""
    from micromoments.report.reports import run
    from micromoments.stores.embedded.facts import query

    return run(query(folder), name, params, settings)


def seal(folder: Path, until: Millis) -> int:
    """In the worker: one sealing."""
    from micromoments.stores.embedded.facts import seal_folder

    return seal_folder(folder, until)
