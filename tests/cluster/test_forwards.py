"""Events are passed on by whoever folds them, though workers are killed and start again."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.channels.receiver import receiving
from tests.cluster.project import Project, Server, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]
CONFIG = """\
consent = ["measure", "personalise", "share"]
[destinations.tool]
url = "{url}"
private = true
shape = "segment"
secret = {{ env = "TOOL_KEY" }}
[forwards.all]
to = "tool"
batch = 5
wait_seconds = 0
without = ["Kept Here"]
"""


def take(server: Server, body: dict[str, Any]) -> None:
    """Have one event acknowledged."""
    until(lambda: server.call("POST", "/v1/track", body) is not None, "an event taken")


def test_every_event_is_passed_on_whichever_worker_dies(
    kafka: Kafka, single: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged arrives under its id, also what a killed worker had in hand; what a filter keeps, and
    whose person said no to sharing, does not.
    """
    monkeypatch.setenv("TOOL_KEY", "their-write-key")
    with receiving() as receiver:
        project = Project(tmp_path, kafka, single, CONFIG.format(url=receiver.url))
        try:
            server = project.serve()
            first = project.begin("work")

            def tell(name: str, event: str, count: int) -> set[str]:
                """Have events of some people taken; give their ids."""
                ids = [f"{name}-{n}" for n in range(count)]
                for n, id in enumerate(ids):
                    body = {"anonymousId": f"a{n % 9}", "event": event, "messageId": id}
                    take(server, body)
                return set(ids)

            def came() -> set[str]:
                """The ids that arrived."""
                return {call["messageId"] for body in list(receiver.bodies) for call in json.loads(body)["batch"]}

            wanted = tell("one", "Product Viewed", 40)
            until(lambda: wanted <= came(), "the first to arrive")
            wanted |= tell("two", "Product Viewed", 40)
            first.signal(signal.SIGKILL)
            wanted |= tell("three", "Product Viewed", 20)
            tell("kept", "Kept Here", 9)
            said = {"consent": {"categoryPreferences": {"share": False}}}
            for id in ("no", "secret"):
                take(server, {"anonymousId": "private", "event": "Order Completed", "messageId": id, "context": said})
            project.begin("work")
            until(lambda: wanted <= came(), lambda: f"everything to arrive; without {sorted(wanted - came())}")
            after = tell("four", "Product Viewed", 9)
            until(lambda: after <= came(), "what came last to arrive")
            assert came() == wanted | after
        finally:
            project.end()
