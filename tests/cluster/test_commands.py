"""Commands over a project that is on a cluster: answered as on one machine, or refused with what to do instead."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.counting import CONFIG
from tests.cluster.project import Project, until
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]


DAYS = [{"timestamp": "2026-01-02T10:00:00Z"}, {"timestamp": "2026-01-03T10:00:00Z"}]


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
    audited = json.loads(command(project, "audit", "--format", "json").stdout)
    assert audited["name"] == "history"
    few = command(project, "rehearse", "--goal", "order", "--times", "20")
    assert "got the traffic of 1 person in 1 day; wanted" in few.stderr
    sessions = command(project, "train", "--sessions", "--dry-run")
    assert "got 0 sessions of two items or more, wanted 2" in sessions.stderr
    found = json.loads(command(project, "doctor", "--format", "json").stdout)
    assert {one["check"] for one in found if one["severity"] == "ok"} >= {
        *("versions", "configuration", "imports", "move", "redis", "workers", "facts")
    }
    erased = command(project, "erase", "ana", "--yes")
    assert erased.returncode == 0, erased.stderr
    assert command(project, "export", "ana").returncode == 1

    refused = command(project, "backup", str(project.folder / "copy"))
    assert refused.returncode == 1
    assert "redis-cli --rdb" in refused.stderr


def test_history_is_imported_and_a_replay_gives_what_is_in_redis(project: Project, tmp_path: Path) -> None:
    """A file goes in once, whoever imports it again; folded from Kafka alone, everybody is as they are in Redis, and
    what was changed there is found.
    """
    project.start("learn")
    project.begin("work")
    rows = [
        {"messageId": f"i{n}", "type": "track", "userId": f"u{n % 7}", "event": "Product Viewed", **DAYS[n % 2]}
        for n in range(60)
    ]
    rows += [{"messageId": "known", "type": "identify", "userId": "u1", **DAYS[1]}]
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))

    def imported() -> list[int]:
        done = command(project, "import", str(file), "--output", "json")
        assert done.returncode == 0, done.stderr
        counts = json.loads(done.stdout)[0]
        return [counts["imported"], counts["known"]]

    assert imported() == [61, 0]
    assert imported() == [0, 61]
    shutil.rmtree(project.folder / "imports")  # as from another machine: Redis knows the messages
    assert imported() == [0, 61]

    def replayed() -> dict[str, Any]:
        """What a replay says; nothing where not all is folded yet."""
        said = command(project, "replay", "--format", "json").stdout
        found: dict[str, Any] = json.loads(said) if said else {}
        return found

    # Whoever a timer fired for meanwhile is left out, so everybody is compared once all is quiet.
    first: dict[str, Any] = {}

    def everybody() -> bool:
        """Whether a replay compared everybody; it is kept."""
        first.clear()
        first.update(replayed())
        return first.get("people") == 7

    until(everybody, lambda: f"everybody to be compared; {first}")
    assert first["differences"] == []
    shared = project.open()
    try:
        shared.state.erase(frozenset(["user:u3"]), frozenset(), 0)
    finally:
        shared.close()
    lacking = ["person user:u3 is missing from the state", "the state has 6 people, the replay 7"]
    until(lambda: replayed().get("differences") == lacking, "her to be missed")
    differing = command(project, "replay")
    assert differing.returncode == 1
    assert "under the settings that the file has now" in differing.stderr


def test_feeds_and_weights_go_to_the_cluster(project: Project, tmp_path: Path) -> None:
    """A feed's items are served by every server; training reads Kafka, and says what it lacks."""
    server = project.serve()
    project.start("learn")
    project.begin("work")
    feed = tmp_path / "items.jsonl"
    feed.write_text(json.dumps({"id": "tent", "kind": "product", "title": "A tent for two"}))
    done = command(project, "import", str(feed), "--format", "items", "--output", "json")
    assert done.returncode == 0, done.stderr
    until(lambda: "tent" in json.dumps(server.call("GET", "/v1/items")), "the item on a server")

    trained = command(project, "train", "--dry-run")
    assert trained.returncode == 1
    assert "wanted 1000; train when more has come" in trained.stderr
