"""Fulfilment, shared by the experiences: orders, money, points, stock, live tracking. Public names and HTTP doors only.

An experience makes a ``Store`` (one file), a payment adapter (``Sandbox``, or ``StripePayments``), and a ``Desk`` with
the rules of its orders' ways (``Flow``). It prices an ``Order`` on its own server and places it::

    desk = Desk(store, payments, {"": FLOW, "top-up": DIRECT}, after=events, changed=live.changed)
    order = desk.place(Order(id=..., owner=..., currency="EUR", lines=(...), card=450, source="pm_card_visa"), key)
    desk.advance(order.id, "making")
    desk.finish(order.id)  # the business
    desk.cancel(order.id, by="customer", owner=customer)  # by the rules, fees included

Everything that follows (stock held, points, offers, the ledger's entries, what the payment service is asked) is one
transaction a change; ``desk.recover()`` after a start finishes what a crash interrupted; ``audit(store)`` says what
doesn't agree, and must be empty. ``Live`` streams changes to pages, ``Teller`` talks to the engine, and ``web`` is the
HTTP around it. What may not be raises ``Refused`` with a stable code.
"""

from micromoments.demo.fulfil.audit import audit
from micromoments.demo.fulfil.desk import Desk, now_ms
from micromoments.demo.fulfil.live import Live
from micromoments.demo.fulfil.order import DIRECT, Fee, Flow, Line, Order
from micromoments.demo.fulfil.payment import Declined, Payments, Sandbox, Unreachable
from micromoments.demo.fulfil.refused import Refused
from micromoments.demo.fulfil.store import Offer, Store, Transaction
from micromoments.demo.fulfil.stripe_payments import StripePayments
from micromoments.demo.fulfil.teller import Teller, stamp, track

__all__ = [
    "DIRECT",
    "Declined",
    "Desk",
    "Fee",
    "Flow",
    "Line",
    "Live",
    "Offer",
    "Order",
    "Payments",
    "Refused",
    "Sandbox",
    "Store",
    "StripePayments",
    "Teller",
    "Transaction",
    "Unreachable",
    "audit",
    "now_ms",
    "stamp",
    "track",
]
