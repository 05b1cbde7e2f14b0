"""When the disk fails nothing is lost that was acknowledged, and the engine goes on once it is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Signal
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.record import OutcomeRecord, Record, TickRecord
from micromoments.core.settings import HOUR
from micromoments.engine.appender import LogDown
from micromoments.engine.refusals import Overloaded
from micromoments.engine.service import Service
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.ports import Log, StoreError, replay
from tests.engine.shop import ITEMS, SETTINGS, Clock, asked, clicked, opened, search, sent


class Failing:
    """A log that refuses the groups that it is told to refuse, and can be held."""

    def __init__(self, log: Log, refuses: Callable[[Sequence[Record]], bool]) -> None:
        self._log = log
        self.refuses = refuses
        self.held: Signal | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, records: Sequence[Record]) -> int:
        """Append, or say that the disk is full."""
        if self.held is not None:
            self.held.wait(10)
        if self.refuses(records):
            raise StoreError("the disk is full")
        return self._log.append(records)


def failing(service: Service, refuses: Callable[[Sequence[Record]], bool]) -> Failing:
    """Put a failing log under a service."""
    log = Failing(service._appender._log, refuses)
    service._appender._log = log
    return log


def everything(records: Sequence[Record]) -> bool:
    """Refuse all."""
    return True


def nothing(records: Sequence[Record]) -> bool:
    """Refuse none."""
    return False


def agreed(folder: Path) -> int:
    """How many outcomes the log has; fails where state and replay differ."""
    stores = open_stores(folder, SETTINGS)
    verdict = verify(stores)
    outcomes = [x.record.outcome.id for x in replay(stores.log) if isinstance(x.record, OutcomeRecord)]
    stores.close()
    assert verdict.differences == []
    assert len(outcomes) == len(set(outcomes))
    return len(outcomes)


async def test_events_that_could_not_be_written_can_be_sent_again(tmp_path: Path) -> None:
    """A log that fails says so; the same messages are taken, as new ones, once it works."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        log = failing(service, everything)
        with pytest.raises(LogDown, match="disk is full"):
            await search(service, clock, "m1", person="a")
        assert service.person("anon:a") is None
        log.refuses = nothing

        assert await search(service, clock, "m1", person="a") == []

        assert len(await service.moments("anon:a")) == 1
        assert service.stats()["log_failures_total"] == 1
    agreed(tmp_path / "shop")


async def test_why_the_log_fails_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the server's words hears why the log can't be written, once, and that it is written again."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        log = failing(service, everything)
        for _ in range(3):
            with pytest.raises(LogDown):
                await search(service, clock, "m1", person="a")
        log.refuses = nothing
        await search(service, clock, "m1", person="a")
    said = [one.getMessage() for one in caplog.records if "log " in one.getMessage()]
    assert len(said) == 2
    assert "the disk is full" in said[0]
    assert said[1] == "the log is written again"


async def test_a_duplicate_of_what_then_fails_is_not_called_accepted(tmp_path: Path) -> None:
    """A retry that comes while the first is on its way to a failing disk is refused too, not told 'had it already'."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        log = failing(service, bool)
        log.held = Signal()
        first = asyncio.create_task(search(service, clock, "m1", person="a"))
        await asyncio.sleep(0.01)
        retry = asyncio.create_task(search(service, clock, "m1", person="a"))
        await asyncio.sleep(0.01)
        log.held.set()
        answers = await asyncio.gather(first, retry, return_exceptions=True)

        assert [type(a) for a in answers] == [LogDown, LogDown]


async def test_a_decision_that_could_not_be_written_is_not_an_answer(tmp_path: Path) -> None:
    """Nothing is decided while the log fails; the same id is decided once it works, and takes its budget once."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        log = failing(service, everything)
        with pytest.raises(LogDown):
            await service.decide(asked("d1", "anon:a", clock.at))
        assert service.decision("d1") is None
        log.refuses = nothing

        assert (await service.decide(asked("d1", "anon:a", clock.at))).items


async def test_outcomes_that_could_not_be_logged_are_logged_later(tmp_path: Path) -> None:
    """While outcomes fail the state isn't committed past their events; when the log works they are there, once."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        decision = await service.decide(asked("d1", "anon:a", clock.at))
        await service.settled()
        await service._keeper.commit(service._barrier)
        before = service._stores.position()
        log = failing(service, lambda records: any(isinstance(r, OutcomeRecord) for r in records))
        await clicked(service, clock, decision, "c1")
        await asyncio.sleep(0.05)
        await service._keeper.commit(service._barrier)
        assert service._stores.position() == before
        assert service.stats()["outcomes_total"] == 0
        log.refuses = nothing

        await service._keeper.commit(service._barrier)
        await service.settled()

        assert service.stats()["outcomes_total"] == 1
        assert service._stores.position() > before
    assert agreed(folder) == 1


async def test_outcomes_lost_with_the_process_are_derived_at_the_next_start(tmp_path: Path) -> None:
    """The log fails outcomes until the end: a stop still lets go of the folder, and the next start makes them good."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        decision = await service.decide(asked("d1", "anon:a", clock.at))
        await service.settled()
        failing(service, lambda records: any(isinstance(r, OutcomeRecord) for r in records))
        await clicked(service, clock, decision, "c1")
    async with opened(folder, clock) as service:
        await service.settled()
        assert service.stats()["outcomes_total"] == 1
    assert agreed(folder) == 1


async def test_timers_outlive_a_failing_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks that can't be written are tried again; the process's clock doesn't die of them."""
    monkeypatch.setattr("micromoments.engine.service.TICK", 0.02)
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await search(service, clock, "m1", person="a")
        await service.settled()
        await service._keeper.commit(service._barrier)
        log = failing(service, lambda records: any(isinstance(r, TickRecord) for r in records))
        clock.at += 5 * HOUR
        for _ in range(3_000):
            await asyncio.sleep(0.02)
            if service.stats()["log_failures_total"] >= 2:
                break
        log.refuses = nothing
        for _ in range(3_000):
            await asyncio.sleep(0.02)
            person = service.person("anon:a")
            if person is None or not person.reading.open:
                break

        person = service.person("anon:a")
        assert person is not None
        assert [m.ended for m in person.reading.ended] == ["expired"]


async def test_a_state_that_can_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed commit keeps everything in memory and in the log, and the next one has it all."""
    clock = Clock()
    folder = tmp_path / "shop"
    async with opened(folder, clock) as service:
        await service.put_items(ITEMS)
        with monkeypatch.context() as broken:
            broken.setattr(type(service._stores.state), "_write", _full)
            await search(service, clock, "m1", person="a")
            await service.settled()
            await service._keeper.commit(service._barrier)
            assert service.stats()["commit_failures_total"] >= 1
            assert [i.id for i in service.items()] == [i.id for i in ITEMS]
        await search(service, clock, "m2", person="b")
    assert agreed(folder) == 0
    stores = open_stores(folder, SETTINGS)
    assert stores.people() == 2
    assert stores.catalogue.size() == len(ITEMS)
    assert len(list(stores.facts().live("events"))) == 2
    stores.close()


async def test_people_who_can_not_be_read_are_read_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that fails a read holds the fold up, and nothing else: what waited is folded in its order."""
    monkeypatch.setattr("micromoments.engine.applier.AGAIN", 0.01)
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.settled()
        with monkeypatch.context() as broken:
            broken.setattr(type(service._stores.state), "load", _full)
            await search(service, clock, "m1", person="a")
            await search(service, clock, "m2", person="b")
            await asyncio.sleep(0.05)
            assert service.stats()["apply_backlog"] == 2
        await service.settled()
        assert len(await service.moments("anon:a")) == len(await service.moments("anon:b")) == 1
        assert service.stats()["records_failed_total"] == 0
    assert agreed(tmp_path / "shop") == 0


async def test_a_budget_that_can_not_be_settled_is_settled_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A goal's units are spent once the store works again; its outcome is there at once."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items([replace(ITEMS[0], budget="launch")])
        budgets = service._stores.budgets
        decision = await service.decide(asked("d1", "anon:a", clock.at))
        said = {"decision_id": decision.id, "product_id": "p0", "revenue": 5}
        with monkeypatch.context() as broken:
            broken.setattr(type(budgets), "settle", _full)
            await service.collect(
                [sent(at=clock.at, id="o1", anonymousId="a", event="Order Completed", properties=said)]
            )
            await service.settled()
        assert service.stats()["outcomes_total"] == 1
        assert budgets.used("launch") == (0, 1)
        await search(service, clock, "m1", person="b")
        await service.settled()
        assert budgets.used("launch") == (1, 0)


async def test_a_budget_that_can_not_be_settled_is_settled_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is committed that would pass a goal whose units could not be spent: the next start spends them."""
    clock = Clock()
    with monkeypatch.context() as broken:
        async with opened(tmp_path / "shop", clock) as service:
            await service.put_items([replace(ITEMS[0], budget="launch")])
            decision = await service.decide(asked("d1", "anon:a", clock.at))
            said = {"decision_id": decision.id, "product_id": "p0", "revenue": 5}
            broken.setattr(type(service._stores.budgets), "settle", _full)
            await service.collect(
                [sent(at=clock.at, id="o1", anonymousId="a", event="Order Completed", properties=said)]
            )
    async with opened(tmp_path / "shop", clock) as service:
        await service.settled()
        assert service._stores.budgets.used("launch") == (1, 0)
    assert agreed(tmp_path / "shop") == 1


async def test_what_comes_again_just_as_it_fails_is_not_called_a_duplicate(tmp_path: Path) -> None:
    """The same event is sent again, and looked at between the log's failure and the moment at which its first sender
    hears of it: neither is told that it is there, and the next try is taken.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        log = failing(service, everything)
        again: list[asyncio.Task[list[int]]] = []
        written = service._appender._written

        def overtaken(*told: Any) -> None:
            """The second one comes first."""
            if not again:
                again.append(asyncio.create_task(search(service, clock, "m1", person="a")))
            written(*told)

        service._appender._written = overtaken  # type: ignore[method-assign,assignment]
        with pytest.raises(LogDown):
            await search(service, clock, "m1", person="a")
        log.refuses = nothing
        with pytest.raises(LogDown):
            await again[0]
        assert await search(service, clock, "m1", person="a") == []


def _full(self: object, *asked: object, **named: object) -> None:
    raise StoreError("the disk is full")


async def test_more_than_can_be_folded_is_refused_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound clients are asked to slow down; nothing of what was refused was accepted."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        monkeypatch.setattr("micromoments.engine.service.MAX_BACKLOG", -1)
        with pytest.raises(Overloaded):
            await search(service, clock, "m1", person="a")
        monkeypatch.undo()
        assert await search(service, clock, "m1", person="a") == []


async def test_reports_and_exports_do_not_wait_for_the_traffic_to_end(tmp_path: Path) -> None:
    """What is settled is what was accepted before the question; a stream without end doesn't hold it up."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        done = False

        async def traffic(name: str) -> None:
            """Events without end."""
            n = 0
            while not done:
                n += 1
                await search(service, clock, f"{name}-{n}", person=name)

        clients = [asyncio.create_task(traffic(f"c{n}")) for n in range(6)]
        await asyncio.sleep(0.05)
        await asyncio.wait_for(service.settled(), 60)
        exported = await asyncio.wait_for(service.export("anon:c1"), 60)
        done = True
        await asyncio.gather(*clients)

        assert exported is not None
