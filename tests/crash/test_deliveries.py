"""The real server is killed in the middle of its deliveries: none is lost, none doubled where ids are honoured."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.channels.receiver import half, receiving
from tests.crash.test_kill import BASIC, Server
from tests.ports import free_port

PEOPLE = 120
KILLS = 3
SETTINGS = """
consent = ["measure", "personalise", "share"]

[destinations.crm]
url = "{half}"
private = true
timeout_seconds = 2

[destinations.stuck]
url = "{hangs}"
private = true
timeout_seconds = 2
concurrency = 2

[triggers.hello]
to = ["stuck", "crm"]
"""

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


def search(port: int, n: int) -> None:
    """One person's search, sent until it is acknowledged."""
    body = {
        "anonymousId": f"p{n}",
        "messageId": f"m{n}",
        "event": "Products Searched",
        "properties": {"query": "buy tent"},
    }
    headers = {"authorization": BASIC, "content-type": "application/json"}
    request = Request(f"http://127.0.0.1:{port}/v1/track", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=10) as answer:
        assert json.load(answer)["success"]


def test_a_killed_server_loses_and_doubles_no_delivery(tmp_path: Path) -> None:
    """With one destination that hangs and one that fails half of its calls, after several kills every acknowledged
    person's delivery has arrived under one id.
    """
    folder, port = tmp_path / "shop", free_port()
    folder.mkdir()
    with receiving(half()) as fails, receiving(lambda _n, _body: None) as hangs:
        (folder / "micromoments.toml").write_text(SETTINGS.format(half=fails.url, hangs=hangs.url))
        server = Server(folder, port)
        sent = 0
        for kill in range(KILLS):
            server.start()
            for n in range(sent, sent + PEOPLE // KILLS):
                search(port, n)
            sent += PEOPLE // KILLS
            time.sleep(0.6 * kill)
            server.kill()
        server.start()
        end = time.monotonic() + 90
        while len(fails.ids) < sent and time.monotonic() < end:
            time.sleep(0.2)
        server.stop()
        people = {json.loads(body)["data"]["person"]["anonymousId"] for body in fails.bodies}
        ids = {json.loads(body)["data"]["deliveryId"] for body in fails.bodies}
        assert people == {f"p{n}" for n in range(sent)}
        assert len(ids) == len(fails.ids) == sent
