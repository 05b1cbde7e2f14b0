"""A shop for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.fulfil.made import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop in an empty folder, with ten cups."""
    made = Shop(tmp_path)
    made.stock("cups", 10)
    yield made
    made.close()
