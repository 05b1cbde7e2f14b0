"""Who turns the event loop of an engine in this process: a thread of its own, or whoever calls."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Apart:
    """The loop turns in a thread of its own, so that timers fire while nobody calls."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="micromoments", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether it turns no more."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and give its result.

        Raises:
            RuntimeError: another thread ended it meanwhile.
        """
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except (CancelledError, RuntimeError) as error:
            if not self._loop.is_closed() and not isinstance(error, CancelledError):
                raise
            work.close()
            raise RuntimeError("got a call on a closed engine; wanted an open one: open the folder again") from None

    def end(self) -> None:
        """Turn it no more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        # Nobody waits for ever for what was under way. Whoever closes may have a loop of their own, as in a notebook.
        with ThreadPoolExecutor(1) as beside:
            beside.submit(self._loop.run_until_complete, _cancelled()).result()
        self._loop.close()


async def _cancelled() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


class Here:
    """The loop turns in the caller's thread, while it calls: two threads that hand over to and fro for each call cost a
    simulated life more. One caller at a time; others wait. Between calls nothing happens: no timer fires, nothing is
    committed.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._turn = threading.Lock()
        self._interrupts = Interrupts()

    @property
    def ended(self) -> bool:
        """Whether it turns no more."""
        return self._loop.is_closed()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and give its result."""
        with self._turn, self._interrupts:
            if asyncio._get_running_loop() is None:  # documented; the public one raises where there is none
                return self._loop.run_until_complete(work)
            with ThreadPoolExecutor(1) as beside:  # called from somebody's own loop, as in a notebook
                return beside.submit(self._loop.run_until_complete, work).result()

    def end(self) -> None:
        """Turn it no more."""
        self._loop.close()
        self._interrupts.end()


class Interrupts:
    """Ctrl-C is heard after the call that it falls into: in its middle it would leave a record half folded.

    What the program does at Ctrl-C stays as it was, before, between and after calls; outside the main thread nothing
    is changed, as no signal is heard there.
    """

    def __init__(self) -> None:
        self._calling = False
        self._heard: list[tuple[int, FrameType | None]] = []
        self._before = signal.getsignal(signal.SIGINT)
        self._mine = callable(self._before) and threading.current_thread() is threading.main_thread()
        if self._mine:
            signal.signal(signal.SIGINT, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._calling:
            self._heard.append((number, frame))
        elif callable(self._before):
            self._before(number, frame)

    def __enter__(self) -> None:
        self._calling = threading.current_thread() is threading.main_thread()  # elsewhere nothing is interrupted

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._calling = False
        if self._heard and callable(self._before):
            heard, self._heard = self._heard[0], []
            self._before(*heard)

    def end(self) -> None:
        """Give the signal back, unless somebody else has taken it."""
        here = threading.current_thread() is threading.main_thread()
        if self._mine and here and signal.getsignal(signal.SIGINT) == self._hear:
            signal.signal(signal.SIGINT, self._before)
