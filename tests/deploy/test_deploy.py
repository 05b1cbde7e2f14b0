"""What an operator deploys is whole: files name what is there, rules and dashboard ask for what the server exports."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from micromoments.cli import COMMANDS
from micromoments.config.cluster import load_cluster
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.conftest import ROOT
from tests.engine.shop import Clock, opened
from tools.sizing import Assumed, size

DEPLOY = ROOT / "deploy"
NAME = re.compile(r"\bmicromoments_[a-z_]+\b")
BOTH = {"micromoments_clock_ahead_seconds", "micromoments_redis_round_trips_total"}
ROLES = {
    "work": BOTH
    | {
        "micromoments_work_lag_records",
        "micromoments_work_partitions",
        "micromoments_work_failures_total",
        "micromoments_shards_again_total",
        "micromoments_records_applied_total",
        "micromoments_records_failed_total",
        "micromoments_moments_opened_total",
        "micromoments_outcomes_total",
    },
    "learn": BOTH | {"micromoments_learn_leading", "micromoments_outcomes_learned_total"},
}
"""What the roles of a cluster export; ``tests/cluster/test_faults.py`` scrapes them from real ones."""


def test_every_value_of_the_chart_is_used_and_every_one_used_is_there() -> None:
    """The templates ask for no value that ``values.yaml`` lacks, and it has none that they don't ask for."""
    used = set()
    for template in (DEPLOY / "chart" / "templates").iterdir():
        used |= set(re.findall(r"\.Values\.(\w+)", template.read_text()))
    assert used == set(yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text()))


async def test_rules_and_dashboard_ask_for_what_is_exported(tmp_path: Path) -> None:
    """Every metric that an alert rule or a graph names is one that ``/metrics`` of a real engine has."""
    clock = Clock()
    async with opened(tmp_path / "shop", clock) as service:
        page = App(service, Keys([], [], [], clock=clock)).metrics.reply().body.decode()
    names = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE)) | ROLES["work"] | ROLES["learn"]
    for file in ("prometheus/alerts.yml", "grafana/micromoments.json"):
        asked = {name.removesuffix("_bucket") for name in NAME.findall((DEPLOY / file).read_text())}
        assert len(asked) > 5, file
        assert asked - names == set(), file


def test_every_alert_has_a_runbook_that_is_there() -> None:
    """An alert leads to a heading of the runbooks' page."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    page = (ROOT / "docs" / "howto" / "runbooks.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", page, re.MULTILINE)
    }
    for rule in group["rules"]:
        file, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / file).name == "runbooks.md"
        assert anchor in anchors, rule["alert"]


def test_the_dashboard_is_what_its_script_writes() -> None:
    """Nobody changed the written file by hand."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "grafana.py"), "--check"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("file", ["compose.yaml", "cluster.yaml"])
def test_compose_names_what_is_there(file: str) -> None:
    """A Compose file mounts files that exist, and its volumes; whatever runs our image has no rights."""
    whole = yaml.safe_load((DEPLOY / file).read_text())
    mounted = [v.split(":")[0] for service in whole["services"].values() for v in service.get("volumes", ())]
    assert {path for path in mounted if not path.startswith(".")} == set(whole["volumes"])
    assert [path for path in mounted if path.startswith(".") and not (DEPLOY / path).exists()] == []
    ours = [service for service in whole["services"].values() if "build" in service]
    assert ours
    for service in ours:
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_cluster_of_compose_is_one_that_the_roles_read() -> None:
    """Its file is a cluster's, at the addresses of its services; each role is a command that there is."""
    whole = yaml.safe_load((DEPLOY / "cluster.yaml").read_text())["services"]
    found = load_cluster(DEPLOY / "cluster", {})
    assert found is not None
    assert found.kafka.split(":")[0] in whole
    assert found.redis == "redis://valkey:6379"
    assert {service["command"][0] for service in whole.values() if "build" in service} == {"serve", "work", "learn"}
    assert {"serve", "work", "learn"} <= set(COMMANDS)


def test_the_image_has_no_rights_and_copies_what_is_let_through() -> None:
    """It runs as a user, and ``.dockerignore`` keeps out all but what it copies."""
    image = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)$", image, re.MULTILINE) == ["10001:10001"]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.MULTILINE)[0].split())
    assert copied <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_sizing_page_has_what_its_script_computes() -> None:
    """The table of the page is the script's, and a billion people take more than a million of everything."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "sizing.py")], check=True, capture_output=True)
    assert done.stdout.decode() in (ROOT / "docs" / "howto" / "sizing.md").read_text(encoding="utf-8")
    few, many = size(1e6, Assumed()), size(1e9, Assumed())
    assert few.one_box
    assert few.nodes < many.nodes
    assert few.money < many.money
    assert size(1e9, Assumed(node=600)).money > many.money
