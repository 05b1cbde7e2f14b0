"""What the shop keeps of somebody, on all their devices: cart, wishes, guides, where they left off. Blocking."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from micromoments.demo.fulfil import Refused, Store, Transaction, track
from micromoments.demo.fulfil.money import major
from micromoments.demo.shop import goods

MOST = 20
"""Pieces of one product in a cart."""
CODE_HOLDS = 5 * 60_000
TRIES = 5
"""Wrong codes that a device may send within ``CODE_HOLDS``."""
KEPT_VIEWS = 12
PURPOSES = ("measure", "personalise")
"""What somebody is asked to agree to."""


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where parcels go."""

    name: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""


class Customer(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody told the shop. Consent is by purpose; ``None`` means never asked, which is no."""

    address: Address = Address()
    card: str = ""
    delivery: str = "standard"
    consent: dict[str, bool] | None = None


class Entry(msgspec.Struct, frozen=True):
    """So many of a product in a cart. ``decision`` is the one through which it was found."""

    sku: str
    quantity: int
    decision: str = ""


class Playing(msgspec.Struct, frozen=True, rename="camel"):
    """A guide that somebody follows: the step (from 0), until when (ms) its timer runs, whether it is done."""

    step: int = 0
    until: int | None = None
    done: bool = False
    at: int = 0


class Customers:
    """The shop's memory of people. ``owner`` names an account: a visitor, or several devices that were joined."""

    def __init__(self, store: Store, clock: Callable[[], int], price: Callable[[str], int]) -> None:
        self._store, self._clock, self._price = store, clock, price
        self._tries: dict[str, list[int]] = {}

    # --- who ------------------------------------------------------------------------------------

    def account(self, visitor: str) -> str:
        """The account that a device belongs to: its own, or that of the device that it was joined with."""
        joined = self._store.kept("joined", visitor)
        return joined["owner"] if joined else visitor

    def code(self, owner: str) -> str:
        """A code that another device may join with, once, within five minutes."""
        code = f"{secrets.randbelow(10**8):08d}"
        with self._store.change() as tx:
            tx.keep("code", code, {"owner": owner, "until": self._clock() + CODE_HOLDS})
        return code

    def join(self, visitor: str, code: str) -> str:
        """Join a device with the account of a code; what was in its cart goes along, and the engine hears that both
        are one. Gives the account.

        Raises:
            Refused: ``bad_code``, ``too_many_tries``.
        """
        now = self._clock()
        tries = [at for at in self._tries.get(visitor, []) if at > now - CODE_HOLDS]
        if len(tries) >= TRIES:
            raise Refused("too_many_tries", f"{TRIES} wrong codes", "a pause of five minutes", status=429)
        with self._store.change() as tx:
            said = self._store.kept("code", code) if len(code) == 8 and code.isdecimal() else None
            if said is None or said["until"] < now:
                self._tries[visitor] = [*tries, now]
                raise Refused("bad_code", "that code", "the one that your other device shows now", status=404)
            owner: str = said["owner"]
            tx.cursor.execute("DELETE FROM kept WHERE kind = 'code' AND id = ?", (code,))
            before = self.account(visitor)
            if owner not in (visitor, before):
                tx.keep("joined", visitor, {"owner": owner})
                if before == visitor:
                    self._merge(tx, visitor, owner, now)
        return owner

    def _merge(self, tx: Transaction, visitor: str, owner: str, now: int) -> None:
        """One account instead of two: cart, wishes, orders, devices; the engine hears that both are one person."""
        for device, joined in self._store.all_kept("joined").items():
            if joined["owner"] == visitor:
                tx.keep("joined", device, {"owner": owner})
        merged = {entry.sku: entry for entry in (*self.cart(visitor), *self.cart(owner))}
        tx.keep("cart", owner, list(merged.values()))
        tx.keep("cart", visitor, [])
        tx.keep("wish", owner, {**self.wishes(visitor), **self.wishes(owner)})
        for order in self._store.orders(visitor, 500):
            body = msgspec.json.encode(msgspec.structs.replace(order, owner=owner))
            tx.cursor.execute("UPDATE orders SET owner = ?, body = ? WHERE id = ?", (owner, body, order.id))
        # An order that is tried again after this is still the same order.
        tx.cursor.execute("UPDATE OR IGNORE keys SET owner = ? WHERE owner = ?", (owner, visitor))
        tx.cursor.execute("UPDATE offers SET owner = ? WHERE owner = ?", (owner, visitor))
        tx.tell(_alias(visitor, owner, now))
        mine, theirs = self.customer(owner), self.customer(visitor)
        agreed = _both(mine.consent, theirs.consent)
        address = mine.address if mine.address.name else theirs.address
        tx.keep("customer", owner, msgspec.structs.replace(mine, address=address, consent=agreed))
        # The newest word counts for both from here on; the greeting of the newer device isn't one.
        told = {purpose: bool((agreed or {}).get(purpose)) for purpose in PURPOSES}
        tx.tell(track(f"{visitor}-joins-{owner}", owner, "Consent Updated", told, now))

    def greet(self, visitor: str) -> None:
        """Tell the engine of somebody new that they have agreed to nothing yet."""
        if self._store.kept("greeted", visitor) is None:
            with self._store.change() as tx:
                tx.keep("greeted", visitor, {"at": self._clock()})
                told = dict.fromkeys(PURPOSES, False)
                tx.tell(track(f"{visitor}-greeted", visitor, "Consent Updated", told, self._clock()))

    def customer(self, owner: str) -> Customer:
        """What is kept of somebody."""
        return msgspec.convert(self._store.kept("customer", owner) or {}, Customer)

    def keep(self, owner: str, **fields: Any) -> Customer:
        """Keep something of it; the engine is told of consent."""
        at = self._clock()
        with self._store.change() as tx:
            before = self.customer(owner)
            now = msgspec.structs.replace(before, **fields)
            tx.keep("customer", owner, now)
            if now.consent is not None and now.consent != before.consent:
                tx.tell(track(secrets.token_hex(8), owner, "Consent Updated", dict(now.consent), at))
        return now

    # --- the cart -------------------------------------------------------------------------------

    def cart(self, owner: str) -> list[Entry]:
        """What is in somebody's cart, the oldest first."""
        return msgspec.convert(self._store.kept("cart", owner) or [], list[Entry])

    def put(
        self, owner: str, sku: str, *, add: int = 0, quantity: int | None = None, decision: str = "", device: str = ""
    ) -> list[Entry]:
        """Add so many, or say how many there are to be (0 takes it out).

        Raises:
            Refused: ``bad_quantity``, ``no_such_product``.
        """
        good = goods.product(sku)
        with self._store.change() as tx:
            cart = {entry.sku: entry for entry in self.cart(owner)}
            before = cart[sku].quantity if sku in cart else 0
            wanted = before + add if quantity is None else quantity
            if not 0 <= wanted <= MOST or (quantity is None and add < 1):
                raise Refused("bad_quantity", f"{wanted} of {good.title['en']}", f"0 to {MOST}")
            cart[sku] = Entry(sku, wanted, decision or (cart[sku].decision if sku in cart else ""))
            if wanted == 0:
                del cart[sku]
            tx.keep("cart", owner, list(cart.values()))
            if wanted != before:
                name = "Product Added" if wanted > before else "Product Removed"
                said = {**self._facts(sku), "quantity": abs(wanted - before), "cart_id": f"cart-{owner}"}
                if decision:
                    said |= {"decision_id": decision, "item_id": sku}
                tx.tell(track(secrets.token_hex(8), owner, name, said, self._clock(), **on(device)))
        return list(cart.values())

    def put_all(self, owner: str, skus: Sequence[str], device: str = "") -> list[Entry]:
        """One of each that isn't there yet, such as a guide's materials."""
        there = {entry.sku for entry in self.cart(owner)}
        for sku in skus:
            if sku not in there:
                self.put(owner, sku, add=1, device=device)
        return self.cart(owner)

    def take(self, tx: Transaction, owner: str, bought: dict[str, int]) -> None:
        """What was bought leaves the cart; what came in meanwhile stays."""
        left = [
            msgspec.structs.replace(entry, quantity=entry.quantity - bought.get(entry.sku, 0))
            for entry in self.cart(owner)
        ]
        tx.keep("cart", owner, [entry for entry in left if entry.quantity > 0])

    # --- wishes, views, where they left off -----------------------------------------------------

    def wishes(self, owner: str) -> dict[str, Any]:
        """Products that somebody keeps in mind: the price when they did, by product."""
        return self._store.kept("wish", owner) or {}

    def wish(self, owner: str, sku: str, on_it: bool, device: str = "") -> dict[str, Any]:
        """Keep a product in mind, or no longer."""
        goods.product(sku)
        with self._store.change() as tx:
            wishes = self.wishes(owner)
            if on_it and sku not in wishes:
                wishes[sku] = {"price": self._price(sku), "at": self._clock()}
            elif not on_it:
                wishes.pop(sku, None)
            tx.keep("wish", owner, wishes)
            name = "Product Added to Wishlist" if on_it else "Product Removed from Wishlist"
            tx.tell(track(secrets.token_hex(8), owner, name, self._facts(sku), self._clock(), **on(device)))
        return wishes

    def dropped(self, owner: str) -> list[dict[str, Any]]:
        """Wishes that cost less now than when they were made."""
        found = [(sku, wish["price"], self._price(sku)) for sku, wish in self.wishes(owner).items()]
        return [{"sku": sku, "was": was, "now": now} for sku, was, now in found if now < was]

    def viewed(self, owner: str, sku: str) -> None:
        """Remember what somebody looked at last."""
        with self._store.change() as tx:
            seen = [sku, *(one for one in self.views(owner) if one != sku)][:KEPT_VIEWS]
            tx.keep("viewed", owner, seen)

    def views(self, owner: str) -> list[str]:
        """What somebody looked at, the newest first."""
        return self._store.kept("viewed", owner) or []

    def left_off(self, owner: str) -> dict[str, Any] | None:
        """The page on which somebody was last, when, and on which device."""
        found: dict[str, Any] | None = self._store.kept("at", owner)
        return found

    def is_at(self, owner: str, page: str, visitor: str, device: str) -> None:
        """Remember the page on which somebody is."""
        with self._store.change() as tx:
            tx.keep("at", owner, {"page": page, "visitor": visitor, "device": device, "at": self._clock()})

    # --- guides ---------------------------------------------------------------------------------

    def playing(self, owner: str) -> dict[str, Playing]:
        """The guides that somebody follows or has followed."""
        return msgspec.convert(self._store.kept("playing", owner) or {}, dict[str, Playing])

    def play(self, owner: str, id: str, step: int, until: int | None, device: str = "") -> dict[str, Playing]:
        """Go to a step of a guide; one past the last ends it. ``until`` is when its timer ends.

        Raises:
            Refused: ``no_such_guide``, ``bad_step``, ``bad_timer``.
        """
        steps = len(goods.guide(id).steps["en"])
        now = self._clock()
        if not 0 <= step <= steps:
            raise Refused("bad_step", str(step), f"0 to {steps}")
        if until is not None and not now - 60_000 <= until <= now + 86_400_000:
            raise Refused("bad_timer", "a timer that ends then", "one within a day")
        with self._store.change() as tx:
            all_of = self.playing(owner)
            before = all_of.get(id)
            all_of[id] = Playing(step, until, step == steps, now)
            tx.keep("playing", owner, all_of)
            told: list[tuple[str, dict[str, Any]]] = []
            if before is None or before.done:
                told.append(("Guide Started", {}))
            if before is not None and step > before.step:
                told.append(("Guide Step Completed", {"step": before.step + 1, "steps": steps}))
            if step == steps and not (before is not None and before.done):
                told.append(("Guide Completed", {"steps": steps}))
            for name, more in told:
                said = {"item_id": id, "title": goods.guide(id).title["en"], **more}
                tx.tell(track(secrets.token_hex(8), owner, name, said, now, **on(device)))
        return all_of

    def _facts(self, sku: str) -> dict[str, Any]:
        good = goods.product(sku)
        price = major(self._price(sku), goods.CURRENCY)
        facts = {"product_id": sku, "name": good.title["en"], "category": good.category, "brand": good.brand}
        return {**facts, "price": price, "currency": goods.CURRENCY}


def on(device: str) -> dict[str, Any]:
    """The context of an event from a kind of device."""
    return {"channel": "web", "device": {"type": device or "mobile"}}


def _both(mine: dict[str, bool] | None, theirs: dict[str, bool] | None) -> dict[str, bool] | None:
    """What two devices of one person agreed to: a no on either is a no; never asked says nothing."""
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    return {purpose: said and theirs.get(purpose, False) for purpose, said in mine.items()}


def _alias(before: str, owner: str, at: int) -> dict[str, Any]:
    call = track(f"{before}-is-{owner}", owner, "", {}, at)
    return {k: v for k, v in call.items() if k not in ("event", "properties")} | {
        "type": "alias",
        "previousId": before,
    }
