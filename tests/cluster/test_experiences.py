"""Coffee, ride and shop in real browsers, before an engine that is a cluster: a server, a worker, a learner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from micromoments.demo.supervisor import Supervisor
from tests.demo.browser import chromium, in_chromium
from tests.demo.coffee.test_browser import Running as Coffee
from tests.demo.coffee.test_browser import test_customer_and_barista as _coffee
from tests.demo.ride.server import running as riding
from tests.demo.ride.test_browser import the_money_is_right, whole_ride
from tests.demo.shop.test_browser import Running as Shop
from tests.demo.shop.test_browser import test_two_devices_of_one_person as _shop
from tests.ports import free_port
from tools.cluster import Kafka, Redis

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [*in_chromium, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium() as found:
        yield found


@pytest.fixture
def troubles() -> list[str]:
    """What pages complained of."""
    return []


@pytest.fixture
def table(kafka: Kafka, valkey: Redis) -> str:
    """The table of a cluster for a project of its own."""
    servers = f'kafka = "{kafka.address}"\nredis = "{valkey.address}"\nproject = "p{free_port()}"\n'
    return f"\n[cluster]\n{servers}partitions = 2\ncopies = 1\nin_sync = 1\n"


@contextmanager
def working(project: Path, logs: Path) -> Iterator[None]:
    """A worker and a learner of the project."""
    roles = [Supervisor(["-m", "micromoments", role, str(project)], logs / f"{role}.log") for role in ("work", "learn")]
    try:
        for role in roles:
            role.start_now()
        yield
    finally:
        for role in roles:
            role.stop()


def test_coffee(browser: Browser, troubles: list[str], table: str, tmp_path: Path) -> None:
    """The customer and the barista, as on one machine."""
    running = Coffee(tmp_path, table)
    try:
        with working(running.folder, tmp_path):
            _coffee(browser, running, troubles)
    finally:
        running.coffee.stop()
        running.engine.stop()


def test_ride(browser: Browser, troubles: list[str], table: str, tmp_path: Path) -> None:
    """The rider and the driver, as on one machine."""
    with riding(tmp_path, more=table) as server, working(tmp_path / "engine", tmp_path):
        whole_ride(browser, troubles, server)
    the_money_is_right(tmp_path, troubles)


def test_shop(browser: Browser, troubles: list[str], table: str, tmp_path: Path) -> None:
    """Two devices of one person, as on one machine."""
    running = Shop(tmp_path, table)
    try:
        with working(running.folder, tmp_path):
            _shop(browser, running, troubles)
    finally:
        running.shop.stop()
        running.engine.stop()
