"""Clocks that tests turn by hand."""

from __future__ import annotations

from micromoments.core.event import Millis

START: Millis = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""


class ManualClock:
    """A clock that stands still until it is told otherwise; call it for the instant.

    >>> clock = ManualClock()
    >>> clock.forward(1_000) - START
    1000
    """

    def __init__(self, now: Millis = START) -> None:
        self.now = now

    def __call__(self) -> Millis:
        """The instant."""
        return self.now

    def forward(self, millis: Millis) -> Millis:
        """Turn it forward; give the new instant."""
        if millis < 0:
            raise ValueError(f"got {millis} ms; wanted 0 or more; set now to turn a clock back")
        self.now += millis
        return self.now
