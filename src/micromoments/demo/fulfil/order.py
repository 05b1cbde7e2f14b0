"""The nouns of an order, frozen: lines, the order, the rules of its way (``Flow``), and effects as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Millis = int
"""Milliseconds since the Unix epoch, UTC."""
State = Literal["cart", "ordered", "paid", "tracking", "done", "cancelled"]
"""``cart`` (nothing promised) -> ``ordered`` (goods held, payment under way) -> ``paid`` -> ``tracking`` (see
``Order.step``) -> ``done``; ``cancelled`` from anywhere before that. A declined payment goes back to ``cart``."""
By = Literal["customer", "business"]


class Line(msgspec.Struct, frozen=True):
    """So many of one thing. ``unit`` is the price of one in minor units, options included, made by the seller's own
    server. ``stock`` names the pile that it is taken from; ``""`` never runs out.
    """

    sku: str
    title: str
    quantity: int
    unit: int
    stock: str = ""
    options: tuple[str, ...] = ()


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands. Amounts are minor units of ``currency``.

    ``total`` is paid by ``card``, ``stored`` value and ``points`` (``points_worth`` is what those are worth).
    ``tax`` is the part of the lines that is tax, included in them. ``place`` is who fulfils it (a store, a driver).
    ``income`` is the ledger's account that earns it. ``returned`` is what went back, by way of payment. ``why`` says
    why it is where it is (a declined card, a cancellation). ``earn`` points come with the end, until ``earn_until``.
    ``flow`` names the rules of its way, where an experience has more than one. ``data`` is the experience's own.
    """

    id: str
    owner: str
    currency: str
    lines: tuple[Line, ...]
    flow: str = ""
    place: str = ""
    discount: int = 0
    offer: str = ""
    tip: int = 0
    tax: int = 0
    card: int = 0
    stored: int = 0
    points: int = 0
    points_worth: int = 0
    source: str = ""
    income: str = "sales"
    state: State = "cart"
    step: str = ""
    payment: str = ""
    captured: bool = False
    fee: int = 0
    returned: dict[str, int] = {}
    earn: int = 0
    earn_until: Millis = 0
    why: str = ""
    at: Millis = 0
    changed: Millis = 0
    due: Millis | None = None
    version: int = 0
    data: dict[str, Any] = {}

    @property
    def subtotal(self) -> int:
        """The lines' sum."""
        return sum(line.quantity * line.unit for line in self.lines)

    @property
    def total(self) -> int:
        """What is to be paid: lines less the discount, and the tip."""
        return self.subtotal - self.discount + self.tip


class Fee(msgspec.Struct, frozen=True):
    """What a cancellation costs: ``fixed`` minor units and ``percent`` of the total, never more than the total."""

    percent: int = 0
    fixed: int = 0


class Flow(msgspec.Struct, frozen=True):
    """The way of an experience's orders after payment.

    ``steps`` names, for each step, those that may follow; ``""`` is the state ``paid``. ``last`` are the steps from
    which an order may end; with ``""`` among them it ends as soon as it is paid. ``cancel`` says what a customer's
    cancellation costs at each step (absent: not any more); a business may always cancel, at no cost. ``restock`` are
    the steps at which cancelled goods can be sold again. ``capture`` takes the money ``at_once`` or only reserves it
    until the order's end (``at_end``).
    """

    steps: Mapping[str, tuple[str, ...]]
    last: frozenset[str]
    cancel: Mapping[str, Fee]
    restock: frozenset[str] = frozenset({""})
    capture: Literal["at_once", "at_end"] = "at_once"


DIRECT = Flow(steps={}, last=frozenset({""}), cancel={})
"""An order that is done as soon as it is paid, such as stored value that is topped up, or a tip afterwards."""


# --- effects: what a change asks of the store and of the outside -----------------------------------


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Take pieces from piles; refused where one has too few."""

    pieces: dict[str, int]


class Release(msgspec.Struct, frozen=True, tag=True):
    """Put held pieces back."""

    pieces: dict[str, int]


class Sold(msgspec.Struct, frozen=True, tag=True):
    """Held pieces are gone for good."""

    pieces: dict[str, int]


class Post(msgspec.Struct, frozen=True, tag=True):
    """An entry of the ledger: accounts and signed amounts (debit positive), which sum to zero."""

    name: str
    postings: dict[str, int]


class Spend(msgspec.Struct, frozen=True, tag=True):
    """Take points; refused where there are too few."""

    units: int


class GiveBack(msgspec.Struct, frozen=True, tag=True):
    """Put points that this order spent back, with the time that they had left."""

    units: int


class Earn(msgspec.Struct, frozen=True, tag=True):
    """Give points, good until an instant."""

    units: int
    until: Millis


class Unearn(msgspec.Struct, frozen=True, tag=True):
    """Take points of this order back, as far as they are still there."""

    units: int


class Redeem(msgspec.Struct, frozen=True, tag=True):
    """Use an offer; refused where it is somebody else's, used or expired."""

    offer: str


class Unredeem(msgspec.Struct, frozen=True, tag=True):
    """The offer may be used again."""

    offer: str


class Pay(msgspec.Struct, frozen=True, tag=True):
    """Ask the payment port, after the commit: ``charge`` (reserve, or take), ``capture``, ``void``, ``refund``."""

    kind: Literal["charge", "capture", "void", "refund"]
    amount: int


Effect = Hold | Release | Sold | Post | Spend | GiveBack | Earn | Unearn | Redeem | Unredeem | Pay
Change = tuple[Order, tuple[Effect, ...]]
"""An order as it is now, and what follows."""
