"""When a car will be there, pure: the way that is left, by the pace that this car has shown so far."""

from __future__ import annotations

import msgspec

TRUST = 45.0
"""Seconds of a way after which what the car showed counts as much as what is usual."""
SLOWEST, FASTEST = 4.0, 0.35
STEP = 0.08
"""How much one whole way moves what is usual."""


class Usual(msgspec.Struct):
    """The usual pace in this town: real seconds for each second of an empty road. It is learned from whole ways."""

    pace: float = 1.1
    ways: int = 0

    def learn(self, expected: float, took: float) -> None:
        """A way of ``expected`` unhindered seconds took so long."""
        if expected > 5:
            self.pace += STEP * (bounded(took / expected) - self.pace)
            self.ways += 1


def bounded(pace: float) -> float:
    """A pace that can be."""
    return min(SLOWEST, max(FASTEST, pace))


def left(done: float, whole: float, elapsed: float, usual: float) -> float:
    """Seconds until a car is there; ``done`` of ``whole`` unhindered seconds took it ``elapsed`` real ones.

    >>> left(0, 100, 0, 1.2)
    120.0
    >>> left(90, 180, 180, 1.0) > 90  # twice as slow as usual so far: the rest is expected to be slow too
    True
    """
    pace = bounded((TRUST * usual + elapsed) / (TRUST + done)) if done > 0 or elapsed > TRUST else usual
    return max(0.0, (whole - done) * pace)
