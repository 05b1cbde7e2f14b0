"""The desk: orders from cart to done, with the payment service asked outside of every transaction, and again after a
crash.

Each change is one transaction that says what is still to be asked of the payment service; then it is asked, and what
came of it is another. A crash between the two leaves the question open, and so does an answer that is lost: ``recover``
asks again after a start and ``ask_due`` ever after, with the same key, so nobody is charged twice and nothing is
forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from micromoments.demo.fulfil import machine
from micromoments.demo.fulfil.order import By, Change, Flow, Line, Millis, Order
from micromoments.demo.fulfil.payment import Declined, Payments, Unreachable
from micromoments.demo.fulfil.refused import Refused
from micromoments.demo.fulfil.store import OpenPay, Store, Transaction

After = Callable[[Transaction, Order], None]
"""What an experience adds to a change, in its transaction: events for the engine, records of its own."""

Alter = Callable[[Order], Order]
FIRST = 1000
"""Milliseconds until a question that got no answer is asked again, the first time."""
LONGEST = 60_000
GIVE_UP = 3


def now_ms() -> Millis:
    """The time."""
    return time.time_ns() // 1_000_000


class Desk:
    """Takes orders of one experience, each by the rules of its ``flow``, one of ``flows``.

    ``after`` runs in every change's transaction; ``changed`` after each commit, in the thread that made it. Methods
    block (the disk, the payment service): call them from a thread.
    """

    def __init__(
        self,
        store: Store,
        payments: Payments,
        flows: Mapping[str, Flow],
        clock: Callable[[], Millis] = now_ms,
        after: After | None = None,
        changed: Callable[[Order], None] | None = None,
    ) -> None:
        self.store, self.flows, self.clock = store, flows, clock
        self._payments = payments
        self._after = after
        self.changed = changed
        self._tries: dict[str, tuple[Millis, Millis]] = {}
        """By question: when it is due again, and how long it waited for that."""

    def place(self, order: Order, key: str, asked: bytes | None = None) -> Order:
        """Place a cart and pay for it; the order as it came to be, ``cart`` with its ``why`` where the card failed.

        ``key`` is the customer's idempotency key: with it, twice is once, and gives the order as it stands by now.
        ``asked`` is the request that it stands for, for telling a repetition from a mistake; the order unless given.

        Raises:
            Refused: the order can't be (see ``machine.check``), ``sold_out``, ``too_few_points``,
                ``too_little_stored``, an offer's reasons, ``key_reused``.
        """
        request = msgspec.json.encode(order) if asked is None else asked
        return self._place(order, key, request)

    def save(self, cart: Order) -> Order:
        """Keep a cart, over what was in it; nothing is promised yet."""
        at = self.clock()
        with self.store.change() as tx:
            before = self._cart(tx, cart)
            kept = msgspec.structs.replace(before, at=before.at or at, changed=at, version=before.version + 1)
            kept = self._commit(tx, (kept, ()), at)
        self._tell(kept)
        return kept

    def retry(self, id: str, owner: str, source: str, key: str) -> Order:
        """Try an order whose payment was declined again, with another card. Raises as ``place``."""
        cart = msgspec.structs.replace(self.store.order(id, owner), source=source)
        return self._place(cart, key, f"{id} {source}".encode())

    def order(self, id: str, owner: str | None = None) -> Order:
        """An order; ``Refused`` (404) where it is missing or isn't this owner's."""
        return self.store.order(id, owner)

    def advance(self, id: str, step: str, alter: Alter | None = None) -> Order:
        """The business takes an order a step on; ``alter`` is as in ``change``, in the same transaction."""
        return self._step(id, lambda order, at: machine.advance(_own(order, alter), self._flow(order), step, at))

    def finish(self, id: str, lines: tuple[Line, ...] | None = None, alter: Alter | None = None) -> Order:
        """The order is fulfilled; ``lines`` as in ``machine.finish``, ``alter`` as in ``change``."""
        return self._step(id, lambda order, at: machine.finish(_own(order, alter), self._flow(order), at, lines))

    def cancel(self, id: str, by: By, why: str = "", owner: str | None = None) -> Order:
        """Cancel an order, by the rules of its flow; with ``owner`` only their own."""
        return self._step(id, lambda order, at: machine.cancel(order, self._flow(order), by, at, why), owner)

    def refund(self, id: str, amount: int, why: str = "") -> Order:
        """Give so much of a finished order back."""
        return self._step(id, lambda order, at: machine.refund(order, amount, at, why))

    def change(self, id: str, alter: Alter) -> Order:
        """Change what is the experience's own (``place``, ``data``, ``due``), and tell those who watch."""

        def altered(order: Order, at: Millis) -> Change:
            return msgspec.structs.replace(_own(order, alter), changed=at, version=order.version + 1), ()

        return self._step(id, altered)

    def settle(self, id: str) -> Order:
        """Ask the payment service what this order still wants of it; the order as it is then."""
        self._ask_all(self.store.open_pays(id))
        return self.store.order(id)

    def recover(self) -> int:
        """Ask everything that is still open, as after a crash; how much of it is settled now."""
        return self._ask_all(self.store.open_pays())

    def ask_due(self) -> int:
        """Ask again what got no answer, each when it is due; how much of it is settled now.

        A question is due ``FIRST`` after no answer came, then after twice as long each time, at most ``LONGEST``; where
        nobody answers at all (``GIVE_UP`` times running) the rest waits for the next time.
        """
        now, due, waiting = self.clock(), list[OpenPay](), set[str]()
        pays = self.store.open_pays()
        for settled in self._tries.keys() - {pay.key for pay in pays}:
            self._tries.pop(settled, None)
        for pay in pays:
            # Whoever has just written it down is asking at this moment: it is somebody else's turn only after a while.
            if pay.order in waiting or self._tries.setdefault(pay.key, (now + FIRST, FIRST))[0] > now:
                waiting.add(pay.order)
            else:
                due.append(pay)
        return self._ask_all(due, GIVE_UP)

    def _place(self, order: Order, key: str, request: bytes) -> Order:
        if not key or len(key) > 128:
            raise Refused("no_key", f"a key of {len(key)} characters", "an Idempotency-Key of 1 to 128", status=400)
        at = self.clock()
        with self.store.change() as tx:
            placed: Order | None = None
            id = tx.once(order.owner, key, request) or ""
            if not id:
                cart = msgspec.structs.replace(self._cart(tx, order), at=at)
                placed = self._commit(tx, machine.place(cart, self._flow(order), at), at)
                tx.remember(order.owner, key, request, order.id)
        if placed is not None:
            self._tell(placed)
        return self.settle(id or order.id)

    @staticmethod
    def _cart(tx: Transaction, order: Order) -> Order:
        """The order with the version that it has in the store, where it must be a cart of the same owner."""
        row = tx.cursor.execute("SELECT owner, state, version FROM orders WHERE id = ?", (order.id,)).fetchone()
        if row is None:
            return order
        if row[0] != order.owner:
            raise Refused("no_such_order", f"order {order.id}", "one of your own", status=404)
        if row[1] != "cart":
            raise Refused("bad_state", f"an order that is {row[1]}", "one that is cart", status=409)
        return msgspec.structs.replace(order, version=row[2])

    def _flow(self, order: Order) -> Flow:
        return self.flows[order.flow]

    def _step(self, id: str, how: Callable[[Order, Millis], Change], owner: str | None = None) -> Order:
        at = self.clock()
        with self.store.change() as tx:
            order = self._commit(tx, how(tx.order(id, owner), at), at)
        self._tell(order)
        return self.settle(id)

    def _ask_all(self, pays: Iterable[OpenPay], give_up: int = 0) -> int:
        """Ask each, in its order; where no answer comes, what that order wants after it has to wait, and all do after
        so many without an answer running (``give_up``; 0: never).
        """
        waiting: set[str] = set()
        settled = silent = 0
        for pay in pays:
            if pay.order in waiting:
                continue
            if self._ask(pay):
                settled, silent = settled + 1, 0
            else:
                waiting.add(pay.order)
                silent += 1
                if silent == give_up:
                    break
        return settled

    def _ask(self, pay: OpenPay) -> bool:
        order = self.store.order(pay.order)
        payment, why = "", ""
        try:
            if pay.kind == "charge":
                at_once = self._flow(order).capture == "at_once"
                payment = self._payments.charge(pay.key, pay.amount, order.currency, order.source, at_once)
            elif pay.kind == "void":
                self._payments.void(pay.key, order.payment)
            elif pay.kind == "capture":
                self._payments.capture(pay.key, order.payment, pay.amount)
            else:
                self._payments.refund(pay.key, order.payment, pay.amount)
        except Declined as no:
            why = no.code
        except Unreachable:
            wait = self._tries.get(pay.key, (0, FIRST // 2))[1] * 2
            self._tries[pay.key] = (self.clock() + min(wait, LONGEST), min(wait, LONGEST))
            return False
        self._settled(pay, payment, why)
        self._tries.pop(pay.key, None)
        return True

    def _settled(self, pay: OpenPay, payment: str, why: str) -> None:
        at = self.clock()
        with self.store.change() as tx:
            said = why or payment
            mark = "UPDATE pays SET state = ?, said = ? WHERE key = ? AND state = 'open'"
            if tx.cursor.execute(mark, ("failed" if why else "done", said, pay.key)).rowcount == 0:
                return  # somebody else was quicker: their answer is the same
            order = tx.order(pay.order)
            if pay.kind == "charge":
                flow = self._flow(order)
                change = machine.declined(order, why, at) if why else machine.charged(order, flow, payment, at)
            elif why:
                return  # it stays in the books as money under way, and in the audit
            else:
                change = machine.confirmed(order, pay.kind, pay.amount, at)
            order = self._commit(tx, change, at)
        self._tell(order)

    def _commit(self, tx: Transaction, change: Change, at: Millis) -> Order:
        order = tx.commit(change, at)
        if self._after is not None:
            self._after(tx, order)
        if order.state == "paid" and "" in self._flow(order).last:
            return self._commit(tx, machine.finish(order, self._flow(order), at), at)
        return order

    def _tell(self, order: Order) -> None:
        if self.changed is not None:
            self.changed(order)


def _own(order: Order, alter: Alter | None) -> Order:
    """An order with what is the experience's own altered, and nothing else."""
    if alter is None:
        return order
    new = alter(order)
    return msgspec.structs.replace(order, place=new.place, data=new.data, due=new.due)
