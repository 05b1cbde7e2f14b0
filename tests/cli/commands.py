"""Runs the real command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMAND = Path(sys.executable).with_name("micromoments")
SECONDS = 120


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    status: int
    out: str
    words: str


def environment() -> dict[str, str]:
    """This process's environment without keys, with a wide and plain terminal."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MICROMOMENTS_")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "120"}


def micromoments(*words: str | Path, stdin: bytes = b"") -> Done:
    """Run ``micromoments`` with these words; a traceback on stderr is a failure of the test."""
    done = subprocess.run(
        [str(COMMAND), *map(str, words)],
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        env=environment(),
        check=False,
    )
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    return Done(done.returncode, done.stdout.decode(), said)
