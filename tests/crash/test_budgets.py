"""Budgets and caps are exact: 32 clients at once on a real server that is killed in between."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from micromoments.core.record import DecidedRecord
from micromoments.engine.wiring import open_stores
from micromoments.ports import replay
from tests.crash.test_kill import SECRET, Server
from tests.ports import free_port

CLIENTS, ASKS, UNITS, CAP = 32, 6, 60, 5
CONFIG = f"""
consent = ["measure", "personalise"]

[slots.home]
limit = 1
caps = [{{ times = {CAP}, hours = 24, by = "person" }}]

[slots.offers]
limit = 1

[budgets.spring]
units = {UNITS}
"""

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


def call(port: int, method: str, path: str, body: Any) -> Any:
    """One request with the secret key; ``None`` where the server is away."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request(method, path, json.dumps(body), {"Authorization": f"Bearer {SECRET}"})
            reply = connection.getresponse()
            text = reply.read()
        return json.loads(text) if reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None


def ask(port: int, client: int, slot: str, person: str, answers: dict[str, Any]) -> None:
    """Ask for several decisions, each until it is answered, the same request each time."""
    for n in range(ASKS):
        id = f"{slot}-{client}-{n}"
        while (got := call(port, "POST", "/v1/decide", {"userId": person, "slot": slot, "decisionId": id})) is None:
            time.sleep(0.05)
        answers[id] = got


def test_budgets_and_caps_are_never_over_with_32_clients_and_a_crash(tmp_path: Path) -> None:
    """Each client asks for an offer for its own person, and for the same one person: units and cap are met exactly."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "micromoments.toml").write_text(CONFIG)
    server = Server(folder, free_port())
    server.start()
    offers = [{"id": f"o{n}", "kind": "offer", "title": "Offer", "budget": "spring"} for n in range(5)]
    products = [{"id": f"p{n}", "kind": "product", "title": "Shoe"} for n in range(5)]
    assert call(server.port, "PUT", "/v1/items", [*offers, *products])["accepted"] == 10
    answers: dict[str, Any] = {}
    threads = [
        threading.Thread(target=ask, args=(server.port, n, slot, person, answers))
        for n in range(CLIENTS)
        for slot, person in (("offers", f"u{n}"), ("home", "one"))
    ]
    for thread in threads:
        thread.start()
    while len(answers) < CLIENTS:
        time.sleep(0.02)
    server.kill()
    server.start()
    for thread in threads:
        thread.join(180)
        assert not thread.is_alive()
    server.stop()

    stores = open_stores(folder)
    spent, reserved = stores.budgets.used("spring")
    made = [r.record.decision for r in replay(stores.log) if isinstance(r.record, DecidedRecord)]
    stores.close()
    logged = {one.id: one for one in made}
    assert len(made) == len(logged)
    assert len(answers) == 2 * CLIENTS * ASKS
    assert {id: [i.id for i in one.items] for id, one in logged.items()} == {
        id: [i["id"] for i in got["items"]] for id, got in answers.items()
    }
    with_offer = [d for d in logged.values() if any(i.id.startswith("o") for i in d.items)]
    # What a killed decision had reserved stays reserved until it expires: never over, and nothing else is lost.
    assert len(with_offer) <= spent + reserved <= UNITS
    assert spent + reserved == UNITS
    assert sum(bool(d.items) for d in logged.values() if d.person == "user:one") == CAP
