"""A small shop with a real server, keys and a morning's traffic, for the dashboard to be opened on."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.serving import running

CONFIG = """\
name = "shop"
consent = ["measure", "personalise", "location", "contact"]

[slots.home]
goal = "order"
holdout = 0.3
assume_seen = true

[goals.order]
event = "Order Completed"
value = "revenue"
currency = "EUR"
ends = ["buy"]
"""
ITEMS = [
    {"id": "p1", "kind": "product", "title": "Trail running shoes", "category": "Shoes", "price": [8900, "EUR"]},
    {"id": "p2", "kind": "product", "title": "Road running shoes", "category": "Shoes", "price": [9900, "EUR"]},
    {"id": "p3", "kind": "product", "title": "Trail shoes, sold out", "category": "Shoes", "stock": 0},
    {"id": "g1", "kind": "guide", "title": "How to lace trail shoes", "category": "Shoes"},
]
PEOPLE = 24


class Shop:
    """The server's address, and what may be asked of it with the secret key."""

    def __init__(self, url: str) -> None:
        """A running server."""
        self.url = url

    def ask(self, path: str, body: Any = None, method: str | None = None, *, key: str = "") -> Any:
        """JSON from a door."""
        user = base64.b64encode(f"{key}:".encode()).decode()
        headers = {"authorization": f"Basic {user}" if key else f"Bearer {SECRET_KEY}"}
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self.url + path, data, headers, method=method), timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def figure(self, report: str, name: str) -> dict[str, Any]:
        """One figure of a report."""
        found: dict[str, Any] = next(f for f in self.ask(f"/v1/reports/{report}")["figures"] if f["name"] == name)
        return found


def visit(shop: Shop, n: int) -> str:
    """Somebody searches, is decided for, and every third buys; gives the decision's id."""
    person = f"visitor-{n:04}"
    words = "buy trail running shoes" if n % 4 else "how to lace trail shoes"
    context = {"device": {"type": "mobile" if n % 2 else "desktop"}}
    sent = {"type": "track", "anonymousId": person, "context": context}
    searched = {**sent, "event": "Products Searched", "properties": {"query": words, "results": n % 5}}
    shop.ask("/v1/track", searched, key=WRITE_KEY)
    made = shop.ask("/v1/decide", {"anonymousId": person, "slot": "home"})
    id: str = made["decisionId"]
    about = {"decision_id": id, "item_id": made["items"][0]["id"]}
    shop.ask("/v1/track", {**sent, "event": "Decision Clicked", "properties": about}, key=WRITE_KEY)
    if n % 3 == 0:
        bought = {"revenue": 89, "currency": "EUR", "order_id": f"o{n}", **about}
        shop.ask("/v1/track", {**sent, "event": "Order Completed", "properties": bought}, key=WRITE_KEY)
    return id


def in_vain(shop: Shop, n: int) -> None:
    """Somebody looks for what the shop doesn't have, three times within the hour, and is served nothing."""
    for _ in range(3):
        properties = {"query": "buy oat milk online", "results": 0}
        sent = {
            "type": "track",
            "anonymousId": f"thirsty-{n:04}",
            "event": "Products Searched",
            "properties": properties,
        }
        shop.ask("/v1/track", sent, key=WRITE_KEY)


@contextmanager
def shop(folder: Path, *, keys: bool = True, people: int = PEOPLE) -> Iterator[Shop]:
    """The shop, open; with keys, or for this machine alone."""
    folder.mkdir(parents=True)
    (folder / "micromoments.toml").write_text(CONFIG, encoding="utf-8")
    service = open_service(folder, None, now_ms)
    app = App(service, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms) if keys else Keys(clock=now_ms))
    with running(app) as (port, _):
        found = Shop(f"http://127.0.0.1:{port}")
        if people:
            found.ask("/v1/items", ITEMS, "PUT")
        for n in range(people):
            visit(found, n)
        for n in range(people // 2):
            in_vain(found, n)
        yield found
