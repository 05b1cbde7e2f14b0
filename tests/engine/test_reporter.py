"""The process of reports leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from micromoments.core.event import Millis
from micromoments.core.settings import Settings
from micromoments.engine.reporter import FIRST, Reporter
from micromoments.engine.tuning import PATIENCE
from micromoments.engine.wiring import beside
from micromoments.stores.embedded.query import in_memory

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


@pytest.mark.crash
async def test_what_questions_need_is_made_after_each_sealing(tmp_path: Path) -> None:
    """A sealing is followed by a question that nobody asked, in the same worker, with nobody waiting for it."""
    reporter = Reporter(tmp_path, noted, seal, leave, apart=True)
    try:
        await reporter.seal(0)
        assert reporter._ahead is not None
        await reporter._ahead
        assert (tmp_path / "asked").read_text(encoding="utf-8") == FIRST
    finally:
        reporter.close()


@pytest.mark.crash
async def test_nobody_waits_for_what_is_made_ready_at_the_end(tmp_path: Path) -> None:
    """An engine that stops cuts off the worker that only makes ready, wherever that is."""
    reporter = Reporter(tmp_path, endless, seal, leave, apart=True)
    await reporter.seal(0)
    await asyncio.to_thread(there, tmp_path / "asked")
    reporter.close()
    assert reporter._ahead is not None
    with suppress(asyncio.CancelledError):
        await reporter._ahead


def noted(folder: Path, name: str, _params: dict[str, str], _settings: Settings) -> dict[str, object]:
    """Writes down that it was asked."""
    (folder / "asked").write_text(name, encoding="utf-8")
    return {}


def there(path: Path) -> None:
    """Wait until it is."""
    while not path.exists():
        time.sleep(0.01)


def endless(folder: Path, name: str, params: dict[str, str], settings: Settings) -> dict[str, object]:
    """Is asked, and never answers."""
    noted(folder, name, params, settings)
    time.sleep(100_000)
    return {}


@pytest.mark.skipif(sys.platform != "linux", reason="turns of the processor are asked for on Linux alone")
def test_a_process_beside_stands_back(root: Path) -> None:
    """It has a lower priority than who started it, in a thread that it starts, too; and is in no class that starves."""
    paths = os.pathsep.join([str(root / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", STANDS],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    before, after, policy = (int(word) for word in done.stdout.split())
    assert (after, policy) == (min(19, before + PATIENCE), os.SCHED_OTHER)


STANDS = """
import os, threading
from micromoments.engine.tuning import stand_back

def tell():
    print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), os.sched_getscheduler(threading.get_native_id()))

print(os.nice(0))
stand_back()
thread = threading.Thread(target=tell)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another process's turns are asked for on Linux alone")
async def test_the_worker_stands_back_before_it_loads_anything(tmp_path: Path) -> None:
    """Its priority is lower than the engine's by the time that it runs its first line of ours."""
    reporter = Reporter(tmp_path, patience, seal, leave, apart=True, begin=note_patience)
    try:
        told = await reporter.report("patience", {}, Settings())
        assert told["first"] == told["now"] == min(19, os.getpriority(os.PRIO_PROCESS, 0) + PATIENCE)
    finally:
        reporter.close()


FOUND: list[int] = []


def note_patience() -> None:
    """In the worker, as it begins."""
    FOUND.append(os.getpriority(os.PRIO_PROCESS, 0))


def patience(_folder: Path, _name: str, _params: dict[str, str], _settings: Settings) -> dict[str, object]:
    """How far the worker stands back, and did at first."""
    return {"first": FOUND[0], "now": os.getpriority(os.PRIO_PROCESS, 0)}


async def test_a_core_is_left_to_serving(tmp_path: Path) -> None:
    """The process of reports asks with all cores but one, where there are two."""
    reporter = Reporter(tmp_path, threads, seal, leave, apart=True, begin=beside)
    try:
        told = await reporter.report("threads", {}, Settings())
        assert told["here"] == max(1, int(str(told["all"])) - 1)
    finally:
        reporter.close()


def threads(folder: Path, _name: str, _params: dict[str, str], _settings: Settings) -> dict[str, object]:
    """How many threads a question has here, and how many it has elsewhere."""
    asked = "SELECT current_setting('threads')"
    with in_memory(folder) as db, duckdb.connect() as plain:
        (here,), (every,) = db.execute(asked).fetchone() or (), plain.execute(asked).fetchone() or ()
    return {"here": here, "all": every}
