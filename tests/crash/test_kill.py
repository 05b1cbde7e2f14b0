"""The real server is killed under load, many times; every acknowledged event and decision is there once, and state
equals a replay.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from micromoments.core.record import DecidedRecord, EventRecord
from micromoments.engine.verify import verify
from micromoments.engine.wiring import open_stores
from micromoments.ports import replay
from tests.ports import free_port

KILLS = 8
WRITE, SECRET = "crash-write", "crash-secret"
BASIC = "Basic " + base64.b64encode(f"{WRITE}:".encode()).decode()

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


class Server:
    """A ``micromoments serve`` that can be killed and started again over the same folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it takes traffic."""
        keys = {"MICROMOMENTS_WRITE_KEY": WRITE, "MICROMOMENTS_SECRET_KEY": SECRET}
        command = [sys.executable, "-m", "micromoments", "serve", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(command, env={**os.environ, **keys}, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                    connection.request("GET", "/readyz")
                    if connection.getresponse().status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not become ready in 120 s")

    def kill(self) -> None:
        """Pull the plug."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """End it as an operator would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(120) == 0


class Client(threading.Thread):
    """Sends events and asks for decisions until told to stop; notes what was acknowledged, retries what was not."""

    def __init__(self, port: int, name: str, seed: int) -> None:
        super().__init__(name=name)
        self.port = port
        self.random = random.Random(seed)
        self.events: list[str] = []
        self.decisions: dict[str, Any] = {}
        self.done = threading.Event()
        self.unexpected: list[str] = []

    def run(self) -> None:
        """One request after another."""
        number = 0
        while not self.done.is_set():
            number += 1
            if self.random.random() < 0.3:
                self.decide(f"{self.name}-d{number}")
            else:
                self.send([f"{self.name}-e{number}-{i}" for i in range(self.random.choice([1, 1, 5, 40]))])

    def call(self, path: str, body: dict[str, Any], auth: str) -> Any:
        """Ask until the server answers; the same request each time, as a real client's retry."""
        while True:
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
                    connection.request("POST", path, json.dumps(body), {"Authorization": auth})
                    reply = connection.getresponse()
                    text = reply.read()
                if reply.status == 200:
                    return json.loads(text)
                if reply.status not in (429, 503):
                    self.unexpected.append(f"{reply.status} {text[:200]!r}")
                    return None
            except (OSError, http.client.HTTPException):
                pass
            if self.done.is_set():
                return None
            time.sleep(0.05)

    def person(self) -> str:
        """One of a few people, so that state is contended."""
        return f"p{self.random.randrange(30)}"

    def send(self, ids: list[str]) -> None:
        """A batch of events."""
        names = ["Product Viewed", "Products Searched", "Product Added", "Order Completed", "Article Read"]
        batch = [
            {
                "type": "track",
                "messageId": id,
                "anonymousId": self.person(),
                "event": self.random.choice(names),
                "properties": {
                    "query": "cheap trail shoes",
                    "product_id": f"i{self.random.randrange(20)}",
                    "revenue": 5,
                },
            }
            for id in ids
        ]
        if self.random.random() < 0.2:
            batch.append(
                {"type": "identify", "messageId": ids[0] + "-i", "anonymousId": self.person(), "userId": self.person()}
            )
        if self.call("/v1/batch", {"batch": batch}, BASIC) is not None:
            self.events += [str(e["messageId"]) for e in batch]

    def decide(self, id: str) -> None:
        """A decision, and perhaps a click on it."""
        who = self.person()
        body = {"anonymousId": who, "slot": "home", "decisionId": id}
        answer = self.call("/v1/decide", body, f"Bearer {SECRET}")
        if answer is None:
            return
        self.decisions[id] = answer
        if answer["items"]:
            clicked = {"decision_id": id, "item_id": answer["items"][0]["id"]}
            batch = [
                {"type": "track", "messageId": f"{id}-c", "anonymousId": who, "event": e, "properties": clicked}
                for e in ("Decision Clicked",)
            ]
            if self.call("/v1/batch", {"batch": batch}, BASIC) is not None:
                self.events.append(f"{id}-c")


def put_items(port: int) -> None:
    """Twenty products."""
    items = [{"id": f"i{n}", "kind": "product", "title": f"Trail shoe {n}"} for n in range(20)]
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("PUT", "/v1/items", json.dumps(items), {"Authorization": f"Bearer {SECRET}"})
        reply = connection.getresponse()
        assert reply.status == 200, reply.read()


def test_nothing_acknowledged_is_lost_when_the_server_is_killed_under_load(tmp_path: Path) -> None:
    """Kill -9 at random instants under load: acknowledged events and decisions are in the log once; state equals a
    replay.
    """
    server = Server(tmp_path / "shop", free_port())
    server.start()
    put_items(server.port)
    clients = [Client(server.port, f"c{n}", n) for n in range(4)]
    for client in clients:
        client.start()
    plan = random.Random(1)
    for _ in range(KILLS):
        time.sleep(plan.uniform(0.3, 1.6))
        server.kill()
        server.start()
    time.sleep(0.5)
    for client in clients:
        client.done.set()
    for client in clients:
        client.join(120)
    server.stop()

    stores = open_stores(tmp_path / "shop")
    events: Counter[str] = Counter()
    decided: dict[str, DecidedRecord] = {}
    for logged in replay(stores.log):
        if isinstance(logged.record, EventRecord):
            events[logged.record.message_id] += 1
        elif isinstance(logged.record, DecidedRecord):
            assert logged.record.decision.id not in decided, "a decision stands twice in the log"
            decided[logged.record.decision.id] = logged.record
    verdict = verify(stores)
    stores.close()

    acknowledged = [id for c in clients for id in c.events]
    assert [u for c in clients for u in c.unexpected] == []
    assert len(acknowledged) > 500
    assert [id for id in acknowledged if events[id] != 1] == []
    for id, answer in ((i, a) for c in clients for i, a in c.decisions.items()):
        assert [r.id for r in decided[id].decision.items] == [r["id"] for r in answer["items"]]
    assert verdict.differences == []
    assert verdict.people > 0
