"""What pages send, each strictly: a field that isn't there is refused."""

from __future__ import annotations

from typing import Literal

import msgspec

from micromoments.demo.shop.customers import Address


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Nothing beside the fields."""


class About(Strict, frozen=True):
    """What somebody says of themselves; what is left out stays."""

    address: Address | None = None
    consent: dict[Literal["measure", "personalise"], bool] | None = None


class Code(Strict, frozen=True):
    """The code that another device shows."""

    code: str


class Words(Strict, frozen=True):
    """What was searched for."""

    query: str


class Put(Strict, frozen=True):
    """Add so many to the cart, or say how many there are to be."""

    sku: str
    add: int = 0
    quantity: int | None = None
    decision_id: str = ""


class Guide(Strict, frozen=True):
    """Whose materials."""

    guide: str


class Wish(Strict, frozen=True):
    """A wish, or no longer."""

    sku: str
    on: bool


class Page(Strict, frozen=True):
    """Where somebody is."""

    page: str


class Step(Strict, frozen=True):
    """Where somebody is in a guide, and until when (ms) the step's timer runs."""

    guide: str
    step: int
    until: int | None = None


class Opinion(Strict, frozen=True):
    """A review."""

    sku: str
    stars: int
    text: str
    lang: str = "en"


class Card(Strict, frozen=True):
    """Another card."""

    card: str


class Back(Strict, frozen=True):
    """What comes back of an order, and why."""

    pieces: dict[str, int]
    why: str = ""


class Desk(Strict, frozen=True):
    """The shop's word on a product: a new price (cents), or more pieces."""

    pin: str
    sku: str
    price: int | None = None
    pieces: int | None = None
