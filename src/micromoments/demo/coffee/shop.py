"""The chain's rules: what an order costs, who gets what, what the engine is told. Blocking; called from threads."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from micromoments.demo.coffee import menu, promotions, rewards
from micromoments.demo.coffee.town import PACE, Place, Town
from micromoments.demo.fulfil import DIRECT, Desk, Fee, Flow, Line, Order, Payments, Refused, Store, now_ms, track
from micromoments.demo.fulfil.money import major
from micromoments.demo.fulfil.points import balance

MINUTE = 60_000
FLOW = Flow(
    steps={"": ("accepted",), "accepted": ("making",), "making": ("ready",), "ready": ()},
    last=frozenset({"ready"}),
    cancel={"": Fee(), "accepted": Fee()},
    restock=frozenset({"", "accepted"}),
)
"""A customer may cancel for nothing until it is being made; after that the bar decides."""
TOP_UPS = (1000, 2000, 5000)
AHEAD = 12 * 60 * MINUTE
"""How far ahead a pick-up time may lie."""
QUEUE = 40
EACH = 2 * MINUTE
"""What one order takes one pair of hands."""
USUAL_HOURS = 90
"""Minutes around the hour of somebody's orders that count as their usual hour."""
CARDS = ("pm_card_visa", "pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds", "pm_card_answerLost")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a customer asks for. ``total`` is what their page showed them: another one is refused, never charged."""

    store: str
    items: tuple[menu.Chosen, ...]
    tip: int = 0
    pickup: int | None = None
    card: str = ""
    stored: bool = False
    stars: int = 0
    offer: str = ""
    total: int | None = None


class Customer(msgspec.Struct, frozen=True, rename="camel"):
    """What the app keeps of somebody. Consent is by purpose; ``None`` means never asked."""

    name: str = ""
    birthday: str = ""
    consent: dict[str, bool] | None = None
    at: Place | None = None


class Shop:
    """The chain."""

    def __init__(self, store: Store, payments: Payments, town: Town, clock: Callable[[], int] = now_ms) -> None:
        self.store, self.town, self.clock = store, town, clock
        self.desk = Desk(store, payments, {"": FLOW, "top-up": DIRECT}, clock, after=self._after)

    def open_up(self) -> None:
        """Bake today's food where a store has none left of it, and finish what a crash left open."""
        free = self.store.free()
        with self.store.change() as tx:
            for bar in menu.BARS:
                for thing in menu.THINGS:
                    pile = menu.pile(bar, thing.sku)
                    if pile and free.get(pile, 0) == 0:
                        tx.receive(pile, thing.pieces)
        self.desk.recover()

    # --- customers -----------------------------------------------------------------------------

    def customer(self, owner: str) -> Customer:
        """What is kept of somebody."""
        return msgspec.convert(self.store.kept("customer", owner) or {}, Customer)

    def keep(self, owner: str, customer: Customer) -> None:
        """Keep it, and tell the engine of consent, and give the birthday's stars."""
        before = self.customer(owner)
        at = self.clock()
        with self.store.change() as tx:
            tx.keep("customer", owner, customer)
            if customer.consent is not None and customer.consent != before.consent:
                said = dict(customer.consent)
                tx.tell(track(f"{owner}-consent-{at}", owner, "Consent Updated", said, at))
        self.birthday(owner)

    def birthday(self, owner: str) -> bool:
        """Give this year's birthday stars, once; whether they were given now."""
        at = self.clock()
        id = rewards.birthday_id(owner, self.customer(owner).birthday, menu.local(at, self.town.zone))
        if id is None:
            return False
        # Whoever changes the day isn't given a second time within a year.
        with self.store.change() as tx:
            lately = tx.cursor.execute(
                "SELECT 1 FROM points WHERE owner = ? AND id LIKE 'birthday:%' AND at > ?",
                (owner, at - rewards.YEAR + 30 * rewards.DAY),
            ).fetchone()
            return lately is None and tx.earn(id, owner, rewards.BIRTHDAY, at + rewards.LASTS, at)

    def purse(self, owner: str) -> dict[str, Any]:
        """Stars, tier, stored value."""
        at = self.clock()
        lots = [lot for lot in self.store.lots(owner) if lot.expires > at]
        earned = self.store.earned(owner, at - rewards.YEAR)
        above = rewards.next_tier(earned)
        return {
            "stars": balance(lots, at),
            "expires": lots[0].expires if lots else None,
            "expiring": lots[0].left if lots else 0,
            "tier": rewards.tier(earned),
            "next": {"tier": above[0], "stars": above[1]} if above else None,
            "stored": -self.store.balance(f"stored:{owner}", menu.CURRENCY),
        }

    def usual(self, owner: str) -> dict[str, Any] | None:
        """What somebody orders most, and where, of their last orders; and the minutes of the day at which."""
        done = [o for o in self.store.orders(owner, 12) if o.flow == "" and o.state not in ("cart", "cancelled")]
        if not done:
            return None
        counted = Counter(_kind(o) for o in done)
        most = counted.most_common(1)[0][0]
        alike = [o for o in done if _kind(o) == most]
        store, items = msgspec.json.decode(most)
        minutes = [when.hour * 60 + when.minute for when in (menu.local(o.at, self.town.zone) for o in alike)]
        return {"store": store, "items": items, "minutes": minutes}

    def usual_hour(self, minutes: list[int]) -> bool:
        """Whether it is about the time of day of somebody's orders."""
        now = menu.local(self.clock(), self.town.zone)
        apart = [abs(now.hour * 60 + now.minute - one) for one in minutes]
        return any(min(one, 1440 - one) <= USUAL_HOURS for one in apart)

    # --- stores --------------------------------------------------------------------------------

    def stores(self, here: Place) -> list[dict[str, Any]]:
        """The stores, the nearest first."""
        at = self.clock()
        found = []
        for bar in menu.BARS:
            metres = self.town.metres(here, bar.at)
            until = menu.open_until(bar, at, self.town.zone)
            found.append(
                {
                    "id": bar.id,
                    "title": bar.title,
                    "x": bar.at[0],
                    "y": bar.at[1],
                    "metres": metres,
                    "walk": max(1, round(metres / PACE / 60)),
                    "open": until is not None,
                    "until": until,
                    "opens": None if until is not None else menu.opens(bar, at, self.town.zone),
                    "wait": self.wait(bar),
                }
            )
        return sorted(found, key=lambda one: one["metres"])

    def wait(self, bar: menu.Bar) -> int:
        """Minutes until an order placed now is ready; beyond ``QUEUE`` orders a longer queue says no more."""
        now = self.clock()
        queue = [
            o for o in self.store.open_orders(bar.id, QUEUE) if o.step != "ready" and (o.due or now) < now + 20 * MINUTE
        ]
        return round((len(queue) // bar.hands + 1) * EACH / MINUTE) + 1

    def offered(self, bar: menu.Bar) -> list[dict[str, Any]]:
        """A store's menu with its prices and what is left."""
        piles = [pile for thing in menu.THINGS if (pile := menu.pile(bar, thing.sku))]
        free = self.store.free(piles)
        return [
            {
                "sku": thing.sku,
                "title": thing.title,
                "kind": thing.kind,
                "price": menu.price(bar, thing.sku),
                "left": free.get(menu.pile(bar, thing.sku), 0) if thing.pieces else None,
                "milk": thing.kind == "drink" and thing.sku not in menu.MILKLESS,
            }
            for thing in menu.THINGS
        ]

    # --- orders --------------------------------------------------------------------------------

    def priced(self, owner: str, wanted: Wanted) -> Order:
        """The order as it would be placed; prices, discounts and stars are the server's own.

        Raises:
            Refused: what isn't so, ``price_changed`` where the page showed another total.
        """
        at = self.clock()
        bar = menu.bar(wanted.store)
        due = self._due(bar, wanted.pickup, at)
        lines = menu.lines(bar, wanted.items)
        offer = self.store.offer(wanted.offer) if wanted.offer else None
        if wanted.offer and (offer is None or offer.owner != owner):
            raise Refused("no_such_offer", "an offer", "one that was made to you", status=404)
        gives = str(offer.data["gives"]) if offer is not None else ""
        discount = promotions.discount(gives, lines) if gives else 0
        order = Order(
            id=secrets.token_urlsafe(12),
            owner=owner,
            currency=menu.CURRENCY,
            lines=lines,
            place=bar.id,
            discount=discount,
            offer=wanted.offer,
            tip=wanted.tip,
            source=wanted.card,
            due=due,
            data={
                "number": secrets.randbelow(900) + 100,
                "decision": offer.data["decision"] if offer else "",
                "gives": gives,
            },
        )
        if wanted.total is not None and wanted.total != order.total:
            shown = f"a total of {wanted.total}"
            raise Refused("price_changed", shown, str(order.total), "look at the new price and order again", status=409)
        return self._split(order, wanted, gives)

    def _split(self, order: Order, wanted: Wanted, gives: str) -> Order:
        """By what it is paid, what tax is in it and which stars it brings."""
        units = rewards.check_spent(wanted.stars, order.total - order.tip)
        rest = order.total - units
        there = -self.store.balance(f"stored:{order.owner}", menu.CURRENCY) if wanted.stored else 0
        stored = min(rest, there)
        if wanted.stored and stored < rest and not wanted.card:
            raise Refused("too_little_stored", f"{there} cents", f"{rest}", "add some, or pay the rest by card")
        goods = order.subtotal - order.discount
        earned = self.store.earned(order.owner, self.clock() - rewards.YEAR)
        return msgspec.structs.replace(
            order,
            points=units,
            points_worth=units,
            stored=stored,
            card=rest - stored,
            tax=goods * menu.TAX // (100 + menu.TAX),
            earn=rewards.stars(goods - units, earned, 2 if gives == "double" else 1),
            earn_until=self.clock() + rewards.LASTS,
        )

    def _due(self, bar: menu.Bar, pickup: int | None, at: int) -> int:
        when = at + self.wait(bar) * MINUTE if pickup is None else pickup
        if pickup is not None and not at - MINUTE <= pickup <= at + AHEAD:
            raise Refused("bad_pickup", "that pick-up time", "one within twelve hours from now")
        if menu.open_until(bar, when, self.town.zone) is None:
            raise Refused(
                "closed", f"{bar.title} at that time", "a time at which it is open", "choose another store", 409
            )
        return when

    def order(self, owner: str, wanted: Wanted, key: str) -> Order:
        """Place an order and pay for it."""
        asked = owner.encode() + msgspec.json.encode(wanted)
        if not wanted.items:
            raise Refused("empty", "nothing", "something on the menu")
        with self.store.change() as tx:
            known = tx.once(owner, key, asked) if key else None
        if known is not None:  # before it is priced again: prices and offers may have changed since
            return self.desk.settle(known)
        return self.desk.place(self.priced(owner, wanted), key, asked)

    def top_up(self, owner: str, amount: int, card: str, key: str) -> Order:
        """Put money on somebody's stored value."""
        if amount not in TOP_UPS:
            raise Refused("bad_amount", str(amount), " or ".join(map(str, TOP_UPS)))
        order = Order(
            id=secrets.token_urlsafe(12),
            owner=owner,
            currency=menu.CURRENCY,
            lines=(Line("top-up", "Stored value", 1, amount),),
            flow="top-up",
            card=amount,
            source=card,
            income=f"stored:{owner}",
        )
        return self.desk.place(order, key, f"top-up {amount} {card}".encode())

    def _after(self, tx: Any, order: Order) -> None:
        """What the engine is told of an order, in the same transaction; each thing once."""
        if order.flow:
            return
        at = self.clock()
        facts: dict[str, Any] = {"order_id": order.id, "affiliation": "Alder Coffee", "currency": order.currency}
        worth = {"revenue": major(order.total - order.tip, order.currency)}
        if order.state == "ordered" or (order.state == "paid" and not order.card):
            products = [{"product_id": f"coffee-{o.sku}", "quantity": o.quantity} for o in order.lines]
            tx.tell(
                track(
                    f"{order.id}-{order.version}-started",
                    order.owner,
                    "Checkout Started",
                    {**facts, "products": products},
                    at,
                )
            )
        if order.state == "paid":
            bought = {
                **facts,
                **worth,
                "products": [
                    {"product_id": f"coffee-{o.sku}", "price": major(o.unit, order.currency), "quantity": o.quantity}
                    for o in order.lines
                ],
            }
            if order.data.get("decision"):
                bought |= {"decision_id": order.data["decision"], "item_id": f"coffee-offer-{order.data['gives']}"}
            tx.tell(track(f"{order.id}-completed", order.owner, "Order Completed", bought, at))
        elif order.state == "cancelled" and order.card + order.stored + order.points_worth and order.returned:
            tx.tell(track(f"{order.id}-cancelled", order.owner, "Order Cancelled", {**facts, **worth}, at))
        elif order.state == "done" and (back := self._newly_back(tx, order)):
            said = {**facts, "revenue": major(back, order.currency)}
            tx.tell(track(f"{order.id}-refunded-{order.version}", order.owner, "Order Refunded", said, at))

    def _newly_back(self, tx: Any, order: Order) -> int:
        """What went back of an order since the engine was told last, without tips, which it wasn't told of."""
        before = int(self.store.kept("told_back", order.id) or 0)
        back = min(sum(order.returned.values()), order.total - order.tip)
        if back > before:
            tx.keep("told_back", order.id, back)
        return back - before


def _kind(order: Order) -> bytes:
    """What was ordered and where, for counting what is alike."""
    return msgspec.json.encode((order.place, _chosen(order)))


def _chosen(order: Order) -> tuple[menu.Chosen, ...]:
    return tuple(menu.Chosen(line.sku, line.quantity, line.options) for line in order.lines)


def show(order: Order) -> dict[str, Any]:
    """An order as its customer and the bar see it; never the card's token."""
    return {
        "id": order.id,
        "number": order.data.get("number"),
        "flow": order.flow,
        "store": order.place,
        "state": order.state,
        "step": order.step,
        "lines": [msgspec.to_builtins(line) for line in order.lines],
        "subtotal": order.subtotal,
        "discount": order.discount,
        "gives": order.data.get("gives", ""),
        "tip": order.tip,
        "tax": order.tax,
        "total": order.total,
        "card": order.card,
        "stored": order.stored,
        "stars": order.points,
        "earn": order.earn,
        "fee": order.fee,
        "returned": order.returned,
        "why": order.why,
        "at": order.at,
        "due": order.due,
        "changed": order.changed,
        "cancel": order.state in ("paid", "tracking") and order.step in FLOW.cancel,
    }
