"""The demo as people run it: from the command to Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.demo.whole import Running, started

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A small demo."""
    with started(tmp_path) as found:
        yield found


def commands_in(folder: Path) -> list[str]:
    """The command lines of processes that name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            found.append(line)
    return found


def is_one_origin(url: str) -> None:
    """The page, the town and the product's doors come from one address, and what is simulated says so."""
    page = httpx.get(f"{url}/", timeout=10)
    assert 'data-demo="1"' in page.text
    town = httpx.get(f"{url}/demo/town", timeout=10).json()
    assert town["plan"]["name"] == "Alderhaven"
    lift = httpx.get(f"{url}/v1/reports/lift", timeout=60).json()
    assert lift["simulated"] is True


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="this system shows no processes under /proc")
def test_plug_loses_nothing_and_ctrl_c_leaves_nothing(running: Running) -> None:
    """Page and doors are one origin; killed in a burst, every acknowledged event is there once; Ctrl-C then leaves no
    process and no file.
    """
    is_one_origin(running.url)
    told = httpx.post(f"{running.url}/demo/plug", json={}, timeout=120).json()
    assert told["acknowledged"] > 20
    assert (told["found"], told["lost"], told["twice"]) == (told["acknowledged"], 0, 0)
    assert httpx.get(f"{running.url}/readyz", timeout=10).status_code == 200
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(60) == 0
    assert list(running.temporary.iterdir()) == []
    assert commands_in(running.temporary) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's end")
def test_a_killed_demo_leaves_no_server_behind(running: Running) -> None:
    """Killed without a warning, the demo takes its engine, its three experiences and what it had begun with it."""
    there = commands_in(running.temporary)
    assert all(any(f"micromoments.demo.{name}" in command for command in there) for name in ("coffee", "ride", "shop"))
    assert any("micromoments serve" in command for command in there)
    running.process.kill()
    running.process.wait()
    while commands_in(running.temporary):  # each ends by itself: the test's time is the limit
        time.sleep(0.1)
