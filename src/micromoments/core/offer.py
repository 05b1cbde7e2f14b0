"""What an offer gives, and on what.

An item of kind ``offer`` says in its attribute ``offer`` what it gives and on what::

    {"gives": "price_off", "percent": 15, "categories": ["shoes"]}
    {"gives": "price_off", "amount": 500, "currency": "EUR", "items": ["p1"]}
    {"gives": "points", "times": 2, "brands": ["Alder"]}
    {"gives": "bundle", "items": ["p1", "p2"], "amount": 8000, "currency": "EUR"}
    {"gives": "free_delivery", "from": 5000, "currency": "EUR"}

``amount`` is what is taken off, of a bundle what it costs together, in minor units; ``from`` is the least order. An
offer without ``items``, ``categories`` and ``brands`` is on everything. ``most`` is how often one person may be served
it in ``hours`` (seven days unless said), ``redemptions`` how often one may redeem it in ``redemption_hours`` (a year).
Who may have it (condition, validity, budget, consent) is the item's own, and checked with all the others.

With a ``code`` it is redeemed by orders that carry that code (``coupon``) or name the offer, and by nothing else;
without one by the goal that its decision reached, too.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Literal, get_args

import msgspec

from micromoments.core.item import Item

Gives = Literal["price_off", "points", "bundle", "free_delivery"]
MAX_ON = 200
"""Items, categories and brands that one offer may be on."""
WEEK, YEAR = 168.0, 8760.0
LONGEST = 8_760_000.0
"""Hours that are counted, a thousand years, though an offer says more: every instant has to fit into 64 bits."""
MAX_CODE = 64
MAX_UNITS = 1 << 31
"""Of a budget that one item may take; a store counts in 64 bits."""


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"least": "from"}):
    """What an offer gives, on what, how often, and how it is redeemed; see the module."""

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
    code: str = ""
    redemptions: int = 0
    redemption_hours: float = YEAR


class Redemption(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An offer that an event says was redeemed, captured on the record as of arrival: what it takes of which budget,
    and whether a code is how it is redeemed.
    """

    item: str
    budget: str = ""
    units: int = 1
    coded: bool = False


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
        or min(offer.amount, offer.least, offer.most, offer.times, offer.redemptions) < 0
        or min(offer.hours, offer.redemption_hours) <= 0
    ):
        return "a percent up to 100 and no negative numbers"
    if len(offer.code) > MAX_CODE or offer.code != offer.code.strip():
        return f"a code of at most {MAX_CODE} characters, without spaces around it"
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


def budget_of(item: Item, budgets: Container[str]) -> str:
    """The budget that serving an item draws on: the one that it names, else one of the name of its campaign."""
    return item.budget or (item.campaign if item.campaign in budgets else "")


def units_of(item: Item) -> int:
    """What an item takes of its budget: its attribute ``budget_units`` where it is a whole number to 2**31, else 1."""
    units = item.attributes.get("budget_units", 1)
    return units if isinstance(units, int) and not isinstance(units, bool) and 1 <= units <= MAX_UNITS else 1


def coded(attributes: Mapping[str, Any]) -> bool:
    """Whether an offer with these attributes is redeemed by a code alone."""
    told = attributes.get("offer")
    return isinstance(told, dict) and bool(told.get("code"))


def reservation(decision: str, item: str, *, coded: bool) -> str:
    """The id of what a decision holds of a budget for an item. That of an offer with a code is another, so that a goal
    without the code doesn't spend it.
    """
    return f"{decision}:{item}:code" if coded else f"{decision}:{item}"


def times_of(attributes: dict[str, Any]) -> tuple[int, float]:
    """How often one person may be served an offer, and in how many hours; (0, 0) where it doesn't say."""
    return _limit(attributes, "most", "hours", WEEK)


def redemptions_of(attributes: dict[str, Any]) -> tuple[int, float]:
    """How often one person may redeem an offer, and in how many hours; (0, 0) where it doesn't say."""
    return _limit(attributes, "redemptions", "redemption_hours", YEAR)


def _limit(attributes: dict[str, Any], times: str, within: str, usual: float) -> tuple[int, float]:
    told = attributes.get("offer")
    most = told.get(times) if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(most, int) or isinstance(most, bool) or most <= 0:
        return 0, 0.0
    hours = told.get(within, usual)
    return most, float(min(hours, LONGEST)) if isinstance(hours, int | float) and hours > 0 else usual
