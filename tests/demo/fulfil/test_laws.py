"""Laws that hold whatever anybody does, in whatever order: the books balance, nothing goes below zero."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from micromoments.demo.fulfil import Line, Offer, Refused, audit
from micromoments.demo.fulfil.machine import split
from micromoments.demo.fulfil.points import Lot, balance, take
from tests.demo.fulfil.made import Shop, line, order

CARDS = (*("pm_card_visa",) * 9, "pm_card_chargeDeclined", "pm_card_answerLost", "nonsense")
OWNERS = ("ana", "bo")
LIES = ("card", "stored", "points", "points_worth", "discount", "tip", "lines")
STEPS = ("accepted", "making", "ready", "matched", "aboard", "", "flying", "all")


class Anything(RuleBasedStateMachine):
    """Customers, baristas, drivers and a bank do anything at all, often wrong things."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.shop = Shop(Path(self._folder.name))
        # Here the law is the matter, not the disk: without waiting for it more examples are tried.
        for db in (self.shop.store._file._db, self.shop.bank._file._db):
            db.execute("PRAGMA synchronous=OFF")
        self.shop.stock("cups", 30)
        self.ids = ["t-ana"]

    def teardown(self) -> None:
        """Close the files."""
        self.shop.close()
        self._folder.cleanup()

    @initialize()
    def begin(self) -> None:
        """Both have some stored value, some points and an offer."""
        with self.shop.store.change() as tx:
            tx.offer(Offer("f1", "ana", self.shop.at + 9000))
            tx.offer(Offer("f2", "bo", self.shop.at + 9000))
        for owner in OWNERS:
            top_up = (Line("top-up", "Top-up", 1, 900),)
            self.shop.desk.place(
                order(id=f"t-{owner}", owner=owner, flow="top-up", lines=top_up, income=f"stored:{owner}"), "t"
            )
            self.shop.give(owner, 60, self.shop.at + 9000, f"welcome-{owner}")

    @rule(
        owner=st.sampled_from(OWNERS),
        flow=st.sampled_from(("", "", "ride")),
        numbers=st.tuples(st.integers(1, 3), st.integers(100, 900), st.sampled_from((0, 50)), st.sampled_from((0, 70))),
        parts=st.tuples(st.booleans(), st.booleans()),
        card=st.sampled_from(CARDS),
        offer=st.sampled_from(("", "", "f1", "f2")),
        lie=st.sampled_from(("",) * 20 + LIES),
        key=st.integers(0, 40),
    )
    def place(
        self,
        *,
        owner: str,
        flow: str,
        numbers: tuple[int, int, int, int],
        parts: tuple[bool, bool],
        card: str,
        offer: str,
        lie: str,
        key: int,
    ) -> None:
        """Somebody orders, perhaps with one forged number, perhaps a second time with the same key."""
        quantity, unit, discount, tip = numbers
        cart = order(
            id=f"o{len(self.ids)}",
            owner=owner,
            flow=flow,
            lines=(line(quantity, unit, "" if flow else "cups"),),
            discount=discount,
            tip=tip,
            earn=quantity * 3,
            earn_until=self.shop.at + 5000,
            offer=offer,
            source=card,
            card=0,
        )
        held = -self.shop.store.balance(f"stored:{owner}", "EUR")
        points = balance(self.shop.store.lots(owner), self.shop.at)
        stored = min(held, cart.total // 2) if parts[0] else 0
        worth = min(points * 10, (cart.total - stored) // 10 * 10) if parts[1] else 0
        paid = {"stored": stored, "points": worth // 10, "points_worth": worth, "card": cart.total - stored - worth}
        forged: dict[str, Any] = {lie: getattr(cart, lie, 0) + paid.get(lie, 0) * 2 - 7} if lie in LIES[:-1] else {}
        if lie == "lines":
            forged["lines"] = (line(-quantity, unit),)
        with suppress(Refused):
            placed = self.shop.desk.place(msgspec.structs.replace(cart, **{**paid, **forged}), f"k{key}-{owner}")
            self.ids.append(placed.id)

    @rule(pick=st.integers(0, 5), step=st.sampled_from(STEPS))
    def advance(self, pick: int, step: str) -> None:
        """The business takes some order a step on, perhaps a wrong one; or as far as it goes."""
        for one in ("accepted", "making", "ready", "matched", "aboard") if step == "all" else (step,):
            with suppress(Refused):
                self.shop.desk.advance(self.ids[-1 - pick % len(self.ids)], one)

    @rule(pick=st.integers(0, 5), less=st.integers(-50, 300))
    def finish(self, pick: int, less: int) -> None:
        """Some order is done, a ride at its final fare."""
        id = self.ids[-1 - pick % len(self.ids)]
        with suppress(Refused):
            at = self.shop.desk.order(id)
            final = (Line("ride", "Ride", 1, max(0, at.subtotal - less)),) if at.flow == "ride" else None
            self.shop.desk.finish(id, final)

    @rule(pick=st.integers(0, 5), business=st.booleans(), owner=st.sampled_from(OWNERS))
    def cancel(self, pick: int, business: bool, owner: str) -> None:
        """Some order is cancelled, perhaps by somebody else."""
        with suppress(Refused):
            self.shop.desk.cancel(
                self.ids[-1 - pick % len(self.ids)],
                "business" if business else "customer",
                owner=None if business else owner,
            )

    @rule(pick=st.integers(0, 5), amount=st.integers(-10, 900))
    def refund(self, pick: int, amount: int) -> None:
        """Some of some order goes back."""
        with suppress(Refused):
            self.shop.desk.refund(self.ids[-1 - pick % len(self.ids)], amount)

    @rule(pick=st.integers(0, 5), key=st.integers(0, 1000))
    def retry(self, pick: int, key: int) -> None:
        """Another card is tried for some order."""
        with suppress(Refused):
            self.shop.desk.retry(self.ids[-1 - pick % len(self.ids)], "ana", "pm_card_visa", f"r{key}")

    @rule(owner=st.sampled_from(OWNERS), units=st.integers(1, 60), id=st.integers(0, 9))
    def give(self, owner: str, units: int, id: int) -> None:
        """Points are given."""
        self.shop.give(owner, units, self.shop.at + 3000, f"gift{id}")

    @rule(owner=st.sampled_from(OWNERS), id=st.sampled_from(("f1", "f2")))
    def offer(self, owner: str, id: str) -> None:
        """An offer is made."""
        with self.shop.store.change() as tx:
            tx.offer(Offer(id, owner, self.shop.at + 2000))

    @rule(more=st.integers(0, 3))
    def restock(self, more: int) -> None:
        """Goods come in."""
        self.shop.stock("cups", more)

    @rule()
    def recover(self) -> None:
        """What was left open is asked again."""
        self.shop.desk.recover()

    @rule(by=st.integers(1, 3000))
    def wait(self, by: int) -> None:
        """Time goes by."""
        self.shop.at += by

    @invariant()
    def books_agree(self) -> None:
        """Every entry, balance, pile, point and the bank agree."""
        assert audit(self.shop.store, self.shop.bank.held()) == []

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """Nobody has less than nothing."""
        for owner in OWNERS:
            assert self.shop.store.balance(f"stored:{owner}", "EUR") <= 0
            assert balance(self.shop.store.lots(owner), self.shop.at) >= 0
        assert self.shop.store.free()["cups"] >= 0


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestAnything.__doc__ = "Whatever anybody does, the books agree and nothing goes below zero."


def test_lots_are_taken_whole() -> None:
    """What is taken from lots is what was asked, from those that expire first, and none that has expired."""
    lots = [Lot("a", 5, 30), Lot("b", 5, 20), Lot("c", 9, 10)]
    assert take(lots, 7, 10) == {"b": 5, "a": 2}


def test_what_goes_back_is_what_was_asked() -> None:
    """Amounts go back by card, stored value and points, and add up."""
    paid = order(lines=(line(1, 600),), card=100, stored=200, points=30, points_worth=300, returned={"card": 50})
    for amount in range(551):
        assert sum(split(paid, amount).values()) == amount
