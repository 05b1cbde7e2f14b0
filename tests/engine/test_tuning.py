"""What a process of our own sets for itself."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from micromoments.engine.tuning import HEAPS

THREADS = """
import ctypes, os, tempfile, threading
from micromoments.engine.tuning import share_heaps

share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
all_there = threading.Barrier(9)

def work():
    libc.malloc(10_000)
    all_there.wait()
    all_there.wait()

threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
all_there.wait()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "heaps").encode()
    libc.fopen.restype = ctypes.c_void_p
    file = libc.fopen(path, b"w")
    libc.malloc_info(0, ctypes.c_void_p(file))
    libc.fclose(ctypes.c_void_p(file))
    print(open(path).read().count("<heap nr="))
all_there.wait()
"""


COLLECTED = """
import gc
from micromoments.engine.tuning import YOUNG, tune_process

tune_process()
most = 0

def look(phase, info):
    global most
    if phase == "start":
        most = max(most, len(gc.get_objects(0)) + len(gc.get_objects(1)))

gc.callbacks.append(look)
kept = [[n] for n in range(40 * YOUNG)]
print(most / YOUNG)
"""


def printed(code: str, root: Path) -> str:
    """What a process of its own prints, which may set what it likes for itself."""
    paths = os.pathsep.join([str(root / "src"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_collector_looks_at_little_at_a_time(root: Path) -> None:
    """However many values are kept, the cycle collector looks through two rounds of new ones at the most."""
    assert 1.0 <= float(printed(COLLECTED, root)) < 2.5


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only GNU's C library has a heap for each thread")
def test_threads_share_few_heaps(root: Path) -> None:
    """However many threads there are at one time, the C library makes no more heaps than we ask for."""
    assert 1 <= int(printed(THREADS, root)) <= HEAPS
