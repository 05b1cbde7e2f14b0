"""The durable store: one SQLite file, written through (``synchronous=FULL``), one transaction a change; changes that
come at once share one write to the disk.

What is committed survives ``kill -9`` and a power cut; what isn't never happened. Limits that must hold always (stock,
points and stored value never below zero, every entry balanced) are checked by the database too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from pkgutil import get_data
from typing import Any, Literal

import msgspec

from micromoments.demo.fulfil import points
from micromoments.demo.fulfil.apply import perform
from micromoments.demo.fulfil.grouped import Grouped
from micromoments.demo.fulfil.order import Change, Millis, Order
from micromoments.demo.fulfil.refused import Refused

_encode = msgspec.json.encode
_ORDER = "SELECT body, owner FROM orders WHERE id = ?"
Topic = tuple[Literal["order", "owner", "place"], str]
"""Whose changes: one order's, one customer's, one place's."""


class Offer(msgspec.Struct, frozen=True):
    """An offer that was made to one customer. ``data`` is the experience's: what it gives, the decision behind it."""

    id: str
    owner: str
    until: Millis
    used_by: str = ""
    data: dict[str, Any] = {}


class OpenPay(msgspec.Struct, frozen=True):
    """Something that the payment service is still to be asked."""

    key: str
    order: str
    kind: str
    amount: int


class Seen(msgspec.Struct, frozen=True):
    """A change as those who watch are told of it."""

    seq: int
    order: Order


class Transaction:
    """What can be done in one transaction. Reads see what was written before in the same one."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor

    def order(self, id: str, owner: str | None = None) -> Order:
        """An order; ``owner`` asks that it is theirs.

        Raises:
            Refused: ``no_such_order``, in the same words whether it is missing or somebody else's.
        """
        return _theirs(self.cursor.execute(_ORDER, (id,)).fetchall(), id, owner)

    def commit(self, change: Change, at: Millis) -> Order:
        """Write an order as it is now, and everything that follows from it.

        Raises:
            Refused: an effect can't be; nothing of the transaction remains.
        """
        order, effects = change
        row = (order.id, order.owner, order.place, order.state, order.at, order.version, _encode(order))
        self.cursor.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET place = excluded.place, "
            "state = excluded.state, version = excluded.version, body = excluded.body",
            row,
        )
        for n, effect in enumerate(effects):
            perform(self.cursor, order, effect, n, at)
        seen = (order.id, order.owner, order.place, at, row[-1])
        self.cursor.execute("INSERT INTO changes (order_id, owner, place, at, body) VALUES (?, ?, ?, ?, ?)", seen)
        return order

    def once(self, owner: str, key: str, asked: bytes) -> str | None:
        """The order that came of this idempotency key before; ``None`` the first time.

        Raises:
            Refused: ``key_reused``, the key stood for another request.
        """
        found = self.cursor.execute(
            "SELECT asked, order_id FROM keys WHERE owner = ? AND key = ?", (owner, key)
        ).fetchone()
        if found is None:
            return None
        if found[0] != asked:
            raise Refused("key_reused", "an idempotency key of another request", "a new key", status=409)
        return str(found[1])

    def remember(self, owner: str, key: str, asked: bytes, order: str) -> None:
        """Keep what an idempotency key stands for."""
        self.cursor.execute("INSERT INTO keys VALUES (?, ?, ?, ?)", (owner, key, asked, order))

    def receive(self, pile: str, pieces: int) -> None:
        """More pieces of something are there to be sold; the pile is made where there is none."""
        self.cursor.execute(
            "INSERT INTO stock (pile, received, free) VALUES (?, ?, ?) ON CONFLICT (pile) DO UPDATE SET "
            "received = received + excluded.received, free = free + excluded.free",
            (pile, pieces, pieces),
        )

    def offer(self, offer: Offer) -> None:
        """Keep an offer that was made; making it twice is making it once."""
        row = (offer.id, offer.owner, offer.until, _encode(offer.data))
        self.cursor.execute("INSERT OR IGNORE INTO offers (id, owner, until, body) VALUES (?, ?, ?, ?)", row)

    def earn(self, id: str, owner: str, units: int, until: Millis, at: Millis) -> bool:
        """Give points outside an order (a birthday); whether they are new: an id gives once."""
        known = self.cursor.execute("SELECT 1 FROM points WHERE id = ?", (id,)).fetchone()
        if known is None:
            self.cursor.execute("INSERT INTO lots VALUES (?, ?, ?, ?, ?)", (id, owner, units, units, until))
            self.cursor.execute("INSERT INTO points VALUES (?, ?, '', ?, ?, x'7b7d')", (id, owner, at, units))
        return known is None

    def keep(self, kind: str, id: str, value: Any) -> None:
        """Keep a record of the experience's own, over what was there."""
        self.cursor.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (kind, id, _encode(value)))

    def tell(self, call: dict[str, Any]) -> None:
        """Tell the engine of an event, a Segment call with its ``messageId``: sent after the commit, until taken."""
        self.cursor.execute("INSERT INTO outbox (body) VALUES (?)", (_encode(call),))


class Store:
    """The file, open. Safe to use from many threads, and beside other processes; every method commits or raises."""

    def __init__(self, file: Path) -> None:
        self._file = Grouped(file, (get_data("micromoments.demo.fulfil", "store.sql") or b"").decode())

    @contextmanager
    def change(self) -> Iterator[Transaction]:
        """A transaction: committed and on the disk when the block ends, undone when it raises."""
        with self._file.change() as cursor:
            yield Transaction(cursor)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """What a query finds."""
        return self._file.read(sql, values)

    def order(self, id: str, owner: str | None = None) -> Order:
        """As ``Transaction.order``."""
        return _theirs(self.rows(_ORDER, id), id, owner)

    def orders(self, owner: str, limit: int = 50) -> list[Order]:
        """A customer's orders, the newest first."""
        found = self.rows("SELECT body FROM orders WHERE owner = ? ORDER BY at DESC, id LIMIT ?", owner, limit)
        return [msgspec.json.decode(body, type=Order) for (body,) in found]

    def open_orders(self, place: str, limit: int = 500) -> list[Order]:
        """What a place has to do, the oldest first."""
        sql = (
            "SELECT body FROM orders WHERE place = ? AND state NOT IN ('cart', 'done', 'cancelled') ORDER BY at LIMIT ?"
        )
        return [msgspec.json.decode(body, type=Order) for (body,) in self.rows(sql, place, limit)]

    def free(self, piles: Sequence[str] = ()) -> dict[str, int]:
        """Pieces that can be sold, by pile; of these, or of all."""
        found = dict(self.rows("SELECT pile, free FROM stock"))
        return {pile: found[pile] for pile in piles if pile in found} if piles else found

    def balance(self, account: str, currency: str) -> int:
        """The ledger's balance of an account, debit positive: stored value of 500 is -500."""
        found = self.rows("SELECT amount FROM balances WHERE account = ? AND currency = ?", account, currency)
        return int(found[0][0]) if found else 0

    def lots(self, owner: str) -> list[points.Lot]:
        """A customer's points that aren't spent, expired ones too."""
        found = self.rows("SELECT id, left, expires FROM lots WHERE owner = ? AND left > 0 ORDER BY expires", owner)
        return [points.Lot(*row) for row in found]

    def earned(self, owner: str, since: Millis) -> int:
        """Points earned since an instant, for tiers: what was spent still counts, what was taken back doesn't."""
        sql = "SELECT coalesce(sum(units), 0) FROM points WHERE owner = ? AND at >= ? AND id NOT LIKE '%:spent' "
        return int(self.rows(sql + "AND id NOT LIKE '%:back'", owner, since)[0][0])

    def offers(self, owner: str, now: Millis) -> list[Offer]:
        """A customer's offers that can still be used."""
        sql = "SELECT id, owner, until, used_by, body FROM offers WHERE owner = ? AND until > ? AND used_by = ''"
        return [_offer(row) for row in self.rows(sql, owner, now)]

    def offer(self, id: str) -> Offer | None:
        """An offer."""
        found = self.rows("SELECT id, owner, until, used_by, body FROM offers WHERE id = ?", id)
        return _offer(found[0]) if found else None

    def kept(self, kind: str, id: str) -> Any:
        """A record of the experience's own, as JSON gives it; ``None`` where there is none."""
        found = self.rows("SELECT body FROM kept WHERE kind = ? AND id = ?", kind, id)
        return msgspec.json.decode(found[0][0]) if found else None

    def all_kept(self, kind: str) -> dict[str, Any]:
        """All records of a kind, by id."""
        return {
            id: msgspec.json.decode(body) for id, body in self.rows("SELECT id, body FROM kept WHERE kind = ?", kind)
        }

    def open_pays(self, order: str = "") -> list[OpenPay]:
        """What the payment service is still to be asked, of one order or of all, in the order in which it came up."""
        sql = "SELECT key, order_id, kind, amount FROM pays WHERE state = 'open' AND ? IN ('', order_id) ORDER BY seq"
        if order:
            sql = sql.replace("? IN ('', order_id)", "order_id = ?")
        return [OpenPay(*row) for row in self.rows(sql, order)]

    def since(self, seq: int, topic: Topic, limit: int = 200) -> list[Seen]:
        """Changes after a number, the oldest first, of an order, a customer or a place."""
        column = {"order": "order_id", "owner": "owner", "place": "place"}[topic[0]]
        sql = f"SELECT seq, body FROM changes WHERE seq > ? AND {column} = ? ORDER BY seq LIMIT ?"  # noqa: S608 fixed names
        return [Seen(n, msgspec.json.decode(body, type=Order)) for n, body in self.rows(sql, seq, topic[1], limit)]

    def last(self) -> int:
        """The number of the newest change."""
        return int(self.rows("SELECT coalesce(max(seq), 0) FROM changes")[0][0])

    def unsent(self, limit: int = 200) -> list[tuple[int, dict[str, Any]]]:
        """What the engine is still to be told, the oldest first."""
        found = self.rows("SELECT seq, body FROM outbox ORDER BY seq LIMIT ?", limit)
        return [(seq, msgspec.json.decode(body)) for seq, body in found]

    def sent(self, through: int) -> None:
        """The engine has everything up to this number."""
        with self.change() as tx:
            tx.cursor.execute("DELETE FROM outbox WHERE seq <= ?", (through,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _theirs(found: list[Any], id: str, owner: str | None) -> Order:
    if not found or (owner is not None and found[0][1] != owner):
        raise Refused("no_such_order", f"order {id}", "one of your own", status=404)
    return msgspec.json.decode(found[0][0], type=Order)


def _offer(row: Sequence[Any]) -> Offer:
    id, owner, until, used_by, body = row
    return Offer(id, owner, until, used_by, msgspec.json.decode(body))
