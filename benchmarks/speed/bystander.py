"""Somebody who only sleeps, beside a measurement: how late a machine wakes up who has nothing to do is a bare limit for
every latency that is measured on it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

import msgspec

PAUSE = 0.001
"""Seconds that it sleeps at a time."""


class Woken(msgspec.Struct):
    """How late it was woken, in ms: the 99th percentile and the worst."""

    p99_ms: float = 0.0
    max_ms: float = 0.0


@contextmanager
def bystander() -> Iterator[Woken]:
    """One in a process of its own; what it gives is filled in at the end."""
    process = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    woken = Woken()
    try:
        yield woken
    finally:
        out, _ = process.communicate(b"\n", timeout=60)
        told = msgspec.json.decode(out, type=Woken)
        woken.p99_ms, woken.max_ms = told.p99_ms, told.max_ms


def main() -> None:
    """Sleep and look at the clock until a line comes on standard input, then say how late the wakings were."""
    end = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        end.set()

    threading.Thread(target=listen, daemon=True).start()
    late: list[float] = []
    while not end.is_set():
        began = perf_counter()
        sleep(PAUSE)
        late.append((perf_counter() - began - PAUSE) * 1000)
    late.sort()
    woken = Woken(late[len(late) * 99 // 100], late[-1])
    sys.stdout.write(msgspec.json.encode(woken).decode())


if __name__ == "__main__":
    main()
