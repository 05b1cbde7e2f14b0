"""What is under way when somebody stops waiting, or when something can't be read, is neither lost nor half done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event as Signal

import numpy as np
import pytest

from micromoments.core.event import Event
from micromoments.core.person import Link, Person
from micromoments.core.record import TickRecord
from micromoments.engine.appender import LogDown
from micromoments.engine.brain import MAX_IDLE, Policies
from micromoments.engine.intake import names_in
from micromoments.engine.service import Service
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.policy.actions import width
from micromoments.ports import Corrupt, State, StoreError
from micromoments.sources.segment import call
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, asked, opened, search, sent
from tests.engine.test_erasure import left_in
from tests.engine.test_failing import failing, nothing


class Unreadable:
    """A state that can't read a link for some times."""

    def __init__(self, state: State, key: str, times: int) -> None:
        self._state, self._key, self.times = state, key, times

    def load(self, people: Sequence[str], links: Sequence[str]) -> tuple[dict[str, Person], dict[str, Link]]:
        """Read, or say that the disk fails."""
        if self._key in links and self.times:
            self.times -= 1
            raise StoreError("the disk fails")
        return self._state.load(people, links)


def agreed(folder: Path) -> None:
    """Fails where state and replay differ."""
    stores = open_stores(folder, SETTINGS)
    assert verify(stores).differences == []
    stores.close()


async def unkept(service: Service) -> None:
    """Nothing is committed but what the test commits."""
    keeper = next(task for task in service._tasks if task.get_name() == "keeper")
    keeper.cancel()
    await asyncio.gather(keeper, return_exceptions=True)


async def test_a_commit_whose_caller_is_stopped_is_brought_to_its_end(tmp_path: Path) -> None:
    """Who waits for a commit is stopped while it waits for the log: the next commit doesn't pass what it held."""
    clock, folder = Clock(), tmp_path / "shop"
    async with opened(folder, clock) as service:
        await unkept(service)
        await search(service, clock, "m1", person="a")
        await service.settled()
        begun, free = asyncio.Event(), asyncio.Event()

        async def barrier() -> None:
            """Wait until the test lets go."""
            begun.set()
            await free.wait()

        stopped = asyncio.create_task(service._keeper.commit(barrier))
        await begun.wait()
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        await search(service, clock, "m2", person="b")
        await service.settled()
        free.set()
        await service._keeper.commit(service._barrier)

        assert service._stores.position() == service._stores.log.end()
        assert {*service._stores.state.load(["anon:a", "anon:b"], [])[0]} == {"anon:a", "anon:b"}
        assert len(list(service._stores.facts().live("events"))) == 2
    agreed(folder)


async def test_an_erasure_whose_caller_is_gone_goes_on(tmp_path: Path) -> None:
    """Half of an erasure isn't left behind where the connection that asked for it breaks."""
    clock, folder = Clock(), tmp_path / "shop"
    async with opened(folder, clock) as service:
        await search(service, clock, "m1", person="phone-of-ana-88")
        names_of, begun, free = service._keeper.names_of, asyncio.Event(), asyncio.Event()

        async def slow(id: str, key: str) -> tuple[frozenset[str], dict[str, Link]]:
            """Wait until the test lets go."""
            begun.set()
            await free.wait()
            return await names_of(id, key)

        service._keeper.names_of = slow  # type: ignore[method-assign]
        gone = asyncio.create_task(service.erase("anon:phone-of-ana-88"))
        await begun.wait()
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        free.set()
        async with service._erasure._one:
            assert service.person("anon:phone-of-ana-88") is None
    assert left_in(folder, ["phone-of-ana-88"]) == []


async def test_places_in_a_group_count_those_who_no_longer_wait(tmp_path: Path) -> None:
    """One of a group who is stopped doesn't move the positions of those behind it."""
    async with opened(tmp_path / "shop", Clock()) as service:
        await unkept(service)
        end = service._stores.log.end()
        log = failing(service, nothing)
        log.held = Signal()
        first, second = (service._appender.submit([TickRecord(key="anon:nobody", at=1)] * count) for count in (3, 1))
        first.cancel()
        log.held.set()

        assert await second == end + 3


async def test_who_cannot_be_read_now_is_folded_once_they_can(tmp_path: Path) -> None:
    """A record isn't passed over, nor half folded, because the disk failed while it was: it is folded again."""
    clock, folder = Clock(), tmp_path / "shop"
    async with opened(folder, clock) as service:
        await search(service, clock, "m1", person="old")
        await service.collect([sent("identify", at=clock.at, id="m2", userId="old", traits={"city": "Oulu"})])
    async with opened(folder, clock) as service:
        flaky = Unreadable(service._stores.state, "user:old", 3)
        service._residents._state = flaky

        await service.collect([sent("alias", at=clock.at, id="m3", userId="new", previousId="old")])
        await service.settled()

        assert (flaky.times, service.stats()["records_failed_total"]) == (0, 0)
        person = service.person("user:old")
        assert person is not None
        assert (person.id, person.traits["city"].value) == ("user:new", "Oulu")
        assert person.reading.open
    agreed(folder)


async def test_one_damaged_person_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """Where one person's bytes fail their checksum, what concerns them fails and says so; others and timers go on."""
    clock, folder = Clock(), tmp_path / "shop"
    async with opened(folder, clock) as service:
        await search(service, clock, "m1", person="a")
    with closing(sqlite3.connect(folder / "state.sqlite")) as db:
        (body,) = db.execute("SELECT body FROM people WHERE key = ?", (b"anon:a",)).fetchone()
        flipped = bytes([*body[:-1], body[-1] ^ 1])
        db.execute("UPDATE people SET body = ? WHERE key = ?", (flipped, b"anon:a"))
        db.commit()
    clock.at += 200 * MINUTE
    async with opened(folder, clock) as service:
        await service.collect(
            [
                sent(
                    at=clock.at,
                    id=f"m2{who}",
                    anonymousId=who,
                    event="Products Searched",
                    properties={"query": "buy a tent"},
                )
                for who in "ab"
            ]
        )
        await service.settled()

        assert len(await service.moments("anon:b")) == 1
        assert await service.tick() == 0
        assert service.stats()["records_failed_total"] == 1
        with pytest.raises(Corrupt, match="anon:a"):
            await service.moments("anon:a")


async def test_one_damaged_link_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """Where what is known of one device fails its checksum, its events are passed over and counted; others go on."""
    clock, folder = Clock(), tmp_path / "shop"
    async with opened(folder, clock) as service:
        await service.collect([sent("identify", at=clock.at, id="m1", anonymousId="a", userId="ana")])
    with closing(sqlite3.connect(folder / "state.sqlite")) as db:
        (body,) = db.execute("SELECT body FROM links WHERE key = ?", (b"anon:a",)).fetchone()
        flipped = bytes([*body[:-1], body[-1] ^ 1])
        db.execute("UPDATE links SET body = ? WHERE key = ?", (flipped, b"anon:a"))
        db.commit()
    clock.at += MINUTE
    async with opened(folder, clock) as service:
        for who in "ab":
            await search(service, clock, f"m2{who}", person=who)
        async with asyncio.timeout(60):
            await service.settled()

        assert len(await service.moments("anon:b")) == 1
        assert service.stats()["records_failed_total"] == 1


def test_slots_that_anybody_names_are_not_kept_for_ever() -> None:
    """Policies that learned nothing are let go of when there are many; one that learned stays as it is."""
    policies = Policies({})
    policies["home:adaptive"].learn(np.ones(width("home")), 1.0)

    for n in range(3 * MAX_IDLE):
        assert policies[f"slot-{n}:rules"].version == 0

    assert len(policies) <= MAX_IDLE + 2
    assert policies["home:adaptive"].version == 1


async def test_an_id_that_was_written_with_escapes_is_erased(tmp_path: Path) -> None:
    """.NET writes the + of an address as an escape; after an erasure nothing of such an event is left either."""
    clock, folder = Clock(), tmp_path / "shop"
    body = (
        rb'{"type":"track","messageId":"m1","anonymousId":"a-tablet","userId":"ana\u002Bshop@mail.example",'
        rb'"event":"Note Written","properties":{"note":"zebrafinch"}}'
    )
    async with opened(folder, clock) as service:
        await service.collect([call(None, body, clock.at)])
        await service.settled()
        assert left_in(folder, ["zebrafinch"])

        await service.erase("user:ana+shop@mail.example")
    assert left_in(folder, ["zebrafinch", "mail.example"]) == []


async def test_who_is_being_erased_is_barred_with_their_decisions(tmp_path: Path) -> None:
    """An alias waits for the device that it names, and nobody reads a decision of who is being forgotten."""
    alias = Event(type="alias", user_id="new", previous_id="old")
    assert {"anon:old", "user:old", "user:new"} == {*names_in(alias)}
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        await service.decide(asked("d1", "anon:a", clock.at))
        service._erasure.barred = frozenset({"anon:a"})
        assert service.decision("d1") is None
        service._erasure.barred = frozenset()
        assert service.decision("d1") is not None


async def test_a_clock_that_was_ahead_keeps_nothing_unsealed(tmp_path: Path) -> None:
    """Facts of an hour when the clock was years ahead are sealed with all others."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        clock.at += 10 * 365 * 24 * 60 * MINUTE
        await search(service, clock, "m1", person="a")
        clock.at -= 10 * 365 * 24 * 60 * MINUTE
        await search(service, clock, "m2", person="b")
        await service.settled()
        await service._keeper.commit(service._barrier)

        await service._keeper._seal()

        assert list(service._stores.facts().live("events")) == []


async def test_a_message_that_no_record_could_be_made_of_may_be_sent_again(tmp_path: Path) -> None:
    """What fails on its way in isn't taken for a duplicate when it comes again."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        facets = service.catalog.facets

        def broken(ids: Sequence[str]) -> object:
            """Fail."""
            raise ValueError("a fault of ours")

        service.catalog.facets = broken  # type: ignore[method-assign,assignment]
        events = [
            sent(at=clock.at, id="m1", anonymousId="a", event="App Opened"),
            sent(at=clock.at, id="m2", anonymousId="a", event="Product Viewed", properties={"product_id": "p1"}),
        ]
        with pytest.raises(ValueError, match="a fault of ours"):
            await service.collect(events)
        service.catalog.facets = facets  # type: ignore[method-assign]

        assert await service.collect(events) == []


async def test_a_slot_whose_policy_fails_is_decided_by_the_default(tmp_path: Path) -> None:
    """The answer is the default's, with its own propensities, says so, and what came of it is still awaited."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)

        class Broken:
            """A policy that somebody wrote."""

            name, version = "adaptive", 1

            def pmf(self, x: object, rng: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
                """No distribution."""
                return np.array([float("nan")])

        service._view.policies._policies["home:adaptive"] = Broken()  # type: ignore[attr-defined]

        decision = await service.decide(asked("d1", "anon:a", clock.at))

        assert (decision.policy.name, "policy_failed" in decision.degraded) == ("popular", True)
        assert decision.items
        assert all(0.0 < item.propensity <= 1.0 for item in decision.items)
        await service.settled()
        person = service.person("anon:a")
        assert person is not None
        assert [pending.id for pending in person.pending] == ["d1"]


async def test_what_comes_after_the_end_is_refused(tmp_path: Path) -> None:
    """An event that overtakes the stop of its engine isn't accepted, and its sender doesn't wait for ever."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        pass

    with pytest.raises(LogDown, match="closed"):
        await search(service, clock, "m1", person="a")
