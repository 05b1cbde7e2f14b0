"""Who turns a simulation's loop, and what Ctrl-C does meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

import micromoments as mm
from micromoments.engine.driving import Here


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The interrupts that the program itself heard of."""
    found: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        assert frame is not None
        found.append(number)

    before = signal.signal(signal.SIGINT, hear)
    yield found
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_waits_for_the_end_of_the_call(heard: list[int]) -> None:
    """What falls into a call is heard once, after it; between calls and after the end at once."""
    driver = Here()

    async def work() -> list[int]:
        """Interrupted twice."""
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return list(heard)

    assert driver.run(work()) == []
    assert heard == [signal.SIGINT]
    os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT] * 2
    driver.end()
    os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT] * 3


def test_a_handler_set_meanwhile_stays(heard: list[int]) -> None:
    """Who takes the signal while the engine is open keeps it when the engine ends."""
    driver = Here()
    theirs: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        assert frame is not None
        theirs.append(number)

    signal.signal(signal.SIGINT, hear)
    driver.end()
    os.kill(os.getpid(), signal.SIGINT)
    assert (theirs, heard) == ([signal.SIGINT], [])


def test_a_simulation_can_be_called_from_a_running_loop_and_from_threads(tmp_path: Path) -> None:
    """In a notebook somebody else's loop runs in the calling thread; several threads take turns. Nothing is lost."""
    with mm.open(tmp_path, synced=False) as engine:

        async def notebook() -> None:
            """A cell of it."""
            engine.track("ana", "Product Viewed", message_id="m0")

        asyncio.run(notebook())
        callers = [
            threading.Thread(target=engine.track, args=("ana", "Product Viewed"), kwargs={"message_id": f"m{n}"})
            for n in range(1, 9)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        held = engine.export("ana")
    assert held is not None
    events = held["events"]
    assert isinstance(events, list)
    assert sorted(one["event"]["messageId"] for one in events) == [f"m{n}" for n in range(9)]
