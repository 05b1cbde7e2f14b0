"""The shop's business: prices, stock, checkout, the carrier, returns, reviews. Blocking; called from threads."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from micromoments.demo.fulfil import (
    Desk,
    Fee,
    Flow,
    Line,
    Offer,
    Order,
    Payments,
    Refused,
    Store,
    Transaction,
    now_ms,
    track,
)
from micromoments.demo.fulfil.money import major
from micromoments.demo.shop import goods, rules
from micromoments.demo.shop.customers import Address, Customers
from micromoments.demo.shop.reviews import Review, shipped

NAME = "Tidewater"
PLACE = "tidewater"
COURIER = Flow(
    steps={"": ("packed",), "packed": ("shipped",), "shipped": ("nearby",), "nearby": ()},
    last=frozenset({"nearby"}),
    cancel={"": Fee(), "packed": Fee()},
    restock=frozenset({"", "packed"}),
)
PICKUP = Flow(
    steps={"": ("packed",), "packed": ("ready",), "ready": ()},
    last=frozenset({"ready"}),
    cancel={"": Fee(), "packed": Fee(), "ready": Fee()},
    restock=frozenset({"", "packed", "ready"}),
)
"""A customer may cancel for nothing until the parcel is on its way, or is collected; after that it may come back."""
NEXT = {
    "courier": {"": "packed", "packed": "shipped", "shipped": "nearby"},
    "pickup": {"": "packed", "packed": "ready"},
}
TAKES = {"": 8_000, "packed": 15_000, "shipped": 25_000, "nearby": 15_000}
"""Milliseconds of each step with the simulated warehouse and carrier, which are quick."""
BACK_TAKES = 20_000
"""Milliseconds until a parcel that comes back has arrived."""
CARDS = ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_answerLost")


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a product, as a page asks for them. A price isn't theirs to say."""

    sku: str
    quantity: int


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a customer orders. ``total`` is what their page showed: another one is refused, never charged."""

    items: tuple[Piece, ...]
    delivery: str = "standard"
    address: Address = Address()
    card: str = ""
    offer: str = ""
    total: int | None = None


class Trade:
    """The shop."""

    def __init__(self, store: Store, payments: Payments, clock: Callable[[], int] = now_ms, speed: float = 1.0) -> None:
        self.store, self.clock, self._speed = store, clock, speed
        self._prices: dict[str, int] = {}
        self.people = Customers(store, clock, self.price)
        self.desk = Desk(store, payments, {"courier": COURIER, "pickup": PICKUP}, clock, after=self._after)

    def open_up(self) -> None:
        """Fill the shelves the first time, and finish what a crash left open."""
        there = self.store.free()
        with self.store.change() as tx:
            for good in goods.everything().values():
                if good.kind == "product" and good.id not in there:
                    tx.receive(good.id, goods.SCARCE.get(good.id, goods.FIRST_STOCK))
        self._prices = {sku: kept["price"] for sku, kept in self.store.all_kept("price").items()}
        self.desk.recover()

    # --- the shelf ------------------------------------------------------------------------------

    def price(self, sku: str) -> int:
        """A product's price now, in cents, the same for everybody."""
        return self._prices.get(sku, goods.product(sku).price)

    def prices(self) -> dict[str, int]:
        """The prices that aren't the first ones."""
        return dict(self._prices)

    def reprice(self, sku: str, price: int) -> None:
        """The shop changes a price, for everybody."""
        if not 1 <= price <= 10**7:
            raise Refused("bad_price", str(price), "1 to 10000000 cents")
        with self.store.change() as tx:
            past = [*self._past(sku), rules.Past(self.clock(), self.price(sku))]
            tx.keep("price", sku, {"price": price, "past": past[-20:]})
        self._prices[sku] = price

    def out(self) -> frozenset[str]:
        """The products that have run out."""
        return frozenset(sku for sku, free in self.store.free().items() if free == 0)

    def shelf(self) -> dict[str, Any]:
        """Of each product what changes: price, what it was at least in the last 30 days, pieces left, stars."""
        free, at = self.store.free(), self.clock()
        stars: dict[str, list[int]] = {}
        for review in [*shipped(), *self._own().values()]:
            stars.setdefault(review.item, []).append(review.stars)
        return {
            good.id: {
                "price": self.price(good.id),
                "lowest": rules.lowest(self.price(good.id), self._past(good.id), at)
                if good.id in self._prices
                else None,
                "left": free.get(good.id, 0),
                "stars": round(sum(found) / len(found), 1) if (found := stars.get(good.id)) else None,
                "reviews": len(stars.get(good.id, [])),
            }
            for good in goods.everything().values()
            if good.kind == "product"
        }

    def _past(self, sku: str) -> list[rules.Past]:
        kept = self.store.kept("price", sku)
        return msgspec.convert(kept["past"], list[rules.Past]) if kept else []

    def reviews(self, sku: str) -> list[Review]:
        """The reviews of a product, buyers' own first."""
        own = [review for review in self._own().values() if review.item == sku]
        return [*own, *(review for review in shipped() if review.item == sku)]

    def _own(self) -> dict[str, Review]:
        return {id: msgspec.convert(kept, Review) for id, kept in self.store.all_kept("review").items()}

    def review(self, owner: str, sku: str, stars: int, text: str, lang: str) -> Review:
        """A buyer says what they think; once, the last word counts.

        Raises:
            Refused: ``not_bought``, ``bad_review``.
        """
        bought = any(
            order.state in ("tracking", "done", "paid") and any(line.sku == sku for line in order.lines)
            for order in self.store.orders(owner)
        )
        if not bought:
            raise Refused("not_bought", goods.product(sku).title["en"], "something that you bought here", status=403)
        if not 1 <= stars <= 5 or not 10 <= len(text.strip()) <= 600 or lang not in ("en", "de"):
            raise Refused("bad_review", f"{stars} stars, {len(text)} characters", "1 to 5 stars, 10 to 600 characters")
        name = self.people.customer(owner).address.name.split(" ")[0][:20]
        review = Review(sku, stars, name, text.strip(), lang, made_up=False)
        with self.store.change() as tx:
            tx.keep("review", f"{sku}:{owner}", review)
            said = {"product_id": sku, "rating": stars}
            tx.tell(track(secrets.token_hex(8), owner, "Product Reviewed", said, self.clock()))
        return review

    # --- orders ---------------------------------------------------------------------------------

    def priced(self, owner: str, wanted: Wanted) -> Order:
        """The order as it would be placed; every price, tax and discount is the server's own.

        Raises:
            Refused: what isn't so; ``price_changed`` where the page showed another total.
        """
        lines = self._lines(wanted)
        offer = self._offer(owner, wanted.offer) if wanted.offer else None
        gives = str(offer.data["gives"]) if offer is not None else ""
        department = {good.id: good.category for good in goods.everything().values()}
        off = rules.discounts(gives, lines, department) if gives else [0] * len(lines)
        total = sum(line.quantity * line.unit for line in lines) - sum(off)
        if wanted.total is not None and wanted.total != total:
            raise Refused(
                "price_changed", f"a total of {wanted.total}", str(total), "look at the new price", status=409
            )
        decisions = {entry.sku: entry.decision for entry in self.people.cart(owner) if entry.decision}
        return Order(
            id=secrets.token_urlsafe(12),
            owner=owner,
            currency=goods.CURRENCY,
            lines=lines,
            flow="pickup" if wanted.delivery == "pickup" else "courier",
            place=PLACE,
            discount=sum(off),
            offer=wanted.offer,
            tax=rules.tax(lines, off, goods.FOOD),
            card=total,
            source=wanted.card,
            data={
                "number": f"T-{secrets.randbelow(9 * 10**5) + 10**5}",
                "delivery": wanted.delivery,
                "address": msgspec.to_builtins(wanted.address),
                "off": {line.sku: less for line, less in zip(lines, off, strict=True) if less},
                "gives": gives,
                "decision": offer.data["decision"] if offer else "",
                "decisions": decisions,
            },
        )

    def order(self, owner: str, wanted: Wanted, key: str) -> Order:
        """Place an order and pay for it; with the same key twice is once."""
        if not wanted.items:
            raise Refused("empty", "an empty cart", "something in it")
        asked = msgspec.json.encode(wanted)
        with self.store.change() as tx:
            known = tx.once(owner, key, asked) if key else None
        if known is not None:  # before it is priced again: prices and offers may have changed since
            return self.desk.settle(known)
        _check(wanted)
        return self.desk.place(self.priced(owner, wanted), key, asked)

    def _lines(self, wanted: Wanted) -> tuple[Line, ...]:
        if len({piece.sku for piece in wanted.items}) != len(wanted.items):
            raise Refused("bad_lines", "a product twice", "each product once, with a quantity")
        lines = []
        for piece in wanted.items:
            title = goods.product(piece.sku).title["en"]
            if not 1 <= piece.quantity <= 20:
                raise Refused("bad_quantity", f"{piece.quantity} of {title}", "1 to 20")
            lines.append(Line(piece.sku, title, piece.quantity, self.price(piece.sku), piece.sku))
        subtotal = sum(line.quantity * line.unit for line in lines)
        return (*lines, rules.delivery_line(wanted.delivery, subtotal))

    def _offer(self, owner: str, id: str) -> Offer:
        offer = self.store.offer(id)
        if offer is None or offer.owner != owner:
            raise Refused("no_such_offer", "an offer", "one that was made to you", status=404)
        if offer.until <= self.clock():
            raise Refused("offer_expired", "an offer that has ended", "one that still holds", status=409)
        return offer

    # --- the carrier ----------------------------------------------------------------------------

    def tick(self) -> None:
        """What the simulated warehouse and carrier have done by now; parcels that came back are paid back."""
        now = self.clock()
        for order in self.store.open_orders(PLACE):
            if order.state not in ("paid", "tracking") or now < order.changed + TAKES.get(order.step, 0) * self._speed:
                continue
            step = NEXT[order.flow].get(order.step)
            if step is not None:
                self.desk.advance(order.id, step)
            elif order.flow == "courier":
                self.desk.finish(order.id)
        for id, back in self.store.all_kept("return").items():
            if back["state"] == "announced" and now >= back["at"] + BACK_TAKES * self._speed:
                self.desk.refund(back["order"], back["amount"], f"return:{id}")

    def collect(self, owner: str, id: str) -> Order:
        """The customer has collected their order."""
        order = self.store.order(id, owner)
        if order.flow != "pickup":
            raise Refused("not_a_pickup", "an order that is brought", "one that waits at the counter", status=409)
        return self.desk.finish(id)

    # --- what comes back ------------------------------------------------------------------------

    def give_back(self, owner: str, id: str, pieces: Mapping[str, int], why: str, key: str) -> dict[str, Any]:
        """Announce that pieces of an order come back; the money follows when they have arrived. With the same ``key``
        twice is once.

        Raises:
            Refused: as ``rules.worth_back``.
        """
        now = self.clock()
        ref = blake2b(f"{owner} {id} {key}".encode(), digest_size=8).hexdigest()
        with self.store.change() as tx:
            order = tx.order(id, owner)
            known: dict[str, Any] | None = self.store.kept("return", ref)
            if known is not None:
                return known
            before: dict[str, int] = {}
            for back in self.returns(id):
                for sku, count in back["pieces"].items():
                    before[sku] = before.get(sku, 0) + count
            arrived = (self.store.kept("arrived", id) or {"at": now})["at"]
            amount = rules.worth_back(order, pieces, before, goods.FOOD, (now - arrived) / rules.DAY)
            made: dict[str, Any] = {
                "order": id,
                "pieces": dict(pieces),
                "amount": amount,
                "why": why[:80],
                "state": "announced",
            }
            made |= {"at": now, "id": ref}
            tx.keep("return", made["id"], made)
            said = {"order_id": id, "products": [{"product_id": sku, "quantity": n} for sku, n in pieces.items()]}
            tx.tell(track(f"{made['id']}-announced", owner, "Return Announced", said, now))
        return made

    def returns(self, order: str) -> list[dict[str, Any]]:
        """What comes back, or came back, of an order."""
        return [back for back in self.store.all_kept("return").values() if back["order"] == order]

    # --- with every change of an order ----------------------------------------------------------

    def _after(self, tx: Transaction, order: Order) -> None:
        """What follows of an order's change in the same transaction: the cart, the shelf, what the engine is told."""
        at = self.clock()
        facts: dict[str, Any] = {"order_id": order.id, "affiliation": NAME, "currency": order.currency}
        if order.state == "ordered":
            tx.tell(track(f"{order.id}-{order.version}-pay", order.owner, "Payment Info Entered", facts, at))
        elif order.state == "paid":
            self.people.take(tx, order.owner, {line.sku: line.quantity for line in order.lines})
            tx.tell(track(f"{order.id}-completed", order.owner, "Order Completed", facts | _bought(order), at))
        elif order.state == "cancelled" and order.returned:
            worth = {"revenue": major(order.total, order.currency)}
            tx.tell(track(f"{order.id}-cancelled", order.owner, "Order Cancelled", facts | worth, at))
        elif order.state == "done" and self.store.kept("arrived", order.id) is None:
            tx.keep("arrived", order.id, {"at": at})
        elif order.state == "done" and order.why.startswith("return:"):
            self._came_back(tx, order, order.why.removeprefix("return:"), facts, at)

    def _came_back(self, tx: Transaction, order: Order, id: str, facts: dict[str, Any], at: int) -> None:
        back = self.store.kept("return", id)
        if back is None or back["state"] != "announced":
            return
        tx.keep("return", id, {**back, "state": "refunded"})
        for sku, count in back["pieces"].items():
            tx.receive(sku, count)
        products = [{"product_id": sku, "quantity": count} for sku, count in back["pieces"].items()]
        said = {**facts, "revenue": major(back["amount"], order.currency), "products": products}
        tx.tell(track(f"{id}-refunded", order.owner, "Order Refunded", said, at))


def _check(wanted: Wanted) -> None:
    """Whether it can be delivered and charged."""
    parts = msgspec.structs.astuple(wanted.address)
    if wanted.delivery != "pickup" and not all(2 <= len(part.strip()) <= 80 for part in parts):
        raise Refused(
            "bad_address", "an address with a part that is missing or too long", "name, street, postcode and town"
        )
    if wanted.card not in CARDS:
        raise Refused("no_card", "no card that we know", "one of your cards")


def _bought(order: Order) -> dict[str, Any]:
    """What the engine is told of a paid order."""
    products = [
        {"product_id": line.sku, "price": major(line.unit, order.currency), "quantity": line.quantity}
        for line in order.lines
        if not rules.is_delivery(line)
    ]
    shipping = sum(line.quantity * line.unit for line in order.lines if rules.is_delivery(line))
    said: dict[str, Any] = {
        "revenue": major(order.total, order.currency),
        "shipping": major(shipping, order.currency),
        "tax": major(order.tax, order.currency),
        "discount": major(order.discount, order.currency),
        "products": products,
    }
    found = [(sku, decision) for sku, decision in order.data.get("decisions", {}).items() if sku in _skus(order)]
    if order.data.get("decision"):
        said |= {"decision_id": order.data["decision"], "item_id": f"shop-offer-{order.data['gives']}"}
    elif found:
        said |= {"decision_id": found[0][1], "item_id": found[0][0]}
    return said


def _skus(order: Order) -> set[str]:
    return {line.sku for line in order.lines}


def show(order: Order, returns: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """An order as its customer sees it; never the card's token."""
    kept = ("id", "flow", "state", "step", "subtotal", "discount", "tax", "total", "returned", "why", "at", "changed")
    flow = COURIER if order.flow == "courier" else PICKUP
    return {
        **{name: getattr(order, name) for name in kept},
        **{name: order.data.get(name) for name in ("number", "delivery", "address", "gives")},
        "lines": [msgspec.to_builtins(line) for line in order.lines],
        "cancel": order.state in ("paid", "tracking") and order.step in flow.cancel,
        "returns": returns or [],
    }
