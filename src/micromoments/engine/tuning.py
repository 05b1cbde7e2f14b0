"""What a process of our own sets for itself; a library never does this to its host."""

from __future__ import annotations

import atexit
import gc
import sys

SWITCH = 0.0005
"""Seconds until a waiting thread gets the interpreter. At Python's own 5 ms each commit waits ten for its turn."""


def tune_process() -> None:
    """Spare what was loaded from the cycle collector, and let the log's thread have the interpreter soon.

    What the engine keeps are values without cycles; looking through them took a third of an event's time. A young
    generation of 100,000 values made a pause of 50 ms each time it was looked through, which was the decisions' p99;
    5,000 make one of 2 ms, after which most of them (tuples of numbers and words) are looked at no more. All of memory
    is looked through once in a hundred million new values.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # what is frozen at the end looks leaked to the libraries that own it
    gc.set_threshold(5_000, 20, 1_000)
    sys.setswitchinterval(SWITCH)
