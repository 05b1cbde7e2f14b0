"""The shop's rules, pure: tax, delivery, offers, what may come back and what it brings, fair words about prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from micromoments.demo.fulfil import Line, Order, Refused

TAX = 24
FOOD_TAX = 14
"""Percent, included in prices."""
DAY = 86_400_000
RETURN_DAYS = 30
"""Days after its arrival in which something may come back."""
LOOK_BACK = 30 * DAY
"""A reduction shows the lowest price of this long before it (Directive 98/6/EC, article 6a)."""
FREE_FROM = 6_000
"""Cents of goods from which the standard delivery costs nothing."""
SHIPPING = {"standard": 490, "express": 990, "pickup": 0}
"""Cents, tax included."""
OFFERS: dict[str, tuple[str, int]] = {
    "coffee": ("coffee", 10),
    "kitchen": ("kitchen", 10),
    "repair": ("repair", 10),
    "bikes": ("bikes", 10),
    "delivery": ("", 0),
}
"""What each offer gives: so many percent off a department, or the delivery."""
OFFER_HOLDS = 24 * 3_600_000
_DELIVERY = "delivery:"


class Past(msgspec.Struct, frozen=True):
    """A price that held until an instant (ms)."""

    until: int
    price: int


def delivery(way: str, goods: int) -> int:
    """What a delivery costs, in cents, for goods of so many cents.

    Raises:
        Refused: ``bad_delivery``.

    >>> delivery("standard", 5_999), delivery("standard", 6_000), delivery("express", 6_000)
    (490, 0, 990)
    """
    if way not in SHIPPING:
        raise Refused("bad_delivery", f"delivery {way[:20]!r}", " or ".join(SHIPPING))
    return 0 if way == "standard" and goods >= FREE_FROM else SHIPPING[way]


def delivery_line(way: str, goods: int) -> Line:
    """The delivery as a line of the order."""
    return Line(f"{_DELIVERY}{way}", way, 1, delivery(way, goods))


def is_delivery(line: Line) -> bool:
    """Whether a line is the delivery's."""
    return line.sku.startswith(_DELIVERY)


def discounts(gives: str, lines: Sequence[Line], department: Mapping[str, str]) -> list[int]:
    """What an offer takes off each line, in cents; ``department`` is each product's.

    Raises:
        Refused: ``offer_not_met``, ``no_such_offer``.
    """
    if gives not in OFFERS:
        raise Refused("no_such_offer", f"an offer {gives[:20]!r}", "one that there is", status=404)
    where, percent = OFFERS[gives]
    if gives == "delivery":
        return [line.quantity * line.unit if is_delivery(line) else 0 for line in lines]
    off = [line.quantity * line.unit * percent // 100 if department.get(line.sku) == where else 0 for line in lines]
    if not any(off):
        raise Refused("offer_not_met", "this cart", f"something from {where}", "add it, or leave the offer out")
    return off


def tax(lines: Sequence[Line], off: Sequence[int], food: frozenset[str]) -> int:
    """The tax in what is paid, in cents: each rate's part rounded once, in the customer's favour.

    >>> tax([Line("x", "X", 1, 12_400)], [0], frozenset())
    2400
    """
    paid = {TAX: 0, FOOD_TAX: 0}
    for line, less in zip(lines, off, strict=True):
        paid[FOOD_TAX if line.sku in food else TAX] += line.quantity * line.unit - less
    return sum(amount * rate // (100 + rate) for rate, amount in paid.items())


def worth_back(
    order: Order, pieces: Mapping[str, int], back: Mapping[str, int], food: frozenset[str], days: float
) -> int:
    """What pieces that come back ``days`` after the arrival bring, in cents: what was paid for them. ``back`` came
    back before.

    Raises:
        Refused: ``not_delivered``, ``too_late``, ``not_yours_to_return`` (too many, or none of that order), ``food``.
    """
    if order.state != "done":
        raise Refused("not_delivered", f"an order that is {order.state}", "one that has arrived", status=409)
    if days > RETURN_DAYS:
        raise Refused("too_late", "that day", f"one within {RETURN_DAYS} days of the arrival")
    lines = {line.sku: line for line in order.lines if not is_delivery(line)}
    off = order.data.get("off", {})
    if not pieces:
        raise Refused("empty", "nothing", "something of the order")
    amount = 0
    for sku, count in pieces.items():
        line = lines.get(sku)
        left = line.quantity - back.get(sku, 0) if line is not None else 0
        if line is None or not 1 <= count <= left:
            raise Refused("not_yours_to_return", f"{count} of {sku[:60]!r}", f"1 to {left}, what hasn't come back")
        if sku in food:
            raise Refused("food", line.title, "something that isn't food: opened food can't be sold again")
        before = back.get(sku, 0)
        amount += _share(line, off.get(sku, 0), before + count) - _share(line, off.get(sku, 0), before)
    return amount


def _share(line: Line, off: int, pieces: int) -> int:
    """What was paid for so many pieces of a line, so that all of them together are exactly what was paid."""
    return (line.quantity * line.unit - off) * pieces // line.quantity


def lowest(price: int, past: Sequence[Past], now: int) -> int | None:
    """The lowest price of the 30 days before a reduction; ``None`` where the price isn't reduced.

    >>> lowest(900, [Past(1, 1_000)], 2), lowest(1_000, [Past(1, 900)], 2), lowest(900, [], 2)
    (1000, None, None)
    """
    recent = [one.price for one in past if one.until > now - LOOK_BACK]
    if not recent or price >= min(recent):
        return None
    return min(recent)
