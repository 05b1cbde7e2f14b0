"""The shop's business: checkout, stock, returns, devices; what lies is refused and the books balance."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from micromoments.demo.fulfil import Offer, Order, Refused, Sandbox, Store, audit
from micromoments.demo.shop import goods, rules
from micromoments.demo.shop.customers import Address
from micromoments.demo.shop.trade import BACK_TAKES, Piece, Trade, Wanted

KNIFE, BEANS, LAST = "p-chef-s-knife-20-cm", "p-house-espresso-beans-1-kg", "p-child-seat-rear"
HOME = Address("Anna Berg", "Quay 3", "00100", "Alderhaven")


class Selling(Trade):
    """The shop in a folder, with a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.at = 1_767_614_400_000
        self.bank = Sandbox(folder / "bank.sqlite")
        super().__init__(Store(folder / "shop.sqlite"), self.bank, lambda: self.at)
        self.open_up()

    def told(self, name: str) -> list[dict[str, Any]]:
        """The properties of the events of a name that the engine is to be told."""
        return [call["properties"] for _, call in self.store.unsent(1_000) if call.get("event") == name]

    def deliver(self, order: Order) -> Order:
        """Let the carrier work until the order has arrived."""
        for _ in range(8):
            self.at += 60_000
            self.tick()
        return self.store.order(order.id)


@pytest.fixture
def selling(tmp_path: Path) -> Iterator[Selling]:
    """The shop; afterwards its books balance."""
    made = Selling(tmp_path)
    yield made
    assert audit(made.store, made.bank.held()) == []
    made.store.close()
    made.bank.close()


def wanted(*items: tuple[str, int], **fields: Any) -> Wanted:
    """An order to the door by card."""
    pieces = tuple(Piece(sku, n) for sku, n in items or ((KNIFE, 1),))
    return Wanted(**{"items": pieces, "address": HOME, "card": "pm_card_visa", **fields})


def refused(call: Any, *args: Any, **named: Any) -> str:
    """The code that a call is refused with."""
    with pytest.raises(Refused) as no:
        call(*args, **named)
    return no.value.code


def test_one_order_to_the_door(selling: Selling) -> None:
    """Price, tax, delivery, payment, the cart emptied of what was bought, the parcel on its way, one event."""
    selling.people.put("ana", KNIFE, add=1, decision="d-1")
    selling.people.put("ana", BEANS, add=2)
    placed = selling.order("ana", wanted(total=6_900), "k")
    assert (placed.state, placed.total, placed.tax) == ("paid", 6_900, 6_900 * 24 // 124)
    assert [entry.sku for entry in selling.people.cart("ana")] == [BEANS]
    assert selling.deliver(placed).state == "done"
    (said,) = selling.told("Order Completed")
    assert (said["revenue"], said["decision_id"], said["affiliation"]) == (69, "d-1", "Tidewater")


def test_twice_is_once(selling: Selling) -> None:
    """A double click and a retry after a price change give the same order; the card is charged once."""
    first = selling.order("ana", wanted(total=6_900), "k")
    selling.reprice(KNIFE, 5_000)
    again = selling.order("ana", wanted(total=6_900), "k")
    assert again.id == first.id
    assert len(selling.store.orders("ana")) == 1
    assert refused(selling.order, "ana", wanted((KNIFE, 2)), "k") == "key_reused"
    assert refused(selling.order, "ana", wanted(), "") == "no_key"


def test_the_last_piece_is_sold_once(selling: Selling) -> None:
    """Eight people want the last one at the same moment: one gets it, the others aren't charged."""
    came: list[str] = []
    start = threading.Barrier(8)

    def buy(n: int) -> None:
        start.wait()
        try:
            came.append(selling.order(f"c{n}", wanted((LAST, 1)), "k").state)
        except Refused as no:
            came.append(no.code)

    threads = [threading.Thread(target=buy, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came) == ["paid"] + ["sold_out"] * 7
    assert selling.store.free([LAST]) == {LAST: 0}
    assert [item.id for item in goods.items({}, selling.out()) if item.stock == 0] == [LAST]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"items": (Piece(KNIFE, -1),)}, "bad_quantity"),
        ({"items": (Piece(KNIFE, 0),)}, "bad_quantity"),
        ({"items": (Piece(KNIFE, 21),)}, "bad_quantity"),
        ({"items": (Piece(KNIFE, 1), Piece(KNIFE, 1))}, "bad_lines"),
        ({"items": (Piece("g-fix-a-leaking-tap", 1),)}, "no_such_product"),
        ({"items": ()}, "empty"),
        ({"delivery": "drone"}, "bad_delivery"),
        ({"address": Address("Anna")}, "bad_address"),
        ({"card": "4242424242424242"}, "no_card"),
        ({"total": 1}, "price_changed"),
        ({"offer": "somebody's"}, "no_such_offer"),
    ],
)
def test_orders_that_lie(selling: Selling, fields: dict[str, Any], code: str) -> None:
    """Quantities, products, addresses, cards, prices and offers that can't be are refused, and nothing is held."""
    assert refused(selling.order, "ana", wanted(**fields), "k") == code
    assert selling.store.orders("ana") == []


def test_offers_are_personal_and_end(selling: Selling) -> None:
    """An offer counts once, for whom it was made, until it ends; a cancelled order gives it back."""
    until = selling.at + rules.OFFER_HOLDS
    with selling.store.change() as tx:
        tx.offer(Offer("d.o", "ana", until, data={"gives": "kitchen", "decision": "d"}))
    assert refused(selling.order, "bob", wanted(offer="d.o"), "k") == "no_such_offer"
    placed = selling.order("ana", wanted(offer="d.o", total=6_210), "k")
    assert placed.discount == 690
    assert refused(selling.order, "ana", wanted(offer="d.o"), "k2") == "offer_used"
    selling.desk.cancel(placed.id, "customer", owner="ana")
    selling.at = until
    assert refused(selling.order, "ana", wanted(offer="d.o"), "k3") == "offer_expired"
    assert selling.told("Order Completed")[0]["item_id"] == "shop-offer-kitchen"


def test_other_peoples_orders(selling: Selling) -> None:
    """Nobody sees, cancels, collects, pays again or sends back what somebody else ordered."""
    placed = selling.order("ana", wanted(delivery="pickup"), "k")
    assert refused(selling.desk.order, placed.id, "bob") == "no_such_order"
    assert refused(selling.desk.cancel, placed.id, "customer", owner="bob") == "no_such_order"
    assert refused(selling.collect, "bob", placed.id) == "no_such_order"
    assert refused(selling.give_back, "bob", placed.id, {KNIFE: 1}, "", "r") == "no_such_order"
    assert refused(selling.collect, "ana", placed.id) == "bad_step"
    assert refused(selling.review, "bob", KNIFE, 5, "It cuts like nothing else.", "en") == "not_bought"
    assert selling.review("ana", KNIFE, 5, "It cuts like nothing else.", "en").made_up is False
    assert selling.reviews(KNIFE)[0].stars == 5


def test_what_comes_back_is_paid_back_once(selling: Selling) -> None:
    """A return is paid back when it has arrived, once, and can be sold again; more than was bought is refused."""
    done = selling.deliver(selling.order("ana", wanted((KNIFE, 2)), "k"))
    first = selling.give_back("ana", done.id, {KNIFE: 1}, "liking", "r")
    assert selling.give_back("ana", done.id, {KNIFE: 1}, "liking", "r") == first
    assert refused(selling.give_back, "ana", done.id, {KNIFE: 2}, "", "r2") == "not_yours_to_return"
    free = selling.store.free([KNIFE])[KNIFE]
    selling.at += BACK_TAKES
    selling.tick()
    selling.tick()
    assert selling.store.order(done.id).returned["card"] == 6_900
    assert selling.store.free([KNIFE])[KNIFE] == free + 1
    assert [said["revenue"] for said in selling.told("Order Refunded")] == [69]


def test_cancelled_in_time(selling: Selling) -> None:
    """Until the parcel is on its way a cancellation is free and the pieces are back; after that it is too late."""
    placed = selling.order("ana", wanted(), "k")
    selling.desk.cancel(placed.id, "customer", owner="ana")
    late = selling.order("ana", wanted(), "k2")
    for _ in range(2):
        selling.at += 60_000
        selling.tick()
    assert refused(selling.desk.cancel, late.id, "customer", owner="ana") == "too_late"


def test_a_declined_card_keeps_the_cart(selling: Selling) -> None:
    """A declined card holds nothing and leaves the cart; another card pays the same order."""
    selling.people.put("ana", KNIFE, add=1)
    placed = selling.order("ana", wanted(card="pm_card_chargeDeclined"), "k")
    assert (placed.state, placed.why) == ("cart", "card_declined")
    assert len(selling.people.cart("ana")) == 1
    assert selling.desk.retry(placed.id, "ana", "pm_card_visa", "k2").state == "paid"
    assert selling.people.cart("ana") == []


def test_two_devices_are_one_person(selling: Selling) -> None:
    """A code joins a second device once: cart, wishes, guide and orders are one; the engine hears of it."""
    people = selling.people
    people.put("phone", KNIFE, add=1)
    people.wish("laptop", BEANS, True)
    people.play("phone", "g-fix-a-leaking-tap", 2, None)
    bought = selling.order("laptop", wanted((BEANS, 1)), "k")
    code = people.code("phone")
    assert refused(people.join, "laptop", "00000000" if code != "00000000" else "1") == "bad_code"
    assert people.join("laptop", code) == "phone" == people.account("laptop")
    assert refused(people.join, "other", code) == "bad_code"
    assert [order.id for order in selling.store.orders("phone")] == [bought.id]
    assert list(people.wishes("phone")) == [BEANS]
    assert people.playing("phone")["g-fix-a-leaking-tap"].step == 2
    aliases = [call for _, call in selling.store.unsent(1_000) if call["type"] == "alias"]
    assert [(call["previousId"], call["userId"]) for call in aliases] == [("laptop", "phone")]
    assert selling.order("phone", wanted((BEANS, 1)), "k").id == bought.id  # tried again after joining: once


@pytest.mark.parametrize(("other", "agreed"), [(None, True), (True, True), (False, False)])
def test_joining_never_agrees_to_more(selling: Selling, other: bool | None, agreed: bool) -> None:
    """A device that was never asked takes over what the other agreed to; a no on either is a no, and is told last."""
    people = selling.people
    people.keep("phone", consent={"measure": True, "personalise": True})
    selling.at += 1
    people.greet("laptop")
    if other is not None:
        people.keep("laptop", consent={"measure": True, "personalise": other})
    selling.at += 1
    people.join("laptop", people.code("phone"))
    consent = people.customer("phone").consent
    assert consent is not None
    assert consent["personalise"] is agreed
    assert selling.told("Consent Updated")[-1]["personalise"] is agreed


def test_codes_cannot_be_guessed(selling: Selling) -> None:
    """After five wrong codes a device has to wait, even with the right one; old codes don't work."""
    code = selling.people.code("phone")
    wrong = "00000001" if code != "00000001" else "00000002"
    for _ in range(5):
        assert refused(selling.people.join, "thief", wrong) == "bad_code"
    assert refused(selling.people.join, "thief", code) == "too_many_tries"
    selling.at += 6 * 60_000
    assert refused(selling.people.join, "thief", code) == "bad_code"


def test_a_cheaper_wish_is_told(selling: Selling) -> None:
    """A wish that costs less than when it was made is told with both prices; a dearer one isn't."""
    selling.people.wish("ana", KNIFE, True)
    selling.reprice(KNIFE, 7_000)
    assert selling.people.dropped("ana") == []
    selling.reprice(KNIFE, 5_900)
    assert selling.people.dropped("ana") == [{"sku": KNIFE, "was": 6_900, "now": 5_900}]
    assert selling.shelf()[KNIFE]["lowest"] == 6_900


def test_guides_are_told_step_by_step(selling: Selling) -> None:
    """Starting, stepping and ending a guide is told once each; going back tells nothing; materials come in one go."""
    people, id = selling.people, "g-season-a-cast-iron-pan"
    for step in (0, 1, 0, 1, 2, 3, 4):
        people.play("ana", id, step, None)
    assert len(selling.told("Guide Started")) == 1
    assert [said["step"] for said in selling.told("Guide Step Completed")] == [1, 1, 2, 3, 4]
    assert len(selling.told("Guide Completed")) == 1
    assert refused(people.play, "ana", id, 9, None) == "bad_step"
    assert refused(people.play, "ana", id, 1, selling.at + 10**9) == "bad_timer"
    assert [entry.sku for entry in people.put_all("ana", ["p-cast-iron-pan-26-cm"])] == ["p-cast-iron-pan-26-cm"]
    assert len(people.put_all("ana", ["p-cast-iron-pan-26-cm"])) == 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([KNIFE, BEANS]), st.integers(-3, 25)), max_size=12))
def test_carts_stay_possible(tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, int]]) -> None:
    """Whatever is put, a cart holds between 1 and 20 of each product, and what can't be changes nothing."""
    selling = Selling(tmp_path_factory.mktemp("cart"))
    for sku, add in puts:
        before = selling.people.cart("ana")
        try:
            selling.people.put("ana", sku, add=add)
        except Refused:
            assert selling.people.cart("ana") == before
    cart = selling.people.cart("ana")
    assert all(1 <= entry.quantity <= 20 for entry in cart)
    assert len({entry.sku for entry in cart}) == len(cart)
    selling.store.close()
    selling.bank.close()


def test_a_crash_before_the_answer(tmp_path: Path) -> None:
    """The bank's answer gets lost and the server dies: after its restart the order is paid, the money taken once."""
    before = Selling(tmp_path)
    placed = before.order("ana", wanted(card="pm_card_answerLost"), "k")
    assert placed.state == "ordered"
    before.store.close()
    before.bank.close()
    after = Selling(tmp_path)
    assert after.store.order(placed.id).state == "paid"
    assert msgspec.structs.asdict(after.order("ana", wanted(card="pm_card_answerLost"), "k"))["state"] == "paid"
    assert audit(after.store, after.bank.held()) == []
    after.store.close()
    after.bank.close()
