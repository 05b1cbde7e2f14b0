"""The state machine, pure: each function takes an order and gives it as it is then, with the effects that follow.

Accounts of the ledger (debit positive): ``processor`` is money that the payment service holds for us, ``deferred`` what
was paid for orders that aren't done, ``capturing`` and ``owing`` what the payment service was asked to take and to give
back and hasn't confirmed, ``stored:OWNER`` stored value, ``rewards`` what points paid, ``sales`` ``tips`` ``tax``
``fees`` income, ``promotions`` discounts, ``refunds`` what went back after the end.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from micromoments.demo.fulfil.money import digits, share
from micromoments.demo.fulfil.order import (
    By,
    Change,
    Earn,
    Effect,
    Fee,
    Flow,
    GiveBack,
    Hold,
    Line,
    Millis,
    Order,
    Pay,
    Post,
    Redeem,
    Release,
    Sold,
    Spend,
    Unearn,
    Unredeem,
)
from micromoments.demo.fulfil.refused import Refused

MOST = 50
"""Of one line."""
LINES = 50
MAX_AMOUNT = 10**9
"""Minor units of one price or tip."""


def check(order: Order) -> None:
    """Whether the numbers can be true.

    Raises:
        Refused: ``bad_quantity``, ``bad_price``, ``bad_discount``, ``bad_tip``, ``bad_split`` or ``empty``.
    """
    digits(order.currency)
    if not 1 <= len(order.lines) <= LINES:
        raise Refused("empty", f"{len(order.lines)} lines", f"1 to {LINES}", "choose something first")
    for line in order.lines:
        if not 1 <= line.quantity <= MOST:
            raise Refused("bad_quantity", f"{line.quantity} of {line.title}", f"1 to {MOST}")
        if not 0 <= line.unit <= MAX_AMOUNT:
            raise Refused("bad_price", f"{line.unit} for {line.title}", f"0 to {MAX_AMOUNT} minor units")
    if not 0 <= order.discount <= order.subtotal:
        raise Refused("bad_discount", str(order.discount), f"0 to {order.subtotal}")
    if not 0 <= order.tip <= min(MAX_AMOUNT, 2 * order.subtotal):
        raise Refused("bad_tip", str(order.tip), f"0 to {2 * order.subtotal}, twice what was ordered")
    parts = (order.card, order.stored, order.points, order.points_worth)
    if min(parts) < 0 or order.card + order.stored + order.points_worth != order.total:
        said = f"card {order.card}, stored value {order.stored}, points {order.points_worth}"
        raise Refused("bad_split", said, f"parts of at least 0 that make {order.total}")


def place(order: Order, flow: Flow, now: Millis) -> Change:
    """``cart`` -> ``ordered``: hold the goods, take stored value, points and the offer, ask for the card's part.

    An order that needs no card is ``paid`` at once.
    """
    _in(order, "cart")
    check(order)
    effects: list[Effect] = []
    if pieces := _pieces(order):
        effects.append(Hold(pieces))
    if order.offer:
        effects.append(Redeem(order.offer))
    if order.points:
        effects.append(Spend(order.points))
    if order.stored or order.points_worth:
        effects.append(Post("held", _nonzero(_prepaid(order, 1))))
    placed = _moved(order, now, state="ordered", why="", payment="", captured=False)
    if order.card:
        return placed, (*effects, Pay("charge", order.card))
    return _moved(placed, now, state="paid", captured=flow.capture == "at_once"), tuple(effects)


def charged(order: Order, flow: Flow, payment: str, now: Millis) -> Change:
    """``ordered`` -> ``paid``: the card's part is there, or reserved (``at_end``)."""
    _in(order, "ordered")
    taken = flow.capture == "at_once"
    effects = (Post("charged", {"processor": order.card, "deferred": -order.card}),) if taken else ()
    return _moved(order, now, state="paid", payment=payment, captured=taken), effects


def declined(order: Order, why: str, now: Millis) -> Change:
    """``ordered`` -> ``cart``: everything goes back; the customer may try another way to pay."""
    _in(order, "ordered")
    return _moved(order, now, state="cart", why=why), _let_go(order)


def advance(order: Order, flow: Flow, step: str, now: Millis) -> Change:
    """``paid`` or ``tracking`` -> ``tracking`` at a step that may follow."""
    _in(order, "paid", "tracking")
    follow = flow.steps.get(order.step, ())
    if step not in follow:
        raise Refused("bad_step", f"{step!r} after {order.step or 'paid'!r}", f"one of {', '.join(follow) or 'none'}")
    return _moved(order, now, state="tracking", step=step), ()


def finish(order: Order, flow: Flow, now: Millis, lines: tuple[Line, ...] | None = None) -> Change:
    """``paid`` or ``tracking`` -> ``done``: earn the income and the points, take what was reserved.

    ``lines`` are the final ones of an order whose price is known at its end (a fare); with them the card's part may
    only become smaller.
    """
    _in(order, "paid", "tracking")
    if order.step not in flow.last:
        raise Refused("bad_step", f"an end after {order.step!r}", f"one of {', '.join(sorted(flow.last))} first")
    if lines is not None:
        order = _repriced(order, lines)
    effects: list[Effect] = []
    if not order.captured and order.card:
        effects += [Post("capturing", {"capturing": order.card, "deferred": -order.card}), Pay("capture", order.card)]
    if not order.captured and not order.card and order.payment:
        effects.append(Pay("void", 0))
    earned = Counter(deferred=order.total, promotions=order.discount, tips=-order.tip, tax=-order.tax)
    earned[order.income] += order.tax - order.subtotal  # which may be one of the others, such as tips
    effects.append(Post("done", _nonzero(earned)))
    if pieces := _pieces(order):
        effects.append(Sold(pieces))
    if order.earn:
        effects.append(Earn(order.earn, order.earn_until))
    return _moved(order, now, state="done", captured=True), tuple(effects)


def cancel(order: Order, flow: Flow, by: By, now: Millis, why: str = "") -> Change:
    """-> ``cancelled``: the goods, the offer and what was paid go back, less a customer's fee as the rules say."""
    if order.state == "cart":
        return _moved(order, now, state="cancelled", why=why), ()
    _in(order, "paid", "tracking")
    fee = Fee() if by == "business" else flow.cancel.get(order.step)
    if fee is None:
        raise Refused("too_late", f"a cancellation at {order.step!r}", "one before it is made", "ask for a refund")
    kept = min(order.total, fee.fixed + share(order.total, fee.percent))
    back = split(order, order.total - kept)
    postings = {
        "fees": -kept,
        f"stored:{order.owner}": -back["stored"],
        "rewards": -back["points"],
        "deferred": order.stored + order.points_worth,
    }
    effects: list[Effect] = []
    if order.captured:
        postings["deferred"] += order.card
        postings["owing"] = -back["card"]
        if back["card"]:
            effects.append(Pay("refund", back["card"]))
    elif order.card:
        rest = order.card - back["card"]
        postings["capturing"] = rest
        effects.append(Pay("capture", rest) if rest else Pay("void", 0))
    effects.append(Post("cancelled", _nonzero(postings)))
    if pieces := _pieces(order):
        effects.append(Release(pieces) if order.step in flow.restock else Sold(pieces))
    if back["points"]:
        effects.append(GiveBack(_units(order, back["points"])))
    if order.offer and not kept:
        effects.append(Unredeem(order.offer))
    return _moved(order, now, state="cancelled", fee=kept, returned=back, why=why), tuple(effects)


def refund(order: Order, amount: int, now: Millis, why: str = "") -> Change:
    """Give so much of a ``done`` order back: to the card first, then to stored value, then as points."""
    _in(order, "done")
    left = order.total - sum(order.returned.values())
    if order.income.startswith("stored:"):
        raise Refused("not_refundable", "stored value", "an order of goods", "spend it, or ask the business")
    if not 1 <= amount <= left:
        raise Refused("bad_refund", str(amount), f"1 to {left}, what hasn't gone back yet")
    back = split(order, amount)
    postings = {
        "refunds": amount,
        "owing": -back["card"],
        f"stored:{order.owner}": -back["stored"],
        "rewards": -back["points"],
    }
    effects: list[Effect] = [Post("refunded", _nonzero(postings))]
    if back["card"]:
        effects.append(Pay("refund", back["card"]))
    if back["points"]:
        effects.append(GiveBack(_units(order, back["points"])))
    if order.earn and (units := order.earn * amount // order.total):
        effects.append(Unearn(units))
    returned = {way: order.returned.get(way, 0) + back[way] for way in back}
    return _moved(order, now, returned=returned, why=why), tuple(effects)


def confirmed(order: Order, kind: str, amount: int, now: Millis) -> Change:
    """The payment service did what it was asked after the payment: the money that was on its way has arrived."""
    if kind == "capture":
        return _moved(order, now, captured=True), (Post("captured", {"processor": amount, "capturing": -amount}),)
    if kind == "refund":
        return _moved(order, now), (Post("paid-back", {"owing": amount, "processor": -amount}),)
    return _moved(order, now), ()


def split(order: Order, amount: int) -> dict[str, int]:
    """How an amount goes back: by card, stored value, points, as far as each paid and hasn't been given back."""
    back: dict[str, int] = {}
    for way, paid in (("card", order.card), ("stored", order.stored), ("points", order.points_worth)):
        back[way] = min(amount, paid - order.returned.get(way, 0))
        amount -= back[way]
    return back


def _repriced(order: Order, lines: tuple[Line, ...]) -> Order:
    if order.captured:
        raise Refused("already_paid", "another price", "an order whose money is only reserved")
    priced = msgspec.structs.replace(order, lines=lines)
    card = priced.total - order.stored - order.points_worth
    if card > order.card:
        raise Refused("over_reserved", str(card), f"at most {order.card}, what was reserved")
    priced = msgspec.structs.replace(priced, card=card, tax=min(order.tax, priced.subtotal))
    check(priced)
    return priced


def _let_go(order: Order) -> tuple[Effect, ...]:
    """What ``place`` took, given back."""
    effects: list[Effect] = []
    if pieces := _pieces(order):
        effects.append(Release(pieces))
    if order.offer:
        effects.append(Unredeem(order.offer))
    if order.points:
        effects.append(GiveBack(order.points))
    if order.stored or order.points_worth:
        effects.append(Post("let-go", _nonzero(_prepaid(order, -1))))
    return tuple(effects)


def _prepaid(order: Order, sign: int) -> dict[str, int]:
    held = order.stored + order.points_worth
    return {
        f"stored:{order.owner}": sign * order.stored,
        "rewards": sign * order.points_worth,
        "deferred": -sign * held,
    }


def _units(order: Order, worth: int) -> int:
    """Points for a part of what they paid; all of them for the whole."""
    return order.points * worth // order.points_worth


def _pieces(order: Order) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for line in order.lines:
        if line.stock:
            counted[line.stock] += line.quantity
    return dict(counted)


def _nonzero(postings: dict[str, int]) -> dict[str, int]:
    return {account: amount for account, amount in postings.items() if amount}


def _in(order: Order, *states: str) -> None:
    if order.state not in states:
        raise Refused("bad_state", f"an order that is {order.state}", f"one that is {' or '.join(states)}", status=409)


def _moved(order: Order, now: Millis, **fields: object) -> Order:
    return msgspec.structs.replace(order, changed=now, version=order.version + 1, **fields)
