"""Payments whose answer is lost are asked again while the shop is open: soon, then less often, and never twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from micromoments.demo.fulfil import Sandbox, Unreachable, audit
from micromoments.demo.fulfil.desk import FIRST, GIVE_UP, LONGEST
from tests.demo.fulfil.made import Shop, order


class Flaky(Sandbox):
    """A bank that does what it is asked, and whose answers are lost while ``silent``; ``asked`` are the keys."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.silent = True
        self.asked: list[str] = []

    def charge(self, key: str, amount: int, currency: str, source: str, capture: bool) -> str:
        """See ``Payments``."""
        self.asked.append(key)
        made = super().charge(key, amount, currency, source, capture)
        if self.silent:
            raise Unreachable
        return made


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Flaky]:
    """The bank, with books of its own."""
    made = Flaky(tmp_path / "flaky.sqlite")
    yield made
    made.close()


@pytest.fixture
def shop(tmp_path: Path, bank: Flaky) -> Iterator[Shop]:
    """A shop that asks it, with cups."""
    made = Shop(tmp_path, bank)
    made.stock("cups", 1000)
    yield made
    made.close()


def test_it_is_asked_sooner_then_less_often(shop: Shop, bank: Flaky) -> None:
    """Without an answer the next question comes after a second, then after twice as long, at most after a minute."""
    assert shop.desk.place(order(), "k1").state == "ordered"
    began, asked, counted = shop.at, [], 1
    for _ in range(400):
        shop.at += FIRST
        shop.desk.ask_due()
        if len(bank.asked) > counted:
            counted = len(bank.asked)
            asked.append(shop.at - began)
    gaps = [after - before for before, after in zip([0, *asked], asked, strict=False)]
    assert gaps[:7] == [1000, 2000, 4000, 8000, 16_000, 32_000, LONGEST]
    assert set(gaps[6:]) == {LONGEST}
    assert set(bank.asked) == {bank.asked[0]}


def test_the_answer_settles_it_once(shop: Shop, bank: Flaky) -> None:
    """The order is paid as soon as an answer comes, charged once, however often it was placed and asked."""
    for _ in range(3):
        assert shop.desk.place(order(), "k1").state == "ordered"
    bank.silent = False
    shop.at += LONGEST
    assert (shop.desk.ask_due(), shop.desk.ask_due()) == (1, 0)
    assert shop.desk.place(order(), "k1").state == "paid"
    assert bank.held() == 400
    assert audit(shop.store, bank.held()) == []


def test_a_dead_service_is_not_asked_for_everybody(shop: Shop, bank: Flaky) -> None:
    """Where nobody answers, a round ends after a few questions; once somebody does, everything is settled."""
    for n in range(20):
        shop.desk.place(order(f"o{n}", f"c{n}"), f"k{n}")
    shop.at += FIRST
    bank.asked.clear()
    shop.desk.ask_due()
    assert len(bank.asked) == GIVE_UP
    bank.silent = False
    shop.at += LONGEST
    assert shop.desk.ask_due() == 20
    assert bank.held() == 20 * 400
    assert audit(shop.store, bank.held()) == []


def test_what_is_being_asked_is_left_alone(shop: Shop, bank: Flaky, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that somebody is waiting on at this moment isn't asked by the round beside them."""
    bank.silent = False
    asks = bank.charge
    monkeypatch.setattr(bank, "charge", lambda *asked: (shop.desk.ask_due(), asks(*asked))[1])
    assert shop.desk.place(order(), "k1").state == "paid"
    assert len(bank.asked) == 1


def test_who_died_while_asking_is_stood_in_for(shop: Shop, bank: Flaky, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question whose asker broke down, without a word, is asked by the rounds after a while."""
    monkeypatch.setattr(bank, "charge", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shop.desk.place(order(), "k1")
    monkeypatch.undo()
    bank.silent = False
    assert shop.desk.ask_due() == 0
    shop.at += FIRST
    assert shop.desk.ask_due() == 1
    assert shop.desk.order("o1").state == "paid"
