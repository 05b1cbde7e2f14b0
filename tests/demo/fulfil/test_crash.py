"""Killed without a warning in the middle of orders, the store knows what it promised, and money is right."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from micromoments.demo.fulfil import Desk, Sandbox, Store, audit
from micromoments.demo.fulfil.payment import ANSWER_LOST
from tests.demo.fulfil.made import FLOWS

WORK = """
import sys
import threading
import msgspec
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.demo.fulfil.made import Shop, order
shop = Shop(Path(sys.argv[1]))
shop.stock("cups", 100_000)
def work(hand):
  n = 0
  while True:
    n += 1
    card = "pm_card_answerLost" if n % 5 == 0 else "pm_card_chargeDeclined" if n % 7 == 0 else "pm_card_visa"
    placed = shop.desk.place(msgspec.structs.replace(order(id=f"o{hand}-{n}"), source=card), f"k{hand}-{n}")
    if n % 3 == 0 and placed.state == "paid":
        shop.desk.cancel(placed.id, "business")
    sys.stdout.write(placed.id + "\\n")
    sys.stdout.flush()
for hand in range(6):
    threading.Thread(target=work, args=(hand,)).start()
"""


@pytest.mark.crash
@pytest.mark.parametrize("after", [3, 17, 40])
def test_killed_in_mid_order(tmp_path: Path, root: Path, after: int) -> None:
    """After ``kill -9`` every order that was answered is there, what was open is settled, nobody is charged twice."""
    command = [sys.executable, "-c", WORK, str(tmp_path), str(root)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    answered = [worker.stdout.readline().strip() for _ in range(after)]
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    answered += worker.stdout.read().split()
    worker.stdout.close()
    store, bank = Store(tmp_path / "shop.sqlite"), Sandbox(tmp_path / "bank.sqlite")
    desk = Desk(store, bank, FLOWS)
    desk.recover()
    # A charge that the kill kept from being asked at all loses its first answer now; the next look gets it.
    assert all(pay.kind == "charge" and desk.order(pay.order).source == ANSWER_LOST for pay in store.open_pays())
    desk.recover()
    assert store.open_pays() == []
    states = {id: desk.order(id).state for id in answered}
    assert set(states.values()) <= {"paid", "cart", "cancelled"}
    charges = bank._file.read("SELECT count(*), count(DISTINCT payment) FROM entries WHERE kind = 'taken'")[0]
    assert charges[0] == charges[1]
    assert audit(store, bank.held()) == []
    store.close()
    bank.close()
