"""How often the keeper commits, and that others have their turn meanwhile."""

import asyncio
from collections.abc import Generator
from itertools import count

import pytest

from micromoments.engine import bites
from micromoments.engine.bites import in_bites
from micromoments.engine.keeper import COMMIT_EVERY, COMMIT_LATEST, pause


def test_commits_take_a_small_share_of_the_time() -> None:
    """Quick commits come every second; slow ones so seldom that they take a twentieth of the time, up to a limit."""
    assert pause(0.0, sending=False) == pause(0.01, sending=False) == COMMIT_EVERY
    assert pause(0.2, sending=False) == 4.0
    assert pause(3.0, sending=False) == COMMIT_LATEST


def test_messages_do_not_wait_for_a_later_commit() -> None:
    """What is to be sent goes out with a commit, so that it comes after a second however long commits take."""
    assert pause(3.0, sending=True) == COMMIT_EVERY


async def test_a_commit_is_made_ready_between_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps are taken for a bite at a time: with the shortest of bites, whatever else waits has a turn after each."""
    monkeypatch.setattr(bites, "BITE", -1.0)
    turns: list[str] = []

    def steps() -> Generator[None, None, str]:
        """Three of them."""
        for _ in range(3):
            turns.append("step")
            yield
        return "made"

    async def other() -> None:
        """What the loop has to do besides."""
        for _ in range(3):
            turns.append("other")
            await asyncio.sleep(0)

    serving = asyncio.create_task(other())
    assert await in_bites(steps()) == "made"
    await serving
    assert turns == ["step", "other"] * 3


async def test_steps_that_fail_say_so() -> None:
    """What a step raises comes out, so that the commit is tried again."""

    def steps() -> Generator[None, None, None]:
        """One, and a fault."""
        yield
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await in_bites(steps())


async def test_a_commit_that_is_late_gets_longer_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """While more changes than commits take, the loop's other work gets fewer turns between a commit's steps."""
    ticks = count()
    monkeypatch.setattr(bites, "perf_counter", lambda: next(ticks))
    monkeypatch.setattr(bites, "BITE", 10)

    async def turns(late: bool) -> int:
        """How many turns others get between a hundred steps of a tick each."""
        taken = 0

        async def other() -> None:
            """Takes each turn that there is."""
            nonlocal taken
            while True:
                taken += 1
                await asyncio.sleep(0)

        serving = asyncio.create_task(other())
        await in_bites((None for _ in range(100)), lambda: late)
        serving.cancel()
        return taken

    assert (await turns(late=False), await turns(late=True)) == (9, 3)
