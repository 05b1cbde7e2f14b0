"""A log taught through a server of a cluster, while ranks are rewarded through another: on real servers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.project import SECRET, Project, Server, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

NAME = "personalizer:adaptive"
ACTIONS = [{"id": name, "features": [{"kind": name}]} for name in ("a", "b", "c")]
LOGGED = 120


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis; an event may be rewarded for a day."""
    one = Project(tmp_path, kafka, single, "[slots.personalizer]\nwindow_minutes = 1440\n")
    yield one
    one.end()


def ask(server: Server, path: str, body: Any, *, lines: bool = False) -> tuple[int, Any]:
    """The status and the JSON of a POST; 0 where no answer came."""
    sent = "\n".join(map(json.dumps, body)) if lines else json.dumps(body)
    try:
        with closing(http.client.HTTPConnection(server.host, server.port, timeout=300)) as connection:
            connection.request("POST", path, sent, {"Authorization": f"Bearer {SECRET}"})
            reply = connection.getresponse()
            text = reply.read()
    except (OSError, http.client.HTTPException):
        return 0, None
    return reply.status, json.loads(text) if text else None


class Visitors(threading.Thread):
    """Rank and reward, one event after another, each until it is acknowledged."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.rewarded = 0
        self.done = threading.Event()

    def run(self) -> None:
        """Until it is done."""
        while not self.done.is_set():
            event = f"e{self.rewarded}"
            self._until("/personalizer/v1.0/rank", {"eventId": event, "actions": ACTIONS}, 201)
            self._until(f"/personalizer/v1.0/events/{event}/reward", {"value": 1.0}, 204)
            self.rewarded += 1

    def _until(self, path: str, body: Any, status: int) -> None:
        while ask(self._server, path, body)[0] != status:
            time.sleep(0.05)


def log(first: int) -> list[dict[str, Any]]:
    """Decisions that somebody else made: ``a`` was good."""
    return [
        {
            "decision_id": f"old-{first + n}",
            "ts": f"2026-01-02T10:{n % 60:02d}:00Z",
            "context": {},
            "actions": ACTIONS,
            "chosen": "abc"[n % 3],
            "propensity": 1 / 3,
            "reward": float(n % 3 == 0),
        }
        for n in range(LOGGED)
    ]


def teach(server: Server, logged: list[dict[str, Any]]) -> int:
    """How much of a log was learned. While the learner has not taken the log before, the server says so."""
    got: list[tuple[int, Any]] = []

    def taught() -> bool:
        got.append(ask(server, "/v1/policies/warm?slot=personalizer", logged, lines=True))
        assert got[-1][0] == 200 or "took the one before" in got[-1][1]["detail"], got[-1]
        return got[-1][0] == 200

    until(taught, "a log to be taught")
    return int(got[-1][1]["learned"])


def test_a_log_is_taught_beside_rewards_and_nothing_is_lost(project: Project) -> None:
    """Three logs taught through one server while another's ranks are rewarded: in the end the policy has learned every
    logged decision and every reward that was acknowledged, each once, and both servers decide by it.
    """
    servers = [project.serve(), project.serve()]
    project.begin("work")
    project.begin("learn")
    visitors = Visitors(servers[0])
    visitors.start()
    until(lambda: visitors.rewarded >= 5, "ranks to be rewarded")
    learned = 0
    for turn in range(3):
        before = visitors.rewarded
        learned += teach(servers[1], log(turn * LOGGED))
        until(lambda before=before: visitors.rewarded > before + 3, "more rewards")  # type: ignore[misc]
    visitors.done.set()
    visitors.join(900)
    wanted = learned + visitors.rewarded

    def version(server: Server) -> int:
        listed = (server.call("GET", "/v1/policies") or {"policies": []})["policies"]
        return next((int(one["version"]) for one in listed if one["policy"] == NAME), 0)

    for server in servers:
        until(lambda server=server: version(server) == wanted, lambda: f"{wanted} learned, got {version(servers[0])}")  # type: ignore[misc]
    status, ranked = ask(servers[0], "/personalizer/v1.0/rank", {"actions": ACTIONS})
    assert (status, learned) == (201, 3 * LOGGED)
    assert len(ranked["ranking"]) == 3
