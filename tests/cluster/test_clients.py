"""Published clients for Node and the browser against a server of a cluster, as against one of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from micromoments.config import Cluster
from micromoments.engine.cluster.serving import Serving
from micromoments.engine.cluster.wiring import open_shared
from micromoments.engine.service import now_ms
from micromoments.server.app import App
from micromoments.server.keys import Keys
from tests.clients import test_browser, test_node
from tests.clients.conftest import SETTINGS, Shop, installed
from tests.clients.relay import relay
from tests.clients.table import Row
from tests.clients.test_browser import page_url
from tests.cluster.test_log import project
from tests.server.asgi import SECRET_KEY, WRITE_KEY
from tests.server.serving import running
from tools.cluster import Kafka, Redis

__all__ = ["installed", "page_url"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def shop(kafka: Kafka, valkey: Redis, tmp_path: Path) -> Iterator[Shop]:
    """A server of a cluster behind a relay, with a slot, an experiment and two items."""
    cluster = Cluster(
        kafka=kafka.address,
        redis=valkey.address,
        project=project(tmp_path),
        partitions=1,
        copies=1,
        in_sync=1,
        facts=str(tmp_path / "facts"),
    )
    app = App(Serving(open_shared(tmp_path, cluster, SETTINGS), now_ms), Keys([WRITE_KEY], [SECRET_KEY], clock=now_ms))
    with running(app) as (port, _), relay(port) as between:
        yield Shop(port, between)


@pytest.fixture
def seen() -> list[Row]:
    """Rows that no table takes."""
    return []


test_segment_shaped, test_snowplow = test_node.test_segment_shaped, test_node.test_snowplow
test_personalizer, test_cloudevents = test_node.test_personalizer, test_node.test_cloudevents
test_ofrep_server, test_ofrep_web = test_node.test_ofrep_server, test_node.test_ofrep_web
in_browser = pytest.mark.skipif(test_browser.CHROMIUM is None, reason="Chromium is not installed")
test_segment_in_the_browser = in_browser(test_browser.test_segment_in_the_browser)
test_rudderstack_in_the_browser = in_browser(test_browser.test_rudderstack_in_the_browser)
test_snowplow_in_the_browser = in_browser(test_browser.test_snowplow_in_the_browser)
