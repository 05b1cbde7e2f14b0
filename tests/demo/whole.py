"""A small demo, whole, as a process of its own, for tests that need all of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = "import sys; from micromoments.demo import Demo; Demo(0, 1, people=int(sys.argv[1])).run()"


class Running:
    """A demo that runs, and where."""

    def __init__(self, process: subprocess.Popen[str], url: str, temporary: Path) -> None:
        self.process = process
        self.url = url
        self.temporary = temporary


@contextmanager
def started(tmp_path: Path) -> Iterator[Running]:
    """A small demo on a free port, with its temporary folders where they can be seen."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "12"], stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"Open (http://[\d.:]+)/", line):
            break
    else:
        pytest.fail(f"the demo ended: {said}")
    yield Running(process, found[1], tmp_path)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)  # not a kill: only the demo knows what it started
        process.wait(60)
    process.stderr.close()
