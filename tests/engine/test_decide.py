"""Decisions: the same id is the same answer, one's own events are seen, and a budget is never passed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.decision import Decision
from micromoments.core.item import Item
from micromoments.core.record import DecidedRecord
from micromoments.core.settings import HOUR
from micromoments.engine.applier import LET_GO
from micromoments.engine.refusals import Conflict
from micromoments.engine.service import Service
from micromoments.engine.wiring import open_stores
from micromoments.ports import replay
from tests.engine.shop import ITEMS, MINUTE, SETTINGS, Clock, asked, clicked, opened, search, sent

LAUNCH = replace(ITEMS[0], id="launch", budget="launch", title="Launch trail shoe")
SPRING = replace(ITEMS[1], id="spring", budget="spring", title="Spring rain jacket")


async def test_the_same_id_and_body_is_the_same_answer(tmp_path: Path) -> None:
    """A retry gets what was decided, at once, much later and after a restart, whatever happened in between."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        first = await service.decide(asked("d1", "anon:a", clock.at, digest="x"))
        await search(service, clock, "m1", person="a", query="buy tent")
        await service.delete_items([first.items[0].id])
        assert await service.decide(asked("d1", "anon:a", clock.at, digest="x")) == first
    clock.at += HOUR
    async with opened(tmp_path / "shop", clock) as service:
        assert await service.decide(asked("d1", "anon:a", clock.at, digest="x")) == first
        with pytest.raises(Conflict, match="d1"):
            await service.decide(asked("d1", "anon:a", clock.at, digest="y"))


async def test_concurrent_duplicates_are_decided_once(tmp_path: Path) -> None:
    """Of many at once with one id, those with the first body get one answer, the others a conflict; the log has one."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)

        async def ask(digest: str) -> Decision | Conflict:
            """One decision asked for."""
            try:
                return await service.decide(asked("d1", "anon:a", clock.at, digest=digest))
            except Conflict as conflict:
                return conflict

        answers = await asyncio.gather(*(ask("x" if n % 3 else "y") for n in range(24)))
        decided = {a.digest for a in answers if isinstance(a, Decision)}
        assert len(decided) == 1
        assert sum(isinstance(a, Conflict) for a in answers) in (8, 16)
        assert (await service.decide(asked("d1", "anon:a", clock.at, digest=decided.pop()))).id == "d1"
    stores = open_stores(tmp_path / "shop", SETTINGS)
    assert sum(isinstance(x.record, DecidedRecord) for x in replay(stores.log)) == 1
    stores.close()


async def test_a_decision_sees_the_events_that_were_accepted_before_it(tmp_path: Path) -> None:
    """Read your writes: by the id that sent, by the user id named beside it, and behind a queue of other people's."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        for n, (key, who) in enumerate(
            [("anon:a", {"anonymousId": "a"}), ("user:u", {"anonymousId": "b", "userId": "u"})]
        ):
            crowd = [sent(at=clock.at, id=f"x{n}-{i}", anonymousId=f"c{i}", event="App Opened") for i in range(3000)]
            said: dict[str, Any] = {"event": "Products Searched", "properties": {"query": "buy a tent"}, **who}
            await service.collect([*crowd, sent(at=clock.at, id=f"m{n}", **said)])
            decision = await service.decide(asked(f"d{n}", key, clock.at))

            assert decision.moment is not None
            assert decision.moment.need["query"] == "tent"


async def test_an_event_that_comes_with_the_request_counts_for_it(tmp_path: Path) -> None:
    """The arrival of a request is folded before the answer."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        said = {"query": "buy a stove"}
        event = sent(at=clock.at, id="m1", anonymousId="a", event="Products Searched", properties=said)

        decision = await service.decide(asked("d1", "anon:a", clock.at), event)

        assert decision.moment is not None
        assert decision.moment.need["query"] == "stove"


async def crowd(service: Service, clock: Clock, many: int, name: str) -> list[Decision]:
    """So many people ask at once."""
    return await asyncio.gather(
        *(service.decide(asked(f"{name}{n}", f"anon:{name}{n}", clock.at)) for n in range(many))
    )


def times(decisions: list[Decision], item: str) -> int:
    """How often an item was served."""
    return sum(i.id == item for d in decisions for i in d.items)


@pytest.mark.parametrize("launch", [LAUNCH, replace(LAUNCH, budget="", campaign="launch")], ids=["named", "campaign"])
async def test_a_budget_of_five_serves_at_most_five_of_thirty_two_at_once(tmp_path: Path, launch: Item) -> None:
    """The sixth gets something else; spent and reserved never pass the units, across a restart too, whether the item
    names the budget or is of the campaign of that name.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items([launch, *ITEMS[1:]])
        decisions = await crowd(service, clock, 32, "a")

        assert times(decisions, "launch") == 5
        assert all(d.items for d in decisions)
        assert service._stores.budgets.used("launch") == (0, 5)
        served = next(d for d in decisions if times([d], "launch"))
        bought = {"decision_id": served.id, "product_id": "launch", "revenue": 9}
        who = served.key.partition(":")[2]
        await service.collect([sent(at=clock.at, id="o1", anonymousId=who, event="Order Completed", properties=bought)])
        await service.settled()
        assert service._stores.budgets.used("launch") == (1, 4)
    async with opened(tmp_path / "shop", clock) as service:
        assert times(await crowd(service, clock, 32, "b"), "launch") == 0
        clock.at += 2 * HOUR
        await service.tick()
        assert service._stores.budgets.used("launch") == (1, 0)
        assert times(await crowd(service, clock, 32, "c"), "launch") == 4


async def test_a_redraw_keeps_what_it_took_and_gives_back_what_it_does_not_serve(tmp_path: Path) -> None:
    """With two budgets on one slate, a refusal of one neither leaks nor overdraws the other."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items([LAUNCH, SPRING])
        decisions = await crowd(service, clock, 32, "a")

        assert times(decisions, "launch") == sum(service._stores.budgets.used("launch")) <= 5
        assert times(decisions, "spring") == sum(service._stores.budgets.used("spring")) <= 2


async def test_a_refused_reservation_is_drawn_again_without_it(tmp_path: Path) -> None:
    """Where another took the last unit between the look and the reservation, the draw is redone."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items([LAUNCH, SPRING])
        budgets = service._stores.budgets
        assert budgets.reserve("spring", 2, 2, "another", clock.at + HOUR)
        service._purse.left = lambda now: {"launch": 5, "spring": 2}  # type: ignore[method-assign]

        decision = await service.decide(asked("d1", "anon:a", clock.at))

        assert [i.id for i in decision.items] == ["launch"]
        assert (budgets.used("launch"), budgets.used("spring")) == ((0, 1), (0, 2))


async def test_a_click_teaches_the_policy_and_a_window_ends_by_the_clock(tmp_path: Path) -> None:
    """The policy's version moves with a click at once, and with an ignored decision once its window is over."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        first = await service.decide(asked("d1", "anon:a", clock.at))
        await clicked(service, clock, first, "c1")
        await service.settled()
        second = await service.decide(asked("d2", "anon:b", clock.at))
        assert second.policy.version > first.policy.version
        await service.settled()
        await service._keeper.commit(service._barrier)
        clock.at += 31 * MINUTE
        assert await service.tick() == 2
        await service.settled()
        assert service.stats()["outcomes_total"] == 2
        assert (await service.decide(asked("d3", "anon:b", clock.at))).policy.version > second.policy.version


async def test_no_decision_is_let_go_of_before_the_state_has_it(tmp_path: Path) -> None:
    """Memory holds few decisions of those that were committed, and all that were not: their outcomes find them."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        await service.put_items(ITEMS)
        applier, keeper = service._applier, service._keeper
        applier._recent = 2
        ids = {f"d{n}" for n in range(6)}
        async with keeper._lock:  # nothing is committed meanwhile
            for id in sorted(ids):
                await service.decide(asked(id, "anon:a", clock.at))
            await service._barrier()
            applier.settle()
            assert ids <= applier.decisions.keys()
        assert await keeper.commit(service._barrier)
        held = len(applier.decisions)
        for n in range(2):
            await service.decide(asked(f"later{n}", "anon:a", clock.at))
            await service.settled()
            assert len(applier.decisions) == max(held + 1 - LET_GO, applier._recent + n + 1)  # a few at a time
            held = len(applier.decisions)
        assert all(applier.decision(id) is not None for id in ids)
