"""Offers that are redeemed: by code, by id, by their decision's goal; what limits and budgets make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from micromoments.core.event import TEST
from micromoments.core.item import Item
from micromoments.core.person import MAX_REDEEMED, Redeemed
from micromoments.core.settings import DAY, HOUR, Budget, Settings, Slot
from micromoments.engine.service import Service
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.flow.people import newest_redeemed
from micromoments.sources.segment import arrival
from tests.engine.shop import Clock, asked, opened, sent

SETTINGS = Settings(
    consent=("measure", "personalise"),
    slots={"home": Slot(kinds=("offer",), assume_seen=True, limit=1, window_minutes=30)},
    budgets={"spring": Budget(units=10, hold_minutes=60)},
)
GIVES = {"gives": "price_off", "percent": 15}


def offer(**said: Any) -> Item:
    """The shop's only offer, 3 units of the budget each."""
    units = {"budget_units": 3, "offer": {**GIVES, **said}}
    return Item(id="spring15", kind="offer", title="Spring", budget="spring", attributes=units)


async def served(service: Service, clock: Clock, id: str, who: str = "ana") -> list[str]:
    """Decide for somebody: the items, or the words of the refusal."""
    decision = await service.decide(asked(id, f"user:{who}", clock.at))
    return [one.id for one in decision.items] or [f"{one.code}: {one.detail}" for one in decision.refused]


async def told(
    service: Service, clock: Clock, id: str, *, who: str = "ana", by: int | None = None, **said: Any
) -> None:
    """Somebody's order, with these properties; ``by`` are other marks than the business's own server has."""
    event = {"type": "track", "messageId": id, "userId": who, "event": said.pop("event", "Order Completed")}
    come = (
        sent(at=clock.at, id=id, userId=who, event=event["event"], properties=said)
        if by is None
        else arrival({**event, "properties": said}, received_at=clock.at, marks=by)
    )
    await service.collect([come])
    await service.settled()


def differences(folder: Path, settings: Settings = SETTINGS) -> list[str]:
    """Where the state differs from what a replay of the log gives."""
    stores = open_stores(folder, settings)
    try:
        return [str(one) for one in verify(stores).differences]
    finally:
        stores.close()


def used(service: Service) -> tuple[int, int]:
    """The budget's units: spent, held."""
    return service._stores.budgets.used("spring")


async def test_an_offer_is_had_as_often_as_it_may_be_redeemed_however_often_it_is_served(tmp_path: Path) -> None:
    """Three servings and no order: still there. One order with its code: not any more, until the time is over."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([replace(offer(code="SPRING15", redemptions=1, redemption_hours=48), budget="")])
        for n in range(3):
            assert await served(service, clock, f"d{n}") == ["spring15"]
        await told(service, clock, "o1", revenue=40, coupon=" spring15")
        assert await served(service, clock, "d3") == ["cap: redeemed 1 times in 48 h; limit 1"]
        assert await served(service, clock, "d4", "bo") == ["spring15"]
    clock.at += 49 * HOUR
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        assert await served(service, clock, "d5") == ["spring15"]
    assert differences(tmp_path / "shop") == []


async def test_a_code_alone_spends_what_an_offer_with_a_code_holds(tmp_path: Path) -> None:
    """An order without the code, though it names the decision, spends nothing; the next one with it does, once."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([offer(code="SPRING15")])
        assert await served(service, clock, "d1") == ["spring15"]
        await told(service, clock, "o1", revenue=40, decision_id="d1")
        assert used(service) == (0, 3)
        await told(service, clock, "o2", revenue=40, order_id="7", products=[{"product_id": "p", "coupon": "SPRING15"}])
        assert used(service) == (3, 0)
        await told(service, clock, "o3", event="Offer Redeemed", order_id="7", offer_id="spring15")
        assert used(service) == (3, 0), "the same order, told twice"


@pytest.mark.parametrize(
    "drawn", [{"budget": "spring"}, {"budget": "", "campaign": "spring"}], ids=["named", "campaign"]
)
async def test_what_was_redeemed_after_its_hold_is_spent_all_the_same(tmp_path: Path, drawn: dict[str, str]) -> None:
    """A coupon of last week counts, past what was held: three of 3 units are 9 of 10, so nothing more is served."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([replace(offer(code="SPRING15"), **drawn)])
        assert await served(service, clock, "d1") == ["spring15"]
        clock.at += 2 * HOUR
        await service.tick()
        assert used(service) == (0, 0)
        for n, who in enumerate(("ana", "bo", "cy")):
            await told(service, clock, f"o{n}", who=who, revenue=40, coupon="SPRING15")
        assert used(service) == (9, 0)
        assert await served(service, clock, "d2", "di") == ["budget: got 1 units left of spring; wanted 3"]
    assert differences(tmp_path / "shop") == []


async def test_a_budget_is_never_passed_by_what_is_redeemed_after_its_hold(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The fourth coupon of last week finds one unit of the three that it takes: nothing is spent, it is told and
    counted once, however often the order is told; and what is held for somebody else stays theirs.
    """
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([offer(code="SPRING15")])
        assert await served(service, clock, "d1") == ["spring15"]
        clock.at += 2 * HOUR
        await service.tick()
        for n, who in enumerate(("bo", "cy")):
            await told(service, clock, f"o{n}", who=who, revenue=40, coupon="SPRING15")
        assert await served(service, clock, "d2", "di") == ["spring15"]
        assert used(service) == (6, 3)
        for _ in range(2):
            await told(service, clock, "o3", who="ana", revenue=40, order_id="3", coupon="SPRING15")
        assert used(service) == (6, 3)
        assert service.stats()["redemptions_unfunded_total"] == 1
        assert "budget 'spring' has no 3 units left" in caplog.text
        await told(service, clock, "o4", who="di", revenue=40, coupon="SPRING15")
        assert used(service) == (9, 0)
    assert differences(tmp_path / "shop") == []


@pytest.mark.parametrize(("by", "spent"), [(None, 3), (0, 0)])
async def test_a_goal_after_the_hold_takes_its_units_anew(tmp_path: Path, by: int | None, spent: int) -> None:
    """An offer without a code whose decision's order comes after the hold is spent, once, where the business's own
    server tells of it; a page's key spends what is held alone.
    """
    clock = Clock()
    long = replace(SETTINGS, slots={"home": replace(SETTINGS.slots["home"], window_minutes=300)})
    async with opened(tmp_path / "shop", clock, long) as service:
        await service.put_items([offer()])
        assert await served(service, clock, "d1") == ["spring15"]
        clock.at += 2 * HOUR
        await service.tick()
        assert used(service) == (0, 0)
        for n in range(2):
            await told(service, clock, f"o{n}", by=by, revenue=40, decision_id="d1", order_id="7")
        assert used(service) == (spent, 0)
    assert differences(tmp_path / "shop", long) == []


async def test_a_history_that_is_brought_in_spends_nothing(tmp_path: Path) -> None:
    """Orders of long ago, and of before the budget began, count for their people and not for the budget."""
    clock = Clock()
    begun = replace(SETTINGS.budgets["spring"], starts="2027-01-14T00:00:00Z")
    settings = replace(SETTINGS, budgets={"spring": begun})
    async with opened(tmp_path / "shop", clock, settings) as service:
        await service.put_items([offer(code="SPRING15", redemptions=1)])
        for n, (who, days) in enumerate((("ana", 40), ("bo", 3), ("cy", 0))):
            at = clock.at - days * DAY
            said = {"revenue": 40, "coupon": "SPRING15"}
            old = sent(at=at, id=f"o{n}", userId=who, event="Order Completed", properties=said)
            await service.collect([old], at)
        await service.settled()
        assert used(service) == (3, 0)
        assert await served(service, clock, "d1", "ana") == ["cap: redeemed 1 times in 8760 h; limit 1"]


async def test_who_holds_no_secret_key_spends_only_what_was_held_for_them(tmp_path: Path) -> None:
    """Orders made up with a page's key can't empty a budget."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([offer(code="SPRING15")])
        assert await served(service, clock, "d1") == ["spring15"]
        for n in range(5):
            await told(service, clock, f"o{n}", by=0, revenue=40, coupon="SPRING15")
        await told(service, clock, "o9", who="eve", by=0, revenue=40, coupon="SPRING15")
        assert used(service) == (3, 0)


@pytest.mark.parametrize("order", [{"order_id": "7"}, {"order_id": 7}])
async def test_an_offer_without_a_code_is_redeemed_by_its_decisions_goal(tmp_path: Path, order: dict[str, Any]) -> None:
    """The order that its decision led to redeems it, once, however it is told; a refund redeems nothing."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([offer(redemptions=2)])
        for n, event in enumerate(("Order Completed", "Offer Redeemed")):
            assert await served(service, clock, f"d{n}") == ["spring15"]
            await told(service, clock, f"o{n}", event=event, revenue=40, decision_id="d0", offer_id="spring15", **order)
        assert used(service) == (3, 3)
        await told(service, clock, "o3", event="Order Refunded", revenue=40, decision_id="d0", offer_id="spring15")
        assert await served(service, clock, "d2") == ["spring15"]
        await told(service, clock, "o4", revenue=40, decision_id="d2", order_id="8")
        assert used(service) == (6, 3)
        assert await served(service, clock, "d3") == ["cap: redeemed 2 times in 8760 h; limit 2"]
    assert differences(tmp_path / "shop") == []


async def test_redemptions_of_one_person_under_two_names_are_one_persons(tmp_path: Path) -> None:
    """What was redeemed before signing in counts after it; the export tells of it."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([replace(offer(code="SPRING15", redemptions=1), budget="")])
        bought = {"revenue": 40, "coupon": "SPRING15"}
        await service.collect([sent(at=clock.at, id="o", anonymousId="a", event="Order Completed", properties=bought)])
        await service.collect([sent("identify", at=clock.at, id="i", anonymousId="a", userId="ana")])
        assert await served(service, clock, "d1") == ["cap: redeemed 1 times in 8760 h; limit 1"]
        exported = await service.export("user:ana")
        assert exported is not None
        assert exported["redeemed"] == [{"offer": "spring15", "at": clock.at}]


async def test_what_redeems_nothing(tmp_path: Path) -> None:
    """A coupon put in a basket, one that isn't known, a test order, and one that was taken off: none counts."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        await service.put_items([offer(code="SPRING15", redemptions=1)])
        await told(service, clock, "o1", event="Coupon Applied", coupon="SPRING15")
        await told(service, clock, "o2", revenue=40, coupon="AUTUMN")
        await told(service, clock, "o3", revenue=40, coupon="SPRING15", test=True, by=TEST)
        await told(service, clock, "o4", revenue=40, coupon={"code": "SPRING15"}, coupons=[None, 3], products="none")
        await service.put_items([offer(code="OTHER", redemptions=1)])
        await told(service, clock, "o5", revenue=40, coupon="SPRING15")
        assert used(service) == (0, 0)
        assert await served(service, clock, "d1") == ["spring15"]


async def test_what_an_offer_with_a_code_costs_is_counted_where_the_code_was_used(tmp_path: Path) -> None:
    """Two orders by the same offer's decisions: the one with the code bears the offer's cost."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock, SETTINGS) as service:
        dear = offer(code="SPRING15")
        await service.put_items([replace(dear, budget="", attributes={**dear.attributes, "cost": 700})])
        for who, code in (("ana", ""), ("bo", "SPRING15")):
            assert await served(service, clock, f"d-{who}", who) == ["spring15"]
            await told(service, clock, f"o-{who}", who=who, revenue=40, decision_id=f"d-{who}", coupon=code)
        report: Any = await service.report("items", {})
        (row,) = report["rows"]
        assert (row["goals"], row["cost"]) == (2, 700)


def test_a_redemption_that_two_names_tell_of_is_one() -> None:
    """Joined, one order is one redemption, from when it was first told; the newest are kept."""
    twice = [Redeemed(5, "a", 1), Redeemed(3, "a", 1), Redeemed(4, "b", 1)]
    assert newest_redeemed(twice) == (Redeemed(3, "a", 1), Redeemed(4, "b", 1))
    many = newest_redeemed(Redeemed(n, "a", n) for n in range(40))
    assert many == tuple(Redeemed(n, "a", n) for n in range(40 - MAX_REDEEMED, 40))
