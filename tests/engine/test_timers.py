"""Timers fire once, however many are due, and whatever happens between two commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from micromoments.core.record import Record
from micromoments.engine import timers
from micromoments.engine.appender import LogDown
from micromoments.engine.service import Service
from micromoments.testing.generators import person
from tests.engine.shop import ITEMS, MINUTE, Clock, opened, search

LIFETIME = 60 * MINUTE
"""Of a moment to buy after its last event."""
DEVICES = [f"device{n}" for n in range(8)]


async def begun(service: Service, clock: Clock) -> None:
    """Everybody has a moment that is in the state; nothing more is committed, and no timer fires by itself."""
    await service.put_items(ITEMS)
    for device in DEVICES:
        await search(service, clock, f"m-{device}", person=device)
    await service.settled()
    await service._keeper.commit(service._barrier)
    ours = [task for task in service._tasks if task.get_name() in ("keeper", "ticks")]
    for task in ours:
        task.cancel()
    await asyncio.gather(*ours, return_exceptions=True)


def test_who_wakes_when_is_worked_out_when_asked() -> None:
    """Each person's next instant, 0 for those who are gone, and nothing of anybody else."""
    someone = person(1)
    wakes = timers.Wakes({someone.id: someone, "anon:gone": None})

    assert dict(wakes) == {someone.id: someone.wake_at(), "anon:gone": 0}
    assert someone.wake_at() > 0
    assert wakes.get("anon:stranger", -1) == -1
    assert len(wakes) == 2


async def test_all_that_are_due_fire_before_the_next_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has fired and isn't committed stands in nobody's way, however many there are."""
    monkeypatch.setattr(timers, "PAGE", 3)
    monkeypatch.setattr(timers, "PIECE", 2)
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await begun(service, clock)
        clock.at += LIFETIME
        assert await service.tick() == len(DEVICES)
        assert await service.tick() == 0
        assert [await service.moments(f"anon:{device}") for device in DEVICES] == [[]] * len(DEVICES)


async def test_a_timer_that_was_put_off_fires_when_it_is_due(tmp_path: Path) -> None:
    """Who did something since the last commit isn't done with at their old time, and is looked at again at the new."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await begun(service, clock)
        clock.at += LIFETIME // 2
        await search(service, clock, "again", person=DEVICES[0])
        await service.settled()
        clock.at += LIFETIME // 2
        assert await service.tick() == len(DEVICES) - 1
        clock.at += LIFETIME // 2
        assert await service.tick() == 1


async def test_timers_that_can_not_be_logged_fire_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the log is down nothing fires, and nothing is forgotten."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await begun(service, clock)
        clock.at += LIFETIME
        with monkeypatch.context() as broken:
            broken.setattr(service._timers, "_fold", _down)
            with pytest.raises(LogDown):
                await service.tick()
        assert await service.tick() == len(DEVICES)


async def test_two_looks_at_once_fire_each_timer_once(tmp_path: Path) -> None:
    """A look that comes while another is under way leaves to it what it has in hand."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await begun(service, clock)
        clock.at += LIFETIME
        assert sum(await asyncio.gather(service.tick(), service.tick())) == len(DEVICES)


async def _down(_records: Sequence[Record]) -> None:
    raise LogDown("the disk is full")
