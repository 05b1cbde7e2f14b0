"""What the learner keeps in Redis: the newest of what the catalogue learned, and for a while what it replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.config import Cluster
from micromoments.core.settings import Settings
from micromoments.engine.cluster.follower import Follower
from micromoments.engine.cluster.learner import LINGER, Lead, Learner
from micromoments.engine.cluster.wiring import Shared, open_shared
from micromoments.engine.service import now_ms
from tests.cluster.test_log import project
from tools.cluster import Kafka, Redis

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def shared(kafka: Kafka, single: Redis, tmp_path: Path) -> Shared:
    """A project of its own."""
    cluster = Cluster(
        kafka=kafka.address,
        redis=single.address,
        project=project(tmp_path),
        partitions=1,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "facts"),
    )
    return open_shared(tmp_path, cluster, Settings())


def left(shared: Shared, digest: str) -> int:
    """Milliseconds until an artifact goes; -1: never, -2: it is gone."""
    return int(shared.database.many([shared.artifacts._of(digest, "PTTL")])[0])


def learned(lead: Lead) -> str:
    """Have the learner write a snapshot that differs from the one before; gives its digest."""
    lead._place.position += 1
    lead._catalog_dirty = lead._moved = True
    assert lead._write(catalog=True)
    return lead._learned


def test_what_was_replaced_goes_after_a_while(shared: Shared) -> None:
    """The newest snapshot stays, those before it go ten minutes later, and one that nothing ever named after a day."""
    lease = shared.lease("learn", 600_000)
    assert lease.hold()
    lead = Lead(shared, lease, now_ms, Learner(shared, now_ms))
    first, second = learned(lead), learned(lead)
    assert 0 < left(shared, first) <= LINGER
    assert left(shared, second) == -1
    third = shared.artifacts.put_unnamed(b"written by one who died before it was named")
    assert 0 < left(shared, third) <= 86_400_000
    shared.close()


def test_a_learner_keeps_what_its_predecessor_named_and_goes_on_without_what_is_gone(shared: Shared) -> None:
    """One died between naming a snapshot and keeping it for good: the next keeps it. Where it is gone after all,
    learners and servers start without it.
    """
    lease = shared.lease("learn", 600_000)
    assert lease.hold()
    lead = Lead(shared, lease, now_ms, Learner(shared, now_ms))
    digest = learned(lead)
    shared.artifacts.let_go(digest, 86_400_000)
    Lead(shared, lease, now_ms, Learner(shared, now_ms))
    assert left(shared, digest) == -1
    shared.artifacts.let_go(digest, 0)
    assert left(shared, digest) == -2
    Lead(shared, lease, now_ms, Learner(shared, now_ms))
    Follower(shared).start()
    shared.close()
