"""One suite for both payment adapters: the sandbox, and Stripe's own library before a server that behaves as Stripe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from micromoments.demo.fulfil import Declined, Payments, Sandbox, StripePayments, Unreachable, audit
from tests.demo.fulfil.made import Shop, order
from tests.demo.fulfil.stripe_server import stripe_server


class Bank:
    """An adapter, what its other side holds, and a way to lose the next answer."""

    def __init__(self, payments: Payments, held: Callable[[], int], lose: Callable[[], None] | None) -> None:
        self.payments, self.held, self.lose = payments, held, lose


@pytest.fixture(params=["sandbox", "stripe"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bank]:
    """Each adapter."""
    if request.param == "sandbox":
        sandbox = Sandbox(tmp_path / "bank.sqlite")
        yield Bank(sandbox, sandbox.held, None)
        sandbox.close()
        return
    pytest.importorskip("stripe", reason="Stripe's library is not installed; run pip install micromoments[pay]")
    with stripe_server() as (url, books):

        def lose() -> None:
            books.lose_next = True

        yield Bank(StripePayments("sk_test_1", url), books.held, lose)


def test_twice_is_once(bank: Bank) -> None:
    """The same key charges and refunds once, and answers the same payment."""
    first = bank.payments.charge("k1", 500, "EUR", "pm_card_visa", True)
    assert bank.payments.charge("k1", 500, "EUR", "pm_card_visa", True) == first
    assert bank.payments.charge("k2", 500, "EUR", "pm_card_visa", True) != first
    bank.payments.refund("r1", first, 200)
    bank.payments.refund("r1", first, 200)
    assert bank.held() == 800


def test_a_key_is_for_one_request(bank: Bank) -> None:
    """A key with another amount is refused, and nothing moves."""
    bank.payments.charge("k1", 500, "EUR", "pm_card_visa", True)
    with pytest.raises(Declined):
        bank.payments.charge("k1", 600, "EUR", "pm_card_visa", True)
    assert bank.held() == 500


@pytest.mark.parametrize("token", ["pm_card_chargeDeclined", "pm_card_chargeDeclinedExpiredCard", "made-up"])
def test_failing_cards_are_declined(bank: Bank, token: str) -> None:
    """A failing card is declined with a code, again with the same key too."""
    for _ in range(2):
        with pytest.raises(Declined) as no:
            bank.payments.charge("k1", 500, "EUR", token, True)
        assert no.value.code
    assert bank.held() == 0


def test_reserved_money_is_taken_once_or_let_go(bank: Bank) -> None:
    """What was reserved can be taken in part, once; let go, it can't be taken any more."""
    one, two = (bank.payments.charge(f"k{n}", 500, "EUR", "pm_card_visa", False) for n in range(2))
    assert bank.held() == 0
    with pytest.raises(Declined):
        bank.payments.capture("c0", one, 501)
    bank.payments.capture("c1", one, 300)
    with pytest.raises(Declined):
        bank.payments.capture("c2", one, 100)
    bank.payments.void("v1", two)
    with pytest.raises(Declined):
        bank.payments.capture("c3", two, 100)
    assert bank.held() == 300


def test_no_more_goes_back_than_came(bank: Bank) -> None:
    """Refunds stop at what was taken."""
    paid = bank.payments.charge("k1", 500, "EUR", "pm_card_visa", True)
    bank.payments.refund("r1", paid, 400)
    with pytest.raises(Declined):
        bank.payments.refund("r2", paid, 101)
    assert bank.held() == 100


def test_a_lost_answer_is_found_again(bank: Bank) -> None:
    """Where the answer is lost the caller is told that nothing is known, and the same key finds what happened."""
    token = "pm_card_answerLost" if bank.lose is None else "pm_card_visa"
    if bank.lose is not None:
        bank.lose()
    with pytest.raises(Unreachable):
        bank.payments.charge("k1", 500, "EUR", token, True)
    assert bank.held() == 500
    bank.payments.charge("k1", 500, "EUR", token, True)
    assert bank.held() == 500


def test_a_desk_works_with_either(bank: Bank, tmp_path: Path) -> None:
    """A whole order, a decline, a cancellation and a ride, with each adapter; ledger and bank agree to the cent."""
    (tmp_path / "shop").mkdir()
    shop = Shop(tmp_path / "shop", bank.payments)
    shop.stock("cups", 10)
    assert shop.desk.place(order(), "k1").state == "paid"
    assert shop.desk.cancel("o1", "customer", owner="ana").state == "cancelled"
    assert shop.desk.place(order(id="o2"), "k2").state == "paid"
    shop.desk.place(order(id="o3", flow="ride"), "k3")
    shop.desk.advance("o3", "matched")
    shop.desk.cancel("o3", "customer", owner="ana")
    assert bank.held() == 400 + 300
    assert audit(shop.store, bank.held()) == []
    shop.close()
