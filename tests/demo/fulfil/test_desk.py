"""The desk: orders from cart to done, paid once, refused for clear reasons, and exact whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from micromoments.demo.fulfil import Declined, Line, Offer, Refused, Unreachable, audit
from micromoments.demo.fulfil.points import balance
from tests.demo.fulfil.made import NOON, Shop, line, order


def stored(shop: Shop, owner: str = "ana") -> int:
    """Stored value, as the customer sees it."""
    return -shop.store.balance(f"stored:{owner}", "EUR")


def code(caught: pytest.ExceptionInfo[Refused]) -> str:
    """What was refused."""
    return caught.value.code


def test_an_order_goes_all_the_way(shop: Shop) -> None:
    """Placed, charged, made, done: the money is earned, the piece sold, the points there, and the books agree."""
    placed = shop.desk.place(order(tip=50, tax=66, card=450, earn=40, earn_until=NOON + 1000), "k1")
    assert (placed.state, placed.captured, shop.bank.held()) == ("paid", True, 450)
    for step in ("accepted", "making", "ready"):
        assert shop.desk.advance("o1", step).step == step
    assert shop.desk.finish("o1").state == "done"
    balances = {a: shop.store.balance(a, "EUR") for a in ("processor", "sales", "tax", "tips", "deferred")}
    assert balances == {"processor": 450, "sales": -334, "tax": -66, "tips": -50, "deferred": 0}
    assert shop.store.free() == {"cups": 9}
    assert balance(shop.store.lots("ana"), NOON) == 40
    assert balance(shop.store.lots("ana"), NOON + 1000) == 0
    assert audit(shop.store, shop.bank.held()) == []


def test_the_same_key_is_the_same_order(shop: Shop) -> None:
    """A double click charges once and answers the same order; the key with another request is refused."""
    first = shop.desk.place(order(), "k1")
    assert shop.desk.place(order(), "k1") == first
    assert shop.desk.place(order(id="o2"), "k1", asked=msgspec.json.encode(order())).id == "o1"
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="o3", lines=(line(2),)), "k1")
    assert code(caught) == "key_reused"
    assert (shop.bank.held(), shop.store.free()) == (400, {"cups": 9})
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="o4"), "")
    assert code(caught) == "no_key"


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("4242424242424242", "no_such_card"),
    ],
)
def test_a_failing_card_gives_everything_back(shop: Shop, token: str, why: str) -> None:
    """A declined card leaves a cart with its reason, no goods held, and another card may be tried."""
    failed = shop.desk.place(msgspec.structs.replace(order(), source=token), "k1")
    assert (failed.state, failed.why) == ("cart", why)
    assert (shop.bank.held(), shop.store.free()) == (0, {"cups": 10})
    again = shop.desk.retry("o1", "ana", "pm_card_visa", "k2")
    assert (again.state, again.why, shop.bank.held()) == ("paid", "", 400)
    assert audit(shop.store, shop.bank.held()) == []


def test_a_lost_answer_is_asked_again_and_charged_once(shop: Shop) -> None:
    """Where the bank's answer was lost, the order waits, and asking again finds the one charge."""
    waiting = shop.desk.place(msgspec.structs.replace(order(), source="pm_card_answerLost"), "k1")
    assert (waiting.state, shop.bank.held()) == ("ordered", 400)
    with pytest.raises(Refused) as caught:
        shop.desk.cancel("o1", "customer", owner="ana")
    assert code(caught) == "bad_state"
    assert shop.desk.recover() == 1
    assert (shop.desk.order("o1").state, shop.bank.held()) == ("paid", 400)
    assert shop.desk.recover() == 0
    assert audit(shop.store, shop.bank.held()) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"lines": (line(-1),), "card": -400}, "bad_quantity"),
        ({"lines": (line(0),), "card": 0}, "bad_quantity"),
        ({"lines": (line(51),), "card": 400}, "bad_quantity"),
        ({"lines": (line(unit=-5),), "card": 0}, "bad_price"),
        ({"lines": ()}, "empty"),
        ({"discount": 500, "card": 0}, "bad_discount"),
        ({"discount": -100, "card": 500}, "bad_discount"),
        ({"tip": -400, "card": 0}, "bad_tip"),
        ({"tip": 900, "card": 1300}, "bad_tip"),
        ({"card": 399}, "bad_split"),
        ({"card": 500, "stored": -100}, "bad_split"),
        ({"card": 0, "stored": 400}, "too_little_stored"),
        ({"card": 0, "points": 40, "points_worth": 400}, "too_few_points"),
        ({"lines": (line(11),)}, "sold_out"),
        ({"lines": (line(stock="beans"),)}, "sold_out"),
        ({"offer": "x"}, "no_such_offer"),
    ],
)
def test_input_that_lies_is_refused(shop: Shop, fields: dict[str, Any], why: str) -> None:
    """What can't be is refused with a stable code, and leaves nothing behind."""
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(**fields), "k1")
    assert code(caught) == why
    assert "wanted" in str(caught.value)
    assert (shop.bank.held(), shop.store.free(), shop.store.orders("ana")) == (0, {"cups": 10}, [])
    assert audit(shop.store, shop.bank.held()) == []


def test_other_peoples_orders_are_not_there(shop: Shop) -> None:
    """Somebody else's order can't be read, paid, overwritten or cancelled, and is answered as a missing one is."""
    shop.desk.place(order(), "k1")
    cart = shop.desk.save(order(id="o2"))
    tries: list[Callable[[], object]] = [
        lambda: shop.desk.order("o1", "bo"),
        lambda: shop.desk.cancel("o1", "customer", owner="bo"),
        lambda: shop.desk.retry("o1", "bo", "pm_card_visa", "k9"),
        lambda: shop.desk.place(msgspec.structs.replace(cart, owner="bo"), "k9"),
        lambda: shop.desk.order("o99", "bo"),
    ]
    for try_it in tries:
        with pytest.raises(Refused) as caught:
            try_it()
        assert (code(caught), caught.value.status) == ("no_such_order", 404)
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(), "k8")
    assert code(caught) == "bad_state"  # a replay of a paid order under a new key


def test_offers_are_redeemed_once_by_their_owner_in_time(shop: Shop) -> None:
    """An offer holds for its owner, until its time, once; a cancelled order gives it back."""
    with shop.store.change() as tx:
        tx.offer(Offer("f1", "ana", NOON + 1000))
        tx.offer(Offer("f1", "bo", NOON + 9000))  # what was made isn't made again
        tx.offer(Offer("f2", "ana", NOON))
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="x", owner="bo", offer="f1", discount=100), "k")
    assert code(caught) == "no_such_offer"
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="y", offer="f2", discount=100), "k")
    assert code(caught) == "offer_expired"
    shop.desk.place(order(offer="f1", discount=100), "k")
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="z", offer="f1", discount=100), "k2")
    assert code(caught) == "offer_used"
    assert shop.store.offers("ana", NOON) == []
    shop.desk.cancel("o1", "customer", owner="ana")
    assert [offer.id for offer in shop.store.offers("ana", NOON)] == ["f1"]
    assert audit(shop.store, shop.bank.held()) == []


def test_steps_go_one_way(shop: Shop) -> None:
    """No step is skipped or repeated, and nothing is done before it is ready."""
    shop.desk.place(order(), "k1")
    tries: list[Callable[[], object]] = [lambda: shop.desk.advance("o1", "ready"), lambda: shop.desk.finish("o1")]
    for try_it in tries:
        with pytest.raises(Refused) as caught:
            try_it()
        assert code(caught) == "bad_step"
    shop.desk.advance("o1", "accepted")
    with pytest.raises(Refused):
        shop.desk.advance("o1", "accepted")


def test_cancelling_costs_what_the_rules_say(shop: Shop) -> None:
    """Free before it is accepted, half after, too late once it is made; the business's own cancelling is free."""
    for n, (step, by, back, free) in enumerate(
        [("", "customer", 400, 10), ("accepted", "customer", 200, 10), ("making", "business", 400, 9)]
    ):
        shop.desk.place(order(id=f"c{n}"), f"k{n}")
        for wanted in ("accepted", "making", "ready")[: {"": 0, "accepted": 1, "making": 2}[step]]:
            shop.desk.advance(f"c{n}", wanted)
        if step == "making":
            with pytest.raises(Refused) as caught:
                shop.desk.cancel(f"c{n}", "customer", owner="ana")
            assert code(caught) == "too_late"
        cancelled = shop.desk.cancel(f"c{n}", "business" if by == "business" else "customer")
        assert (cancelled.state, cancelled.returned["card"], cancelled.fee) == ("cancelled", back, 400 - back)
        assert shop.store.free() == {"cups": free}
    assert shop.bank.held() == 200
    assert shop.store.balance("fees", "EUR") == -200
    assert audit(shop.store, shop.bank.held()) == []


def test_parts_paid_by_points_and_stored_value_go_back_as_such(shop: Shop) -> None:
    """A refund goes to the card first, then to stored value, then as points; earned points are taken back in part."""
    shop.give("ana", 60, NOON + 10_000)
    top_up = order(id="t", flow="top-up", lines=(Line("top-up", "Top-up", 1, 500),), income="stored:ana")
    assert shop.desk.place(top_up, "k0").state == "done"
    assert stored(shop) == 500
    shop.desk.place(
        order(lines=(line(2),), card=100, stored=300, points=40, points_worth=400, earn=8, earn_until=NOON + 9), "k1"
    )
    assert (stored(shop), balance(shop.store.lots("ana"), NOON)) == (200, 20)
    for step in ("accepted", "making", "ready"):
        shop.desk.advance("o1", step)
    shop.desk.finish("o1")
    assert balance(shop.store.lots("ana"), NOON) == 28
    part = shop.desk.refund("o1", 200)
    assert part.returned == {"card": 100, "stored": 100, "points": 0}
    assert (stored(shop), balance(shop.store.lots("ana"), NOON)) == (300, 26)
    whole = shop.desk.refund("o1", 600)
    assert whole.returned == {"card": 100, "stored": 300, "points": 400}
    assert (stored(shop), balance(shop.store.lots("ana"), NOON)) == (500, 60)
    with pytest.raises(Refused) as caught:
        shop.desk.refund("o1", 1)
    assert code(caught) == "bad_refund"
    with pytest.raises(Refused) as caught:
        shop.desk.refund("t", 100)
    assert code(caught) == "not_refundable"
    assert audit(shop.store, shop.bank.held()) == []


def test_a_fare_is_reserved_and_taken_at_the_end(shop: Shop) -> None:
    """A ride's money is reserved at request; the final fare, never more, is taken at drop-off; the rest is let go."""
    ride = order(flow="ride", lines=(line(1, 2000, stock=""),), card=2000)
    asked = shop.desk.place(ride, "k1")
    assert (asked.state, asked.captured, shop.bank.held()) == ("paid", False, 0)
    shop.desk.advance("o1", "matched")
    shop.desk.advance("o1", "")  # the driver declined: back to looking
    shop.desk.advance("o1", "matched")
    shop.desk.advance("o1", "aboard")
    with pytest.raises(Refused) as caught:
        shop.desk.finish("o1", lines=(line(1, 2001, stock=""),))
    assert code(caught) == "over_reserved"
    done = shop.desk.finish("o1", lines=(line(1, 1700, stock=""),))
    assert (done.state, done.total, shop.bank.held()) == ("done", 1700, 1700)
    assert audit(shop.store, shop.bank.held()) == []


def test_a_cancelled_ride_takes_its_fee_only(shop: Shop) -> None:
    """Cancelled before a driver comes, nothing is taken; after, the fee and no more."""
    ride = order(flow="ride", lines=(line(1, 2000, stock=""),), card=2000)
    shop.desk.place(ride, "k1")
    shop.desk.cancel("o1", "customer", owner="ana")
    assert shop.bank.held() == 0
    shop.desk.place(msgspec.structs.replace(ride, id="o2"), "k2")
    shop.desk.advance("o2", "matched")
    assert shop.desk.cancel("o2", "customer", owner="ana").fee == 300
    assert shop.bank.held() == 300
    assert audit(shop.store, shop.bank.held()) == []


def test_the_last_piece_is_sold_once(shop: Shop) -> None:
    """Forty customers at once for ten cups: ten get one, thirty are told that it is sold out, and the books agree."""

    def buy(n: int) -> str:
        try:
            return shop.desk.place(order(id=f"o{n}", owner=f"p{n}"), f"k{n}").state
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(8) as people:
        said = list(people.map(buy, range(40)))
    assert (said.count("paid"), said.count("sold_out")) == (10, 30)
    assert (shop.store.free(), shop.bank.held()) == ({"cups": 0}, 4000)
    assert audit(shop.store, shop.bank.held()) == []


def test_one_key_from_many_threads_is_one_charge(shop: Shop) -> None:
    """A key sent eight times at once makes one order and one charge."""
    with ThreadPoolExecutor(8) as taps:
        said = list(taps.map(lambda _: shop.desk.place(order(), "k1").id, range(8)))
    assert set(said) == {"o1"}
    assert (shop.bank.held(), shop.store.free()) == (400, {"cups": 9})


def test_points_are_spent_before_they_expire(shop: Shop) -> None:
    """What expires first is spent first, and what has expired can't be spent."""
    shop.give("ana", 30, NOON + 100, "a")
    shop.give("ana", 30, NOON + 50, "b")
    shop.give("ana", 30, NOON + 50, "b")  # an id gives once
    shop.desk.place(order(card=0, points=40, points_worth=400), "k1")
    assert [(lot.id, lot.left) for lot in shop.store.lots("ana")] == [("a", 20)]
    shop.at = NOON + 200
    with pytest.raises(Refused) as caught:
        shop.desk.place(order(id="o2", card=0, points=10, points_worth=400), "k2")
    assert code(caught) == "too_few_points"
    assert audit(shop.store, shop.bank.held()) == []


class Failing:
    """A payment service that is away for a while, then says no to whatever isn't a charge."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.away, self.no = shop, False, False

    def charge(self, key: str, amount: int, currency: str, source: str, capture: bool) -> str:
        """Passes on."""
        return self.shop.bank.charge(key, amount, currency, source, capture)

    def capture(self, key: str, payment: str, amount: int) -> None:
        """Passes on."""
        self.shop.bank.capture(key, payment, amount)

    def void(self, key: str, payment: str) -> None:
        """Passes on."""
        self.shop.bank.void(key, payment)

    def refund(self, key: str, payment: str, amount: int) -> None:
        """Away, refused or passed on."""
        if self.away:
            raise Unreachable
        if self.no:
            raise Declined("no_such_payment")
        self.shop.bank.refund(key, payment, amount)


def test_what_the_bank_was_not_told_stays_owed(shop: Shop) -> None:
    """While the bank is away a refund is owed in the books; told later it is paid; refused, the audit says so."""
    bank = Failing(shop)
    shop.desk._payments = bank
    shop.desk.place(order(), "k1")
    bank.away = True
    shop.desk.cancel("o1", "customer", owner="ana")
    assert shop.store.balance("owing", "EUR") == -400
    bank.away = False
    assert shop.desk.recover() == 1
    assert (shop.store.balance("owing", "EUR"), shop.bank.held()) == (0, 0)
    shop.desk.place(order(id="o2"), "k2")
    bank.no = True
    shop.desk.cancel("o2", "customer", owner="ana")
    assert any("failed: no_such_payment" in said for said in audit(shop.store, shop.bank.held()))
