"""Effects to rows: what each effect of the state machine does to the store, within the order's transaction."""

from __future__ import annotations

import sqlite3

import msgspec

from micromoments.demo.fulfil import points
from micromoments.demo.fulfil.order import (
    Earn,
    Effect,
    GiveBack,
    Hold,
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


def perform(cursor: sqlite3.Cursor, order: Order, effect: Effect, n: int, at: Millis) -> None:
    """Do what an effect says; ``n`` counts within the change, so that every row's id is determined.

    Raises:
        Refused: it can't be done.
    """
    id = f"{order.id}:{order.version}:{n}"
    match effect:
        case Hold(pieces):
            _hold(cursor, pieces)
        case Release(pieces):
            _move(cursor, pieces, "free = free + ?, held = held - ?")
        case Sold(pieces):
            _move(cursor, pieces, "sold = sold + ?, held = held - ?")
        case Post(name, postings):
            _post(cursor, order, id, name, postings, at)
        case Spend(units):
            _spend(cursor, order, id, units, at)
        case GiveBack(units):
            _give_back(cursor, order, id, units, at)
        case Earn(units, until):
            cursor.execute("INSERT INTO lots VALUES (?, ?, ?, ?, ?)", (id, order.owner, units, units, until))
            _note(cursor, order, f"{id}:earned", units, {id: units}, at)
        case Unearn(units):
            _unearn(cursor, order, id, units, at)
        case Redeem(offer):
            _redeem(cursor, order, offer, at)
        case Unredeem(offer):
            cursor.execute("UPDATE offers SET used_by = '' WHERE id = ? AND used_by = ?", (offer, order.id))
        case Pay(kind, amount):
            row = (f"{order.id}-{order.version}-{n}", order.id, kind, amount, at)
            cursor.execute("INSERT INTO pays (key, order_id, kind, amount, at) VALUES (?, ?, ?, ?, ?)", row)


def _hold(cursor: sqlite3.Cursor, pieces: dict[str, int]) -> None:
    for pile, n in sorted(pieces.items()):
        took = cursor.execute(
            "UPDATE stock SET free = free - ?, held = held + ? WHERE pile = ? AND free >= ?", (n, n, pile, n)
        )
        if took.rowcount == 0:
            found = cursor.execute("SELECT free FROM stock WHERE pile = ?", (pile,)).fetchone()
            raise Refused("sold_out", f"{n} of {pile}", f"at most {found[0] if found else 0}, what is left", status=409)


def _move(cursor: sqlite3.Cursor, pieces: dict[str, int], fields: str) -> None:
    for pile, n in sorted(pieces.items()):
        cursor.execute(f"UPDATE stock SET {fields} WHERE pile = ?", (n, n, pile))  # noqa: S608 fixed words


def _post(cursor: sqlite3.Cursor, order: Order, id: str, name: str, postings: dict[str, int], at: Millis) -> None:
    if sum(postings.values()) != 0:
        raise ValueError(
            f"got an entry {name} of {postings} that doesn't balance; wanted a sum of zero; mend the machine"
        )
    cursor.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", (id, order.id, at, name))
    for account, amount in postings.items():
        cursor.execute("INSERT INTO postings VALUES (?, ?, ?, ?)", (id, account, order.currency, amount))
        try:
            cursor.execute("INSERT OR IGNORE INTO balances VALUES (?, ?, 0)", (account, order.currency))
            cursor.execute(
                "UPDATE balances SET amount = amount + ? WHERE account = ? AND currency = ?",
                (amount, account, order.currency),
            )
        except sqlite3.IntegrityError:
            raise Refused("too_little_stored", f"{amount} to pay", "no more than is stored", "add some") from None


def _spend(cursor: sqlite3.Cursor, order: Order, id: str, units: int, at: Millis) -> None:
    rows = cursor.execute("SELECT id, left, expires FROM lots WHERE owner = ? AND left > 0", (order.owner,)).fetchall()
    taken = points.take([points.Lot(*row) for row in rows], units, at)
    for lot, n in taken.items():
        cursor.execute("UPDATE lots SET left = left - ? WHERE id = ?", (n, lot))
    _note(cursor, order, f"{id}:spent", -units, taken, at)


def _give_back(cursor: sqlite3.Cursor, order: Order, id: str, units: int, at: Millis) -> None:
    """Back into the lots they came from, as far as they aren't back yet."""
    left = units
    for lot, n in _moved(cursor, order, ":spent", ":back").items():
        back = min(left, n)
        if back:
            cursor.execute("UPDATE lots SET left = left + ? WHERE id = ?", (back, lot))
            _note(cursor, order, f"{id}:{lot}:back", back, {lot: back}, at)
            left -= back
    if left:
        raise ValueError(f"got {units} points to give back, {left} more than order {order.id} spent; mend the machine")


def _unearn(cursor: sqlite3.Cursor, order: Order, id: str, units: int, at: Millis) -> None:
    """Out of the lots that this order gave, never below zero: what was spent meanwhile stays spent."""
    for lot in _moved(cursor, order, ":earned", ""):
        found = cursor.execute("SELECT left FROM lots WHERE id = ?", (lot,)).fetchone()
        take = min(units, found[0] if found else 0)
        if take:
            cursor.execute("UPDATE lots SET left = left - ? WHERE id = ?", (take, lot))
            _note(cursor, order, f"{id}:unearned", -take, {lot: take}, at)
            units -= take


def _moved(cursor: sqlite3.Cursor, order: Order, out: str, back: str) -> dict[str, int]:
    """How much of which lots an order moved, less what came back since."""
    rows = cursor.execute("SELECT id, taken FROM points WHERE order_id = ? ORDER BY id", (order.id,)).fetchall()
    sums: dict[str, int] = {}
    for id, taken in rows:
        sign = 1 if id.endswith(out) else -1 if back and id.endswith(back) else 0
        for lot, n in msgspec.json.decode(taken, type=dict[str, int]).items():
            if sign:
                sums[lot] = sums.get(lot, 0) + sign * n
    return {lot: n for lot, n in sums.items() if n > 0}


def _note(cursor: sqlite3.Cursor, order: Order, id: str, units: int, taken: dict[str, int], at: Millis) -> None:
    row = (id, order.owner, order.id, at, units, msgspec.json.encode(taken))
    cursor.execute("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?)", row)


def _redeem(cursor: sqlite3.Cursor, order: Order, id: str, at: Millis) -> None:
    found = cursor.execute("SELECT owner, until, used_by FROM offers WHERE id = ?", (id,)).fetchone()
    if found is None or found[0] != order.owner:
        raise Refused("no_such_offer", f"offer {id}", "one that was made to you", status=404)
    if found[1] <= at:
        raise Refused(
            "offer_expired", "an offer that has ended", "one that still holds", "order without it", status=409
        )
    if found[2]:
        raise Refused("offer_used", "an offer that was used before", "a new one", "order without it", status=409)
    cursor.execute("UPDATE offers SET used_by = ? WHERE id = ?", (order.id, id))
