"""What a process of our own sets for itself; a library never does this to its host."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import platform
import struct
import sys

PATIENCE = 10
"""How far a process beside serving stands back: its niceness. Much further, and a busy machine never gets to it."""
SLICE = 100_000_000
"""Nanoseconds that such a process asks to have a core at a time, the most that Linux gives. Who asks for longer turns
gives way at once to whoever wakes up and asks for shorter ones, which serving does; at the same turns it would run
another 3 ms at each of the five or six times that an event's batch wakes somebody."""
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""The system call's number, by machine: neither Python nor the C library of most systems has it."""
SWITCH = 0.0005
"""Seconds until a waiting thread gets the interpreter. At Python's own 5 ms each commit waits ten for its turn."""

YOUNG = 2_500
"""New values after which the cycle collector looks through them; every second time through those before them too."""

HEAPS = 2
"""Heaps that the C library keeps for all threads together."""
_M_ARENA_MAX = -8


def share_heaps() -> None:
    """Have threads share a few heaps of the C library, where it is GNU's, which by itself makes eight a core; to be
    called before any thread starts. Each keeps what its threads let go of: the index's writer, a new thread at each
    commit, left 34 MB behind in heap after heap (ADR 0092).
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_ARENA_MAX, HEAPS)


def tune_process() -> None:
    """Spare what was loaded from the cycle collector, and let the log's thread have the interpreter soon.

    What the engine keeps are values without cycles; looking through them took a third of an event's time. How long
    requests stand still while it looks depends on how many values it looks through at once, and above all on how long
    ago they were touched: 2,500 new ones take 1 ms, and so do they together with the 2,500 before them. At 20 rounds of
    5,000 the older ones, long cold, took 50 to 150 ms each time (ADR 0093). All of memory is looked through once in a
    hundred million new values.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # what is frozen at the end looks leaked to the libraries that own it
    gc.set_threshold(YOUNG, 0, 100_000_000 // (2 * YOUNG))
    sys.setswitchinterval(SWITCH)


def stand_back(patience: int = PATIENCE, process: int = 0) -> None:
    """Let serving go first: this thread and all that it starts from now on, or another process of ours that has just
    been started, get fewer turns, and longer ones (Linux 6.12 and later; elsewhere the niceness alone holds). Needs no
    rights, and takes none away: a question ends also where the machine has no idle moment, as it wouldn't at the idle
    class.
    """
    nice = min(19, os.getpriority(os.PRIO_PROCESS, process) + patience)
    os.setpriority(os.PRIO_PROCESS, process, nice)
    number = _SCHED_SETATTR.get(platform.machine()) if sys.platform == "linux" else None
    if number is not None:
        # struct sched_attr: size, policy, flags, nice, priority, runtime (of SCHED_OTHER: the turn), deadline, period
        wanted = struct.pack("IIQiIQQQ", 48, os.SCHED_OTHER, 0, nice, 0, SLICE, 0, 0)
        ctypes.CDLL(None).syscall(number, process, wanted, 0)  # an older Linux takes no notice, or refuses
