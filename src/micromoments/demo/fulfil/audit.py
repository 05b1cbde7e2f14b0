"""The audit: whether everything in the store agrees with everything else, to the cent, the piece and the point."""

from __future__ import annotations

import msgspec

from micromoments.demo.fulfil.order import Order
from micromoments.demo.fulfil.store import Store


def audit(store: Store, bank: int | None = None) -> list[str]:
    """What doesn't agree, in words; empty where all is well. ``bank`` is what the payment service says it holds."""
    wrong = [
        f"entry {id} sums to {n}"
        for id, n in store.rows(
            "SELECT entry, sum(amount) FROM postings GROUP BY entry, currency HAVING sum(amount) != 0"
        )
    ]
    summed = dict(store.rows("SELECT account || ' ' || currency, sum(amount) FROM postings GROUP BY account, currency"))
    kept = dict(store.rows("SELECT account || ' ' || currency, amount FROM balances"))
    wrong += [
        f"{name}: got a balance of {kept.get(name, 0)}; postings sum to {summed.get(name, 0)}"
        for name in summed.keys() | kept.keys()
        if summed.get(name, 0) != kept.get(name, 0)
    ]
    orders = [msgspec.json.decode(body, type=Order) for (body,) in store.rows("SELECT body FROM orders")]
    failed = store.rows("SELECT key, kind, amount, said FROM pays WHERE state = 'failed' AND kind != 'charge'")
    wrong += [f"{kind} {key} of {amount} failed: {said}" for key, kind, amount, said in failed]
    wrong += _deferred(orders, store) + _under_way(store) + _stock(orders, store) + _points(store)
    if bank is not None and not store.open_pays():
        held = sum(n for (n,) in store.rows("SELECT amount FROM balances WHERE account = 'processor'"))
        if held != bank:
            wrong.append(f"processor: got {held} in the ledger; the payment service holds {bank}")
    return wrong


def _deferred(orders: list[Order], store: Store) -> list[str]:
    """What is deferred is what was paid for orders that are on their way."""
    under_way = 0
    for order in orders:
        if order.state in ("ordered", "paid", "tracking"):
            under_way += order.stored + order.points_worth
            under_way += order.card if order.state != "ordered" and order.captured else 0
    got = -sum(n for (n,) in store.rows("SELECT amount FROM balances WHERE account = 'deferred'"))
    return [] if got == under_way else [f"deferred: got {got}; orders under way come to {under_way}"]


def _under_way(store: Store) -> list[str]:
    """What is being captured or is owed is what the payment service is still to be asked, or refused."""
    asked = dict(store.rows("SELECT kind, sum(amount) FROM pays WHERE state != 'done' GROUP BY kind"))
    kept = dict(store.rows("SELECT account, sum(amount) FROM balances GROUP BY account"))
    pairs = (("capture", kept.get("capturing", 0)), ("refund", -kept.get("owing", 0)))
    return [
        f"{kind}: got {amount} under way; {asked.get(kind, 0)} is to be asked"
        for kind, amount in pairs
        if amount != asked.get(kind, 0)
    ]


def _stock(orders: list[Order], store: Store) -> list[str]:
    held: dict[str, int] = {}
    for order in orders:
        if order.state in ("ordered", "paid", "tracking"):
            for line in order.lines:
                if line.stock:
                    held[line.stock] = held.get(line.stock, 0) + line.quantity
    rows = store.rows("SELECT pile, received, free, held, sold FROM stock")
    wrong = [f"{pile}: {free} + {h} + {sold} isn't {n}" for pile, n, free, h, sold in rows if free + h + sold != n]
    return wrong + [
        f"{pile}: got {h} held; orders hold {held.get(pile, 0)}" for pile, _, _, h, _ in rows if h != held.get(pile, 0)
    ]


def _points(store: Store) -> list[str]:
    lots = dict(store.rows("SELECT owner, sum(left) FROM lots GROUP BY owner"))
    noted = dict(store.rows("SELECT owner, sum(units) FROM points GROUP BY owner"))
    return [
        f"points of {owner}: got {lots.get(owner, 0)} in lots; movements sum to {noted.get(owner, 0)}"
        for owner in lots.keys() | noted.keys()
        if lots.get(owner, 0) != noted.get(owner, 0)
    ]
