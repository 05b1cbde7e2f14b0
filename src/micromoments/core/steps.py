"""Work in steps, so that who does it may do other things between two of them."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def at_once(steps: Generator[None, None, T]) -> T:
    """What the steps return, taken without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            value: T = done.value
            return value
