"""The payment port, and its sandbox: a bank of our own that keeps its books in a file and has failing cards.

A *source* is a token that stands for a card, never a card's number. Both adapters know the same test tokens:
``pm_card_visa`` pays; ``pm_card_chargeDeclined``, ``pm_card_chargeDeclinedInsufficientFunds`` and
``pm_card_chargeDeclinedExpiredCard`` don't. The sandbox has one more, ``pm_card_answerLost``: it pays, and the first
answer is lost on the way, as networks do.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

import msgspec

from micromoments.demo.fulfil.grouped import Grouped

DECLINES = {
    "pm_card_chargeDeclined": "card_declined",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
}
"""Tokens of failing cards, with the code that each is declined with."""
ANSWER_LOST = "pm_card_answerLost"


class Declined(Exception):
    """The payment service said no, for good. ``code`` says why."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(words or code)
        self.code = code


class Unreachable(Exception):
    """No answer came: what was asked may have happened or not. Ask again with the same key."""


class Payments(Protocol):
    """What is asked of a payment service. ``key`` makes asking twice asking once; amounts are minor units.

    Each method raises ``Declined`` for a no, ``Unreachable`` where the answer isn't known.
    """

    def charge(self, key: str, amount: int, currency: str, source: str, capture: bool) -> str:
        """Take an amount (``capture``), or reserve it; the payment's id."""
        ...

    def capture(self, key: str, payment: str, amount: int) -> None:
        """Take so much of what was reserved; the rest is let go."""
        ...

    def void(self, key: str, payment: str) -> None:
        """Let go what was reserved."""
        ...

    def refund(self, key: str, payment: str, amount: int) -> None:
        """Give so much of what was taken back."""
        ...


class Entry(msgspec.Struct, frozen=True):
    """One movement in the sandbox's books."""

    key: str
    payment: str
    kind: str
    amount: int
    asked: str
    declined: str


_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, payment TEXT NOT NULL, kind TEXT NOT NULL, amount INTEGER NOT NULL,
    asked TEXT NOT NULL, declined TEXT NOT NULL DEFAULT '', told INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX IF NOT EXISTS entries_payment ON entries (payment);
"""


class Sandbox:
    """A payment service in a file beside the shop's own, with books of its own to be held against ours.

    Idempotent by key, as Stripe is: the same key with another request is declined as ``idempotency_error``.
    """

    def __init__(self, file: Path) -> None:
        self._file = Grouped(file, _TABLES)

    def charge(self, key: str, amount: int, currency: str, source: str, capture: bool) -> str:
        """See ``Payments``."""
        kind = "taken" if capture else "reserved"
        declined = DECLINES.get(source, "" if source.startswith("pm_card_") else "no_such_card")
        return self._once(
            key, "", kind, amount, f"{kind} {amount} {currency} {source}", declined, source == ANSWER_LOST
        )

    def capture(self, key: str, payment: str, amount: int) -> None:
        """See ``Payments``."""
        self._once(key, payment, "captured", amount, f"capture {payment} {amount}")

    def void(self, key: str, payment: str) -> None:
        """See ``Payments``."""
        self._once(key, payment, "voided", 0, f"void {payment}")

    def refund(self, key: str, payment: str, amount: int) -> None:
        """See ``Payments``."""
        self._once(key, payment, "refunded", amount, f"refund {payment} {amount}")

    def held(self) -> int:
        """What it holds for us in all: taken and captured, less refunds."""
        sums = "SELECT coalesce(sum(CASE kind WHEN 'taken' THEN amount WHEN 'captured' THEN amount "
        sums += "WHEN 'refunded' THEN -amount ELSE 0 END), 0) FROM entries WHERE declined = ''"
        return int(self._file.read(sums)[0][0])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _once(
        self, key: str, payment: str, kind: str, amount: int, asked: str, declined: str = "", lose: bool = False
    ) -> str:
        with self._file.change() as cursor:
            known = cursor.execute("SELECT payment, asked, declined FROM entries WHERE key = ?", (key,)).fetchone()
            if known is None:
                payment = payment or f"pay_{key}"
                declined = declined or self._wrong(cursor, payment, kind, amount)
                row = (key, payment, kind, amount, asked, declined)
                cursor.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, 1)", row)
        if known is None and lose:
            raise Unreachable("the connection broke before the answer came")
        if known is not None:
            payment, before, declined = known
            if before != asked:
                raise Declined("idempotency_error", f"key {key} was used for {before!r}; got {asked!r}")
        if declined:
            raise Declined(declined)
        return payment

    @staticmethod
    def _wrong(cursor: sqlite3.Cursor, payment: str, kind: str, amount: int) -> str:
        """Why a movement can't be, by what was moved before; ``""`` where it can."""
        rows = cursor.execute("SELECT kind, amount FROM entries WHERE payment = ? AND declined = ''", (payment,))
        sums: dict[str, int] = {}
        for before, n in rows.fetchall():
            sums[before] = sums.get(before, 0) + n
        if kind in ("taken", "reserved"):
            return ""
        if kind == "refunded":
            taken = sums.get("taken", 0) + sums.get("captured", 0)
            return "" if amount <= taken - sums.get("refunded", 0) else "charge_already_refunded"
        if "captured" in sums or "voided" in sums or "reserved" not in sums:
            return "payment_intent_unexpected_state"
        return "" if amount <= sums["reserved"] else "amount_too_large"
