"""Commands over a project that is on a cluster: answered as on one machine, or refused with what to do instead."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.counting import CONFIG
from tests.cluster.project import Project, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]


@pytest.fixture
def project(kafka: Kafka, single: Redis, tmp_path: Path) -> Iterator[Project]:
    """A project on one broker and one Redis."""
    one = Project(tmp_path, kafka, single, CONFIG)
    yield one
    one.end()


def command(project: Project, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """One command on the project's folder, with nothing but the file in it."""
    words = [sys.executable, "-m", "micromoments", name, str(project.folder), *options]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_commands_ask_the_cluster_or_say_what_to_do(project: Project) -> None:
    """A person is exported and erased, a report answered, the set-up examined without a server's keys; what needs a
    folder names the way back.
    """
    server = project.serve()
    worker = project.start("work")
    event = {"userId": "ana", "event": "Products Searched", "messageId": "m1", "properties": {"query": "shoes"}}
    until(lambda: server.call("POST", "/v1/track", event) is not None, "an event to be taken")

    until(lambda: "works" in worker.said(), "a worker")
    shared = project.open()
    until(lambda: bool(shared.state.load(["user:ana"], [])[0]), "her to be folded")
    shared.close()
    exported = command(project, "export", "ana")
    assert [one["event"]["messageId"] for one in json.loads(exported.stdout)["events"]] == ["m1"], exported.stderr
    assert json.loads(command(project, "report", "needs", "--format", "json").stdout)["as_of"]
    found = json.loads(command(project, "doctor", "--format", "json").stdout)
    assert {one["check"] for one in found if one["severity"] == "ok"} >= {"move", "redis", "workers", "facts"}
    erased = command(project, "erase", "ana", "--yes")
    assert erased.returncode == 0, erased.stderr
    assert command(project, "export", "ana").returncode == 1

    refused = command(project, "backup", str(project.folder / "copy"))
    assert refused.returncode == 1
    assert "migrate FOLDER --back" in refused.stderr
