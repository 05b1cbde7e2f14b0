"""What an offer gives, and on what.

An item of kind ``offer`` says in its attribute ``offer`` what it gives and on what::

    {"gives": "price_off", "percent": 15, "categories": ["shoes"]}
    {"gives": "price_off", "amount": 500, "currency": "EUR", "items": ["p1"]}
    {"gives": "points", "times": 2, "brands": ["Alder"]}
    {"gives": "bundle", "items": ["p1", "p2"], "amount": 8000, "currency": "EUR"}
    {"gives": "free_delivery", "from": 5000, "currency": "EUR"}

``amount`` is what is taken off, of a bundle what it costs together, in minor units; ``from`` is the least order. An
offer without ``items``, ``categories`` and ``brands`` is on everything. ``most`` is how often one person may be served
it in ``hours`` (seven days unless said). Who may have it (condition, validity, budget, consent) is the item's own, and
checked with all the others.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from micromoments.core.item import Item

Gives = Literal["price_off", "points", "bundle", "free_delivery"]
MAX_ON = 200
"""Items, categories and brands that one offer may be on."""
WEEK = 168.0


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"least": "from"}):
    """What an offer gives, on what, and how often; see the module."""

    gives: Gives
    percent: float = 0.0
    amount: int = 0
    currency: str = ""
    times: float = 0.0
    least: int = 0
    items: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    most: int = 0
    hours: float = WEEK


def offer_of(item: Item) -> Offer | None:
    """What an item of kind ``offer`` gives; ``None`` for other items and offers that don't say.

    Raises:
        ValueError: the attribute ``offer`` can't be read, or says nothing that can be given.
    """
    told = item.attributes.get("offer") if item.kind == "offer" else None
    if told is None:
        return None
    try:
        offer = msgspec.convert(told, Offer)
    except msgspec.ValidationError as error:
        raise ValueError(
            f"got offer {told!r} ({error}); wanted gives ({', '.join(get_args(Gives))}) and what"
        ) from None
    if wrong := _wrong(offer):
        raise ValueError(f"got offer {told!r}; wanted {wrong}")
    return offer


def _wrong(offer: Offer) -> str:
    if (
        not (0 <= offer.percent <= 100)
        or min(offer.amount, offer.least, offer.most, offer.times) < 0
        or offer.hours <= 0
    ):
        return "a percent up to 100 and no negative numbers"
    if len(offer.items) + len(offer.categories) + len(offer.brands) > MAX_ON:
        return f"at most {MAX_ON} items, categories and brands"
    if (offer.amount or offer.least) and not offer.currency:
        return "a currency beside an amount"
    match offer.gives:
        case "price_off" if bool(offer.percent) == bool(offer.amount):
            return "either a percent or an amount off"
        case "points" if offer.times <= 1:
            return "times above 1"
        case "bundle" if len(offer.items) < 2 or not (offer.amount or offer.percent):
            return "a bundle of two items or more, and an amount or a percent"
    return ""
