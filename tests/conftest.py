"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# No deadline: the machine is shared, and a slow example is not a wrong one. CI always tries the same.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a test marked ``browser``, ``crash`` or ``slow`` up to twice more where it fails; the summary names each.

    Such a test has other processes to wait for, and one of thousands that starves on a busy machine says nothing of
    the code. One that fails each time does.
    """
    for item in items:
        if any(item.get_closest_marker(name) for name in ("browser", "crash", "slow")):
            item.add_marker(pytest.mark.flaky(reruns=2))


def shared_folder() -> Path | None:
    """The folder of shared data: ``MICROMOMENTS_SHARED``, else ``../shared`` beside the repository, else None."""
    named = os.environ.get("MICROMOMENTS_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data; the test is skipped where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("shared data not found; set MICROMOMENTS_SHARED to its folder to run this")
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an object store that speaks S3, with a bucket ``lake``."""
    pytest.importorskip("s3fs", reason="s3fs is not installed; run make setup")
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed; run make setup")
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=f"http://{host}:{port}", **keys).create_bucket(Bucket="lake")
        yield f"http://{host}:{port}"
    finally:
        server.stop()
