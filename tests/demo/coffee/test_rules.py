"""The chain's rules: prices, rewards, promotions, orders; what lies is refused for a clear reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micromoments.config import parse
from micromoments.demo import coffee, project
from micromoments.demo.coffee import menu, promotions, rewards
from micromoments.demo.coffee.menu import Chosen
from micromoments.demo.coffee.shop import Customer, Shop, Wanted, show
from micromoments.demo.coffee.town import Town
from micromoments.demo.fulfil import Offer, Refused, Sandbox, Store, audit

NOON = 1_767_614_400_000  # a Monday, 12:00 UTC
TOWN = Town("UTC")
LATTE = (Chosen("latte"),)


class Chain(Shop):
    """The chain in a folder, at noon."""

    def __init__(self, folder: Path) -> None:
        self.at = NOON
        self.bank = Sandbox(folder / "bank.sqlite")
        super().__init__(Store(folder / "coffee.sqlite"), self.bank, TOWN, lambda: self.at)
        self.open_up()


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """The chain."""
    made = Chain(tmp_path)
    yield made
    assert audit(made.store, made.bank.held()) == []
    made.store.close()
    made.bank.close()


def wanted(**fields: Any) -> Wanted:
    """A latte at the square by card."""
    return Wanted(**{"store": "square", "items": LATTE, "card": "pm_card_visa", **fields})


def finish(chain: Chain, id: str) -> None:
    """Make and hand over."""
    for step in ("accepted", "making", "ready"):
        chain.desk.advance(id, step)
    chain.desk.finish(id)


def test_an_order_brings_stars_and_tells_the_engine(chain: Chain) -> None:
    """A paid order is told once, by the standard names with its decision; handed over, it brings stars."""
    with chain.store.change() as tx:
        tx.offer(Offer("d1.coffee-offer-double", "ana", NOON + 1000, data={"gives": "double", "decision": "d1"}))
    placed = chain.order("ana", wanted(offer="d1.coffee-offer-double", tip=50, total=440), "k1")
    assert (placed.state, placed.total, placed.earn) == ("paid", 440, 30)
    finish(chain, placed.id)
    assert chain.purse("ana")["stars"] == 30
    told = [call for _, call in chain.store.unsent()]
    assert [call["event"] for call in told] == ["Checkout Started", *["Order Completed"]]
    assert told[-1]["properties"]["decision_id"] == "d1"
    assert told[-1]["properties"]["revenue"] == 3.9


def test_the_engine_is_told_of_each_refund_once(chain: Chain) -> None:
    """Of a refund the engine hears once, with what went back by it; of a tip that goes back it never heard."""
    placed = chain.order("ana", wanted(tip=50, total=440), "k1")
    finish(chain, placed.id)
    for amount in (100, 90, 250):
        chain.desk.refund(placed.id, amount, "bar")
    told = [call["properties"] for _, call in chain.store.unsent() if call["event"] == "Order Refunded"]
    assert [said["revenue"] for said in told] == [1.0, 0.9, 2.0]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"store": "nowhere"}, "no_such_store"),
        ({"items": ()}, "empty"),
        ({"items": (Chosen("gold bar"),)}, "no_such_thing"),
        ({"items": (Chosen("latte", -2),)}, "bad_quantity"),
        ({"items": (Chosen("latte", 1, ("large", "small")),)}, "bad_option"),
        ({"items": (Chosen("latte", 1, ("shot", "shot")),)}, "bad_option"),
        ({"items": (Chosen("espresso", 1, ("oat",)),)}, "bad_option"),
        ({"items": (Chosen("bun", 1, ("vanilla",)),)}, "bad_option"),
        ({"items": (Chosen("toastie", 11),)}, "sold_out"),
        ({"total": 1}, "price_changed"),
        ({"tip": -100}, "bad_tip"),
        ({"stars": 60}, "too_few_points"),
        ({"stars": 10}, "bad_points"),
        ({"stars": 100_000}, "bad_points"),
        ({"card": "", "stored": True}, "too_little_stored"),
        ({"offer": "somebody's"}, "no_such_offer"),
        ({"pickup": NOON + 13 * 3_600_000}, "bad_pickup"),
        ({"pickup": NOON - 3_600_000}, "bad_pickup"),
        ({"store": "mill", "pickup": NOON + 8 * 3_600_000}, "closed"),
    ],
)
def test_what_lies_is_refused(chain: Chain, fields: dict[str, Any], why: str) -> None:
    """Forged numbers, other people's offers and impossible times are refused, and nothing moves."""
    with pytest.raises(Refused) as caught:
        chain.order("ana", wanted(**fields), "k1")
    assert caught.value.code == why
    assert chain.bank.held() == 0


def test_the_same_tap_twice_is_one_order(chain: Chain) -> None:
    """One key is one order, also when the offer that it used can't be used again."""
    with chain.store.change() as tx:
        tx.offer(Offer("f", "ana", NOON + 1000, data={"gives": "back", "decision": "d"}))
    one = chain.order("ana", wanted(offer="f"), "k")
    chain.at += 5000
    assert chain.order("ana", wanted(offer="f"), "k").id == one.id
    assert chain.bank.held() == one.total == 390 - 58
    with pytest.raises(Refused) as caught:
        chain.order("ana", wanted(offer="f"), "k2")
    assert caught.value.code == "offer_expired"


def test_stored_value_and_stars_pay(chain: Chain) -> None:
    """Stars go first, then stored value, then the card; what stars pay brings no stars."""
    chain.top_up("ana", 1000, "pm_card_visa", "t")
    with chain.store.change() as tx:
        tx.earn("gift", "ana", 100, NOON + 1_000_000, NOON)
    placed = chain.order("ana", wanted(stored=True, stars=100), "k")
    assert (placed.points_worth, placed.stored, placed.card, placed.earn) == (100, 290, 0, 10)
    assert (chain.purse("ana")["stored"], chain.purse("ana")["stars"]) == (710, 0)
    chain.desk.cancel(placed.id, "customer", owner="ana")
    assert (chain.purse("ana")["stored"], chain.purse("ana")["stars"]) == (1000, 100)
    with pytest.raises(Refused):
        chain.top_up("ana", 999, "pm_card_visa", "t2")


def test_a_birthday_comes_once_a_year(chain: Chain) -> None:
    """Birthday stars come around the day, once, and not again for whoever moves the day."""
    chain.keep("ana", Customer(birthday="01-06"))
    assert chain.purse("ana")["stars"] == rewards.BIRTHDAY
    chain.keep("ana", Customer(birthday="01-05"))
    chain.at += 200 * rewards.DAY
    chain.keep("ana", Customer(birthday=f"{menu.local(chain.at, 'UTC'):%m-%d}"))
    assert chain.purse("ana")["stars"] == 0  # expired, and not given again
    chain.at = NOON + 366 * rewards.DAY
    chain.keep("ana", Customer(birthday="01-06"))
    assert chain.purse("ana")["stars"] == rewards.BIRTHDAY


def test_the_usual_is_what_was_ordered_most(chain: Chain) -> None:
    """The usual is the most frequent of the last orders, with its store and its hours."""
    assert chain.usual("ana") is None
    for n, items in enumerate((LATTE, (Chosen("tea"),), LATTE)):
        chain.order("ana", wanted(items=items), f"k{n}")
    usual = chain.usual("ana")
    assert usual is not None
    assert (usual["store"], usual["items"][0]["sku"]) == ("square", "latte")
    assert chain.usual_hour(usual["minutes"])
    chain.at += 3 * 3_600_000
    assert not chain.usual_hour(usual["minutes"])


def test_stores_are_nearest_first_with_walk_wait_and_hours(chain: Chain) -> None:
    """The list has each store with its way on foot, whether it is open, and a wait that grows with the queue."""
    stores = chain.stores((-360, -90))
    assert [s["metres"] for s in stores] == sorted(s["metres"] for s in stores)
    assert (stores[0]["id"], stores[0]["open"]) == ("square", True)
    for n in range(6):
        chain.order(f"p{n}", wanted(), "k")
    assert chain.stores((-360, -90))[0]["wait"] > stores[0]["wait"]
    chain.at = NOON + 14 * 3_600_000
    shut = next(s for s in chain.stores((0, 0)) if s["id"] == "square")
    assert (shut["open"], shut["opens"]) == (False, NOON + 19 * 3_600_000)


def test_nobody_sees_a_card(chain: Chain) -> None:
    """What pages are shown of an order holds no token of a card and no name of its owner."""
    shown = json.dumps(show(chain.order("c-ana", wanted(), "k")))
    assert "pm_card" not in shown
    assert "c-ana" not in shown


@pytest.mark.parametrize(
    ("gives", "items", "off"),
    [
        ("double", LATTE, 0),
        ("back", LATTE, 58),
        ("combo", (Chosen("latte"), Chosen("bun")), 220),
        ("combo", LATTE, None),
        ("size", (Chosen("latte", 1, ("large",)),), 90),
        ("size", LATTE, None),
        ("filter", (Chosen("filter"),), 90),
        ("filter", LATTE, None),
        ("all free", LATTE, None),
    ],
)
def test_promotions_take_off_what_they_say(gives: str, items: tuple[Chosen, ...], off: int | None) -> None:
    """Each promotion takes off what it says where its condition is met, and is refused where it isn't."""
    lines = menu.lines(menu.bar("square"), items)
    if off is None:
        with pytest.raises(Refused):
            promotions.discount(gives, lines)
    else:
        assert promotions.discount(gives, lines) == off


@given(paid=st.integers(0, 100_000), earned=st.integers(0, 5000), times=st.integers(1, 2))
def test_stars_grow_with_spending_and_tier(paid: int, earned: int, times: int) -> None:
    """More spent or a higher tier never brings fewer stars, and never more than the tier's rate."""
    stars = rewards.stars(paid, earned, times)
    assert 0 <= stars <= paid // 100 * 8 * times
    assert stars <= rewards.stars(paid + 100, earned, times)
    assert stars <= rewards.stars(paid, earned + 500, times)


@given(day=st.dates(date(2024, 1, 1), date(2028, 12, 31)), off=st.integers(-10, 10))
def test_birthdays_are_found_across_new_year(day: date, off: int) -> None:
    """Within three days of the birthday it is found, further away not, in every month."""
    today = datetime.combine(day + timedelta(days=off), time(12))
    found = rewards.birthday_id("c", f"{day:%m-%d}", today)
    if (day.month, day.day) != (2, 29):
        assert (found is not None) == (abs(off) <= rewards.AROUND)


def test_tables_are_valid() -> None:
    """The app's slots and goals read without a mistake: a holdout runs, and the usual is offered once a day."""
    settings = parse(project.settings("UTC", more=coffee.TABLES))
    assert settings.slot("coffee_offers").holdout == 0.5
    assert settings.slot("coffee_usual").caps[0].times == 1


@pytest.mark.parametrize(
    ("night", "hours"),
    [("2026-10-24", 10.0), ("2026-03-28", 8.0), ("2026-06-06", 9.0)],
    ids=["autumn", "spring", "summer"],
)
def test_a_night_on_which_clocks_change_is_as_long_as_it_is(night: str, hours: int) -> None:
    """A store that closes at ten and opens at seven is closed for nine hours, but for those two nights a year."""
    zone, square = "Europe/Helsinki", menu.bar("square")
    closed = int(datetime.fromisoformat(f"{night}T22:00").replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    assert menu.open_until(square, closed - 3_600_000, zone) == closed
    assert menu.open_until(square, closed, zone) is None
    assert menu.opens(square, closed, zone) == closed + hours * 3_600_000
