"""Becomes another program that ends when the one that started it does, however that ends: for servers that must not be
left behind by a demo that was killed. Linux; elsewhere it just becomes the program.

usage: python -I -S tether.py PARENT WORDS...

``PARENT`` is the process that started it, ``WORDS`` what the interpreter is given. It is run as a file, as importing
the package would take longer than everything that it does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PDEATHSIG = 1


def main(parent: int, words: list[str]) -> None:
    """Ask the system for our end with the parent's, and become the program."""
    if sys.platform == "linux":
        # It outlives ``exec``, and counts for the thread that started us: so that has to be one that stays.
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we could ask
        raise SystemExit(1)
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 our own interpreter, no shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
