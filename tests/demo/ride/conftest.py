"""A service for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.ride.made import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service in an empty folder, with three drivers."""
    made = Service(tmp_path)
    yield made
    made.close()
