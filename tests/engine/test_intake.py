"""A message counts once, whenever and however often it comes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from micromoments.core.settings import DAY
from micromoments.engine.service import Service
from micromoments.engine.wiring import open_stores
from micromoments.ports import replay
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, asked, opened, search, sent


def rfc(at: int) -> str:
    """An instant as clients write it."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


def traces(service: Service, key: str) -> list[int]:
    """When a person's traces happened."""
    person = service.person(key)
    return [] if person is None else sorted(t.at for p in person.parts.values() for t in p.traces)


async def test_a_message_sent_again_is_a_duplicate_also_after_a_restart(tmp_path: Path) -> None:
    """The same messageId counts once: in one batch, in the next, and after the process was started anew."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        event = sent(at=clock.at, id="m1", anonymousId="a", event="Products Searched", properties={"query": "buy tent"})
        assert await service.collect([event, event]) == [1]
        clock.at += MINUTE
        assert await service.collect([event]) == [0]
    async with opened(tmp_path / "shop", clock) as service:
        assert await service.collect([event]) == [0]
        assert len(traces(service, "anon:a")) == 1
        assert service.stats()["events_accepted_total"] == 0
    stores = open_stores(tmp_path / "shop", SETTINGS)
    assert len(list(stores.facts().live("events"))) == 1
    stores.close()


async def test_an_order_that_is_sent_twice_pays_once(tmp_path: Path) -> None:
    """The duplicate of a goal brings no second outcome."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        decision = await service.decide(asked("d1", "anon:a", clock.at))
        said = {"decision_id": "d1", "product_id": decision.items[0].id, "revenue": 5}
        order = sent(at=clock.at, id="m1", anonymousId="a", event="Order Completed", properties=said)
        for _ in range(3):
            await service.collect([order])
        await service.settled()
        assert service.stats()["outcomes_total"] == 1


async def test_events_of_wrong_clocks_are_placed_sensibly(tmp_path: Path) -> None:
    """What a clock puts into the future happened on arrival; what happened long ago keeps its instant and opens no
    moment now.
    """
    clock = Clock()

    def at(id: str, instant: int) -> Any:
        """An event of somebody at an instant."""
        said = {"query": "buy trail shoes"}
        stamp = rfc(instant)
        return sent(at=clock.at, id=id, anonymousId=id, event="Products Searched", properties=said, timestamp=stamp)

    async with opened(tmp_path / "shop", clock) as service:
        await service.collect([at("ahead", clock.at + 4000 * DAY), at("old", clock.at - 400 * DAY)])
        await service.settled()

        assert traces(service, "anon:ahead") == [clock.at]
        assert traces(service, "anon:old") == [clock.at - 400 * DAY]
        assert len(await service.moments("anon:ahead")) == 1
        assert await service.moments("anon:old") == []


async def test_a_late_event_takes_its_place_in_the_story(tmp_path: Path) -> None:
    """What arrives out of order leaves the same traces and moments as what arrives in order."""
    told = []
    for name, order in (("one", [0, 1, 2]), ("two", [2, 0, 1])):
        clock = Clock()
        async with opened(tmp_path / name, clock) as service:
            for n in order:
                said = {"query": ["buy trail shoes", "trail shoes size 42", "buy tent"][n]}
                stamp = rfc(clock.at - (3 - n) * MINUTE)
                event = sent(
                    at=clock.at,
                    id=f"m{n}",
                    anonymousId="a",
                    event="Products Searched",
                    properties=said,
                    timestamp=stamp,
                )
                await service.collect([event])
            await service.settled()
            told.append((traces(service, "anon:a"), await service.moments("anon:a")))
    assert told[0] == told[1]
    assert len(told[0][0]) == 3


async def test_every_accepted_message_stands_once_in_the_log(tmp_path: Path) -> None:
    """Retries of whole batches, in any order, leave one record a message."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        for n in [0, 1, 0, 2, 1, 0]:
            await search(service, clock, f"m{n}", person="a")
    stores = open_stores(tmp_path / "shop", SETTINGS)
    ids = [getattr(logged.record, "message_id", None) for logged in replay(stores.log)]
    stores.close()
    assert sorted(i for i in ids if i) == ["m0", "m1", "m2"]


async def test_a_record_that_cannot_be_folded_is_passed_over(tmp_path: Path, caplog: Any) -> None:
    """One event that breaks the fold is said and counted; everyone after it is served."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        broken = sent(at=clock.at, id="m1", anonymousId="a", event="Product Viewed", properties={"product_id": "p1"})
        service._view.recogniser.reader.read = _raising  # type: ignore[method-assign]
        await service.collect([broken])
        await service.settled()
        del service._view.recogniser.reader.read
        await search(service, clock, "m2", person="a")
        await service.settled()

        assert len(traces(service, "anon:a")) == 1
        assert service.stats()["records_failed_total"] == 1
    assert "could not be folded" in caplog.text


def _raising(record: Any) -> Any:
    raise RuntimeError("no such word")
