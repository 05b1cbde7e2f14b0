"""Orders, flows and desks for the tests of fulfilment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from micromoments.demo.fulfil import DIRECT, Desk, Fee, Flow, Line, Order, Sandbox, Store

NOON = 1_767_571_200_000
CUPS = Flow(
    steps={"": ("accepted",), "accepted": ("making",), "making": ("ready",), "ready": ()},
    last=frozenset({"ready"}),
    cancel={"": Fee(), "accepted": Fee(percent=50)},
    restock=frozenset({"", "accepted"}),
)
RIDES = Flow(
    steps={"": ("matched",), "matched": ("aboard", "")},
    last=frozenset({"aboard"}),
    cancel={"": Fee(), "matched": Fee(fixed=300)},
    capture="at_end",
)
FLOWS = {"": CUPS, "ride": RIDES, "top-up": DIRECT}


def line(quantity: int = 1, unit: int = 400, stock: str = "cups") -> Line:
    """Some coffee."""
    return Line("latte", "Latte", quantity, unit, stock)


def order(id: str = "o1", owner: str = "ana", **fields: Any) -> Order:
    """An order of ana's; paid by card unless said otherwise."""
    wanted = {"currency": "EUR", "source": "pm_card_visa", "lines": (line(),), **fields}
    made = Order(id=id, owner=owner, **wanted)
    split = {"card", "stored", "points_worth"} & fields.keys()
    return made if split else Order(id=id, owner=owner, **{**wanted, "card": made.total})


class Shop:
    """A desk in a folder, with its bank and a clock that stands where it is put."""

    def __init__(self, folder: Path, payments: Any = None) -> None:
        self.at = NOON
        self.store = Store(folder / "shop.sqlite")
        self.bank = Sandbox(folder / "bank.sqlite")
        self.desk = Desk(self.store, payments or self.bank, FLOWS, clock=lambda: self.at)

    def stock(self, pile: str, pieces: int) -> None:
        """Receive goods."""
        with self.store.change() as tx:
            tx.receive(pile, pieces)

    def give(self, owner: str, units: int, until: int, id: str = "gift") -> None:
        """Give points."""
        with self.store.change() as tx:
            tx.earn(id, owner, units, until, self.at)

    def close(self) -> None:
        """Close the files."""
        self.store.close()
        self.bank.close()
