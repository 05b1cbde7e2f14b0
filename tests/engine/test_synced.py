"""A log that isn't synced keeps what a killed process took."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from micromoments.core.record import EventRecord
from micromoments.stores.embedded.log import SqliteLog

LIVE = """
import sys
import micromoments as mm
engine = mm.open(sys.argv[1], synced=False)
for n in range(200):
    engine.track("bo", "Product Viewed", {"product_id": f"p{n}"})
    print(n, flush=True)
sys.stdin.read()
"""


def test_unsynced_outlives_a_killed_process(tmp_path: Path) -> None:
    """Each call that returned before ``kill -9`` is in the log, though no call waited for the disk."""
    command = [sys.executable, "-c", LIVE, str(tmp_path / "shop")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for n in range(200):
            assert process.stdout.readline().strip() == str(n)
        process.send_signal(signal.SIGKILL)
    log = SqliteLog(tmp_path / "shop" / "log.sqlite")
    events = [each.record for each in log.read(0) if isinstance(each.record, EventRecord)]
    log.close()
    assert len(events) == 200
