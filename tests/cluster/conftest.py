"""Real servers for the tests of the cluster: started once a test process, on the loopback, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tools.cluster import Absent, Kafka, Redis

Server = TypeVar("Server", Kafka, Redis)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="micromoments-servers-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(make: Callable[[Path], Server]) -> Iterator[Server]:
    with _folder() as folder:
        try:
            one = make(folder)
            one.start()
        except Absent as absent:
            pytest.skip(f"{absent}")
        yield one
        one.stop()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """One broker; the test is skipped, and says why, where it can't be started."""
    with _running(Kafka) as one:
        yield one


@pytest.fixture(scope="session")
def single() -> Iterator[Redis]:
    """One Redis."""
    with _running(lambda folder: Redis(folder, make="redis")) as one:
        yield one


@pytest.fixture(scope="session")
def valkey() -> Iterator[Redis]:
    """One Valkey."""
    with _running(lambda folder: Redis(folder, make="valkey")) as one:
        yield one


@pytest.fixture(scope="session")
def valkeys() -> Iterator[Redis]:
    """A cluster of three Valkeys."""
    with _running(lambda folder: Redis(folder, 3, make="valkey")) as one:
        yield one


@pytest.fixture(scope="session")
def nodes() -> Iterator[Redis]:
    """A Redis Cluster of three masters."""
    with _running(lambda folder: Redis(folder, 3, make="redis")) as one:
        yield one
