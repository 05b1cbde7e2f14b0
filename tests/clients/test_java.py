"""Published Java clients against a running server: what they send is in the log, and what they ask is answered.

Their jars are brought by ``mvn -B -f tests/clients/java dependency:copy-dependencies``.
"""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from tests.clients.conftest import HERE, Shop
from tests.clients.table import Row
from tests.clients.test_python import TRACKED, UNCHANGED, read_back, snowplowed
from tests.server.asgi import basic

JAVA = HERE / "java"
XML = "{http://maven.apache.org/POM/4.0.0}"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("javac") is None, reason="no Java compiler; apt-get install default-jdk"),
    pytest.mark.skipif(
        not (JAVA / "lib").is_dir(),
        reason="the Java clients are not here; mvn -B -f tests/clients/java dependency:copy-dependencies brings them",
    ),
]


def java(script: str, *arguments: str) -> list[str]:
    """Run a program with the Java clients; gives the lines that it printed."""
    command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{JAVA}/lib/*", str(JAVA / f"{script}.java"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def release(group: str, artifact: str) -> str:
    """The version that the tests ask for."""
    for one in ET.parse(JAVA / "pom.xml").iter(f"{XML}dependency"):
        if (one.findtext(f"{XML}groupId"), one.findtext(f"{XML}artifactId")) == (group, artifact):
            return one.findtext(f"{XML}version") or ""
    raise LookupError(f"got {group}:{artifact}; wanted a dependency of {JAVA / 'pom.xml'}")


@pytest.mark.parametrize(
    ("script", "group"), [("Segment", "com.segment.analytics.java"), ("Rudder", "com.rudderstack.sdk.java.analytics")]
)
def test_segment_shaped(shop: Shop, seen: list[Row], script: str, group: str) -> None:
    """Every call of Segment's and RudderStack's SDKs."""
    java(script, shop.url, shop.write_key)
    read_back(shop, "ana", f"{group}:analytics", seen, release(group, "analytics"))


def test_snowplow(shop: Shop, seen: list[Row]) -> None:
    """Page, structured and self-describing events with a context."""
    java("Snowplow", shop.url, shop.write_key)
    assert sum(len(one.json["data"]) for one in shop.sent) == 3
    snowplowed(shop, "ana")
    group, artifact = "com.snowplowanalytics", "snowplow-java-tracker"
    seen += [Row(f"{group}:{artifact}", release(group, artifact), f"{call}, POST", UNCHANGED) for call in TRACKED]


def test_ofrep(shop: Shop, seen: list[Row]) -> None:
    """A slot as an object, an experiment as a boolean, and a flag that there isn't."""
    decision, variant, missing = java("Ofrep", shop.url, shop.secret_key)
    assert shop.ask("GET", f"/v1/decisions/{decision}")["key"] == "user:ana"
    assert variant in ("true on SPLIT", "false off SPLIT")
    assert missing == "true FLAG_NOT_FOUND"
    group, artifact = "dev.openfeature.contrib.providers", "ofrep"
    name, version = f"{group}:{artifact}", release(group, artifact)
    seen += [
        Row(name, version, "object: a slot", "decided, durable"),
        Row(name, version, "boolean: an experiment", "the variant"),
        Row(name, version, "a flag that there isn't", "FLAG_NOT_FOUND, the code's default"),
    ]


def test_cloudevents(shop: Shop, seen: list[Row]) -> None:
    """Binary and structured mode, as the SDK's writer puts them."""
    java("CloudEvents", shop.url, basic(shop.write_key))
    kept = shop.kept("ana")
    assert len(kept) == 2
    for event in kept:
        assert (event["event"], event["properties"]) == ("Products Searched", {"query": "trail shoes", "where": "café"})
        assert event["context"]["cloudevent"]["city"] == "Zürich"
    group, artifact = "io.cloudevents", "cloudevents-http-basic"
    seen += [Row(f"{group}:{artifact}", release(group, artifact), mode, UNCHANGED) for mode in ("binary", "structured")]
