"""What runs on a real Spark over a real cluster. ``test_spark.py`` runs this file in a process of its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from micromoments.cli.on_spark import On
from micromoments.cli.replay import replay
from micromoments.cli.report import report
from micromoments.cli.table import Format
from micromoments.cli.train import train
from micromoments.engine.spark import folding
from micromoments.engine.spark.place import Place
from tests.cluster.counting import CONFIG
from tests.cluster.project import ITEMS, Project, Server, until
from tests.cluster.test_commands import command
from tests.engine.on_spark import session
from tests.report.test_two_engines import same
from tools.cluster import Kafka, Redis

__all__ = ["session"]

EVER = 2**62
LATER = "2100-01-01T00:00:00Z"
PLACE = "s3://k:s@lake/{}?endpoint_override={}&scheme=http&region=us-east-1"
KEPT = "[retention]\npeople_days = 20000\nfacts_days = 20000\nlog_days = 20000\n"


@pytest.fixture(scope="module")
def project(
    kafka: Kafka, single: Redis, s3: str, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A project with two thousand events of RetailRocket, some of whose visitors turn out to be one, and what live
    clients did; most facts are in the bucket, the newest in Redis.
    """
    folder = tmp_path_factory.mktemp("cluster")
    place = PLACE.format(folder.name, s3.removeprefix("http://"))
    one = Project(folder, kafka, single, CONFIG + KEPT, place)
    file = folder / "micromoments.toml"
    # One partition: what came first there came first. Timers that fire during an import would make it chance.
    file.write_text(file.read_text().replace("partitions = 4", "partitions = 1"))
    try:
        server = one.serve()
        one.begin("work")
        one.begin("learn")
        _imported(one, shared, folder)
        _lived(server)
        until(lambda: _replayed(one).get("differences") == [], lambda: f"everybody folded; {_replayed(one)}")
        opened = one.open()
        try:
            assert opened.stores.facts().seal(EVER) > 2000
        finally:
            opened.close()
        _lived(server, "after")
        until(lambda: _replayed(one).get("policies") == 1, lambda: f"what was learned; {_replayed(one)}")
        yield one
    finally:
        one.end()


def _imported(project: Project, shared: Path, folder: Path) -> None:
    with gzip.open(shared / "data" / "sessions" / "retailrocket_events.tsv.gz", "rt") as whole:
        lines = [line for _, line in zip(range(2001), whole, strict=False)]
    (folder / "clicks.tsv").write_text("".join(lines))
    visitors = sorted({line.split("\t")[1] for line in lines[1:]}, key=int)
    at = {"timestamp": "2015-09-30T00:00:00Z"}
    joins: list[dict[str, str]] = [
        {"type": "identify", "messageId": f"i{n}", "userId": f"u{n // 2}", "anonymousId": f"rr-{one}", **at}
        for n, one in enumerate(visitors[:40])
    ]
    joins += [
        {"type": "alias", "messageId": f"a{n}", "userId": f"u{n}", "previousId": f"u{n + 1}", **at} for n in range(5)
    ]
    (folder / "joins.jsonl").write_text("\n".join(map(json.dumps, joins)))
    for words in (("clicks.tsv", "--preset", "retailrocket"), ("joins.jsonl",)):
        done = command(project, "import", str(folder / words[0]), *words[1:])
        assert done.returncode == 0, done.stderr


def _lived(server: Server, when: str = "before") -> None:
    """Some people are decided for, see it, and some click."""
    _answer(server, "PUT", "/v1/items", ITEMS)
    for n in range(24):
        who = {"anonymousId": f"{when}-{n % 8}"}
        made = _answer(server, "POST", "/v1/decide", {**who, "slot": "home", "decisionId": f"{when}-{n}"})
        said = {"decision_id": made["decisionId"], "item_id": made["items"][0]["id"]}
        for name in ("Decision Seen", "Decision Clicked")[: 1 + n % 2]:
            event = {**who, "event": name, "messageId": f"{when}-{n}-{name}", "properties": said}
            _answer(server, "POST", "/v1/track", event)


def _answer(server: Server, method: str, path: str, body: Any) -> Any:
    answers: list[Any] = [None]

    def answered() -> bool:
        answers.append(server.call(method, path, body))
        return answers[-1] is not None

    until(answered, f"{path} to be answered")
    return answers[-1]


def _replayed(project: Project) -> dict[str, Any]:
    """What a replay in this process says; nothing where it says nothing yet."""
    said = command(project, "replay", "--format", "json").stdout
    found: dict[str, Any] = json.loads(said) if said else {}
    found.pop("seconds", None)
    return found


def test_a_cluster_is_replayed_on_spark(
    project: Project, session: Any, s3: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kafka's log, folded on Spark by way of a bucket, is what is in Redis, byte for byte; log and moments stay in the
    bucket.
    """
    kept = PLACE.format(f"kept-{project.folder.name}", s3.removeprefix("http://"))

    replay(project.folder, On.spark, "", kept, Format.json)

    said = json.loads(capsys.readouterr().out)
    assert said["differences"] == []
    assert said["policies"] == 1
    assert said["people"] > 300
    assert said["links"] >= 40
    log, moments = Place(kept).under("log"), Place(kept).under("moments")
    assert folding.read_about(log).records == said["records"] > 2000
    assert session.read.parquet(moments.spark).count() > 100


def test_a_cluster_is_reported_on_spark(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Facts of which most lie in a bucket and the newest in Redis give the reports that this process gives."""
    for name in ("scorecards", "decisions", "quality"):

        def both(name: str = name) -> bool:
            """Whether they say the same; a timer may have fired between."""
            report(project.folder, name, to=LATER, on=On.spark, format=Format.json)
            there = json.loads(capsys.readouterr().out)
            done = command(project, "report", name, "--to", LATER, "--format", "json")
            assert done.returncode == 0, done.stderr
            here = json.loads(done.stdout)
            assert here["rows"] or here["figures"]
            return same({**here, "as_of": ""}, {**there, "as_of": ""})

        until(both, f"{name} to say the same")


def test_a_cluster_trains_on_spark(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights learned of Kafka's log on Spark are those that this process learns."""
    train(project.folder, dry_run=True, on=On.spark, format=Format.json)
    there, here = capsys.readouterr().out, command(project, "train", "--dry-run", "--format", "json")
    assert here.returncode == 0, here.stderr
    assert json.loads(here.stdout) == json.loads(there)
    assert json.loads(there)["examples"] > 0
