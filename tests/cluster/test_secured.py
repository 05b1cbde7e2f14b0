"""A cluster whose Kafka and Redis take nobody without TLS, a name and a password, and allow the least that docs say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import admin as _admin

from micromoments.cli.doctor_cluster import examine
from micromoments.config import load_cluster
from micromoments.core.settings import Settings
from micromoments.engine.cluster.both import open_moving
from micromoments.engine.cluster.wiring import open_shared
from micromoments.engine.service import now_ms
from micromoments.ports import StoreError
from tests.cluster.counting import CONFIG, asked, caught_up, check, finished, load
from tests.cluster.project import Project, gather
from tools.certificates import Certificates, certificates
from tools.cluster import Absent, Kafka, Redis, Secured

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
USER, PASSWORD, PREFIX = "shop", "pass-word", "shop-secured"
GUIDE = Path(__file__).parents[2] / "docs" / "howto" / "cluster.md"
(RIGHTS,) = re.findall(r"^user shop on >\.\.\. ([^#]+?) +#", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
ALLOWED = RIGHTS.replace("{shop/", f"{{{PREFIX}/")
"""As the guide has it."""
admin: Any = _admin
"""Its names are there, and not said to be exported."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority, and a certificate of it for the loopback."""
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secured(own: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kafka, Redis]]:
    """A broker and a Redis, and what docs say that a project's user needs at the broker."""
    folder = tmp_path_factory.mktemp("secured")
    started: list[Kafka | Redis] = []
    try:
        redis = Redis(folder, make="redis", secured=Secured(own, USER, PASSWORD, ALLOWED))
        started.append(redis)
        redis.start()
        kafka = Kafka(folder, secured=Secured(own, USER, PASSWORD))
        started.append(kafka)
        kafka.start()
        allow(kafka, own)
        yield kafka, redis
    except Absent as absent:
        pytest.skip(f"{absent}")
    finally:
        for one in started:
            one.stop()


def getting_in(own: Certificates, password: str = PASSWORD, user: str = USER) -> dict[str, str | int | float | bool]:
    """How librdkafka gets in."""
    return {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(own.authority),
    }


def allow(kafka: Kafka, own: Certificates) -> None:
    """The rules of docs/howto/cluster.md: a project's topics and groups, and nothing else."""
    rules = [
        admin.AclBinding(kind, f"{PREFIX}.", admin.ResourcePatternType.PREFIXED, f"User:{USER}", "*", operation, _ALLOW)
        for kind, operations in _RULES.items()
        for operation in operations
    ]
    asked = admin.AdminClient({"bootstrap.servers": kafka.address, **getting_in(own, user="admin")})
    for future in asked.create_acls(rules, request_timeout=120).values():
        future.result(120)


_ALLOW = admin.AclPermissionType.ALLOW
_DO = admin.AclOperation
_RULES = {
    admin.ResourceType.TOPIC: (_DO.CREATE, _DO.DESCRIBE, _DO.READ, _DO.WRITE, _DO.DELETE, _DO.ALTER_CONFIGS),
    admin.ResourceType.GROUP: (_DO.READ, _DO.DESCRIBE),
}


def project(
    folder: Path, servers: tuple[Kafka, Redis], own: Certificates, password: str = PASSWORD, of_redis: str = PASSWORD
) -> Project:
    """A project whose file names where the secrets are."""
    kafka, redis = servers
    one = Project(folder, kafka, redis, CONFIG)
    (folder / "ca.pem").write_bytes(own.authority.read_bytes())
    secret = {**getting_in(own, password), "ssl.ca.location": "ca.pem"}
    (folder / "kafka.json").write_text(json.dumps(secret))
    file = folder / "micromoments.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("project =")]
    lines = [line.replace(f":{PASSWORD}@", f":{of_redis}@") for line in lines]
    file.write_text("\n".join([*lines, f'project = "{PREFIX}"', 'kafka_secret = { file = "kafka.json" }', ""]))
    return one


def test_all_roles_work_with_tls_passwords_and_the_least_rights(
    secured: tuple[Kafka, Redis], own: Certificates, tmp_path: Path
) -> None:
    """What clients send to a server is folded, decided for and learned once; the doctor finds nothing wrong; what
    forgetting and moving need of the brokers is allowed, too.
    """
    one = project(tmp_path, secured, own)
    try:
        clients = load([one.serve()], 2)
        one.begin("work")
        one.begin("learn")
        gather(clients, 40)
        finished(clients)
        caught_up(one, clients)
        check(one, clients)
        found = load_cluster(tmp_path, {})
        assert found is not None
        assert [(f.check, f.got) for f in examine(tmp_path, found) if f.severity == "error"] == []
        shared = one.open()
        assert shared.events.log(0).trim(now_ms(), 2**40, now_ms()) >= 0
        assert asked(shared, "SELECT count(*) FROM events")[0][0]
        shared.close()
        moving = open_moving(tmp_path, found, Settings(), now_ms())
        moving.copies.fence()
        moving.shared.close()
    finally:
        one.end()


@pytest.mark.parametrize("whose", ["password", "of_redis"])
def test_a_wrong_password_is_said_and_not_shown(
    secured: tuple[Kafka, Redis], own: Certificates, tmp_path: Path, whose: str
) -> None:
    """Who isn't let in hears why, without a secret among it, whether it is the broker or Redis that refuses."""
    project(tmp_path, secured, own, **{whose: "some-other-secret"})
    found = load_cluster(tmp_path, {})
    assert found is not None
    assert "some-other-secret" not in repr(found)
    with pytest.raises(StoreError, match=r"(?i)authenticat|invalid username-password") as refused:
        open_shared(tmp_path, found)
    assert "some-other-secret" not in str(refused.value)
