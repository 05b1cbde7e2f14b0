"""A server of ours behind a relay, as published clients are pointed at it, and the table of what was seen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from micromoments.core.item import Item
from micromoments.core.settings import Experiment, Settings, Slot
from micromoments.engine.service import now_ms, open_service
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.clients.relay import Relay, Sent, relay
from tests.clients.table import PAGE, Row, write
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.serving import running

HERE = Path(__file__).parent
SETTINGS = Settings(
    origins=("*",),
    slots={"home": Slot()},
    experiments={"new-home": Experiment(slot="home", variants={"on": 1.0, "off": 1.0})},
)
_ROWS: list[Row] = []


class Shop:
    """The server: where a client is pointed at, what it sent, and what the log has of a person."""

    def __init__(self, port: int, between: Relay) -> None:
        """A server at a port, behind a relay."""
        self.url = between.url
        self.sent: list[Sent] = between.sent
        self.write_key, self.secret_key = WRITE_KEY, SECRET_KEY
        self._direct = f"http://127.0.0.1:{port}"
        self.put([Item(id="p1", kind="product", title="Trail shoe"), Item(id="p2", kind="guide", title="Lace it")])

    def put(self, items: list[Item]) -> None:
        """Put items."""
        self.ask("PUT", "/v1/items", [{"id": i.id, "kind": i.kind, "title": i.title} for i in items])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the business's own server, past the relay."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {SECRET_KEY}"}
        with urlopen(Request(self._direct + path, data, headers, method=method)) as answer:
            return json.load(answer)

    def kept(self, person: str) -> list[dict[str, Any]]:
        """The events of a person, out of the log, in its order."""
        return [one["event"] for one in self.ask("GET", f"/v1/people/{quote(person, safe='')}/export")["events"]]

    def calls(self) -> list[dict[str, Any]]:
        """What was sent in the Segment shape: each call, with its batch's context where it has none of its own."""
        found: list[dict[str, Any]] = []
        for one in self.sent:
            assert one.status == 200, (one.path, one.status)
            if one.method == "POST":
                body = one.json
                shared = {"context": body["context"]} if "batch" in body and "context" in body else {}
                found += [shared | call for call in body.get("batch", [body])]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A server with a slot, an experiment and two items."""
    service = open_service(tmp_path / "shop", SETTINGS, now_ms)
    app = App(service, Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    with running(app) as (port, _), relay(port) as between:
        yield Shop(port, between)


@pytest.fixture(scope="session")
def installed() -> Path:
    """The folder of the Node clients; skips where they aren't installed."""
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed; the clients for it were not run")
    if not (HERE / "node_modules").is_dir():
        pytest.skip("the Node clients are not installed; run `npm ci` in tests/clients to run them")
    return HERE


def node(folder: Path, script: str, *arguments: str) -> str:
    """Run a script with the Node clients; gives what it printed."""
    done = subprocess.run(
        ["node", str(folder / "node" / script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Iterator[list[Row]]:
    """Rows for the table, noted when the test has passed."""
    rows: list[Row] = []
    yield rows
    _ROWS.extend(rows)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the table of clients where that is asked for and all went well."""
    if os.environ.get("MICROMOMENTS_CLIENTS_PAGE") and exitstatus == 0 and _ROWS:
        write(PAGE, _ROWS)
