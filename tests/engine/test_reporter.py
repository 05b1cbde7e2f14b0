"""The process of reports leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from micromoments.core.event import Millis
from micromoments.core.settings import Settings

ASK = """
import asyncio, sys
from pathlib import Path
from micromoments.core.settings import Settings
from micromoments.engine.reporter import Reporter
from tests.engine.test_reporter import leave, seal, who

async def main():
    reporter = Reporter(Path("."), who, seal, leave, apart=True)
    print((await reporter.report("who", {}, Settings()))["pid"], flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


def who(_folder: Path, _name: str, _params: dict[str, str], _settings: Settings) -> dict[str, object]:
    """The worker's process."""
    return {"pid": os.getpid()}


def seal(_folder: Path, _until: Millis) -> int:
    """Nothing to seal."""
    return 0


def leave(_folder: Path) -> None:
    """Nothing to close."""


@pytest.mark.crash
def test_the_worker_ends_with_a_killed_engine(root: Path) -> None:
    """After ``kill -9`` of the process that asked, the worker of reports ends by itself."""
    paths = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", ASK]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}
    ) as asking:
        assert asking.stdout is not None
        worker = int(asking.stdout.readline())
        assert worker != asking.pid
        asking.send_signal(signal.SIGKILL)
        asking.wait()
        until = time.monotonic() + 120
        while Path(f"/proc/{worker}").exists():
            assert time.monotonic() < until, "the worker goes on"
            time.sleep(0.05)
