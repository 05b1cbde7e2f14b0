"""What is old is forgotten, but not by a clock that leapt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from micromoments.core.settings import DAY
from micromoments.engine.forgetting import Forgetting
from tests.engine.shop import MINUTE, Clock, opened, search


class Time:
    """Time as it goes by, whatever clocks say."""

    seconds = 0.0

    def __call__(self) -> float:
        """Seconds from some beginning on."""
        return self.seconds


async def test_a_clock_that_is_ahead_for_an_hour_forgets_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Set two years ahead and put right, a clock costs nobody anything; what stays so is believed at the next look, as
    the clock of a machine that slept is.
    """
    clock, time = Clock(), Time()

    async def at_once(work: Any, *args: object) -> None:
        """Not beside the loop."""
        work(*args)

    async with opened(tmp_path / "shop", clock) as service:
        await search(service, clock, "m1", person="a")
        await service.settled()
        await service._keeper.commit(service._barrier)
        stores = service._stores
        forgetting = Forgetting(stores, clock, time)
        held = stores.log.end()
        for leap in (730 * DAY, -730 * DAY, 0):
            clock.at += leap + 60 * MINUTE
            time.seconds += 3600
            await forgetting.go(at_once)
            assert len(stores.log.read(0)) == held
        assert "the clock leapt 730.0 days ahead" in caplog.text
        for left in (held, 0):
            clock.at += 730 * DAY if left else 60 * MINUTE
            time.seconds += 3600
            await forgetting.go(at_once)
            assert len(stores.log.read(0)) == left
