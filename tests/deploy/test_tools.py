"""What an operator's own tools say of ``deploy/``: Helm, Kubernetes' schemas, Docker Compose, hadolint, promtool.

Each test skips where its tool is absent; ``tests/deploy/tools.txt`` and Debian's ``prometheus`` have them all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "chart"
OLDEST, NEWEST = "1.27", "1.37"
"""Releases of Kubernetes: the first that the chart takes, and the newest whose schemas there are."""
CLUSTER = """[cluster]
kafka = "kafka-0:9092,kafka-1:9092,kafka-2:9092"
redis = { env = "SHOP_REDIS" }
facts = "s3://shop-facts/micromoments"
"""
EVERYTHING: dict[str, Any] = {
    "keysSecret": "keys",
    "config": 'timezone = "UTC"\n\n[slots.home]\nlimit = 3\n',
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "host": "moments.example",
        "tlsSecret": "tls",
        "annotations": {"cert-manager.io/cluster-issuer": "ours"},
    },
    "serviceMonitor": {"enabled": True, "interval": "15s"},
    "nodeSelector": {"disk": "local"},
    "imagePullSecrets": [{"name": "registry"}],
    "tolerations": [{"key": "moments", "operator": "Exists"}],
    "secretFiles": "files",
    "env": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
    "serviceAccountName": "moments",
    "podAnnotations": {"team": "growth"},
    "priorityClassName": "high",
}


def tool(name: str) -> str:
    """A program beside this Python or on the path."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"there is no {name} here; tests/deploy/tools.txt and Debian's prometheus have it")
    return found


def helm() -> Any:
    """Helm's own library."""
    return pytest.importorskip("helm_python", reason="there is no Helm here; tests/deploy/tools.txt has it")


def rendered(release: str = "shop", /, **values: Any) -> list[dict[str, Any]]:
    """What ``helm template RELEASE deploy/chart`` gives, each document held against Kubernetes' schemas."""
    manifests = helm().Chart.load(CHART).render(values, name=release, namespace="default")
    documents = [one for text in manifests.values() for one in yaml.safe_load_all(text) if one]
    schemas = pytest.importorskip("kubernetes_validate", reason="there are no schemas of Kubernetes here")
    for one in documents:
        if one["apiVersion"] != "monitoring.coreos.com/v1":  # an operator's, of which there is no schema
            for version in (OLDEST, NEWEST):
                schemas.validate(one, version, strict=True)
    return documents


def test_helm_finds_nothing_to_say_of_the_chart() -> None:
    """``helm lint --strict`` has no warning and no error, with one engine and with a cluster; an icon is not wanted."""
    for values in ({"keysSecret": "keys"}, EVERYTHING, {"keysSecret": "keys", "config": CLUSTER, **roles()}):
        found = helm().lint(CHART, values, strict=True)
        assert found["errors"] == []
        assert [one["error"] for one in found["messages"] if one["severity"] != 1] == []


def test_the_chart_renders_one_engine() -> None:
    """As it comes, and with everything switched on: one replica, without rights, on a volume; never without keys."""
    assert sorted(one["kind"] for one in rendered(keysSecret="keys")) == ["Service", "StatefulSet"]
    by_kind = {one["kind"]: one for one in rendered(**EVERYTHING)}
    assert sorted(by_kind) == ["ConfigMap", "Ingress", "Service", "ServiceMonitor", "StatefulSet"]
    assert by_kind["ConfigMap"]["data"]["micromoments.toml"].splitlines()[-1] == "limit = 3"
    engine = by_kind["StatefulSet"]["spec"]
    pod = engine["template"]["spec"]
    (container,) = pod["containers"]
    assert engine["replicas"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["name"] for mount in container["volumeMounts"]} == {"data", "tmp", "config", "secrets"}
    assert by_kind["Service"]["spec"]["selector"].items() <= engine["template"]["metadata"]["labels"].items()
    with pytest.raises(helm().HelmRenderError, match="keysSecret: name a Secret"):
        rendered()


def roles(**more: Any) -> dict[str, Any]:
    """The values of a cluster."""
    return {"cluster": {"enabled": True, **more}}


def test_the_chart_renders_the_roles_of_a_cluster() -> None:
    """Servers, workers and learners read one configuration, each is replaced one by one; only servers get requests."""
    monitored = {"serviceMonitor": {"enabled": True, "interval": "15s"}}
    found = rendered(keysSecret="keys", config=CLUSTER, **roles(), **monitored)
    roles_of = {d["metadata"]["labels"]["app.kubernetes.io/component"]: d for d in found if d["kind"] == "Deployment"}
    assert sorted(roles_of) == ["learn", "serve", "work"]
    (service,) = (d for d in found if d["kind"] == "Service")
    for role, one in roles_of.items():
        pod = one["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        assert container["args"][:2] == [role, "/project"]
        assert one["spec"]["replicas"] == 2
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert one["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        sent_requests = service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert sent_requests is (role == "serve")
    assert "StatefulSet" not in {d["kind"] for d in found}
    assert sum(d["kind"] == "PodDisruptionBudget" for d in found) == 3
    (file,) = (d["data"]["micromoments.toml"] for d in found if d["kind"] == "ConfigMap")
    assert file == CLUSTER
    (watched,) = (d for d in found if d["kind"] == "PodMonitor")
    assert watched["spec"]["selector"]["matchExpressions"][0]["values"] == ["work", "learn"]
    jobs = {d["spec"]["jobLabel"] for d in found if d["kind"] in ("PodMonitor", "ServiceMonitor")}
    assert jobs == {"app.kubernetes.io/name"}  # the alert rules count roles by their job


def test_a_cluster_takes_what_an_operator_sets() -> None:
    """Secrets as files and variables, an account, annotations, where pods run; servers and workers that become as many
    as their processors need, between the two numbers that are given.
    """
    more = {name: value for name, value in EVERYTHING.items() if name not in ("config", "ingress", "serviceMonitor")}
    some = {"replicas": 3, "maxReplicas": 9, "targetCpu": 60}
    found = rendered(config=CLUSTER, **more, **roles(serve=some, work=some))
    for one in (d for d in found if d["kind"] == "Deployment"):
        scaled = one["metadata"]["labels"]["app.kubernetes.io/component"] != "learn"
        assert ("replicas" in one["spec"]) is not scaled
        pod = one["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        assert container["env"] == more["env"]
        assert {m["name"]: m["mountPath"] for m in container["volumeMounts"]}["secrets"] == "/secrets"
        assert pod["metadata"]["annotations"]["team"] == "growth"
        assert (pod["spec"]["serviceAccountName"], pod["spec"]["priorityClassName"]) == ("moments", "high")
        assert pod["spec"]["nodeSelector"] == {"disk": "local"}
    scalers = [d["spec"] for d in found if d["kind"] == "HorizontalPodAutoscaler"]
    assert sorted(s["scaleTargetRef"]["name"] for s in scalers) == ["shop-micromoments-serve", "shop-micromoments-work"]
    assert {(s["minReplicas"], s["maxReplicas"]) for s in scalers} == {(3, 9)}


def test_the_chart_takes_odd_values() -> None:
    """The longest name that Helm gives a release, and one that YAML takes for something else; a configuration that
    begins with spaces and blank lines, and has what means something in YAML and in templates.
    """
    odd = (
        '\n   # "spaces: first" {{ not a template }}\n' + CLUSTER + 'timezone = "UTC"   # trailing \n\n\tname = "a:b"\n'
    )
    for release in ("r" * 53, "s-" * 26 + "s", "true"):
        for values in ({}, roles(serve={"replicas": 1, "maxReplicas": 2}, work={"replicas": 0}, learn={"replicas": 1})):
            found = rendered(release, keysSecret="keys", config=odd, image={"tag": "1.10"}, **values)
            (file,) = (d["data"]["micromoments.toml"] for d in found if d["kind"] == "ConfigMap")
            assert file.strip("\n") == odd.strip("\n")
            for one in found:
                assert len(one["metadata"]["name"]) <= 63 - (11 if one["kind"] == "StatefulSet" else 0)
                assert not one["metadata"]["name"].endswith("-")
            pods = [d["spec"]["template"]["spec"] for d in found if d["kind"] in ("Deployment", "StatefulSet")]
            assert {pod["containers"][0]["image"] for pod in pods} == {"micromoments:1.10"}


def test_the_chart_says_what_a_cluster_lacks() -> None:
    """A cluster without its table is refused; facts on a shared volume are mounted; one replica needs no budget."""
    with pytest.raises(helm().HelmRenderError, match=r"wanted a table \[cluster\]"):
        rendered(keysSecret="keys", config='timezone = "UTC"', **roles())
    with pytest.raises(helm().HelmRenderError, match="config: give"):
        rendered(keysSecret="keys", **roles())
    found = rendered(keysSecret="keys", config=CLUSTER, **roles(factsClaim="facts", learn={"replicas": 1}))
    mounts = [
        c["volumeMounts"]
        for d in found
        if d["kind"] == "Deployment"
        for c in d["spec"]["template"]["spec"]["containers"]
    ]
    assert [{m["name"]: m["mountPath"] for m in some}["facts"] for some in mounts] == ["/data"] * 3
    assert sum(d["kind"] == "PodDisruptionBudget" for d in found) == 2


@pytest.mark.parametrize("file", ["compose.yaml", "cluster.yaml"])
def test_docker_compose_reads_the_file(file: str) -> None:
    """Docker Compose itself finds it whole, and wants the keys."""
    command = [tool("docker-compose"), "-f", str(DEPLOY / file), "config", "--quiet"]
    keys = {"MICROMOMENTS_WRITE_KEY": "w", "MICROMOMENTS_SECRET_KEY": "s"}
    done = subprocess.run(command, env={**os.environ, **keys}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    without = {name: value for name, value in os.environ.items() if not name.startswith("MICROMOMENTS_")}
    done = subprocess.run(command, env=without, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "set a write key" in done.stderr


def test_hadolint_finds_nothing_to_say_of_the_image() -> None:
    """The container recipe has none of the mistakes that hadolint knows."""
    done = subprocess.run([tool("hadolint"), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_prometheus_reads_its_files() -> None:
    """Promtool finds the configuration and the rules whole, as they lie beside each other."""
    where, at = tool("promtool"), DEPLOY / "prometheus"
    for words in (["check", "rules", "alerts.yml"], ["check", "config", "--syntax-only", "prometheus.yml"]):
        done = subprocess.run([where, *words], cwd=at, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should() -> None:
    """Told of a full disk, a role or a learner that is gone, promtool fires what it should, in the words of ours."""
    file = str(Path(__file__).with_name("alerts.yml"))
    done = subprocess.run([tool("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
